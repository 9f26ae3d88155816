//! A call that a user signed and a sponsor pays for: checked, counted, queued.
//!
//! In this order, so that hostile input costs its sender more than us: shape and rules (memory),
//! the signature (one recovery), what is known of the request (one row), the chain (one batch of
//! calls and a price), and only then, under the locks of the user and the sponsor, nonce and
//! budget.

use crate::{
    ANSWER_TTL, Answer, App, AppError, Caller, FAILPOINTS, ForwardRequestRow, Once, Refusal,
    SponsorRefusal, WriteSettings,
    jobs::settle_sponsored::new_use,
    once::{ACCEPTED, Begun, Done, maker, replay},
    parse_address,
    read_sponsors::{limits, load_used},
    sponsored_call::{Carried, Checked, FORWARDED},
};
use abi::{Fault, parse_uint};
use auth::{Action, Maker};
use db::{
    PgConnection,
    forward_requests::{self, ForwardRequestFilter, NewForwardRequest},
    idempotency_keys,
    sponsors::{self, SponsorRow},
    transactions::requests,
};
use serde_json::Value;
use sponsor::{Consent, DEADLINE_MARGIN, Domain, ForwardRequest, Rule, Terms, check, recover};
use time::{Duration, OffsetDateTime};
use transactor::{Idempotency, NewTransaction, OnFailure, Ordering};
use uuid::Uuid;
use vocab::{Address, B256, Bytes, U256};

/// Kind of the transactions that carry forward requests.
pub const SPONSORED: &str = "sponsored_call";
/// Bytes of a request's data at most.
const DATA_BYTES_MAX: usize = 64 * 1024;

/// A forward request as it came in.
#[derive(Clone, Copy, Debug)]
pub struct ForwardSpec<'a> {
    pub from: &'a str,
    pub to: &'a str,
    /// Wei.
    pub value: Option<&'a Value>,
    pub gas: &'a Value,
    pub nonce: &'a Value,
    /// Unix seconds.
    pub deadline: &'a Value,
    /// Hexadecimal with `0x`.
    pub data: &'a str,
}

/// What is to be sent, and who pays.
#[derive(Clone, Copy, Debug)]
pub struct SponsoredSpec<'a> {
    pub sponsor_id: Uuid,
    /// How the user consented; by a forward request when absent.
    pub consent: Option<&'a str>,
    /// Must be the sponsor's, if it is given.
    pub chain_id: Option<u64>,
    /// Must be ours, if it is given.
    pub forwarder: Option<&'a str>,
    pub request: ForwardSpec<'a>,
    /// 65 bytes, hexadecimal with `0x`.
    pub signature: &'a str,
}

