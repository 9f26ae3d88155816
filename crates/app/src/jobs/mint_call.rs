//! The call that mints a batch.

use alloy_sol_types::SolCall;
use contracts::{Contents, StoaCollection::mintBatchCall};
use mint::{
    content::{ContentMode, ItemContent, UriNotRepresentable, represent},
    job::word_and_mask,
};
use transactor::NewTransaction;
use vocab::{Address, B256, ChainId, U256};

/// Transactions that mint.
pub(crate) const KIND: &str = "mint_batch";
/// Which wallets send them.
pub(crate) const ROLE: &str = "minter";

/// One item of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) recipient: Address,
    pub(crate) content: ItemContent,
    pub(crate) intent: U256,
}

/// What is written on chain for an item, by the collection's stored mode.
pub(crate) fn content_of(
    content_mode: &str,
    base_uri: &str,
    uri: Option<&str>,
) -> Result<ItemContent, UriNotRepresentable> {
    let mode = match content_mode {
        "digest" => ContentMode::Digest,
        "base_uri" => ContentMode::BaseUri,
        // The schema knows these three.
        _ => ContentMode::FreeUri,
    };
    represent(mode, base_uri, uri)
}

/// Bytes that an item takes in `contents`.
pub(crate) fn content_size(content: &ItemContent) -> usize {
    match content {
        ItemContent::Digest(_) => 32,
        ItemContent::BaseUri { .. } => 0,
        // Offset, length, and the text in whole words (Solidity ABI, dynamic types).
        ItemContent::FreeUri(uri) => 64 + uri.len().next_multiple_of(32),
    }
}

/// The transaction that mints these items, whose intents rise inside one word, for these requests.
pub(crate) fn mint_batch(
    chain: ChainId,
    contract: Address,
    items: &[Item],
    requests: &[&str],
) -> NewTransaction {
    let intents: Vec<U256> = items.iter().map(|item| item.intent).collect();
    let (word, mask) = word_and_mask(&intents)
        .expect("invariant: a batch is not empty and its intents rise inside one word");
    let call = mintBatchCall {
        word,
        mask,
        recipients: items.iter().map(|item| item.recipient).collect(),
        contents: contents(items).encode(),
    };
    NewTransaction {
        to: Some(contract),
        input: call.abi_encode().into(),
        request_id: request_of(requests),
        ..NewTransaction::new(chain, ROLE, KIND)
    }
}

/// The transaction's own: the first request, and how many more there are. The others are in the log
/// line of the batch and on the mint jobs.
fn request_of(requests: &[&str]) -> Option<String> {
    let (first, others) = requests.split_first()?;
    Some(match others.len() {
        0 => (*first).to_owned(),
        more => format!("{first} +{more}"),
    })
}

/// The items of one collection are all of its one mode.
fn contents(items: &[Item]) -> Contents {
    let (mut digests, mut uris) = (Vec::new(), Vec::new());
    for item in items {
        match &item.content {
            ItemContent::Digest(digest) => digests.push(B256::from(*digest)),
            ItemContent::FreeUri(uri) => uris.push(uri.clone()),
            ItemContent::BaseUri { .. } => {}
        }
    }
    match (digests.is_empty(), uris.is_empty()) {
        (false, _) => Contents::Digests(digests),
        (true, false) => Contents::Uris(uris),
        (true, true) => Contents::None,
    }
}
