//! URIs of items whose content is given as the SHA-256 of one raw block.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// CIDv1, raw leaf (0x55), sha2-256 (0x12) of 32 bytes (0x20).
const PREFIX: [u8; 4] = [0x01, 0x55, 0x12, 0x20];

/// `ipfs://` and the CIDv1 (multibase base32, lower case) of the raw block with this digest, as
/// the contract's `tokenURI` gives it.
#[must_use]
pub fn raw_uri(digest: &[u8; 32]) -> String {
    let mut uri = String::from("ipfs://b");
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in PREFIX.iter().chain(digest) {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            uri.push(letter(bits >> count));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        uri.push(letter(bits << (5 - count)));
    }
    uri
}

fn letter(bits: u32) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}

#[cfg(test)]
mod tests {
    use super::raw_uri;
    use alloy_primitives::hex;

    #[test]
    fn the_empty_block_has_its_well_known_cid() {
        let digest = hex!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let expected = "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
        assert_eq!(raw_uri(&digest), expected);
    }
}
