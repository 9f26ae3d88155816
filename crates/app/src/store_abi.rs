//! ABIs of contracts that are not ours: uploaded, and taken away again.

use crate::{
    Answer, App, AppError, Caller, Field, Once, Refusal,
    address::parse_address,
    once::{Begun, CREATED, Done, maker},
    resolve_contract::{built_in, is_reserved},
    tell_change::{By, Decision},
};
use abi::{Contract, Fault};
use auth::{Action, authorize};
use contracts::COLLECTION;
use db::{
    DbError, PgConnection,
    abis::{self, AbiRow, NewAbi},
};
use journal::NewFact;
use serde_json::{Value, json};
use std::sync::Arc;
use vocab::{Address, ChainId, keccak};

/// Uploaded ABIs per chain at most.
const ABIS_MAX: i64 = 1_000;
/// Bytes of an ABI at most, without white space.
const ABI_BYTES_MAX: usize = 256 * 1024;

/// An ABI to keep.
#[derive(Clone, Copy, Debug)]
pub struct AbiSpec<'a> {
    pub chain_id: Option<u64>,
    pub address: &'a str,
    pub name: &'a str,
    pub abi: &'a Value,
}

/// A contract of the registry, with what it offers.
#[derive(Clone, Debug)]
pub struct Abi {
    pub row: AbiRow,
    pub contract: Arc<Contract>,
}

impl App {
    /// Keep the ABI of a contract that is not ours.
    ///
    /// # Errors
    /// [`Refusal::AbiInvalid`] with what is wrong; [`Refusal::AbiExists`], [`Refusal::AbiBuiltIn`]
    /// when name or address are taken; [`Refusal::AbiTooMany`].
    pub async fn store_abi(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        spec: AbiSpec<'_>,
        render: impl Fn(&Abi) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::StoreAbi)?;
        let chain = self.chain(spec.chain_id)?.chain_id;
        let address = parse_address(spec.address, Field::Address)?;
        let contract = check(&spec)?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let now = self.config().clock.now();
        let principal_id = holder.principal;
        let new =
            NewAbi { chain_id: chain, address, name: spec.name, abi: spec.abi, principal_id, now };
        let answer = || {
            let row = AbiRow {
                chain_id: chain.as_i64(),
                address,
                name: spec.name.to_owned(),
                abi: Some(spec.abi.clone()),
                created_at: now,
            };
            render(&Abi { row, contract: Arc::new(contract) }).to_string().into_bytes()
        };
        let by = By::Request(holder, caller);
        let recorded = async {
            record(&mut work.transaction, new).await?;
            let states = (Value::Null, told(spec.name, spec.abi));
            let fact = decided(by, ("created", chain, address), states);
            Ok::<_, AppError>(journal::record(&mut work.transaction, &[fact]).await?)
        };
        let recorded = recorded.await;
        self.settle_once(work, recorded.map(|()| Done::New(CREATED, answer()))).await
    }

    /// Forget an uploaded ABI. What was queued with it stays as it is.
    ///
    /// # Errors
    /// [`Refusal::AbiUnknown`]; [`Refusal::AbiBuiltIn`] for contracts of ours.
    pub async fn delete_abi(
        &self,
        caller: Caller<'_>,
        chain_id: u64,
        address: &str,
    ) -> Result<(), AppError> {
        let holder = maker(caller.actor, Action::StoreAbi)?;
        let chain = self.chain(Some(chain_id))?.chain_id;
        let address = parse_address(address, Field::Address)?;
        let mut db = db::begin(&self.config().db).await?;
        let there = abis::find_at(&mut db, chain, address, COLLECTION.name).await?;
        if !abis::delete(&mut db, chain, address).await? {
            let refusal = there.map_or(Refusal::AbiUnknown, |_| Refusal::AbiBuiltIn);
            return Err(refusal.into());
        }
        let before = there.and_then(|row| Some(told(&row.name, row.abi.as_ref()?)));
        let states = (before.unwrap_or_default(), Value::Null);
        let fact = decided(By::Request(holder, caller), ("deleted", chain, address), states);
        journal::record(&mut db, &[fact]).await?;
        db.commit().await.map_err(DbError::from)?;
        self.forget_contract(chain, address);
        Ok(())
    }

    /// The ABI at an address.
    ///
    /// # Errors
    /// [`Refusal::AbiUnknown`]
    pub async fn load_abi(
        &self,
        caller: Caller<'_>,
        chain_id: u64,
        address: &str,
    ) -> Result<(Abi, Value), AppError> {
        authorize(caller.actor, Action::ReadAbi)?;
        let chain = self.chain(Some(chain_id))?.chain_id;
        let address = parse_address(address, Field::Address)?;
        let mut db = self.connection().await?;
        let row = abis::find_at(&mut db, chain, address, COLLECTION.name).await?;
        let row = row.ok_or(Refusal::AbiUnknown)?;
        let json = match &row.abi {
            Some(abi) => abi.clone(),
            None => {
                let artifact = contracts::REGISTRY.iter().find(|one| one.name == row.name);
                artifact.map(contracts::Artifact::abi).unwrap_or_default()
            }
        };
        let contract = readable(&row, &json)?;
        Ok((Abi { row, contract }, json))
    }

    /// Contracts of the registry in the order of (chain, address), without their functions.
    ///
    /// # Errors
    /// [`Refusal::ChainUnknown`]
    pub async fn list_abis(
        &self,
        caller: Caller<'_>,
        chain_id: Option<u64>,
        after: Option<(ChainId, Address)>,
        limit: i64,
    ) -> Result<Vec<AbiRow>, AppError> {
        authorize(caller.actor, Action::ReadAbi)?;
        let chain = match chain_id {
            Some(id) => Some(self.chain(Some(id))?.chain_id),
            None => None,
        };
        let mut db = self.connection().await?;
        Ok(abis::list(&mut db, chain, after, limit).await?)
    }
}