impl App {
    /// Take a signed request: 202 with the sponsored transaction. Request, reservation, job and
    /// answer are one commit.
    ///
    /// # Errors
    /// [`SponsorRefusal`], [`Refusal::Address`], [`Refusal::QueueFull`], [`AppError::Node`].
    pub async fn request_sponsored(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        spec: SponsoredSpec<'_>,
        render: impl Fn(&ForwardRequestRow) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::RequestSponsored)?;
        // First of all: its deadline may have passed since, its nonce be used, the sponsor paused.
        if let Some(answer) = self.sponsored_before(holder, once, &render).await? {
            return Ok(answer);
        }
        served(spec.consent)?;
        let request = read(&spec.request)?;
        let signature = spec.signature.parse::<Bytes>().unwrap_or_default();
        let (row, rules) = self.spendable(holder, spec.sponsor_id).await?;
        let chain = self.sponsor_chain(&row, spec.chain_id, spec.forwarder)?;
        let digest = self.agree(chain, &row, &rules, &request)?;
        match recover(digest, &signature) {
            Ok(signer) if signer == request.from => {}
            Ok(_) => return Err(SponsorRefusal::Signer.into()),
            Err(fault) => return Err(SponsorRefusal::Signature(fault).into()),
        }
        let known = {
            let mut db = self.connection().await?;
            forward_requests::is_known(&mut db, chain.chain_id, chain.forwarder, digest).await?
        };
        if known {
            return Err(SponsorRefusal::Seen.into());
        }
        let checked = self.check_on_chain(chain, &request, &signature).await?;
        let new = self.job(holder, caller, once, chain, &request, &checked.carried)?;
        self.admit(&new).await?;
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let role = new.role.clone();
        let taken = Taken { chain, request: &request, digest, checked: &checked };
        let done = self.take(&mut work.transaction, row.id, taken, new, render).await;
        let taken = done.is_ok();
        FAILPOINTS.hit("before_sponsored");
        let answer = self.settle_once(work, done).await?;
        FAILPOINTS.hit("after_sponsored");
        if taken {
            self.config().nudge.wake(chain.chain_id, &role);
            metrics::counter!("sponsored_accepted_total").increment(1);
        }
        Ok(answer)
    }

    /// Under the locks of the user and of the sponsor: the nonce is the next, the budget holds it.
    async fn take(
        &self,
        db: &mut PgConnection,
        sponsor: Uuid,
        taken: Taken<'_>,
        new: NewTransaction,
        render: impl Fn(&ForwardRequestRow) -> Value + Send,
    ) -> Result<Done, AppError> {
        let Taken { chain, request, digest, checked } = taken;
        let now = self.config().clock.now();
        let user = request.from;
        forward_requests::lock_user(db, chain.chain_id, chain.forwarder, user).await?;
        if forward_requests::is_known(db, chain.chain_id, chain.forwarder, digest).await? {
            return Err(SponsorRefusal::Seen.into());
        }
        let expected = next_nonce(db, chain, user, checked.chain_nonce).await?;
        if request.nonce != expected {
            return Err(SponsorRefusal::Nonce { expected }.into());
        }
        let row = sponsors::lock(db, sponsor).await?.ok_or(SponsorRefusal::Unknown)?;
        if row.state != "active" {
            return Err(SponsorRefusal::Paused.into());
        }
        let day = now.date();
        let used = load_used(db, &row, day, Some(user)).await?;
        let cost = checked.carried.cost_max;
        let used = used.reserve(&limits(&row), cost).map_err(SponsorRefusal::Budget)?;
        sponsors::record_use(db, new_use(row.id, day, user, &used)).await?;
        let transaction = transactor::enqueue(db, new).await?;
        let record = NewForwardRequest {
            id: Uuid::now_v7(),
            sponsor_id: row.id,
            chain_id: chain.chain_id,
            forwarder: chain.forwarder,
            user,
            nonce: request.nonce.cast_signed(),
            digest,
            target: request.to,
            selector: request.selector().unwrap_or_default(),
            gas: request.gas.cast_signed(),
            deadline_at: moment(request.deadline)?,
            transaction_id: transaction.0,
            day,
            reserved_wei: cost,
            now,
        };
        forward_requests::record(db, record).await?;
        let filter = ForwardRequestFilter { id: Some(record.id), ..Default::default() };
        let shown = forward_requests::list(db, filter, None, 1).await?;
        let shown = shown.first().ok_or(AppError::Bug("a row just written is not there"))?;
        let body = render(shown).to_string().into_bytes();
        tracing::info!(sponsored.id = %record.id, transaction.id = %transaction,
            "sponsored call accepted");
        Ok(Done::New(ACCEPTED, body))
    }

    /// What this key was answered, if it was: for a day as it was said, then as it stands.
    async fn sponsored_before(
        &self,
        holder: Maker<'_>,
        once: Once<'_>,
        render: &(impl Fn(&ForwardRequestRow) -> Value + Send),
    ) -> Result<Option<Answer>, AppError> {
        let mut db = self.connection().await?;
        let now = self.config().clock.now();
        let times = (now, now - ANSWER_TTL);
        let seen = idempotency_keys::load(&mut db, holder.principal, once.key, times).await?;
        // Its job alone says nothing of the answer.
        if let Some(seen) = seen.filter(|seen| seen.status != 0) {
            return replay(&seen.fingerprint, seen.status, seen.body, once).map(Some);
        }
        let Some(job) = requests::load_by_key(&mut db, holder.principal, once.key).await? else {
            return Ok(None);
        };
        let filter = ForwardRequestFilter { transaction_id: Some(job.id), ..Default::default() };
        let found = forward_requests::list(&mut db, filter, None, 1).await?;
        let body = found.first().map(|row| render(row).to_string().into_bytes());
        let fingerprint = job.fingerprint.unwrap_or_default();
        replay(&fingerprint, ACCEPTED.cast_signed(), body.unwrap_or_default(), once).map(Some)
    }

    /// A sponsor that this caller may spend, with its rules.
    pub(crate) async fn spendable(
        &self,
        holder: Maker<'_>,
        id: Uuid,
    ) -> Result<(SponsorRow, Vec<Rule>), AppError> {
        let mut db = self.connection().await?;
        let row = sponsors::load(&mut db, id).await?;
        let own = |row: &SponsorRow| holder.is_admin() || row.principal_id == holder.principal.0;
        let row = row.filter(own).ok_or(SponsorRefusal::Unknown)?;
        let rules = sponsors::load_rules(&mut db, &[id]).await?.into_iter().filter_map(|rule| {
            let selector = rule.selector.try_into().ok()?;
            Some(Rule { target: rule.target, selector })
        });
        Ok((row, rules.collect()))
    }

    /// The sponsor's chain, if that and the forwarder are what the caller means.
    pub(crate) fn sponsor_chain(
        &self,
        row: &SponsorRow,
        chain_id: Option<u64>,
        forwarder: Option<&str>,
    ) -> Result<&WriteSettings, AppError> {
        let id = row.chain_id.cast_unsigned();
        if chain_id.is_some_and(|named| named != id) {
            let fault = Fault::new("/chain_id", format!("the sponsor pays on chain {id}"));
            return Err(SponsorRefusal::Request(vec![fault]).into());
        }
        let chain = self.writable(Some(id))?;
        if chain.forwarder.is_zero() || chain.sponsor_role.is_none() {
            let what = "no requests are forwarded on this chain";
            return Err(SponsorRefusal::NotSupported(what).into());
        }
        let named = forwarder.map(|text| parse_address(text, crate::Field::Forwarder));
        if named.transpose()?.is_some_and(|named| named != chain.forwarder) {
            return Err(SponsorRefusal::ForwarderUnknown.into());
        }
        Ok(chain)
    }

    /// Does the sponsor pay for it? Then this is what the user must have signed.
    pub(crate) fn agree(
        &self,
        chain: &WriteSettings,
        row: &SponsorRow,
        rules: &[Rule],
        request: &ForwardRequest,
    ) -> Result<B256, AppError> {
        let now = self.config().clock.now().unix_timestamp();
        let terms = Terms {
            active: row.state == "active",
            rules,
            gas_max: row.gas_max.unsigned_abs(),
            forwarder: chain.forwarder,
            now: u64::try_from(now).unwrap_or_default(),
        };
        check(request, &terms).map_err(refuse)?;
        Ok(request.digest(&domain(chain)))
    }

    fn job(
        &self,
        holder: Maker<'_>,
        caller: Caller<'_>,
        once: Once<'_>,
        chain: &WriteSettings,
        request: &ForwardRequest,
        carried: &Carried,
    ) -> Result<NewTransaction, AppError> {
        let margin = Duration::seconds(DEADLINE_MARGIN.cast_signed());
        let role = chain.sponsor_role.clone().unwrap_or_default();
        Ok(NewTransaction {
            label: Some(FORWARDED.to_owned()),
            to: Some(chain.forwarder),
            input: carried.input.clone(),
            gas_limit: Some(carried.gas_limit),
            // The reservation holds for this price; above it the job waits.
            fee_cap_wei: Some(carried.max_fee_wei),
            deadline: Some(moment(request.deadline)? - margin),
            // One that ends without effect leaves its nonce unused: those behind it then fail when
            // they are tried, at no cost, and the user's next request is not held up by them.
            ordering: Some(Ordering {
                key: format!("forward:{}", request.from),
                on_failure: OnFailure::Free,
            }),
            principal_id: Some(holder.principal),
            idempotency: Some(Idempotency {
                key: once.key.to_owned(),
                fingerprint: once.fingerprint.0,
            }),
            request_id: Some(caller.request_id.to_owned()),
            ..NewTransaction::new(chain.chain_id, role, SPONSORED)
        })
    }
}

