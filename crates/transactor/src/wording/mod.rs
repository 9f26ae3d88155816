//! What a node's answer to `eth_sendRawTransaction` means. JSON-RPC has no codes for it, so clients
//! are known by their words: a table per client, each string with the file that says it at the
//! version named. Whatever is not listed is unknown.

mod anvil;
mod besu;
mod erigon;
mod geth;
mod nethermind;
mod reth;
mod rollups;
#[cfg(test)]
mod tests;

use chain::RpcError;

/// How a hand-over ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A node has the bytes.
    Accepted,
    /// The node does not have the bytes.
    Rejected(Cause),
    /// Anything may be.
    Unknown,
}

/// Why a node did not take the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It offers too little: now, or compared with another of its nonce.
    Underpriced,
    /// The wallet can't pay for it.
    Funds,
    /// No room, or too far ahead of the account's nonce: later.
    Later,
    /// The node's blob pool holds the account: nothing of this wallet is taken until that is over.
    /// Another price changes nothing.
    Reserved,
    /// It may cost more than the node's own cap on what its users send; other nodes may take it.
    OverNodeCap,
    /// It can never be mined as it is.
    Invalid,
}

impl Sent {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected(_) => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// One answer from those of several nodes: a node that has the bytes decides; then one that
    /// may have them; then a reason that time or price may mend.
    pub(crate) fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Accepted, _) | (_, Self::Accepted) => Self::Accepted,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Rejected(Cause::Invalid), second) => second,
            (first @ Self::Rejected(_), Self::Rejected(Cause::Invalid)) => first,
            (Self::Rejected(Cause::OverNodeCap), second) => second,
            (first, Self::Rejected(_)) => first,
        }
    }
}

const ACCEPTED: Sent = Sent::Accepted;
const FUNDS: Sent = Sent::Rejected(Cause::Funds);
const INVALID: Sent = Sent::Rejected(Cause::Invalid);
const LATER: Sent = Sent::Rejected(Cause::Later);
const OVER_CAP: Sent = Sent::Rejected(Cause::OverNodeCap);
const RESERVED: Sent = Sent::Rejected(Cause::Reserved);
const UNDERPRICED: Sent = Sent::Rejected(Cause::Underpriced);
/// Listed although unlisted words mean the same, where somebody might think otherwise. Above all
/// "nonce too low": the nonce is used, perhaps by these very bytes, so only receipts can tell.
const UNKNOWN: Sent = Sent::Unknown;

/// What one client says.
struct Client {
    /// With the release or commit that the words were read in.
    name: &'static str,
    words: &'static [Words],
}

/// Words in lower case, what they mean, and the file that says them.
struct Words(&'static str, Sent, &'static str);

const CLIENTS: &[Client] = &[
    geth::CLIENT,
    reth::CLIENT,
    erigon::CLIENT,
    nethermind::CLIENT,
    nethermind::BEFORE,
    besu::CLIENT,
    anvil::CLIENT,
    rollups::OP_GETH,
    rollups::NITRO,
];

/// What one node's answer means. We do not know which client a node is, so all tables are looked
/// through; words that leave the outcome open outweigh the rest.
#[must_use]
pub fn classify<T>(answer: &Result<T, RpcError>) -> Sent {
    match answer {
        Ok(_) => Sent::Accepted,
        Err(RpcError::Refused { message, .. }) => {
            find(message).map_or(Sent::Unknown, |(_, words)| words.1)
        }
        Err(_) => Sent::Unknown,
    }
}

/// Which client says so, and where: for people who wonder what an answer was taken for.
pub(crate) fn source(message: &str) -> Option<String> {
    let (client, Words(words, _, file)) = find(message)?;
    Some(format!("{words:?}: {}, {file}", client.name))
}

fn find(message: &str) -> Option<(&'static Client, &'static Words)> {
    let said = message.to_ascii_lowercase();
    let found = || {
        let all = CLIENTS.iter().flat_map(|client| client.words.iter().map(move |w| (client, w)));
        all.filter(|(_, words)| says(&said, words.0))
    };
    found().find(|(_, words)| words.1 == Sent::Unknown).or_else(|| found().next())
}

/// Do these words stand there, from the beginning of a word on? An "unknown transaction" is no
/// "known transaction".
fn says(said: &str, words: &str) -> bool {
    said.match_indices(words).any(|(at, _)| {
        !said[..at].chars().next_back().is_some_and(|before| before.is_ascii_alphanumeric())
    })
}
