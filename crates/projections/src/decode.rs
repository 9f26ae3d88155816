//! From raw logs to what they say.

use crate::cid::raw_uri;
use alloy_primitives::{Address, B256, U256, aliases::U96};
use alloy_sol_types::SolEvent;
use contracts::{ContentMode, Contents, StoaCollection as abi, StoaCollectionFactory as factory};
use db::raw_logs::RawLog;
use std::collections::HashMap;
use time::OffsetDateTime;
use vocab::BlockRef;

/// Names and symbols are cut to this many characters.
const NAME_CHARS_MAX: usize = 256;

/// What one log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    CollectionCreated {
        collection: Address,
        admin: Address,
        salt: B256,
    },
    Transfer {
        from: Address,
        to: Address,
        token_id: U256,
    },
    BaseUriUpdated {
        base_uri: String,
    },
    /// What a sale owes, from here on.
    RoyaltyUpdated {
        royalty: Royalty,
    },
    /// ERC-4906, both forms: the range includes both ends.
    MetadataUpdate {
        first: U256,
        last: U256,
    },
}

/// What a sale owes (ERC-2981).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Royalty {
    /// None without a share.
    pub receiver: Option<Address>,
    /// In 1/10,000 of the price.
    pub bps: u16,
}

impl Royalty {
    const BPS_MAX: u16 = 10_000;

    /// None when it is more than the price.
    fn of(receiver: Address, bps: U96) -> Option<Self> {
        let bps = u16::try_from(bps).ok().filter(|bps| *bps <= Self::BPS_MAX)?;
        Some(Self { receiver: (bps > 0).then_some(receiver), bps })
    }
}

/// A log that says something, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedLog {
    pub contract: Address,
    pub log_index: u32,
    pub tx_index: u32,
    pub tx_hash: B256,
    pub said: Said,
}

/// What an `ItemsMinted` log says of one of its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// word × 256 + bit; none for words so high that the product is no uint256 (never ours).
    pub intent: Option<U256>,
    /// None in base-URI mode.
    pub uri: Option<String>,
}

/// What a `CollectionInitialized` log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub name: String,
    pub symbol: String,
    pub content_mode: Option<&'static str>,
    pub base_uri: String,
}

/// A block's logs, decoded.
///
/// Logs that describe what another log of the same transaction brings about (`ItemsMinted` a
/// `Transfer`, `CollectionInitialized` and `RoyaltyUpdated` a `CollectionCreated`) are kept apart,
/// so that their order does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedBlock {
    pub block: BlockRef,
    pub mined_at: OffsetDateTime,
    pub logs: Vec<DecodedLog>,
    /// By (transaction index, contract, token id).
    pub contents: HashMap<(u32, Address, U256), Content>,
    /// By (transaction index, contract).
    pub settings: HashMap<(u32, Address), Settings>,
    /// By (transaction index, contract): the last of each transaction.
    pub royalties: HashMap<(u32, Address), Royalty>,
    /// Logs with a topic of ours that could not be read.
    pub undecoded: u64,
}

/// First topics of all logs that are read.
#[must_use]
pub fn topics() -> Vec<B256> {
    vec![
        factory::CollectionCreated::SIGNATURE_HASH,
        abi::CollectionInitialized::SIGNATURE_HASH,
        abi::ItemsMinted::SIGNATURE_HASH,
        abi::BaseURIUpdated::SIGNATURE_HASH,
        abi::RoyaltyUpdated::SIGNATURE_HASH,
        abi::Transfer::SIGNATURE_HASH,
        abi::MetadataUpdate::SIGNATURE_HASH,
        abi::BatchMetadataUpdate::SIGNATURE_HASH,
    ]
}

/// The collection that this log of a factory announces.
#[must_use]
pub fn announced(factories: &[Address], log: &RawLog) -> Option<Address> {
    if !factories.contains(&log.address) {
        return None;
    }
    Some(event::<factory::CollectionCreated>(log)?.collection)
}

/// Decode the logs of one block, all of which are of factories or of collections.
#[must_use]
pub fn decode(
    factories: &[Address],
    block: BlockRef,
    mined_at: OffsetDateTime,
    logs: &[RawLog],
) -> DecodedBlock {
    let mut decoded = DecodedBlock {
        block,
        mined_at,
        logs: Vec::with_capacity(logs.len()),
        contents: HashMap::new(),
        settings: HashMap::new(),
        royalties: HashMap::new(),
        undecoded: 0,
    };
    for log in logs {
        let read = if factories.contains(&log.address) {
            decoded.read_factory(log)
        } else {
            decoded.read_collection(log)
        };
        if read.is_none() {
            decoded.undecoded += 1;
        }
    }
    decoded
}

