//! What the first start does once: wallets with funds, and our contracts on chain.
//!
//! The deployments are transactions like any other, so a start that dies in the middle goes on at
//! the next one. Their addresses are known before they are mined (CREATE of a fresh wallet), so
//! that the index can follow the factory from the beginning.

use crate::configuration::{DEPLOYER, MINTER, Settings};
use alloy_primitives::keccak256;
use anyhow::{Context, Result, bail, ensure};
use app::{By, Decision};
use auth::{Action, Pepper, Role};
use chain::{Chain, Endpoint};
use contracts::REGISTRY;
use db::{
    Db,
    principal_roles::{self, GRANTED, GrantRow},
    principals::{self, PrincipalFilter},
    registry,
    registry::Deployment,
    wallets_reads,
};
use serde_json::{Value, json};
use std::{collections::HashSet, time::Duration};
use time::OffsetDateTime;
use transactor::{NewTransaction, Nudge};
use vocab::{Address, Bytes, PrincipalId, U256};

const KIND: &str = "deploy_contract";

/// The engine's own wallets.
#[derive(Clone, Debug)]
pub(super) struct Wallets {
    pub deployer: Address,
    pub minters: Vec<Address>,
}

/// Where our contracts are, or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contracts {
    pub forwarder: Address,
    pub implementation: Address,
    pub factory: Address,
    /// No log of ours lies below.
    pub first_block: u64,
}

impl Contracts {
    fn addresses(&self) -> [Address; 3] {
        [self.forwarder, self.implementation, self.factory]
    }
}

/// Who holds the operator's key of a development server.
const OPERATOR_ID: PrincipalId =
    PrincipalId(uuid::Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001));

/// A new key of the operator, with all rights.
pub(super) async fn issue_operator_key(db: &Db, pepper: &Pepper) -> Result<String> {
    let mut transaction = db::begin(db).await?;
    db::principals::record(&mut transaction, OPERATOR_ID, "operator", "operator").await?;
    let new = auth::NewKey {
        env: "dev",
        principal: OPERATOR_ID,
        scopes: &auth::Scope::ALL,
        expires_at: None,
    };
    let key = auth::issue_key(&mut transaction, pepper, new).await?;
    transaction.commit().await?;
    Ok(key.reveal().to_owned())
}

