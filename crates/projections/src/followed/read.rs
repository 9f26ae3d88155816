//! What one log of a followed contract says. The contract may be hostile: every length and every
//! place in the data is checked, and what is read is bounded by the log's own size.

use super::Event;
use crate::Standard;
use alloy_primitives::{Address, B256, U256};
use db::raw_logs::RawLog;

/// Bytes of a URI that is kept.
const URI_LEN_MAX: usize = 32 * 1024;
const WORD: usize = 32;

/// What a log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// ERC-20.
    Transfer {
        from: Address,
        to: Address,
        amount: U256,
    },
    /// WETH9, which tells of no transfer beside it.
    Deposit {
        account: Address,
        amount: U256,
    },
    Withdrawal {
        account: Address,
        amount: U256,
    },
    Allowance {
        owner: Address,
        spender: Address,
        amount: U256,
    },
    /// ERC-721.
    ItemTransfer {
        from: Address,
        to: Address,
        token_id: U256,
    },
    /// ERC-2309: the range includes both ends.
    ConsecutiveTransfer {
        first: U256,
        last: U256,
        from: Address,
        to: Address,
    },
    /// The zero address: nobody any more.
    TokenApproval {
        token_id: U256,
        approved: Address,
    },
    OperatorApproval {
        owner: Address,
        operator: Address,
        approved: bool,
    },
    /// ERC-4906 and ERC-1155's `URI`: the range includes both ends.
    MetadataUpdate {
        first: U256,
        last: U256,
        uri: Option<String>,
    },
    /// ERC-1155: (token id, amount) of each part.
    Amounts {
        from: Address,
        to: Address,
        parts: Vec<(U256, U256)>,
    },
}

/// Why a log can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Other arguments are indexed than the standard says, or they are not of their types.
    Topics,
    /// The data is not what the event's types make.
    Data,
    /// It is sound, and more than is followed.
    TooLong,
}

impl Unread {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Data => "data",
            Self::TooLong => "too_long",
        }
    }
}

/// Read a log of a contract of this standard.
///
/// # Errors
/// [`Unread`]: it is kept raw, and changes nothing.
pub fn read(standard: Standard, log: &RawLog) -> Result<Said, Unread> {
    let event = log.topics.first().and_then(Event::of).ok_or(Unread::Topics)?;
    let log = Log { topics: &log.topics[1..], data: &log.data };
    match (standard, event) {
        (Standard::Erc20 | Standard::Erc20Fee | Standard::Erc20Rebasing, _) => log.asset(event),
        (Standard::Erc721, _) => log.item(event),
        (Standard::Erc1155, _) => log.amounts(event),
        // Those are read by their ABI.
        (Standard::Events | Standard::Abi, _) => Err(Unread::Topics),
    }
}

/// A log without its first topic.
struct Log<'a> {
    topics: &'a [B256],
    data: &'a [u8],
}

