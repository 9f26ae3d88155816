//! Sponsors: made and changed by operators.

use crate::{
    Answer, App, AppError, Caller, Once, Refusal, SponsorRefusal, SponsorView,
    once::{Begun, CREATED, Done, maker},
    parse_address,
    read_sponsors::view,
    tell_change::{By, Decision},
};
use abi::{Fault, parse_uint};
use auth::{Action, authorize};
use db::{
    PgConnection, principals,
    sponsors::{self, RuleRow, SponsorRow},
};
use journal::NewFact;
use serde_json::{Value, json};
use sponsor::is_multicall;
use std::mem;
use uuid::Uuid;
use vocab::{Address, Bytes, ChainId, PrincipalId, U256};

const NAME_MAX: usize = 64;
const RULES_MAX: usize = 100;
const FUNCTION_MAX: usize = 500;
/// EIP-7825.
const GAS_MAX: u64 = 1 << 24;
const GAS_MIN: u64 = 5_000;

/// A function that is to be paid for.
#[derive(Clone, Copy, Debug)]
pub struct RuleSpec<'a> {
    pub target: &'a str,
    /// A signature, or a selector: `0x` and eight hexadecimal digits.
    pub function: &'a str,
}

/// What is decided about a sponsor; what is absent stays as it is. Amounts in wei.
#[derive(Clone, Debug, Default)]
pub struct SponsorTerms<'a> {
    pub paused: Option<bool>,
    pub day_budget: Option<&'a Value>,
    pub total_budget: Option<&'a Value>,
    pub user_day_budget: Option<&'a Value>,
    pub user_day_requests: Option<u32>,
    pub gas_max: Option<u64>,
    /// In the place of all that there are.
    pub rules: Option<Vec<RuleSpec<'a>>>,
}

/// A sponsor to make.
#[derive(Clone, Debug)]
pub struct SponsorSpec<'a> {
    pub chain_id: Option<u64>,
    pub name: &'a str,
    /// Who may spend it; the caller when absent.
    pub owner: Option<Uuid>,
    pub terms: SponsorTerms<'a>,
}

impl App {
    /// Make a sponsor. What its terms leave out is nothing: no budget, no rule.
    ///
    /// # Errors
    /// [`SponsorRefusal::Invalid`], [`SponsorRefusal::Exists`].
    pub async fn create_sponsor(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        spec: SponsorSpec<'_>,
        render: impl Fn(&SponsorView) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::ChangeSponsor)?;
        let chain = self.writable(spec.chain_id)?;
        let now = self.config().clock.now();
        let owner = spec.owner.unwrap_or(holder.principal.0);
        let mut row = SponsorRow {
            id: Uuid::now_v7(),
            chain_id: chain.chain_id.as_i64(),
            principal_id: owner,
            name: spec.name.to_owned(),
            state: "active".to_owned(),
            day_wei_max: U256::ZERO,
            total_wei_max: U256::ZERO,
            user_day_wei_max: U256::ZERO,
            user_day_requests_max: 0,
            gas_max: 1_000_000,
            used_wei: U256::ZERO,
            created_at: now,
            updated_at: now,
        };
        let mut faults = Vec::new();
        let sound = (1..=NAME_MAX).contains(&spec.name.len())
            && spec.name.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
            && spec.name.trim() == spec.name;
        if !sound {
            faults.push(Fault::new("/name", "1 to 64 printable ASCII characters"));
        }
        let rules = apply(&mut row, &spec.terms, chain.forwarder, &mut faults);
        refuse(faults)?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let db = &mut *work.transaction;
        let done = async {
            record_sponsor(db, &row, rules.unwrap_or_default()).await?;
            let shown = view(db, row, now.date(), None).await?;
            let by = By::Request(holder, caller);
            journal::record(db, &[decided(by, "created", Value::Null, &shown)]).await?;
            Ok(shown)
        };
        let shown = done.await;
        let done = shown.map(|shown| {
            tracing::info!(sponsor.id = %shown.row.id, key = holder.key_id, "sponsor made");
            Done::New(CREATED, render(&shown).to_string().into_bytes())
        });
        self.settle_once(work, done).await
    }

    /// Change what is decided about a sponsor. What was accepted stays accepted.
    ///
    /// # Errors
    /// [`SponsorRefusal::Unknown`], [`SponsorRefusal::Invalid`].
    pub async fn change_sponsor(
        &self,
        caller: Caller<'_>,
        id: Uuid,
        terms: SponsorTerms<'_>,
    ) -> Result<SponsorView, AppError> {
        authorize(caller.actor, Action::ChangeSponsor)?;
        let holder = caller.actor.maker()?;
        let now = self.config().clock.now();
        let mut transaction = db::begin(&self.config().db).await?;
        let db: &mut PgConnection = &mut transaction;
        let mut row = sponsors::lock(db, id).await?.ok_or(SponsorRefusal::Unknown)?;
        let chain = self.writable(Some(row.chain_id.cast_unsigned()))?;
        let before = terms_of(&view(db, row.clone(), now.date(), None).await?);
        let mut faults = Vec::new();
        let rules = apply(&mut row, &terms, chain.forwarder, &mut faults);
        refuse(faults)?;
        row.updated_at = now;
        sponsors::record_change(db, &row).await?;
        if let Some(rules) = rules {
            sponsors::record_rules(db, id, &rules).await?;
        }
        let shown = view(db, row, now.date(), None).await?;
        if terms_of(&shown) != before {
            let by = By::Request(holder, caller);
            journal::record(db, &[decided(by, "changed", before, &shown)]).await?;
        }
        transaction.commit().await.map_err(db::DbError::from)?;
        tracing::info!(sponsor.id = %id, key = holder.key_id, state = shown.row.state,
            "sponsor changed");
        Ok(shown)
    }
}