impl DecodedBlock {
    fn read_factory(&mut self, log: &RawLog) -> Option<()> {
        let factory::CollectionCreated { collection, admin, salt } = event(log)?;
        self.push(log, Said::CollectionCreated { collection, admin, salt });
        Some(())
    }

    fn read_collection(&mut self, log: &RawLog) -> Option<()> {
        match *log.topics.first()? {
            abi::Transfer::SIGNATURE_HASH => {
                let abi::Transfer { from, to, tokenId: token_id } = event(log)?;
                self.push(log, Said::Transfer { from, to, token_id });
            }
            abi::ItemsMinted::SIGNATURE_HASH => self.read_contents(log)?,
            abi::CollectionInitialized::SIGNATURE_HASH => {
                let init: abi::CollectionInitialized = event(log)?;
                let settings = Settings {
                    name: name(&init.name),
                    symbol: name(&init.symbol),
                    content_mode: ContentMode::from_number(init.contentMode).map(|m| match m {
                        ContentMode::Digest => "digest",
                        ContentMode::BaseUri => "base_uri",
                        ContentMode::FreeUri => "free_uri",
                    }),
                    base_uri: text(&init.baseURI),
                };
                self.settings.insert((log.tx_index, log.address), settings);
            }
            abi::BaseURIUpdated::SIGNATURE_HASH => {
                let update: abi::BaseURIUpdated = event(log)?;
                self.push(log, Said::BaseUriUpdated { base_uri: text(&update.baseURI) });
            }
            abi::RoyaltyUpdated::SIGNATURE_HASH => {
                let abi::RoyaltyUpdated { receiver, bps } = event(log)?;
                let royalty = Royalty::of(receiver, bps)?;
                self.royalties.insert((log.tx_index, log.address), royalty);
                self.push(log, Said::RoyaltyUpdated { royalty });
            }
            abi::MetadataUpdate::SIGNATURE_HASH => {
                let token_id = event::<abi::MetadataUpdate>(log)?._tokenId;
                self.push(log, Said::MetadataUpdate { first: token_id, last: token_id });
            }
            abi::BatchMetadataUpdate::SIGNATURE_HASH => {
                let update: abi::BatchMetadataUpdate = event(log)?;
                let (first, last) = (update._fromTokenId, update._toTokenId);
                self.push(log, Said::MetadataUpdate { first, last });
            }
            _ => return None,
        }
        Some(())
    }

    fn read_contents(&mut self, log: &RawLog) -> Option<()> {
        let abi::ItemsMinted { word, mask, firstTokenId: first, contents } = event(log)?;
        let bits: Vec<u8> = contracts::intent_bits(mask).collect();
        let uris = uris(&contents, bits.len())?;
        // Read to the end before anything is kept.
        let last = U256::from(bits.len().saturating_sub(1));
        first.checked_add(last)?;
        for ((bit, uri), place) in bits.into_iter().zip(uris).zip(0u64..) {
            let token_id = first + U256::from(place);
            let intent = word
                .checked_mul(U256::from(256))
                .and_then(|intents| intents.checked_add(U256::from(bit)));
            self.contents.insert((log.tx_index, log.address, token_id), Content { intent, uri });
        }
        Some(())
    }

    fn push(&mut self, log: &RawLog, said: Said) {
        self.logs.push(DecodedLog {
            contract: log.address,
            log_index: log.log_index,
            tx_index: log.tx_index,
            tx_hash: log.tx_hash,
            said,
        });
    }
}

/// The URI of each of `items` items. The three content modes can be told apart by length: nothing,
/// 32 bytes each, or an ABI-encoded list, which is longer.
fn uris(contents: &[u8], items: usize) -> Option<Vec<Option<String>>> {
    let mode = if contents.is_empty() {
        ContentMode::BaseUri
    } else if contents.len() == items * 32 {
        ContentMode::Digest
    } else {
        ContentMode::FreeUri
    };
    Some(match Contents::decode(mode, items, contents).ok()? {
        Contents::None => vec![None; items],
        Contents::Digests(digests) => digests.iter().map(|d| Some(raw_uri(d))).collect(),
        Contents::Uris(uris) => uris.iter().map(|uri| Some(text(uri))).collect(),
    })
}

fn event<E: SolEvent>(log: &RawLog) -> Option<E> {
    E::decode_raw_log(log.topics.iter().copied(), &log.data).ok()
}

/// Postgres holds no NUL in text.
fn text(from_chain: &str) -> String {
    from_chain.replace('\0', "\u{fffd}")
}

fn name(from_chain: &str) -> String {
    text(from_chain).chars().take(NAME_CHARS_MAX).collect()
}
