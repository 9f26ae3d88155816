//! Taking operators' approvals of jobs that wait for them. The signer judges; what it could only
//! refuse is refused here.

use crate::{Wanted, approval::fact};
use alloy_primitives::{Address, B256};
use db::{
    DbError, PgConnection,
    approvals::{self, NewApproval},
};
use serde_json::json;
use signer::Approval;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use vocab::{JobStatus, PrincipalId, TransactionId};

/// Approvals that are kept of one job. The signer takes 64 at once.
const APPROVALS_MAX: usize = 32;

/// Why an approval is not taken. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("there is no such transaction")]
    Unknown,
    /// The signer has not asked for approvals, or the job is queued no more.
    #[error("the transaction is {0} and waits for no approval")]
    NotWanted(JobStatus),
    #[error("it approves another act; this one is {0}")]
    OtherAct(B256),
    /// No signature that an address could be had from.
    #[error("the signature is malformed")]
    Malformed,
    #[error("{0} is none of the operators who may approve this")]
    NotOperator(Address),
    #[error("it has expired")]
    Expired,
    /// The rule's limit, in seconds.
    #[error("it may last {0} seconds at most")]
    TooLong(u64),
    #[error("{APPROVALS_MAX} approvals of it are kept already")]
    TooMany,
}

#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What has become of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approved {
    pub operator: Address,
    /// It is new; otherwise it was here before.
    pub new: bool,
    /// Enough have approved: a lane may take the job.
    pub enough: bool,
}

/// Keep an approval, in the caller's transaction; when there are enough the job waits no more.
/// After the commit call [`crate::Nudge::wake`] for the job's role. The same approval again changes
/// nothing, but a job that waits though it has enough (the signer's clock was behind, say) is tried
/// again.
///
/// # Errors
/// [`Unfit`]
pub async fn approve(
    db: &mut PgConnection,
    id: TransactionId,
    approval: &Approval,
    by: PrincipalId,
) -> Result<Approved, ApproveError> {
    let job = approvals::lock(db, id.0).await?.ok_or(Unfit::Unknown)?;
    let status = crate::moves::status(&job.status);
    let kept = approvals::load_of(db, &[id.0]).await?;
    let hash = approval.hash();
    let operator = approval.signer().ok_or(Unfit::Malformed)?;
    let known = kept.iter().any(|one| one.hash.0 == hash && one.operator.0 == operator);
    let wanted = job.request.clone().and_then(Wanted::stored);
    let Some(wanted) = wanted.filter(|_| status == JobStatus::Queued) else {
        return match known {
            true => Ok(Approved { operator, new: false, enough: true }),
            false => Err(Unfit::NotWanted(status).into()),
        };
    };
    let now = OffsetDateTime::now_utc().unix_timestamp().cast_unsigned();
    check(approval, operator, &wanted, now)?;
    if !known {
        if kept.len() >= APPROVALS_MAX {
            return Err(Unfit::TooMany.into());
        }
        let new = NewApproval {
            transaction_id: id.0,
            hash,
            act: approval.act,
            operator,
            salt: approval.salt,
            signature: approval.signature.to_vec(),
            expires: i64::try_from(approval.expires).map_err(|_| Unfit::TooLong(0))?,
            principal_id: by.0,
        };
        approvals::record(db, &new).await?;
    }
    let good = kept.iter().filter(|one| {
        one.act.0 == wanted.act
            && one.expires.cast_unsigned() > now
            && wanted.operators.contains(&one.operator.0)
    });
    let mut operators: BTreeSet<Address> = good.map(|one| one.operator.0).collect();
    operators.insert(operator);
    let enough = operators.len() >= wanted.needed as usize;
    if enough {
        approvals::record_given(db, id.0).await?;
    }
    if !known {
        let data = json!({
            "act": approval.act,
            "operator": operator,
            "expires": approval.expires,
            "given": operators.len(),
            "needed": wanted.needed,
            "brought_by": by,
        });
        journal::record(db, &[fact(&job, "transaction_approved", data)]).await?;
        tracing::info!(transaction.id = %id, %operator, given = operators.len(),
            needed = wanted.needed, "approved");
    }
    Ok(Approved { operator, new: !known, enough })
}

fn check(approval: &Approval, operator: Address, wanted: &Wanted, now: u64) -> Result<(), Unfit> {
    if approval.act != wanted.act {
        return Err(Unfit::OtherAct(wanted.act));
    }
    if !wanted.operators.contains(&operator) {
        return Err(Unfit::NotOperator(operator));
    }
    if approval.expires <= now {
        return Err(Unfit::Expired);
    }
    if approval.expires > now.saturating_add(wanted.expires_max_s) {
        return Err(Unfit::TooLong(wanted.expires_max_s));
    }
    Ok(())
}