fn readable(row: &AbiRow, json: &Value) -> Result<Arc<Contract>, AppError> {
    match built_in(&row.name).filter(|_| row.abi.is_none()) {
        Some(contract) => Ok(contract),
        None => Contract::parse(json)
            .map(Arc::new)
            .map_err(|_| AppError::Bug("a stored ABI can't be read any more")),
    }
}

/// In the caller's transaction: keep an ABI, if there is room and its place is free.
async fn record(db: &mut PgConnection, new: NewAbi<'_>) -> Result<(), AppError> {
    if abis::count(db, new.chain_id).await? >= ABIS_MAX {
        return Err(Refusal::AbiTooMany { limit: ABIS_MAX }.into());
    }
    let there = abis::find_at(db, new.chain_id, new.address, COLLECTION.name).await?;
    if there.is_some_and(|row| row.abi.is_none()) {
        return Err(Refusal::AbiBuiltIn.into());
    }
    match abis::record(db, new).await? {
        true => Ok(()),
        false => Err(Refusal::AbiExists.into()),
    }
}

/// What stands for an ABI in the record: its name, and the digest of its text without white space.
fn told(name: &str, abi: &Value) -> Value {
    json!({ "name": name, "keccak256": keccak(abi.to_string()) })
}

fn decided(
    by: By<'_>,
    (act, chain, address): (&'static str, ChainId, Address),
    (before, after): (Value, Value),
) -> NewFact {
    let (deed, about) = (Action::StoreAbi.into(), ("abi", address.to_string()));
    Decision { by, deed, about, act, chain_id: Some(chain), before, after }.fact()
}

fn check(spec: &AbiSpec<'_>) -> Result<Contract, AppError> {
    let mut faults = Vec::new();
    let sound = (1..=64).contains(&spec.name.len())
        && spec.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && spec.name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !sound {
        faults.push(Fault::new("/name", "1 to 64 of a-z, A-Z, 0-9, _, - and ., a letter first"));
    } else if is_reserved(spec.name) {
        return Err(Refusal::AbiBuiltIn.into());
    }
    if spec.abi.to_string().len() > ABI_BYTES_MAX {
        faults.push(Fault::new("/abi", format!("at most {ABI_BYTES_MAX} bytes")));
        return Err(Refusal::AbiInvalid(faults).into());
    }
    match Contract::parse(spec.abi) {
        Ok(contract) if faults.is_empty() => Ok(contract),
        Ok(_) => Err(Refusal::AbiInvalid(faults).into()),
        Err(found) => {
            faults.extend(
                found
                    .into_iter()
                    .map(|fault| Fault { pointer: format!("/abi{}", fault.pointer), ..fault }),
            );
            Err(Refusal::AbiInvalid(faults).into())
        }
    }
}
