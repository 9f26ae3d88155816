//! The bindings against encodings that `cast` made (`fixtures/make.sh`).

#![allow(clippy::unwrap_used)]

use alloy_primitives::{Address, B256, Bytes, LogData, U256, address};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use contracts::{
    BadContents, ContentMode, Contents, MAX_BATCH_ITEMS, REGISTRY, StoaCollection,
    StoaCollectionFactory, collection_address, collection_creation, factory_creation,
    forwarder_creation, intent_bits,
};
use serde::Deserialize;

const ALICE: Address = address!("00000000000000000000000000000000000000a1");
const BOB: Address = address!("00000000000000000000000000000000000000b2");
const ONE: B256 = B256::repeat_byte(0x11);
const TWO: B256 = B256::repeat_byte(0x22);

#[derive(Deserialize)]
struct Fixture {
    mint_batch: Bytes,
    items_minted_topic: B256,
    items_minted_data: Bytes,
    intent_used: Bytes,
    uris: Bytes,
    create_collection: Bytes,
    collection_address: Address,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../fixtures/cast.json")).unwrap()
}

fn mint_batch() -> StoaCollection::mintBatchCall {
    StoaCollection::mintBatchCall {
        word: U256::from(7),
        mask: U256::from(0x8001),
        recipients: vec![ALICE, BOB],
        contents: Contents::Digests(vec![ONE, TWO]).encode(),
    }
}

#[test]
fn mint_batch_encodes_as_cast_does() {
    let expected = fixture().mint_batch;
    assert_eq!(Bytes::from(mint_batch().abi_encode()), expected);
    assert_eq!(StoaCollection::mintBatchCall::abi_decode(&expected).unwrap(), mint_batch());
}

#[test]
fn items_minted_decodes_into_intents_and_token_ids() {
    let Fixture { items_minted_topic, items_minted_data, .. } = fixture();
    let log = LogData::new_unchecked(
        vec![items_minted_topic, U256::from(7).into()],
        items_minted_data.clone(),
    );
    let minted = StoaCollection::ItemsMinted::decode_log_data(&log).unwrap();
    assert_eq!(minted.word, U256::from(7));
    let items: Vec<_> = minted.items().collect();
    assert_eq!(items, [(0, U256::from(41)), (15, U256::from(42))]);
    let contents = Contents::decode(ContentMode::Digest, items.len(), &minted.contents);
    assert_eq!(contents, Ok(Contents::Digests(vec![ONE, TWO])));

    let other = LogData::new_unchecked(vec![ONE, U256::from(7).into()], items_minted_data);
    StoaCollection::ItemsMinted::decode_log_data(&other).unwrap_err();
}

#[test]
fn a_used_intent_decodes_from_its_revert() {
    let revert = StoaCollection::MintIntentUsed::abi_decode(&fixture().intent_used).unwrap();
    assert_eq!((revert.word, revert.used), (U256::from(7), U256::from(3)));
}

#[test]
fn create_collection_encodes_as_cast_does() {
    let call = StoaCollectionFactory::createCollectionCall {
        init: StoaCollectionFactory::CollectionInit {
            name: "Stoa Prints".into(),
            symbol: "PRNT".into(),
            contractURI: "ipfs://c".into(),
            baseURI: String::new(),
            admin: ALICE,
            minters: vec![BOB],
            trustedForwarder: ALICE,
            royaltyReceiver: BOB,
            royaltyBps: alloy_primitives::aliases::U96::from(500),
            contentMode: ContentMode::FreeUri as u8,
        },
        salt: ONE,
    };
    assert_eq!(Bytes::from(call.abi_encode()), fixture().create_collection);
}

#[test]
fn a_collection_is_where_create2_puts_it() {
    assert_eq!(collection_address(ALICE, BOB, BOB, ONE), fixture().collection_address);
    assert_ne!(collection_address(ALICE, BOB, ALICE, ONE), fixture().collection_address);
}

#[test]
fn contents_come_back_in_their_mode_only() {
    let uris = Contents::Uris(vec!["ipfs://a".into(), "ar://b".into()]);
    assert_eq!(uris.encode(), fixture().uris);
    let cases = [
        (ContentMode::Digest, 1, Contents::Digests(vec![ONE])),
        (ContentMode::BaseUri, 3, Contents::None),
        (ContentMode::FreeUri, 2, uris),
    ];
    for (mode, items, contents) in cases {
        let bytes = contents.encode();
        assert_eq!(Contents::decode(mode, items, &bytes), Ok(contents), "{mode:?}");
        let bad = BadContents { mode, items, length: bytes.len() + 1 };
        let mut longer = bytes.to_vec();
        longer.insert(0, 1);
        assert_eq!(Contents::decode(mode, items, &longer), Err(bad), "{mode:?}");
    }
    let short = Contents::decode(ContentMode::FreeUri, 3, &fixture().uris);
    assert_eq!(short, Err(BadContents { mode: ContentMode::FreeUri, items: 3, length: 256 }));
}

#[test]
fn content_modes_have_the_numbers_of_the_contract() {
    let modes = [0, 1, 2, 3].map(ContentMode::from_number);
    let expected = [ContentMode::Digest, ContentMode::BaseUri, ContentMode::FreeUri].map(Some);
    assert_eq!(modes[..3], expected);
    assert_eq!(modes[3], None);
}

#[test]
fn a_full_mask_is_a_full_batch() {
    assert_eq!(intent_bits(U256::MAX).count(), MAX_BATCH_ITEMS);
    assert_eq!(intent_bits(U256::ZERO).count(), 0);
    assert_eq!(intent_bits(U256::from(1) << 255).collect::<Vec<_>>(), [255]);
}

#[test]
fn creation_code_is_complete_and_below_the_limits() {
    for artifact in REGISTRY {
        // EIP-170 and EIP-3860.
        assert!(!artifact.runtime_code.is_empty(), "{}", artifact.name);
        assert!(artifact.runtime_code.len() <= 24_576, "{}", artifact.name);
        assert!(artifact.creation_code.len() <= 49_152, "{}", artifact.name);
        assert!(artifact.creation_code.len() > artifact.runtime_code.len(), "{}", artifact.name);
    }
    assert_eq!(collection_creation(), StoaCollection::BYTECODE);
    assert!(factory_creation(ALICE).ends_with(ALICE.as_slice()));
    assert!(forwarder_creation().len() > REGISTRY[0].creation_code.len());
}