impl Log<'_> {
    fn asset(&self, event: Event) -> Result<Said, Unread> {
        match event {
            Event::Transfer => {
                let ([from, to], [amount]) = (self.addresses()?, self.words()?);
                Ok(Said::Transfer { from, to, amount })
            }
            Event::Deposit | Event::Withdrawal => {
                let ([account], [amount]) = (self.addresses()?, self.words()?);
                Ok(match event {
                    Event::Deposit => Said::Deposit { account, amount },
                    _ => Said::Withdrawal { account, amount },
                })
            }
            Event::Approval => {
                let ([owner, spender], [amount]) = (self.addresses()?, self.words()?);
                Ok(Said::Allowance { owner, spender, amount })
            }
            _ => Err(Unread::Topics),
        }
    }

    fn item(&self, event: Event) -> Result<Said, Unread> {
        match event {
            Event::Transfer | Event::Approval => {
                let [from, to, token_id] = self.indexed()?;
                let [] = self.words()?;
                let (from, to, token_id) = (address(from)?, address(to)?, number(token_id));
                Ok(match event {
                    Event::Transfer => Said::ItemTransfer { from, to, token_id },
                    _ => Said::TokenApproval { token_id, approved: to },
                })
            }
            Event::ConsecutiveTransfer => {
                let [first, from, to] = self.indexed()?;
                let [last] = self.words()?;
                let (first, from, to) = (number(first), address(from)?, address(to)?);
                if last < first {
                    return Err(Unread::Data);
                }
                Ok(Said::ConsecutiveTransfer { first, last, from, to })
            }
            Event::MetadataUpdate => {
                let ([], [token_id]) = (self.indexed()?, self.words()?);
                Ok(Said::MetadataUpdate { first: token_id, last: token_id, uri: None })
            }
            Event::BatchMetadataUpdate => {
                let ([], [first, last]) = (self.indexed()?, self.words()?);
                if last < first {
                    return Err(Unread::Data);
                }
                Ok(Said::MetadataUpdate { first, last, uri: None })
            }
            Event::ApprovalForAll => self.operator(),
            _ => Err(Unread::Topics),
        }
    }

    fn amounts(&self, event: Event) -> Result<Said, Unread> {
        match event {
            Event::TransferSingle => {
                let ([_, from, to], [token_id, amount]) = (self.addresses()?, self.words()?);
                Ok(Said::Amounts { from, to, parts: vec![(token_id, amount)] })
            }
            Event::TransferBatch => {
                let [_, from, to] = self.addresses()?;
                let (ids, amounts) = (self.list(0)?, self.list(1)?);
                if ids.len() != amounts.len() {
                    return Err(Unread::Data);
                }
                let parts = ids.chunks_exact(WORD).zip(amounts.chunks_exact(WORD));
                let parts = parts.map(|(id, amount)| (be(id), be(amount))).collect();
                Ok(Said::Amounts { from, to, parts })
            }
            Event::Uri => {
                let [token_id] = self.indexed()?;
                let bytes = self.bytes(0)?;
                if bytes.len() > URI_LEN_MAX {
                    return Err(Unread::TooLong);
                }
                // Postgres holds no NUL in text.
                let uri = String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}");
                let token_id = number(token_id);
                Ok(Said::MetadataUpdate { first: token_id, last: token_id, uri: Some(uri) })
            }
            Event::ApprovalForAll => self.operator(),
            _ => Err(Unread::Topics),
        }
    }

    fn operator(&self) -> Result<Said, Unread> {
        let ([owner, operator], [approved]) = (self.addresses()?, self.words()?);
        if approved > U256::from(1) {
            return Err(Unread::Data);
        }
        Ok(Said::OperatorApproval { owner, operator, approved: !approved.is_zero() })
    }

    /// All indexed arguments.
    fn indexed<const N: usize>(&self) -> Result<[&B256; N], Unread> {
        let topics: &[B256; N] = self.topics.try_into().map_err(|_| Unread::Topics)?;
        Ok(topics.each_ref())
    }

    /// The same, all of which are addresses.
    fn addresses<const N: usize>(&self) -> Result<[Address; N], Unread> {
        let mut addresses = [Address::ZERO; N];
        for (place, topic) in addresses.iter_mut().zip(self.indexed::<N>()?) {
            *place = address(topic)?;
        }
        Ok(addresses)
    }

    /// The data, when it is so many numbers and nothing else.
    fn words<const N: usize>(&self) -> Result<[U256; N], Unread> {
        if self.data.len() != N * WORD {
            return Err(Unread::Data);
        }
        let mut words = [U256::ZERO; N];
        for (place, word) in words.iter_mut().zip(self.data.chunks_exact(WORD)) {
            *place = be(word);
        }
        Ok(words)
    }

    /// The bytes of the list of words whose place the word `at` of the data names.
    fn list(&self, at: usize) -> Result<&[u8], Unread> {
        let (count, rest) = self.pointed(at)?;
        let bytes = count.checked_mul(WORD).ok_or(Unread::Data)?;
        rest.get(..bytes).ok_or(Unread::Data)
    }

    /// The bytes (or string) whose place the word `at` of the data names.
    fn bytes(&self, at: usize) -> Result<&[u8], Unread> {
        let (length, rest) = self.pointed(at)?;
        rest.get(..length).ok_or(Unread::Data)
    }

    /// A length, and what follows on it.
    fn pointed(&self, at: usize) -> Result<(usize, &[u8]), Unread> {
        let size = |bytes: Option<&[u8]>| -> Result<usize, Unread> {
            let word = bytes.ok_or(Unread::Data)?;
            usize::try_from(be(word)).map_err(|_| Unread::Data)
        };
        let place = size(self.data.get(at * WORD..(at + 1) * WORD))?;
        let tail = self.data.get(place..).ok_or(Unread::Data)?;
        let length = size(tail.get(..WORD))?;
        Ok((length, &tail[WORD..]))
    }
}

fn address(topic: &B256) -> Result<Address, Unread> {
    let (padding, address) = topic.split_at(12);
    if padding.iter().any(|byte| *byte != 0) {
        return Err(Unread::Topics);
    }
    Ok(Address::from_slice(address))
}

fn number(topic: &B256) -> U256 {
    U256::from_be_bytes(topic.0)
}

fn be(word: &[u8]) -> U256 {
    U256::from_be_slice(word)
}
