//! Operators step in on a transaction: cancel, speed up, replace, approve, queue again.

use crate::{
    Answer, App, AppError, Caller, Once, Refusal, TransactionSpec,
    jobs::outcomes::ProductOutcomes,
    once::{ACCEPTED, Begun, Done, maker},
    request_sponsored::SPONSORED,
    request_transaction::{CALL, COMPENSATION, TRANSFER},
    tell_change::{By, Decision},
};
use abi::{Fault, parse_uint};
use auth::{Action, Maker};
use db::{
    PgConnection,
    transactions::requests::{self, Transaction},
};
use serde_json::{Value, json};
use signer::Approval;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use transactor::{ApproveError, InterveneError, NewTransaction, Refused, Unfit};
use vocab::{ChainId, JobStatus, TransactionId, Urgency};

/// Kinds without a product behind them: stopping one leaves nothing hanging.
const FREE_KINDS: [&str; 4] = [CALL, TRANSFER, COMPENSATION, crate::change_wallet::DRAIN];

/// What an operator wants of a transaction.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    Cancel,
    SpeedUp {
        urgency: Option<Urgency>,
        /// Wei per gas.
        fee_cap: Option<&'a Value>,
    },
    /// Another goes in its place.
    Replace(&'a TransactionSpec<'a>),
    /// An operator consents to what the signer wants consent to.
    Approve(&'a Approval),
    Redrive {
        /// RFC 3339.
        deadline: Option<&'a str>,
    },
}

impl Change<'_> {
    /// As the audit log calls it.
    const fn act(self) -> &'static str {
        match self {
            Self::Cancel => "cancelled",
            Self::SpeedUp { .. } => "sped_up",
            Self::Replace(_) => "replaced",
            Self::Approve(_) => "approved",
            Self::Redrive { .. } => "redriven",
        }
    }
}

impl App {
    /// Step in on a transaction; the answer (202) shows it, or its replacement, as it is then.
    ///
    /// # Errors
    /// [`Refusal::TransactionUnknown`]; [`Refusal::IllegalTransition`] when its state does not
    /// allow it; [`Refusal::TransactionOwned`] when a product stands behind it;
    /// [`Refusal::Approval`]; for a replacement those of [`App::request_transaction`].
    pub async fn change_transaction(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        id: TransactionId,
        change: Change<'_>,
        render: impl Fn(&Transaction) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::ChangeTransaction)?;
        // A replacement is read before anything is locked: that may take its time.
        let replacement = match change {
            Change::Replace(spec) => {
                let mut new = self.new_transaction(holder, caller, once, *spec).await?;
                // The answer to this request is kept like any other; the job is found by the
                // transaction that it replaces.
                new.idempotency = None;
                Some(new)
            }
            _ => None,
        };
        let terms = Terms::parse(change)?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let asked = (id, change, &terms);
        let by = (holder, caller);
        let done = record_change(&mut work.transaction, asked, replacement, by).await;
        let done = done.map(|after| {
            let answer = Done::New(ACCEPTED, render(&after).to_string().into_bytes());
            ((ChainId::from_i64(after.chain_id), after.role), answer)
        });
        let (woken, done) = match done {
            Ok((woken, done)) => (Some(woken), Ok(done)),
            Err(refusal) => (None, Err(refusal)),
        };
        let answer = self.settle_once(work, done).await?;
        if let Some((chain, role)) = woken {
            self.config().nudge.wake(chain, &role);
        }
        Ok(answer)
    }
}

/// Does a product stand in the way? A sponsor's budget was reserved for one price.
fn is_owned(kind: &str, change: Change<'_>) -> bool {
    match change {
        Change::SpeedUp { fee_cap, .. } => kind == SPONSORED && fee_cap.is_some(),
        Change::Cancel => kind != SPONSORED && !FREE_KINDS.contains(&kind),
        Change::Replace(_) | Change::Redrive { .. } => !FREE_KINDS.contains(&kind),
        Change::Approve(_) => false,
    }
}

