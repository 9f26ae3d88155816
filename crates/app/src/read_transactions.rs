//! Transactions of the engine, looked at by operators.

use crate::{
    App, AppError, Caller, Fact, Failure, Field, Refusal,
    address::parse_address,
    quote_transaction::describe,
    resolve_contract::{KnownContract, known_error},
};
use abi::{Called, Fault};
use auth::{Action, authorize};
use db::{
    approvals::{self, Approval as ApprovalRow, Wanting},
    attempts_reads::{self, AttemptRow},
    facts,
    transactions::requests::{self, Transaction, TransactionFilter},
};
use signer::{Fee, TxIntent, TxKind};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use transactor::{Reason, Wanted};
use vocab::{Bytes, ChainId, JobStatus, TransactionId};

/// Facts of one transaction that are shown at once: more than any honest life has.
const FACTS_MAX: i64 = 1_000;

/// Which transactions to list. None means any.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransactionQuery<'a> {
    pub chain_id: Option<u64>,
    pub status: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub role: Option<&'a str>,
    pub wallet: Option<&'a str>,
    pub ordering_key: Option<&'a str>,
    /// RFC 3339.
    pub since: Option<&'a str>,
    pub awaiting_approval: Option<bool>,
}

/// A transaction with all that is known of it.
#[derive(Clone, Debug)]
pub struct TransactionView {
    pub row: Transaction,
    pub input: Vec<u8>,
    /// Name of the contract and the call, when its ABI is known.
    pub call: Option<(String, Called)>,
    pub failure: Option<Failure>,
    pub attempts: Vec<AttemptRow>,
    pub approval: Option<ApprovalView>,
}

/// What the signer wants operators to approve of a transaction.
#[derive(Clone, Debug)]
pub struct ApprovalView {
    pub wanted: Wanted,
    /// Since when it waits; none: it waits no more.
    pub wanted_at: Option<OffsetDateTime>,
    /// What is approved, in the form that `stoa signer approve --intent` reads. Nonce and fees are
    /// not part of an act, and stand for nothing.
    pub intent: TxIntent,
    pub given: Vec<ApprovalRow>,
}

impl App {
    /// One transaction, of whatever kind.
    ///
    /// # Errors
    /// [`Refusal::TransactionUnknown`]
    pub async fn load_transaction(
        &self,
        caller: Caller<'_>,
        id: TransactionId,
    ) -> Result<TransactionView, AppError> {
        authorize(caller.actor, Action::ReadTransaction)?;
        let (row, call, attempts, wanting, given) = {
            let mut db = self.connection().await?;
            let row = requests::load(&mut db, id.0).await?.ok_or(Refusal::TransactionUnknown)?;
            let call = db::transactions::load_call(&mut db, id.0).await?;
            let attempts = attempts_reads::load_of(&mut db, id.0).await?;
            let wanting = approvals::load(&mut db, id.0).await?;
            (row, call, attempts, wanting, approvals::load_of(&mut db, &[id.0]).await?)
        };
        let input = call.map(|call| call.input).unwrap_or_default();
        let approval = wanting.and_then(|wanting| wanted(&row, &input, wanting, given));
        let target = self.target(&row, !input.is_empty()).await?;
        let call = target
            .as_ref()
            .and_then(|target| Some((target.name.clone(), target.contract.decode_call(&input)?)));
        // Waiting for consent is no failure.
        let waits =
            |said: &str| said.starts_with("approval_required") || said.starts_with("predecessor_");
        let reason = row.reason.as_deref().filter(|said| !waits(said));
        let failure = reason.map(|reason| explain(reason, target.as_ref()));
        Ok(TransactionView { row, input, call, failure, attempts, approval })
    }

    async fn target(
        &self,
        row: &Transaction,
        has_input: bool,
    ) -> Result<Option<KnownContract>, AppError> {
        match row.recipient {
            Some(to) if has_input => self.contract_at(ChainId::from_i64(row.chain_id), to.0).await,
            _ => Ok(None),
        }
    }

