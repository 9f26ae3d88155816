//! Wallets: known to the database, held by the signer, with money on their chain.

use super::{
    Patient,
    chains::Known,
    report::{Finding, chain, within},
};
use crate::configuration::RoleSettings;
use ::signer::KeyInfo;
use db::{
    Db,
    wallets_reads::{self, WalletRow},
};
use futures_util::{StreamExt, stream};
use std::collections::BTreeSet;
use vocab::{Address, ChainId, U256};

/// A wallet whose role says nothing should bear so many plain transfers.
const TRANSFERS: u64 = 10;
const TRANSFER_GAS: u64 = 21_000;
/// Wallets that are asked about, and how many at once.
const WALLETS_MAX: usize = 500;
const AT_ONCE: usize = 8;

pub(super) async fn examine(
    of: &Patient,
    db: Option<Db>,
    keys: Option<Vec<KeyInfo>>,
    chains: &[Known],
) -> Vec<Finding> {
    let Some(db) = db else {
        return vec![Finding::skip("wallets", "the database can't be asked")];
    };
    let rows = within(of.time, async {
        let mut connection = db.acquire().await.map_err(|error| chain(&error))?;
        let rows = wallets_reads::load(&mut connection, None, None, None).await;
        rows.map_err(|error| chain(&error))
    });
    let rows = match rows.await {
        Ok(rows) => rows,
        Err(why) => return vec![Finding::fail("wallets", why, "see database.schema")],
    };
    let rows: Vec<WalletRow> = rows.into_iter().filter(|row| row.state != "retired").collect();
    let mut findings = vec![held(&rows, keys)];
    findings.extend(paused(&rows));
    findings.extend(balances(of, &rows, chains).await);
    findings
}

/// Does the signer have the key of each?
fn held(rows: &[WalletRow], keys: Option<Vec<KeyInfo>>) -> Finding {
    let check = "wallets.keys";
    let Some(keys) = keys else { return Finding::skip(check, "the signer can't be asked") };
    let keys: BTreeSet<Address> = keys.into_iter().map(|key| key.address).collect();
    let missing: Vec<&WalletRow> = rows.iter().filter(|row| !keys.contains(&row.address)).collect();
    match missing.first() {
        None => Finding::ok(check, format!("the signer has the keys of all {}", rows.len())),
        Some(first) => {
            let why = format!(
                "the signer lacks the keys of {} wallets: {} ({})",
                missing.len(),
                first.address,
                first.role
            );
            let todo = "bring its keystore back, or retire the wallets (docs/operate/wallets.md)";
            Finding::fail(check, why, todo)
        }
    }
}

fn paused(rows: &[WalletRow]) -> impl Iterator<Item = Finding> {
    rows.iter().filter_map(|row| {
        let reason = row.paused_reason.as_ref()?;
        let why = format!("{} ({}) takes nothing: {reason}", row.address, row.role);
        let todo = "docs/operate/wallets.md says what ends a pause";
        Some(Finding::warn(format!("wallet on {}", row.chain_id), why, todo))
    })
}

async fn balances(of: &Patient, rows: &[WalletRow], chains: &[Known]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for chain in chains {
        let id = |row: &&WalletRow| row.chain_id.unsigned_abs() == chain.id.0;
        let rows: Vec<&WalletRow> = rows.iter().filter(id).take(WALLETS_MAX).collect();
        if rows.is_empty() {
            continue;
        }
        findings.extend(balances_of(of, chain.id, &rows, chain).await);
    }
    findings
}

async fn balances_of(
    of: &Patient,
    id: ChainId,
    rows: &[&WalletRow],
    known: &Known,
) -> Vec<Finding> {
    let check = format!("wallets on {id}");
    let Some(endpoint) = known.endpoints.first() else {
        return vec![Finding::skip(check, "no node of the chain can be asked")];
    };
    let price = within(of.time, async { endpoint.gas_price().await.map_err(|e| chain(&e)) });
    let price = price.await.unwrap_or_default();
    let roles = &of.loaded.settings.roles;
    let asked = stream::iter(rows).map(|row| async {
        let had = within(of.time, async {
            endpoint.balance(row.address).await.map_err(|error| chain(&error))
        });
        judge(&check, row, had.await, least(roles.get(&row.role), price))
    });
    let found: Vec<Option<Finding>> = asked.buffered(AT_ONCE).collect().await;
    let found: Vec<Finding> = found.into_iter().flatten().collect();
    if found.is_empty() {
        return vec![Finding::ok(check, format!("all {} have enough", rows.len()))];
    }
    found
}

/// What a wallet of the role should have, in wei.
fn least(role: Option<&RoleSettings>, price: u128) -> U256 {
    let configured = role.and_then(|role| role.top_up_below_wei);
    let usual = || U256::from(price) * U256::from(TRANSFERS * TRANSFER_GAS);
    configured.map_or_else(usual, U256::from)
}

fn judge(check: &str, row: &WalletRow, had: Result<U256, String>, least: U256) -> Option<Finding> {
    let name = format!("{} ({})", row.address, row.role);
    let todo = format!("send it some: {}", row.address);
    match had {
        Err(why) => Some(Finding::fail(check, format!("{name}: {why}"), "see the chain's nodes")),
        Ok(had) if had.is_zero() => Some(Finding::fail(check, format!("{name} has nothing"), todo)),
        Ok(had) if had < least => {
            let why = format!("{name} has {had} wei, less than {least}");
            Some(Finding::warn(check, why, todo))
        }
        Ok(_) => None,
    }
}
