//! Typed bindings of the contracts in `contracts/`, from the artifacts committed beside this
//! crate, and the list of what the engine deploys. `contracts/export.sh` writes the artifacts.
//!
//! Logs of [`StoaCollection`] that an indexer reads: `Transfer`, `ItemsMinted` (after the
//! transfers of its batch), `CollectionInitialized`, and those of ERC-4906 and ERC-7572.
//! [`StoaCollectionFactory`] leaves `CollectionCreated`, after the logs of the new collection.

mod content;
mod deployment;
mod signature_check;

pub use bindings::{ERC2771Forwarder, SignatureCheck, StoaCollection, StoaCollectionFactory};
pub use content::{
    BadContents, ContentMode, Contents, MAX_BATCH_ITEMS, MAX_CONTENTS_BYTES, MAX_ROYALTY_BPS,
    intent_bits,
};
pub use deployment::{
    Artifact, COLLECTION, COLLECTION_FACTORY, FORWARDER, FORWARDER_NAME, REGISTRY,
    collection_address, collection_creation, factory_creation, forwarder_creation,
};

pub use signature_check::signature_check;

mod bindings {
    #![allow(unreachable_pub, missing_debug_implementations, clippy::all)]
    use alloy_sol_types::sol;

    sol!(
        #[sol(all_derives)]
        StoaCollection,
        "artifacts/StoaCollection.json"
    );
    sol!(
        #[sol(all_derives)]
        StoaCollectionFactory,
        "artifacts/StoaCollectionFactory.json"
    );
    sol!(
        #[sol(all_derives)]
        ERC2771Forwarder,
        "artifacts/ERC2771Forwarder.json"
    );
    sol!(
        #[sol(all_derives)]
        SignatureCheck,
        "artifacts/SignatureCheck.json"
    );
}

/// Selector and name of each error that our contracts revert with.
pub fn error_names() -> impl Iterator<Item = (alloy_primitives::Selector, &'static str)> {
    use bindings::{
        ERC2771Forwarder::ERC2771ForwarderErrors as Forwarder,
        StoaCollection::StoaCollectionErrors as Collection,
        StoaCollectionFactory::StoaCollectionFactoryErrors as Factory,
    };
    let collection =
        Collection::SELECTORS.iter().filter_map(|s| Some((*s, Collection::name_by_selector(*s)?)));
    let factory =
        Factory::SELECTORS.iter().filter_map(|s| Some((*s, Factory::name_by_selector(*s)?)));
    let forwarder =
        Forwarder::SELECTORS.iter().filter_map(|s| Some((*s, Forwarder::name_by_selector(*s)?)));
    collection.chain(factory).chain(forwarder).map(|(selector, name)| (selector.into(), name))
}