/// A request that is about to be recorded.
struct Taken<'a> {
    chain: &'a WriteSettings,
    request: &'a ForwardRequest,
    digest: B256,
    checked: &'a Checked,
}

pub(crate) fn domain(chain: &WriteSettings) -> Domain<'static> {
    Domain {
        name: contracts::FORWARDER_NAME,
        chain_id: chain.chain_id.0,
        forwarder: chain.forwarder,
    }
}

pub(crate) fn served(consent: Option<&str>) -> Result<Consent, AppError> {
    match consent.unwrap_or(Consent::ForwardRequest.as_str()).parse::<Consent>() {
        Ok(consent) if consent.is_served() => Ok(consent),
        Ok(_) => Err(SponsorRefusal::NotSupported("only forward requests are sent yet").into()),
        Err(()) => {
            let all = Consent::ALL.map(Consent::as_str).join(", ");
            let fault = Fault::new("/consent", format!("one of {all}"));
            Err(SponsorRefusal::Request(vec![fault]).into())
        }
    }
}

/// The nonce that the user's next request has: the first from the chain's on that no request of
/// ours has which may still take effect.
pub(crate) async fn next_nonce(
    db: &mut PgConnection,
    chain: &WriteSettings,
    user: Address,
    chain_nonce: u64,
) -> Result<u64, AppError> {
    let first = chain_nonce.cast_signed();
    let live = forward_requests::load_live_nonces(db, chain.chain_id, chain.forwarder, user, first)
        .await?;
    let taken = live.iter().zip(first..).take_while(|(live, next)| **live == *next).count();
    Ok(chain_nonce.saturating_add(taken as u64))
}

