//! What stands in Redis is sealed: whoever gets into it can take facts away, which the database
//! has, but can't have clients told of facts that there are not.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// Bytes of a seal, written as twice as many digits.
const TAG: usize = 16;

/// The same on all nodes of a deployment. Never printed.
pub(super) struct Seal(Hmac<Sha256>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// For the log of this name: what is sealed for one is worth nothing in another.
    pub fn new(key: &[u8; 32], log: &str) -> Self {
        // A shorter key than the hash's block is filled up with zeros (RFC 2104).
        let mut block = [0; 64];
        block[..32].copy_from_slice(key);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(b"stoa facts 1\0");
        mac.update(log.as_bytes());
        mac.update(b"\0");
        Self(mac)
    }

    /// `text` behind its seal.
    pub fn close(&self, text: &str) -> String {
        let tag = self.0.clone().chain_update(text).finalize().into_bytes();
        let digits: String = tag[..TAG].iter().map(|byte| format!("{byte:02x}")).collect();
        digits + text
    }

    /// What is behind the seal; none when it is not ours.
    pub fn open<'a>(&self, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (digits, text) = sealed.split_at_checked(2 * TAG)?;
        let digits = std::str::from_utf8(digits).ok()?;
        let mut tag = [0; TAG];
        for (byte, at) in tag.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
        }
        self.0.clone().chain_update(text).verify_truncated_left(&tag).ok()?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_for_this_log_is_opened() {
        let seal = Seal::new(&[7; 32], "a");
        let sealed = seal.close("{}").into_bytes();
        assert_eq!(seal.open(&sealed), Some(&b"{}"[..]));
        assert!(Seal::new(&[7; 32], "b").open(&sealed).is_none());
        assert!(Seal::new(&[8; 32], "a").open(&sealed).is_none());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(seal.open(&bent).is_none(), "{at}");
        }
        for bad in ["", "{}", "zz", &"é".repeat(20), &"0".repeat(32)] {
            assert!(seal.open(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
