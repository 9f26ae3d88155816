//! What the engine deploys, and the creation code of each.

use alloy_primitives::{Address, B256, Bytes, hex};
use alloy_sol_types::{SolConstructor, SolValue};

use crate::{ERC2771Forwarder, StoaCollection, StoaCollectionFactory};

/// EIP-712 name of the forwarder we deploy; meta-transactions are signed under it, version "1".
pub const FORWARDER_NAME: &str = "StoaForwarder";

/// One contract that the engine deploys.
#[derive(Debug, Clone, Copy)]
pub struct Artifact {
    /// Name under which the address is recorded; never changes.
    pub name: &'static str,
    /// Raised whenever the creation code changes in a way that the engine must know of.
    pub version: u32,
    /// Creation code without constructor arguments.
    pub creation_code: &'static Bytes,
    /// Code that a deployed instance has, except for immutables.
    pub runtime_code: &'static Bytes,
    /// What the compiler wrote: ABI and code, as JSON.
    json: &'static str,
}

impl Artifact {
    /// The ABI as JSON: an array of items.
    pub fn abi(&self) -> serde_json::Value {
        let mut artifact: serde_json::Value =
            serde_json::from_str(self.json).expect("invariant: the bindings were made from it");
        artifact["abi"].take()
    }
}

/// All that is deployed once per chain, in the order of deployment: the factory's constructor
/// takes the address of the collection implementation.
pub const REGISTRY: [Artifact; 3] = [FORWARDER, COLLECTION, COLLECTION_FACTORY];

/// OpenZeppelin's ERC-2771 forwarder.
pub const FORWARDER: Artifact = Artifact {
    name: "ERC2771Forwarder",
    version: 1,
    creation_code: &ERC2771Forwarder::BYTECODE,
    runtime_code: &ERC2771Forwarder::DEPLOYED_BYTECODE,
    json: include_str!("../artifacts/ERC2771Forwarder.json"),
};

/// The implementation behind every collection; unusable by itself.
pub const COLLECTION: Artifact = Artifact {
    name: "StoaCollection",
    version: 1,
    creation_code: &StoaCollection::BYTECODE,
    runtime_code: &StoaCollection::DEPLOYED_BYTECODE,
    json: include_str!("../artifacts/StoaCollection.json"),
};

/// Creates collections.
pub const COLLECTION_FACTORY: Artifact = Artifact {
    name: "StoaCollectionFactory",
    version: 1,
    creation_code: &StoaCollectionFactory::BYTECODE,
    runtime_code: &StoaCollectionFactory::DEPLOYED_BYTECODE,
    json: include_str!("../artifacts/StoaCollectionFactory.json"),
};

/// Data of the transaction that deploys the forwarder.
pub fn forwarder_creation() -> Bytes {
    let arguments =
        ERC2771Forwarder::constructorCall { name: FORWARDER_NAME.to_owned() }.abi_encode();
    with_arguments(&FORWARDER, &arguments)
}

/// Data of the transaction that deploys the collection implementation.
pub fn collection_creation() -> Bytes {
    COLLECTION.creation_code.clone()
}

/// Data of the transaction that deploys the factory over a deployed `implementation`.
pub fn factory_creation(implementation: Address) -> Bytes {
    let call = StoaCollectionFactory::constructorCall { implementation_: implementation };
    with_arguments(&COLLECTION_FACTORY, &call.abi_encode())
}

/// The address of the collection that `creator` creates with `salt`, as the factory's
/// `predict` gives it: CREATE2 of an ERC-1167 clone under `keccak256(abi.encode(creator, salt))`.
pub fn collection_address(
    factory: Address,
    implementation: Address,
    creator: Address,
    salt: B256,
) -> Address {
    let mixed = alloy_primitives::keccak256((creator, salt).abi_encode());
    let mut code = [0u8; 55];
    code[..20].copy_from_slice(&hex!("3d602d80600a3d3981f3363d3d373d3d3d363d73"));
    code[20..40].copy_from_slice(implementation.as_slice());
    code[40..].copy_from_slice(&hex!("5af43d82803e903d91602b57fd5bf3"));
    factory.create2_from_code(mixed, code)
}

fn with_arguments(artifact: &Artifact, arguments: &[u8]) -> Bytes {
    [artifact.creation_code.as_ref(), arguments].concat().into()
}
