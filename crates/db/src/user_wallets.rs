//! `user_wallets`: which user a proof of a wallet stands for.

use crate::{DbError, principals};
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocab::{Address, PrincipalId};

/// What was proven: an address, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalletProof {
    pub address: Address,
    /// 0: its key, on every chain. Else the chain whose contract accepted the signature.
    pub contract_chain_id: i64,
}

/// Within the caller's transaction: hold `lock`, the number of a proof, until it ends. Waits for a
/// rival.
pub async fn lock_proof(db: &mut PgConnection, lock: i64) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock($1)", lock).execute(db).await?;
    Ok(())
}

/// Within the caller's transaction, under [`lock_proof`]: the user behind a proof, made at the
/// first one and the same ever after.
pub async fn record(
    db: &mut PgConnection,
    proof: WalletProof,
    now: OffsetDateTime,
) -> Result<PrincipalId, DbError> {
    let known = sqlx::query!(
        "select principal_id from user_wallets where address = $1 and contract_chain_id = $2",
        proof.address.as_slice(),
        proof.contract_chain_id,
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(known) = known {
        return Ok(PrincipalId(known.principal_id));
    }
    let id = PrincipalId::new();
    principals::record(db, id, &proof.address.to_checksum(None), "user").await?;
    sqlx::query!(
        "insert into user_wallets (address, contract_chain_id, principal_id, created_at)
         values ($1, $2, $3, $4)",
        proof.address.as_slice(),
        proof.contract_chain_id,
        id.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(id)
}