/// A deadline that [`check`] let pass.
fn moment(unix: u64) -> Result<OffsetDateTime, AppError> {
    OffsetDateTime::from_unix_timestamp(unix.cast_signed())
        .map_err(|_| AppError::Bug("a deadline that was checked is no time"))
}

fn read(spec: &ForwardSpec<'_>) -> Result<ForwardRequest, AppError> {
    let mut faults = Vec::new();
    let mut number = |field: &str, given: Option<&Value>, bits: usize| {
        let read = given.map_or(Ok(U256::ZERO), |given| parse_uint(given, bits));
        read.unwrap_or_else(|detail| {
            faults.push(Fault::new(format!("/request/{field}"), detail));
            U256::ZERO
        })
    };
    let value = number("value", spec.value, 256);
    let gas = number("gas", Some(spec.gas), 63).to();
    let nonce = number("nonce", Some(spec.nonce), 63).to();
    let deadline = number("deadline", Some(spec.deadline), 48).to();
    let data = read_data(spec.data).unwrap_or_else(|detail| {
        faults.push(Fault::new("/request/data", detail));
        Bytes::new()
    });
    let mut account = |field: &str, text: &str| {
        parse_address(text, crate::Field::To).unwrap_or_else(|error| {
            let detail = match error {
                AppError::Refused(Refusal::Address(_, fault)) => fault.to_string(),
                _ => "not an address".to_owned(),
            };
            faults.push(Fault::new(format!("/request/{field}"), detail));
            Address::ZERO
        })
    };
    let (from, to) = (account("from", spec.from), account("to", spec.to));
    if !faults.is_empty() {
        return Err(SponsorRefusal::Request(faults).into());
    }
    Ok(ForwardRequest { from, to, value, gas, nonce, deadline, data })
}

pub(crate) fn read_data(text: &str) -> Result<Bytes, String> {
    if text.len() > 2 + 2 * DATA_BYTES_MAX {
        return Err(format!("at most {DATA_BYTES_MAX} bytes"));
    }
    if !text.starts_with("0x") {
        return Err("hexadecimal with `0x`".to_owned());
    }
    text.parse().map_err(|_| "hexadecimal with `0x`".to_owned())
}

/// Where in the body a refused request is at fault.
fn refuse(refused: sponsor::Refused) -> AppError {
    use sponsor::Refused as R;
    let at = |pointer: &str| Fault::new(pointer, refused.to_string());
    let refusal = match refused {
        R::Paused => SponsorRefusal::Paused,
        R::Value => SponsorRefusal::Request(vec![at("/request/value")]),
        R::NoSelector => SponsorRefusal::Request(vec![at("/request/data")]),
        R::Gas { .. } => SponsorRefusal::Request(vec![at("/request/gas")]),
        R::DeadlineSoon | R::DeadlineFar => SponsorRefusal::Request(vec![at("/request/deadline")]),
        R::Multicall(_) => SponsorRefusal::NotAllowed(at("/request/data")),
        R::Forwarder | R::NotAllowed => SponsorRefusal::NotAllowed(at("/request/to")),
    };
    refusal.into()
}
