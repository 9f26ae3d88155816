//! Seal anew what an older key sealed.

use super::{of_field, place};
use crate::AppError;
use db::{
    Db, DbError,
    sealed_fields::{self, SealedColumn, SealedRow},
};
use fields::{KeyRing, Sealed};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a rotation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    pub resealed: u64,
    /// Changed by somebody else meanwhile, who sealed it with the present key.
    pub overtaken: u64,
    /// They do not open: altered, or their key is not there. Left as they are.
    pub unopened: u64,
}

/// Seal everything with the key of now, `batch` values in one commit, and tell each commit. It may
/// be ended at any moment and begun again: what is done is known by its key.
///
/// # Errors
/// [`AppError::Db`], and when no key may be used.
pub async fn rotate_fields(
    db: &Db,
    keys: &KeyRing,
    now: OffsetDateTime,
    batch: u32,
    mut tell: impl FnMut(SealedColumn, Rotated),
) -> Result<Rotated, AppError> {
    let current = keys.current(now).map_err(of_field)?;
    let mut all = Rotated::default();
    for column in SealedColumn::ALL {
        let mut after = Uuid::nil();
        loop {
            let mut transaction = db::begin(db).await?;
            let limit = i64::from(batch);
            let rows =
                sealed_fields::load_outdated(&mut transaction, column, &current, after, limit);
            let rows = rows.await?;
            let Some(last) = rows.last().map(|row| row.id) else { break };
            for row in rows {
                match reseal(keys, column, &row, now)? {
                    Some(sealed) => {
                        let new = (sealed.key_id.as_str(), sealed.bytes.as_slice());
                        let done =
                            sealed_fields::record_resealed(&mut transaction, column, &row, new);
                        if done.await? { all.resealed += 1 } else { all.overtaken += 1 }
                    }
                    None => all.unopened += 1,
                }
            }
            transaction.commit().await.map_err(DbError::from)?;
            tell(column, all);
            after = last;
        }
    }
    Ok(all)
}

fn reseal(
    keys: &KeyRing,
    column: SealedColumn,
    row: &SealedRow,
    now: OffsetDateTime,
) -> Result<Option<Sealed>, AppError> {
    let place = place(column, row.id.as_bytes());
    let before = Sealed { key_id: row.key_id.clone(), bytes: row.bytes.clone() };
    match keys.open(place, &before) {
        Ok(plain) => Ok(Some(keys.seal(place, &plain, now).map_err(of_field)?)),
        Err(error) => {
            tracing::error!(table = column.table(), row = %row.id, error = %error,
                "a field stays as it is");
            Ok(None)
        }
    }
}
