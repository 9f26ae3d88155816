//! What a wallet signs to sign in (EIP-4361): written for a challenge, and held against it again
//! when it comes back.
//!
//! The grammar is read by `signinwithethereum`. On top of it a message counts only if it is the
//! very text that its fields would be written as: what can be written in two ways is refused.

use crate::Origin;
use signinwithethereum::{Message, TimeStamp};
use std::fmt;
use time::{Duration, OffsetDateTime, UtcOffset};
use vocab::{Address, ChainId};

/// Longest message that is looked at, in bytes.
pub const MESSAGE_LEN_MAX: usize = 4_096;
/// By how much the clock of who wrote a message may differ from ours.
pub const MESSAGE_LEEWAY: Duration = Duration::seconds(30);

/// What somebody is asked to sign.
#[derive(Clone, Copy)]
pub struct Challenge<'a> {
    pub nonce: &'a str,
    pub address: Address,
    pub chain_id: ChainId,
    pub origin: &'a Origin,
    pub statement: &'a str,
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

impl fmt::Debug for Challenge<'_> {
    /// Without the nonce.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The text is no EIP-4361 message, or not in its one form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedMessage(String);

/// A field of a message that is not as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct MessageFault {
    /// As EIP-4361 names it.
    pub field: &'static str,
    pub detail: &'static str,
}

/// A well-formed message. Nothing is said yet about whether it is ours.
pub struct SignInMessage {
    fields: Message,
}

impl fmt::Debug for SignInMessage {
    /// Without the nonce.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInMessage").finish_non_exhaustive()
    }
}

/// The statement may hold printable ASCII in one line.
#[must_use]
pub fn is_statement(text: &str) -> bool {
    (1..=500).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

impl Challenge<'_> {
    /// The message to sign.
    ///
    /// # Errors
    /// [`MalformedMessage`] when the parts do not make one: for a nonce or a statement that can't
    /// stand in it.
    pub fn text(&self) -> Result<String, MalformedMessage> {
        let text = format!(
            "{}://{} wants you to sign in with your Ethereum account:\n{}\n\n{}\n\nURI: {}\n\
             Version: 1\nChain ID: {}\nNonce: {}\nIssued At: {}\nExpiration Time: {}",
            self.origin.scheme(),
            self.origin.authority(),
            self.address.to_checksum(None),
            self.statement,
            self.origin,
            self.chain_id,
            self.nonce,
            written(self.issued_at),
            written(self.expires_at),
        );
        SignInMessage::parse(&text)?;
        Ok(text)
    }
}

/// RFC 3339 in UTC with whole seconds.
fn written(at: OffsetDateTime) -> TimeStamp {
    let at = at.to_offset(UtcOffset::UTC);
    TimeStamp::from(at.replace_nanosecond(0).unwrap_or(at))
}

impl SignInMessage {
    /// Read a message from outside.
    ///
    /// # Errors
    /// [`MalformedMessage`], with what is wrong; it repeats nothing of the message.
    pub fn parse(text: &str) -> Result<Self, MalformedMessage> {
        let malformed = |what: &str| MalformedMessage(what.to_owned());
        if text.len() > MESSAGE_LEN_MAX {
            return Err(MalformedMessage(format!("at most {MESSAGE_LEN_MAX} bytes")));
        }
        if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\n') {
            return Err(malformed("no control character but the line feed may stand in it"));
        }
        let fields: Message = text.parse().map_err(|_| malformed("not as EIP-4361 writes it"))?;
        if fields.address_raw.is_some() {
            return Err(malformed("the address is not in EIP-55 form"));
        }
        if fields.to_string() != text {
            return Err(malformed("not in the one form that its fields are written in"));
        }
        Ok(Self { fields })
    }

    /// By which the challenge is found.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.fields.nonce
    }

    /// Does every field say what `challenge` asked for, as of `now`? The times may be the signer's
    /// own, within those of the challenge; all else must be the same.
    ///
    /// # Errors
    /// All that is not so.
    pub fn check(
        &self,
        challenge: &Challenge<'_>,
        now: OffsetDateTime,
    ) -> Result<(), Vec<MessageFault>> {
        let said = &self.fields;
        let origin = challenge.origin;
        let same = "is not what was asked for";
        let mut faults = Vec::new();
        let mut demand = |holds: bool, field: &'static str, detail: &'static str| {
            if !holds {
                faults.push(MessageFault { field, detail });
            }
        };
        let scheme = said.scheme.as_deref();
        demand(scheme.is_none_or(|scheme| scheme == origin.scheme()), "scheme", same);
        demand(said.domain.as_str() == origin.authority(), "domain", same);
        demand(said.address == challenge.address, "address", same);
        demand(said.statement.as_deref() == Some(challenge.statement), "statement", same);
        demand(origin.covers(said.uri.as_str()), "uri", "is not of the origin that asks");
        demand(said.chain_id == challenge.chain_id.0, "chain-id", same);
        demand(said.nonce == challenge.nonce, "nonce", same);
        demand(said.request_id.is_none(), "request-id", "was not asked for");
        demand(said.resources.is_empty(), "resources", "were not asked for");
        let issued = *said.issued_at.as_ref();
        // Written in whole seconds, so up to one before.
        let first = challenge.issued_at - MESSAGE_LEEWAY;
        demand(issued >= first, "issued-at", "is before the challenge");
        demand(issued <= now + MESSAGE_LEEWAY, "issued-at", "is in the future");
        let starts = said.not_before.as_ref().map(AsRef::as_ref);
        if let Some(starts) = starts {
            demand(*starts <= now, "not-before", "has not come yet");
        }
        if let Some(ends) = said.expiration_time.as_ref().map(AsRef::as_ref) {
            demand(*ends > now, "expiration-time", "is over");
            demand(*ends > issued, "expiration-time", "is not after issued-at");
            demand(
                starts.is_none_or(|starts| ends > starts),
                "expiration-time",
                "is not after not-before",
            );
        }
        demand(challenge.expires_at > now, "nonce", "has expired");
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