/// While nobody is an admin, the operator of a development server is.
pub(super) async fn ensure_admin(db: &Db) -> Result<()> {
    let now = OffsetDateTime::now_utc();
    let mut transaction = db::begin(db).await?;
    let role = Role::Admin.as_str();
    let filter = PrincipalFilter { role: Some((role, now)), ..PrincipalFilter::default() };
    if principals::list(&mut transaction, filter, 1).await?.is_empty() {
        principals::record(&mut transaction, OPERATOR_ID, "operator", "operator").await?;
        let grant = GrantRow {
            principal_id: OPERATOR_ID.0,
            role: role.to_owned(),
            source: GRANTED.to_owned(),
            granted_by: None,
            granted_at: now,
            expires_at: None,
        };
        principal_roles::record(&mut transaction, &grant).await?;
        let decision = Decision {
            by: By::Server,
            deed: Action::GrantRole.into(),
            about: ("principal", OPERATOR_ID.to_string()),
            act: "role_granted",
            chain_id: None,
            before: Value::Null,
            after: json!({ "kind": "operator", "roles": [{ "role": role }] }),
        };
        journal::record(&mut transaction, &[decision.fact()]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Make the keys, and see that each wallet can pay for gas.
pub(super) async fn wallets(
    signer: &signer::Client,
    chain: &Chain,
    settings: &Settings,
) -> Result<Wallets> {
    let (mut deployer, mut minters) = (None, Vec::new());
    for (role, of_role) in &settings.roles {
        for index in 0..of_role.wallets {
            let made = signer.ensure_key(role, index).await;
            let wallet = made.with_context(|| format!("no key for a wallet of role {role}"))?;
            fund(chain.endpoint(), wallet).await?;
            match role.as_str() {
                DEPLOYER => deployer = Some(wallet),
                MINTER => minters.push(wallet),
                _ => {}
            }
        }
    }
    Ok(Wallets { deployer: deployer.context("there is no deployer")?, minters })
}

/// Development nodes give balance on demand; on any other chain somebody must send it.
async fn fund(endpoint: &Endpoint, wallet: Address) -> Result<()> {
    let enough = U256::from(10).pow(U256::from(16));
    if endpoint.balance(wallet).await? >= enough {
        return Ok(());
    }
    let plenty = U256::from(10).pow(U256::from(22));
    let given = endpoint.call::<Value>("anvil_setBalance", json!([wallet, plenty])).await;
    if given.is_err() {
        crate::say(&format!("waiting for funds: send at least 0.01 of the coin to {wallet}"));
    }
    while endpoint.balance(wallet).await? < enough {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

/// Give money to wallets that came after the start, once each: one that is emptied later stays so.
pub(super) async fn fund_new(db: &Db, chain: &Chain, known: &mut HashSet<Address>) -> Result<()> {
    let wallets = db::wallets::load(&mut *db.acquire().await?, chain.id).await?;
    for wallet in wallets {
        if !known.contains(&wallet.address) {
            fund(chain.endpoint(), wallet.address).await?;
            known.insert(wallet.address);
        }
    }
    Ok(())
}

/// Wallets that were made by request have the window of their role too, as it is configured now.
pub(super) async fn windows(db: &Db, chain: &Chain, settings: &Settings) -> Result<()> {
    let mut connection = db.acquire().await?;
    for role in settings.transactor_roles() {
        let window = i32::from(role.in_flight_max);
        wallets_reads::record_window(&mut connection, chain.id, &role.name, window).await?;
    }
    Ok(())
}

/// Find our contracts, or queue their deployment.
pub(super) async fn plan(db: &Db, chain: &Chain, deployer: Address) -> Result<Contracts> {
    if let Some(contracts) = registered(db, chain).await? {
        return Ok(contracts);
    }
    let endpoint = chain.endpoint();
    let mut connection = db.acquire().await?;
    let queued = registry::load_deploying(&mut connection, chain.id, KIND).await?;
    drop(connection);
    let first = match queued.first().and_then(|row| row.nonce) {
        Some(nonce) => nonce.unsigned_abs(),
        None => endpoint.transaction_count(deployer).await?,
    };
    let planned = Contracts {
        forwarder: deployer.create(first),
        implementation: deployer.create(first + 1),
        factory: deployer.create(first + 2),
        first_block: endpoint.head().await?.number.to::<u64>().max(1),
    };
    if queued.is_empty() {
        queue(db, chain, deployer).await?;
    }
    Ok(planned)
}

/// What the registry says, after checking that the chain still has it.
async fn registered(db: &Db, chain: &Chain) -> Result<Option<Contracts>> {
    let rows = registry::load(&mut *db.acquire().await?, chain.id).await?;
    let find = |name: &str, version: u32| {
        rows.iter().find(|row| row.name == name && i64::from(row.version) == i64::from(version))
    };
    let mut found = Vec::new();
    for artifact in REGISTRY {
        let Some(row) = find(artifact.name, artifact.version) else { return Ok(None) };
        found.push(row);
    }
    for row in &found {
        let code = chain.endpoint().code(row.address).await?;
        ensure!(
            keccak256(&code) == row.code_hash,
            "the chain has no {} at {}: it is another chain than that of this data directory \
             (start with --fresh)",
            row.name,
            row.address
        );
    }
    Ok(Some(Contracts {
        forwarder: found[0].address,
        implementation: found[1].address,
        factory: found[2].address,
        first_block: found.iter().map(|row| row.deploy_block.unsigned_abs()).min().unwrap_or(1),
    }))
}

/// Queue the creation of what has no needs; the factory's follows when its implementation stands.
async fn queue(db: &Db, chain: &Chain, deployer: Address) -> Result<()> {
    let mut transaction = db::begin(db).await?;
    for (artifact, input) in [
        (contracts::FORWARDER, contracts::forwarder_creation()),
        (contracts::COLLECTION, contracts::collection_creation()),
    ] {
        transactor::enqueue(&mut transaction, creation(chain, deployer, artifact.name, input))
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

fn creation(chain: &Chain, deployer: Address, name: &str, input: Bytes) -> NewTransaction {
    NewTransaction {
        wallet: Some(deployer),
        input,
        request_id: Some(name.to_owned()),
        ..NewTransaction::new(chain.id, DEPLOYER, KIND)
    }
}

/// Wait until the contracts of the plan stand on chain, and record them.
pub(super) async fn finish(
    db: &Db,
    chain: &Chain,
    nudge: &Nudge,
    deployer: Address,
    planned: &Contracts,
) -> Result<Contracts> {
    if let Some(contracts) = registered(db, chain).await? {
        return Ok(contracts);
    }
    nudge.wake(chain.id, DEPLOYER);
    let rows = loop {
        let rows = registry::load_deploying(&mut *db.acquire().await?, chain.id, KIND).await?;
        if let Some(failed) = rows.iter().find(|row| row.failed) {
            bail!("{} could not be deployed: {:?}", failed.name, failed.reason);
        }
        if rows.iter().all(|row| row.block_number.is_some()) {
            if rows.len() == REGISTRY.len() {
                break rows;
            }
            let input = contracts::factory_creation(planned.implementation);
            let factory = creation(chain, deployer, contracts::COLLECTION_FACTORY.name, input);
            let mut transaction = db::begin(db).await?;
            transactor::enqueue(&mut transaction, factory).await?;
            transaction.commit().await?;
            nudge.wake(chain.id, DEPLOYER);
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    };
    let mut transaction = db::begin(db).await?;
    for ((artifact, expected), row) in REGISTRY.iter().zip(planned.addresses()).zip(&rows) {
        let code = chain.endpoint().code(expected).await?;
        ensure!(
            row.name == artifact.name && !code.is_empty(),
            "{} is not at its address {expected}: the deployer's key was used elsewhere (start \
             with --fresh)",
            artifact.name
        );
        let deployment = Deployment {
            name: artifact.name.to_owned(),
            version: i32::try_from(artifact.version)?,
            address: expected,
            deploy_block: row.block_number.unwrap_or_default(),
            code_hash: keccak256(&code),
        };
        registry::record(&mut transaction, chain.id, &deployment).await?;
    }
    transaction.commit().await?;
    registered(db, chain).await?.context("the registry lost what was just recorded")
}
