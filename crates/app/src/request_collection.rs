//! A collection asked for: from request to queued transaction, at an address known beforehand.

use crate::{
    Answer, App, AppError, Caller, CollectionFault, CollectionRow, Field, Once, Refusal,
    WriteSettings,
    address::parse_address,
    enqueue::{Call, record_call},
    once::{ACCEPTED, Begun, Done, maker, replay},
};
use StoaCollectionFactory::CollectionInit;
use alloy_primitives::{aliases::U96, keccak256};
use alloy_sol_types::SolCall;
use auth::{Action, Maker};
use contracts::{MAX_ROYALTY_BPS, StoaCollectionFactory, collection_address};
use db::PgConnection;
use db::collection_requests::{self, NewCollectionRequest};
use db::collections_reads::{self, CollectionFilter};
use mint::content::ContentMode;
use serde_json::{Value, json};
use vocab::{Address, B256, CollectionRequestId, JobStatus, topic};

/// Kind of the transactions that deploy collections.
pub const TRANSACTION_KIND: &str = "create_collection";

const NAME_CHARS_MAX: usize = 100;
const SYMBOL_CHARS_MAX: usize = 16;
const URI_LEN_MAX: usize = 1_024;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct CollectionSpec<'a> {
    pub name: &'a str,
    pub symbol: &'a str,
    /// `digest`, `base_uri` or `free_uri`.
    pub content_mode: &'a str,
    pub base_uri: Option<&'a str>,
    pub contract_uri: Option<&'a str>,
    pub admin: Option<&'a str>,
    pub royalty_receiver: Option<&'a str>,
    pub royalty_bps: Option<u16>,
    pub chain_id: Option<u64>,
}

struct Checked<'a> {
    spec: CollectionSpec<'a>,
    mode: ContentMode,
    admin: Address,
    royalty_receiver: Address,
    royalty_bps: u16,
}

/// Who asked for which collection, and where it will be.
struct Asked<'a> {
    caller: Caller<'a>,
    holder: Maker<'a>,
    once: Once<'a>,
    checked: &'a Checked<'a>,
    salt: B256,
    contract: Address,
}

impl App {
    /// Accept a collection: 202 with its address, status `queued`.
    ///
    /// # Errors
    /// [`Refusal`]: see there.
    pub async fn request_collection(
        &self,
        caller: Caller<'_>,
        once: Once<'_>,
        spec: CollectionSpec<'_>,
        render: impl Fn(&CollectionRow) -> Value + Send,
    ) -> Result<Answer, AppError> {
        let holder = maker(caller.actor, Action::RequestCollection)?;
        let chain = self.writable(spec.chain_id)?;
        let checked = check(chain, spec)?;
        // The salt follows from principal and key: the same key can't deploy twice, ever.
        let salt = keccak256([holder.principal.0.as_bytes(), once.key.as_bytes()].concat());
        let contract = collection_address(chain.factory, chain.implementation, chain.creator, salt);
        let mut work = match self.begin_once(holder, once).await? {
            Begun::Answered(answer) => return Ok(answer),
            Begun::Open(work) => work,
        };
        let asked = Asked { caller, holder, once, checked: &checked, salt, contract };
        let done = self.record_collection(&mut work.transaction, chain, asked, render).await;
        self.settle_once(work, done).await
    }

    async fn record_collection(
        &self,
        db: &mut PgConnection,
        chain: &WriteSettings,
        asked: Asked<'_>,
        render: impl Fn(&CollectionRow) -> Value + Send,
    ) -> Result<Done, AppError> {
        let Asked { caller, holder, once, checked, salt, contract } = asked;
        let spec = &checked.spec;
        if let Some(before) = collection_requests::load(db, chain.chain_id, contract).await? {
            let only = CollectionFilter::only(chain.chain_id, contract);
            let rows = collections_reads::list(db, only, None, 1).await?;
            let row = rows.first().ok_or(AppError::Bug("a collection asked for is not listed"))?;
            let body = render(row).to_string().into_bytes();
            let made_with = before.settings["fingerprint"].as_str().unwrap_or_default();
            let same = made_with == B256::from(once.fingerprint.0).to_string();
            let stored = if same { once.fingerprint.0 } else { [0; 32] };
            return replay(&stored, ACCEPTED.cast_signed(), body, once).map(Done::Again);
        }
        let call = Call {
            chain_id: chain.chain_id,
            role: &chain.creator_role,
            wallet: chain.creator,
            kind: TRANSACTION_KIND,
            recipient: chain.factory,
            input: calldata(chain, checked, salt),
            request_id: caller.request_id,
        };
        let transaction = record_call(db, call).await?;
        let settings = settings(checked, once);
        let request = NewCollectionRequest {
            id: CollectionRequestId::new(),
            principal_id: holder.principal,
            chain_id: chain.chain_id,
            contract,
            salt,
            name: spec.name,
            symbol: spec.symbol,
            content_mode: spec.content_mode,
            base_uri: spec.base_uri.unwrap_or_default(),
            settings: &settings,
            status: JobStatus::Queued,
            transaction_id: Some(transaction),
            now: self.config().clock.now(),
        };
        collection_requests::record(db, &request).await?;
        journal::record(db, &[fact(holder, &request, caller)]).await?;
        let body = render(&row(&request, checked)).to_string().into_bytes();
        Ok(Done::New(ACCEPTED, body))
    }
}