    /// Transactions, newest first.
    ///
    /// # Errors
    /// [`Refusal::StatusUnknown`], [`Refusal::Address`], [`Refusal::ChainUnknown`],
    /// [`Refusal::TransactionInvalid`] for `since`.
    pub async fn list_transactions(
        &self,
        caller: Caller<'_>,
        query: TransactionQuery<'_>,
        before: Option<TransactionId>,
        limit: i64,
    ) -> Result<Vec<Transaction>, AppError> {
        authorize(caller.actor, Action::ReadTransaction)?;
        let status = query.status.map(str::parse::<JobStatus>).transpose();
        let chain = query.chain_id.map(|id| self.chain(Some(id))).transpose()?;
        let filter = TransactionFilter {
            chain_id: chain.map(|chain| chain.chain_id),
            status: status.map_err(|_| Refusal::StatusUnknown)?,
            kind: query.kind,
            wallet: query.wallet.map(|text| parse_address(text, Field::Wallet)).transpose()?,
            role: query.role,
            principal_id: None,
            ordering_key: query.ordering_key,
            since: query.since.map(since).transpose()?,
            awaiting_approval: query.awaiting_approval,
        };
        Ok(requests::list(&mut *self.connection().await?, filter, before, limit).await?)
    }

    /// The history of one transaction, oldest first.
    ///
    /// # Errors
    /// [`Refusal::TransactionUnknown`]
    pub async fn load_transaction_facts(
        &self,
        caller: Caller<'_>,
        id: TransactionId,
    ) -> Result<(i64, Vec<Fact>), AppError> {
        authorize(caller.actor, Action::ReadTransaction)?;
        let mut db = self.connection().await?;
        if requests::load(&mut db, id.0).await?.is_none() {
            return Err(Refusal::TransactionUnknown.into());
        }
        let heads = journal::load_heads(&mut db).await?;
        let head = heads.into_iter().find(|head| head.topic == vocab::topic::TRANSACTIONS);
        let epoch = head.ok_or(AppError::Bug("a topic has no row"))?.epoch;
        Ok((epoch, facts::load_of_transaction(&mut db, id, 0, FACTS_MAX).await?))
    }
}

fn wanted(
    row: &Transaction,
    input: &[u8],
    wanting: Wanting,
    given: Vec<ApprovalRow>,
) -> Option<ApprovalView> {
    let waits = row.status == JobStatus::Queued.as_str();
    let data = input.to_vec().into();
    let kind = match row.recipient {
        Some(to) => TxKind::Call { to: to.0, value: row.value_wei, data },
        None => TxKind::Create { value: row.value_wei, init_code: data },
    };
    Some(ApprovalView {
        wanted: Wanted::stored(wanting.request?)?,
        wanted_at: wanting.wanted_at.filter(|_| waits),
        intent: TxIntent {
            key: row.wallet?.0,
            chain_id: ChainId::from_i64(row.chain_id).0,
            nonce: 0,
            kind,
            gas_limit: 21_000,
            fee: Fee::Legacy { gas_price: 1 },
        },
        given,
    })
}

/// Ids begin with the millisecond of their making: the first one of that moment.
fn since(text: &str) -> Result<TransactionId, AppError> {
    let fault = || Fault::new("?since", "a time as in RFC 3339: 2026-11-20T12:00:00Z");
    let at = OffsetDateTime::parse(text, &Rfc3339);
    let at = at.map_err(|_| Refusal::TransactionInvalid(vec![fault()]))?;
    let millis = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
    Ok(TransactionId(uuid::Uuid::from_u128(u128::from(millis) << 80)))
}

/// A stored reason, with the contract's error in it where the ABI is known.
pub(crate) fn explain(stored: &str, target: Option<&KnownContract>) -> Failure {
    let Reason { code, text } = Reason::parse(stored);
    let data = text.parse::<Bytes>().ok().filter(|data| data.len() >= 4);
    let mut failure = Failure { code, text, signature: None, args: None, data: data.clone() };
    let contract = target.map(|target| &*target.contract);
    if let Some(error) = data.and_then(|data| known_error(contract, &data)) {
        describe(&mut failure, error);
    }
    failure
}
