//! What the store keeps for keys whose signatures can't be made again the same.

use alloy_primitives::{Address, B256, Signature};
use redb::{ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{Ledger, Nonce, NonceRecord, Store, StoreResult};
use crate::wire::KeyInfo;

/// Nonce, signing hash → signature (r, s, parity) that was given out for it.
const REMOTE: TableDefinition<(Nonce, [u8; 32]), [u8; 65]> = TableDefinition::new("remote");
/// (role, index) of keys taken out of service → where their funds may go; zero: nowhere.
const RETIRED: TableDefinition<(&str, u32), [u8; 20]> = TableDefinition::new("retired");

/// Role, index, and the one address that its funds may go to.
pub(crate) type RetiredKey = ((String, u32), Option<Address>);

pub(super) type RemoteTable<'tx> = Table<'tx, (Nonce, [u8; 32]), [u8; 65]>;

pub(super) fn open(tx: &WriteTransaction) -> StoreResult<RemoteTable<'_>> {
    tx.open_table(RETIRED)?;
    Ok(tx.open_table(REMOTE)?)
}

impl Ledger<'_> {
    /// The signature once given out for this signing hash: it is given out again, and no other.
    pub(crate) fn remote_signature(&self, id: Nonce, hash: B256) -> StoreResult<Option<Signature>> {
        let row = self.remote.get((id, hash.0))?.map(|row| row.value());
        Ok(row.and_then(|bytes| Signature::from_raw_array(&bytes).ok()))
    }

    pub(crate) fn keep_remote_signature(
        &mut self,
        id: Nonce,
        hash: B256,
        signature: &Signature,
    ) -> StoreResult<()> {
        self.remote.insert((id, hash.0), signature.as_bytes())?;
        Ok(())
    }

    /// Gives the nonce to a call that another machine is about to sign. From this commit on the
    /// nonce is its, whatever becomes of the signature.
    pub(crate) fn claim(
        &mut self,
        id: Nonce,
        record: Option<&NonceRecord>,
        digest: B256,
    ) -> StoreResult<()> {
        if record.is_none() {
            self.nonces.insert(id, (digest.0, 0))?;
        }
        Ok(())
    }
}

impl Store {
    /// Keys out of service, each with the one address that its funds may go to.
    pub(crate) fn retired(&self) -> StoreResult<Vec<RetiredKey>> {
        let table = self.db.begin_read()?.open_table(RETIRED)?;
        let mut retired = Vec::new();
        for row in table.iter()? {
            let (key, to) = row?;
            let (role, index) = key.value();
            let to = Address::from(to.value());
            retired.push(((role.to_owned(), index), (!to.is_zero()).then_some(to)));
        }
        Ok(retired)
    }

    pub(crate) fn retire(&self, key: &KeyInfo, drain_to: Option<Address>) -> StoreResult<()> {
        let tx = self.db.begin_write()?;
        let to = drain_to.unwrap_or_default().into_array();
        tx.open_table(RETIRED)?.insert((key.role.as_str(), key.index), to)?;
        Ok(tx.commit()?)
    }

    pub(crate) fn reinstate(&self, key: &KeyInfo) -> StoreResult<()> {
        let tx = self.db.begin_write()?;
        tx.open_table(RETIRED)?.remove((key.role.as_str(), key.index))?;
        Ok(tx.commit()?)
    }
}