fn check<'a>(chain: &WriteSettings, spec: CollectionSpec<'a>) -> Result<Checked<'a>, AppError> {
    let optional = |text: Option<&str>, field| text.map(|t| parse_address(t, field)).transpose();
    let admin = optional(spec.admin, Field::Admin)?.unwrap_or(chain.collection_admin);
    let receiver = optional(spec.royalty_receiver, Field::RoyaltyReceiver)?;
    let royalty_receiver = receiver.unwrap_or_default();
    let royalty_bps = spec.royalty_bps.unwrap_or(0);
    let mode = crate::request_mint::content_mode(spec.content_mode).ok();
    let base = spec.base_uri.unwrap_or_default();
    let uri = |text: &str| text.len() <= URI_LEN_MAX && !text.contains(char::is_whitespace);
    let name_sound = (1..=NAME_CHARS_MAX).contains(&spec.name.chars().count())
        && !spec.name.chars().any(char::is_control);
    let symbol_sound = (1..=SYMBOL_CHARS_MAX).contains(&spec.symbol.len())
        && spec.symbol.bytes().all(|byte| byte.is_ascii_graphic());
    let is_base = mode == Some(ContentMode::BaseUri);
    let rules = [
        (name_sound, CollectionFault::Name),
        (symbol_sound, CollectionFault::Symbol),
        (mode.is_some(), CollectionFault::ContentMode),
        (!is_base || (!base.is_empty() && uri(base)), CollectionFault::BaseUri),
        (is_base || base.is_empty(), CollectionFault::BaseUriUnused),
        (uri(spec.contract_uri.unwrap_or_default()), CollectionFault::ContractUri),
        (royalty_bps <= MAX_ROYALTY_BPS, CollectionFault::RoyaltyBps),
        (royalty_bps == 0 || !royalty_receiver.is_zero(), CollectionFault::RoyaltyReceiver),
        (!admin.is_zero(), CollectionFault::Admin),
    ];
    let faults: Vec<_> = rules.into_iter().filter(|(sound, _)| !sound).map(|(_, f)| f).collect();
    match mode {
        Some(mode) if faults.is_empty() => {
            Ok(Checked { spec, mode, admin, royalty_receiver, royalty_bps })
        }
        _ => Err(Refusal::Collection(faults).into()),
    }
}

fn calldata(chain: &WriteSettings, checked: &Checked<'_>, salt: B256) -> Vec<u8> {
    let spec = &checked.spec;
    let init = CollectionInit {
        name: spec.name.to_owned(),
        symbol: spec.symbol.to_owned(),
        contractURI: spec.contract_uri.unwrap_or_default().to_owned(),
        baseURI: spec.base_uri.unwrap_or_default().to_owned(),
        admin: checked.admin,
        minters: chain.minters.clone(),
        trustedForwarder: chain.forwarder,
        royaltyReceiver: checked.royalty_receiver,
        royaltyBps: U96::from(checked.royalty_bps),
        contentMode: match checked.mode {
            ContentMode::Digest => contracts::ContentMode::Digest,
            ContentMode::BaseUri => contracts::ContentMode::BaseUri,
            ContentMode::FreeUri => contracts::ContentMode::FreeUri,
        } as u8,
    };
    StoaCollectionFactory::createCollectionCall { init, salt }.abi_encode()
}

fn settings(checked: &Checked<'_>, once: Once<'_>) -> Value {
    json!({
        "admin": checked.admin.to_string(),
        "contract_uri": checked.spec.contract_uri,
        "royalty_bps": checked.royalty_bps,
        "royalty_receiver": checked.royalty_receiver.to_string(),
        "fingerprint": B256::from(once.fingerprint.0).to_string(),
    })
}

fn fact(
    holder: Maker<'_>,
    request: &NewCollectionRequest<'_>,
    caller: Caller<'_>,
) -> journal::NewFact {
    journal::NewFact {
        topic: topic::COLLECTIONS,
        kind: "collection_requested",
        reverting: false,
        attributes: json!({
            "chain_id": request.chain_id.to_string(),
            "contract": request.contract.to_string(),
            "request_id": request.id.to_string(),
            "principal_id": holder.principal.to_string(),
        }),
        chain_id: Some(request.chain_id),
        block: None,
        data: json!({
            "chain_id": request.chain_id.to_string(),
            "contract": request.contract.to_string(),
            "request_id": request.id.to_string(),
            "http_request_id": caller.request_id,
            "name": request.name,
            "symbol": request.symbol,
            "content_mode": request.content_mode,
            "status": request.status.as_str(),
        }),
    }
}

fn row(request: &NewCollectionRequest<'_>, checked: &Checked<'_>) -> CollectionRow {
    CollectionRow {
        chain_id: request.chain_id.as_i64(),
        contract: request.contract,
        creator: None,
        minted: None,
        burned: None,
        created_block: None,
        request_id: Some(request.id.0),
        name: Some(request.name.to_owned()),
        symbol: Some(request.symbol.to_owned()),
        content_mode: Some(request.content_mode.to_owned()),
        base_uri: Some(request.base_uri.to_owned()),
        request_status: Some(request.status.as_str().to_owned()),
        reason: None,
        requested_at: Some(request.now),
        royalty_receiver: Some(checked.royalty_receiver.into()),
        royalty_bps: Some(checked.royalty_bps.into()),
    }
}
