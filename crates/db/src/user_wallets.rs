//! `user_wallets`: which user a proof of a wallet stands for.

use crate::{Addr, DbError, principals};
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

/// A wallet of a user.
#[derive(Clone, Debug)]
pub struct WalletRow {
    pub address: Addr,
    /// See [`WalletProof`].
    pub contract_chain_id: i64,
    pub created_at: OffsetDateTime,
}

impl WalletRow {
    #[must_use]
    pub fn proof(&self) -> WalletProof {
        let contract_chain_id = self.contract_chain_id;
        WalletProof { address: self.address.0, contract_chain_id }
    }
}

/// Wallets of a user, the first one first.
pub async fn list(
    db: &mut PgConnection,
    principal: PrincipalId,
) -> Result<Vec<WalletRow>, DbError> {
    Ok(sqlx::query_as!(
        WalletRow,
        r#"select address as "address: Addr", contract_chain_id, created_at
             from user_wallets where principal_id = $1
            order by created_at, address, contract_chain_id"#,
        principal.0,
    )
    .fetch_all(db)
    .await?)
}

/// The user whom a wallet signs in.
pub async fn find(
    db: &mut PgConnection,
    proof: WalletProof,
) -> Result<Option<PrincipalId>, DbError> {
    let row = sqlx::query!(
        "select principal_id from user_wallets where address = $1 and contract_chain_id = $2",
        proof.address.as_slice(),
        proof.contract_chain_id,
    );
    Ok(row.fetch_optional(db).await?.map(|row| PrincipalId(row.principal_id)))
}

/// Within the caller's transaction, under [`lock_proof`]: it is this user's from now on.
pub async fn record_link(
    db: &mut PgConnection,
    proof: WalletProof,
    principal: PrincipalId,
    now: OffsetDateTime,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into user_wallets (address, contract_chain_id, principal_id, created_at)
         values ($1, $2, $3, $4)",
        proof.address.as_slice(),
        proof.contract_chain_id,
        principal.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// It is this user's no more.
pub async fn delete(
    db: &mut PgConnection,
    proof: WalletProof,
    principal: PrincipalId,
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from user_wallets
          where address = $1 and contract_chain_id = $2 and principal_id = $3",
        proof.address.as_slice(),
        proof.contract_chain_id,
        principal.0,
    )
    .execute(db)
    .await?;
    Ok(())
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
    if let Some(known) = find(db, proof).await? {
        return Ok(known);
    }
    let id = PrincipalId::new();
    principals::record(db, id, &proof.address.to_checksum(None), "user").await?;
    record_link(db, proof, id, now).await?;
    Ok(id)
}