/// In the caller's transaction: do it, and give what is to be shown.
async fn record_change(
    db: &mut PgConnection,
    (id, change, terms): (TransactionId, Change<'_>, &Terms),
    replacement: Option<NewTransaction>,
    (holder, caller): (Maker<'_>, Caller<'_>),
) -> Result<Transaction, AppError> {
    let before = requests::load(db, id.0).await?.ok_or(Refusal::TransactionUnknown)?;
    if is_owned(&before.kind, change) {
        return Err(Refusal::TransactionOwned { kind: before.kind }.into());
    }
    let (mut shown, mut consent) = (id, Value::Null);
    if let Change::Approve(approval) = change {
        let given = transactor::approve(db, id, approval, holder.principal).await;
        consent = json!(given.map_err(unfit)?.operator);
    }
    let done = match (change, replacement) {
        (Change::Approve(_), _) => Ok(()),
        (Change::Cancel, _) => transactor::cancel(db, &ProductOutcomes, id).await.map(|_| ()),
        (Change::SpeedUp { urgency, .. }, _) => {
            transactor::speed_up(db, id, urgency, terms.fee_cap).await
        }
        (Change::Redrive { .. }, _) => {
            transactor::redrive(db, &ProductOutcomes, id, terms.deadline).await
        }
        (Change::Replace(_), Some(mut new)) => {
            if new.chain_id.as_i64() != before.chain_id || new.role != before.role {
                let fault = Fault::new("/role", "a replacement has the same chain and role");
                return Err(Refusal::TransactionInvalid(vec![fault]).into());
            }
            if new.wallet.is_none() && before.wallet.is_some() && before.nonce.is_none() {
                new.wallet = before.wallet.map(Into::into);
            }
            transactor::replace(db, &ProductOutcomes, id, new).await.map(|new| shown = new)
        }
        (Change::Replace(_), None) => {
            return Err(AppError::Bug("a replacement was not read"));
        }
    };
    done.map_err(|error| refuse(error, &before.status))?;
    let now = requests::load(db, id.0).await?.ok_or(Refusal::TransactionUnknown)?;
    let mut after = terms_of(&now);
    match change {
        Change::Approve(approval) => {
            (after["approved_by"], after["approved_act"]) = (consent, json!(approval.act));
        }
        Change::Replace(_) => after["replaced_by"] = json!(shown),
        Change::Cancel | Change::SpeedUp { .. } | Change::Redrive { .. } => {}
    }
    let decision = Decision {
        by: By::Request(holder, caller),
        deed: Action::ChangeTransaction.into(),
        about: ("transaction", id.to_string()),
        act: change.act(),
        chain_id: Some(ChainId::from_i64(before.chain_id)),
        before: terms_of(&before),
        after,
    };
    journal::record(db, &[decision.fact()]).await?;
    if shown == id {
        return Ok(now);
    }
    Ok(requests::load(db, shown.0).await?.ok_or(Refusal::TransactionUnknown)?)
}

/// What an operator may decide about a transaction, for the record.
fn terms_of(row: &Transaction) -> Value {
    json!({
        "kind": row.kind, "role": row.role, "status": row.status, "urgency": row.urgency,
        "fee_cap": row.fee_cap_wei.map(|wei| wei.0.to_string()),
        "deadline": row.deadline_at.and_then(|at| at.format(&Rfc3339).ok()),
        "redrives": row.redrives,
        "cancel_requested": row.cancel_requested_at.is_some(),
    })
}

struct Terms {
    fee_cap: Option<u128>,
    deadline: Option<OffsetDateTime>,
}

impl Terms {
    fn parse(change: Change<'_>) -> Result<Self, AppError> {
        let refuse = |pointer: &str, detail: String| {
            AppError::from(Refusal::TransactionInvalid(vec![Fault::new(pointer, detail)]))
        };
        let mut terms = Self { fee_cap: None, deadline: None };
        match change {
            Change::SpeedUp { urgency, fee_cap } => {
                if urgency.is_none() && fee_cap.is_none() {
                    return Err(refuse("", "give `urgency`, `fee_cap`, or both".to_owned()));
                }
                let cap = fee_cap.map(|given| parse_uint(given, 128)).transpose();
                terms.fee_cap = cap.map_err(|d| refuse("/fee_cap", d))?.map(|cap| cap.to());
            }
            Change::Redrive { deadline: Some(text) } => {
                let at = OffsetDateTime::parse(text, &Rfc3339);
                let what = "a time as in RFC 3339: 2026-11-20T12:00:00Z";
                terms.deadline = Some(at.map_err(|_| refuse("/deadline", what.to_owned()))?);
            }
            _ => {}
        }
        Ok(terms)
    }
}

fn unfit(error: ApproveError) -> AppError {
    match error {
        ApproveError::Unfit(Unfit::Unknown) => Refusal::TransactionUnknown.into(),
        ApproveError::Unfit(unfit) => Refusal::Approval(unfit).into(),
        ApproveError::Db(error) => error.into(),
    }
}

fn refuse(error: InterveneError, status: &str) -> AppError {
    let now = status.parse().unwrap_or(JobStatus::Unknown);
    let illegal = |from, detail| Refusal::IllegalTransition { from, detail }.into();
    match error {
        InterveneError::Refused(refused) => match refused {
            Refused::Unknown => Refusal::TransactionUnknown.into(),
            Refused::Kind(kind) => Refusal::TransactionOwned { kind }.into(),
            Refused::Status(from) => illegal(from, "this can't be done now"),
            Refused::Unsettled => illegal(now, "a signature of it may still be mined"),
            Refused::Compensated => illegal(now, "its undo was queued"),
            Refused::Replaced => illegal(now, "another takes its place"),
        },
        InterveneError::Db(error) => error.into(),
        InterveneError::Move(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "an illegal transition");
            AppError::Bug("a change of state that the life cycle does not know")
        }
    }
}
