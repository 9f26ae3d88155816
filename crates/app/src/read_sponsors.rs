//! Looking at sponsors, and at what they paid for.

use crate::{
    App, AppError, Caller, Field, ForwardRequestRow, Refusal, SponsorRefusal,
    address::parse_address,
};
use auth::{Action, Actor, Denied, authorize};
use db::{
    DbError, PgConnection,
    forward_requests::{self, ForwardRequestFilter},
    sponsors::{self, RuleRow, SponsorFilter, SponsorRow},
};
use sponsor::{Limits, Used};
use time::Date;
use uuid::Uuid;
use vocab::{Address, JobStatus, PrincipalId};

/// A sponsor with what it pays for and what is used.
#[derive(Clone, Debug)]
pub struct SponsorView {
    pub row: SponsorRow,
    pub rules: Vec<RuleRow>,
    pub day: Date,
    pub used: Used,
    /// Of whom `used` and [`Self::left`] tell the user's part; nobody: as for a new one.
    pub user: Option<Address>,
}

impl SponsorView {
    #[must_use]
    pub fn left(&self) -> Limits {
        self.used.left(&limits(&self.row))
    }
}

/// Which sponsored transactions to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct SponsoredQuery<'a> {
    pub sponsor_id: Option<Uuid>,
    pub user: Option<&'a str>,
    pub status: Option<&'a str>,
}

impl App {
    /// A sponsor, with what is left for `user`.
    ///
    /// # Errors
    /// [`SponsorRefusal::Unknown`] for another's; [`Refusal::Address`].
    pub async fn load_sponsor(
        &self,
        caller: Caller<'_>,
        id: Uuid,
        user: Option<&str>,
    ) -> Result<SponsorView, AppError> {
        authorize(caller.actor, Action::ReadSponsor)?;
        let reach = reach(caller.actor)?;
        let user = user.map(|text| parse_address(text, Field::User)).transpose()?;
        let mut db = self.connection().await?;
        let row = sponsors::load(&mut db, id).await?;
        let own = |row: &SponsorRow| reach.is_none_or(|id| id.0 == row.principal_id);
        let row = row.filter(own).ok_or(SponsorRefusal::Unknown)?;
        let day = self.config().clock.now().date();
        view(&mut db, row, day, user).await
    }

    /// Sponsors, newest first.
    ///
    /// # Errors
    /// [`Refusal::ChainUnknown`]
    pub async fn list_sponsors(
        &self,
        caller: Caller<'_>,
        chain_id: Option<u64>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<SponsorView>, AppError> {
        authorize(caller.actor, Action::ReadSponsor)?;
        let chain = chain_id.map(|id| self.chain(Some(id))).transpose()?;
        let filter = SponsorFilter {
            chain_id: chain.map(|chain| chain.chain_id),
            principal_id: reach(caller.actor)?,
            ..SponsorFilter::default()
        };
        let mut db = self.connection().await?;
        let rows = sponsors::list(&mut db, filter, before, limit).await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let rules = sponsors::load_rules(&mut db, &ids).await?;
        let day = self.config().clock.now().date();
        let days = sponsors::load_day(&mut db, &ids, day, &[]).await?;
        let shown = rows.into_iter().map(|row| {
            let today = days.iter().find(|used| used.sponsor_id == row.id);
            let used = Used {
                day_wei: today.map(|used| used.used_wei).unwrap_or_default(),
                day_requests: today.map_or(0, |used| used.requests.unsigned_abs()),
                total_wei: row.used_wei,
                ..Used::default()
            };
            let own = rules.iter().filter(|rule| rule.sponsor_id == row.id);
            SponsorView { rules: own.cloned().collect(), row, day, used, user: None }
        });
        Ok(shown.collect())
    }

    /// A sponsored transaction as it stands.
    ///
    /// # Errors
    /// [`SponsorRefusal::TransactionUnknown`] for another's.
    pub async fn load_sponsored(
        &self,
        caller: Caller<'_>,
        id: Uuid,
    ) -> Result<ForwardRequestRow, AppError> {
        authorize(caller.actor, Action::ReadSponsored)?;
        let filter = ForwardRequestFilter {
            id: Some(id),
            principal_id: reach(caller.actor)?,
            ..ForwardRequestFilter::default()
        };
        let mut db = self.connection().await?;
        let found = forward_requests::list(&mut db, filter, None, 1).await?.into_iter().next();
        Ok(found.ok_or(SponsorRefusal::TransactionUnknown)?)
    }

    /// Sponsored transactions, newest first.
    ///
    /// # Errors
    /// [`Refusal::StatusUnknown`], [`Refusal::Address`].
    pub async fn list_sponsored(
        &self,
        caller: Caller<'_>,
        query: SponsoredQuery<'_>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<ForwardRequestRow>, AppError> {
        authorize(caller.actor, Action::ReadSponsored)?;
        let status = query.status.map(str::parse::<JobStatus>).transpose();
        let filter = ForwardRequestFilter {
            sponsor_id: query.sponsor_id,
            principal_id: reach(caller.actor)?,
            user: query.user.map(|text| parse_address(text, Field::User)).transpose()?,
            status: status.map_err(|_| Refusal::StatusUnknown)?,
            ..ForwardRequestFilter::default()
        };
        let mut db = self.connection().await?;
        Ok(forward_requests::list(&mut db, filter, before, limit).await?)
    }
}

/// Whose sponsors somebody sees: operators see all, others their own.
fn reach(actor: &Actor) -> Result<Option<PrincipalId>, Denied> {
    let maker = actor.maker()?;
    let all = actor.is_operator() || maker.is_admin();
    Ok((!all).then_some(maker.principal))
}

pub(crate) fn limits(row: &SponsorRow) -> Limits {
    Limits {
        day_wei: row.day_wei_max,
        total_wei: row.total_wei_max,
        user_day_wei: row.user_day_wei_max,
        user_day_requests: row.user_day_requests_max.unsigned_abs(),
    }
}

/// What is used of a sponsor: in all, on a day, and on that day by a user.
pub(crate) async fn load_used(
    db: &mut PgConnection,
    row: &SponsorRow,
    day: Date,
    user: Option<Address>,
) -> Result<Used, DbError> {
    let all = sponsors::load_day(db, &[row.id], day, &[]).await?.into_iter().next();
    let own = match user {
        Some(user) => {
            let found = sponsors::load_day(db, &[row.id], day, user.as_slice()).await?;
            found.into_iter().next()
        }
        None => None,
    };
    Ok(Used {
        day_wei: all.as_ref().map(|all| all.used_wei).unwrap_or_default(),
        day_requests: all.as_ref().map_or(0, |all| all.requests.unsigned_abs()),
        total_wei: row.used_wei,
        user_day_wei: own.as_ref().map(|own| own.used_wei).unwrap_or_default(),
        user_day_requests: own.as_ref().map_or(0, |own| own.requests.unsigned_abs()),
    })
}

pub(crate) async fn view(
    db: &mut PgConnection,
    row: SponsorRow,
    day: Date,
    user: Option<Address>,
) -> Result<SponsorView, AppError> {
    let used = load_used(db, &row, day, user).await?;
    let rules = sponsors::load_rules(db, &[row.id]).await?;
    Ok(SponsorView { row, rules, day, used, user })
}