/// In the caller's transaction.
async fn record_sponsor(
    db: &mut PgConnection,
    row: &SponsorRow,
    rules: Vec<RuleRow>,
) -> Result<(), AppError> {
    if principals::load_name(db, PrincipalId(row.principal_id)).await?.is_none() {
        refuse(vec![Fault::new("/owner", "there is no such principal")])?;
    }
    if !sponsors::record(db, row).await? {
        return Err(SponsorRefusal::Exists.into());
    }
    Ok(sponsors::record_rules(db, row.id, &rules).await?)
}

/// All that is decided about a sponsor, for the record.
fn terms_of(sponsor: &SponsorView) -> Value {
    let row = &sponsor.row;
    let rule = |rule: &RuleRow| {
        json!({ "target": rule.target, "selector": Bytes::copy_from_slice(&rule.selector),
            "function": rule.function })
    };
    json!({
        "name": row.name, "owner": row.principal_id, "state": row.state,
        "day_budget": row.day_wei_max.to_string(), "total_budget": row.total_wei_max.to_string(),
        "user_day_budget": row.user_day_wei_max.to_string(),
        "user_day_requests": row.user_day_requests_max, "gas_max": row.gas_max,
        "rules": sponsor.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn decided(by: By<'_>, act: &'static str, before: Value, sponsor: &SponsorView) -> NewFact {
    Decision {
        by,
        deed: Action::ChangeSponsor.into(),
        about: ("sponsor", sponsor.row.id.to_string()),
        act,
        chain_id: Some(ChainId::from_i64(sponsor.row.chain_id)),
        before,
        after: terms_of(sponsor),
    }
    .fact()
}

fn refuse(faults: Vec<Fault>) -> Result<(), AppError> {
    if faults.is_empty() { Ok(()) } else { Err(SponsorRefusal::Invalid(faults).into()) }
}

/// Bring the row in line with what is asked; gives the rules that are to stand.
fn apply(
    row: &mut SponsorRow,
    terms: &SponsorTerms<'_>,
    forwarder: Address,
    faults: &mut Vec<Fault>,
) -> Option<Vec<RuleRow>> {
    if let Some(paused) = terms.paused {
        row.state = if paused { "paused" } else { "active" }.to_owned();
    }
    let mut amount = |pointer: &str, given: Option<&Value>, old: &mut U256| {
        let Some(given) = given else { return };
        // Sums of two stay below 2^256, so nothing that is counted can overflow.
        match parse_uint(given, 128) {
            Ok(new) => drop(mem::replace(old, new)),
            Err(detail) => faults.push(Fault::new(pointer, detail)),
        }
    };
    amount("/day_budget", terms.day_budget, &mut row.day_wei_max);
    amount("/total_budget", terms.total_budget, &mut row.total_wei_max);
    amount("/user_day_budget", terms.user_day_budget, &mut row.user_day_wei_max);
    if let Some(requests) = terms.user_day_requests {
        match i32::try_from(requests) {
            Ok(requests) => row.user_day_requests_max = requests,
            Err(_) => faults.push(Fault::new("/user_day_requests", "below 2^31")),
        }
    }
    match terms.gas_max {
        Some(gas) if (GAS_MIN..=GAS_MAX).contains(&gas) => row.gas_max = gas.cast_signed(),
        Some(_) => faults.push(Fault::new("/gas_max", "5000 to 16777216")),
        None => {}
    }
    let rules = terms.rules.as_ref()?;
    if rules.len() > RULES_MAX {
        faults.push(Fault::new("/rules", "at most 100"));
        return None;
    }
    let mut read = Vec::with_capacity(rules.len());
    for (place, spec) in rules.iter().enumerate() {
        match rule(row.id, spec, forwarder) {
            Ok(rule) => read.push(rule),
            Err((field, detail)) => {
                faults.push(Fault::new(format!("/rules/{place}/{field}"), detail));
            }
        }
    }
    Some(read)
}

fn rule(
    sponsor: Uuid,
    spec: &RuleSpec<'_>,
    forwarder: Address,
) -> Result<RuleRow, (&'static str, String)> {
    let target = parse_address(spec.target, crate::Field::To).map_err(|error| {
        let detail = match error {
            AppError::Refused(Refusal::Address(_, fault)) => fault.to_string(),
            _ => "not an address".to_owned(),
        };
        ("target", detail)
    })?;
    if target == forwarder {
        return Err(("target", "the forwarder itself is never a target".to_owned()));
    }
    let selector = read_function(spec.function).map_err(|detail| ("function", detail))?;
    if let Some(signature) = is_multicall(selector) {
        let detail = format!("`{signature}` runs other calls: never behind a forwarder");
        return Err(("function", detail));
    }
    Ok(RuleRow {
        sponsor_id: sponsor,
        target,
        selector: selector.to_vec(),
        function: spec.function.to_owned(),
    })
}

/// The selector of a signature, or one written out.
fn read_function(text: &str) -> Result<[u8; 4], String> {
    if text.len() > FUNCTION_MAX {
        return Err(format!("at most {FUNCTION_MAX} characters"));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        let written = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| written);
        let fault = || "a selector is `0x` and 8 hexadecimal digits".to_owned();
        return number.map(u32::to_be_bytes).ok_or_else(fault);
    }
    abi::selector_of(text).ok_or_else(|| {
        "a signature in canonical form, such as `transfer(address,uint256)`".to_owned()
    })
}
