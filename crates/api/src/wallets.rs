//! `/api/v1/wallets`

use crate::{
    ApiState,
    extract::{BODY_MAX, Holder, Keyed, Named, Queried, Who},
    operations::answer,
    problem::Problem,
    show_transactions as show,
    transactions::answer_with_place,
};
use api_types::{
    DrainRequest, Transaction, Wallet, WalletChangeRequest, WalletList, WalletListQuery,
    WalletRequest, WalletRotation,
};
use app::{Once, WalletChange, WalletPlace};
use axum::{Json, extract::State, response::Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

/// Which wallet.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct WalletPath {
    /// EIP-155 chain id
    #[param(example = 31337)]
    chain_id: u64,
    /// Address of the wallet
    address: String,
}

impl WalletPath {
    fn place(&self) -> WalletPlace<'_> {
        WalletPlace { chain_id: self.chain_id, address: &self.address }
    }
}

/// List wallets
///
/// With what is on chain, in the ledger and under way. At most 1,000.
#[utoipa::path(
    get, path = "/api/v1/wallets", tag = "wallets", operation_id = "list_wallets",
    params(WalletListQuery),
    responses((status = 200, description = "All that match", body = WalletList)),
)]
pub(crate) async fn list_wallets(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Queried(query): Queried<WalletListQuery>,
) -> Result<Json<WalletList>, Problem> {
    let found = state.app().list_wallets(who.caller(), query.chain_id, query.role.as_deref());
    Ok(Json(WalletList { items: found.await?.iter().map(show::wallet).collect() }))
}

/// Look at a wallet
#[utoipa::path(
    get, path = "/api/v1/wallets/{chain_id}/{address}", tag = "wallets",
    operation_id = "get_wallet",
    params(WalletPath),
    responses((status = 200, description = "The wallet", body = Wallet)),
)]
pub(crate) async fn get_wallet(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(place): Named<WalletPath>,
) -> Result<Json<Wallet>, Problem> {
    let found = state.app().load_wallet(who.caller(), place.chain_id, &place.address).await?;
    Ok(Json(show::wallet(&found)))
}

/// Make a wallet
///
/// The signer makes the next key of the role, and the transactor takes it into the pool. It needs
/// money before it can send.
#[utoipa::path(
    post, path = "/api/v1/wallets", tag = "wallets", operation_id = "create_wallet",
    request_body = WalletRequest,
    responses((status = 201, description = "The wallet", body = Wallet)),
)]
pub(crate) async fn create_wallet(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<WalletRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let once = body.once();
    let render = |view: &app::WalletView| json!(show::wallet(view));
    let asked = (body.value.chain_id, body.value.role.as_str());
    let done = state.app().create_wallet(who.caller(), once, asked, render).await?;
    let shown = serde_json::from_slice::<Wallet>(&done.body).ok();
    let place = shown.map(|w| format!("/api/v1/wallets/{}/{}", w.chain_id, w.address));
    Ok(answer(done, place))
}

async fn change(
    state: &ApiState,
    who: &Who,
    place: WalletPath,
    once: Once<'_>,
    wanted: WalletChange,
) -> Result<Response, Problem> {
    let render = |view: &app::WalletView| json!(show::wallet(view));
    let done = state.app().change_wallet(who.caller(), once, place.place(), wanted, render).await?;
    Ok(answer(done, None))
}

/// Pause a wallet
///
/// It takes no transactions until it is resumed, and finishes those that it has. Send `{}`.
#[utoipa::path(
    post, path = "/api/v1/wallets/{chain_id}/{address}/pause", tag = "wallets",
    operation_id = "pause_wallet",
    params(WalletPath),
    request_body = WalletChangeRequest,
    responses((status = 202, description = "As it is now", body = Wallet)),
)]
pub(crate) async fn pause_wallet(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(place): Named<WalletPath>,
    body: Keyed<WalletChangeRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    change(&state, &who, place, body.once(), WalletChange::Pause).await
}

/// Resume a wallet
///
/// Send `{}`.
#[utoipa::path(
    post, path = "/api/v1/wallets/{chain_id}/{address}/resume", tag = "wallets",
    operation_id = "resume_wallet",
    params(WalletPath),
    request_body = WalletChangeRequest,
    responses((status = 202, description = "As it is now", body = Wallet)),
)]
pub(crate) async fn resume_wallet(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(place): Named<WalletPath>,
    body: Keyed<WalletChangeRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    change(&state, &who, place, body.once(), WalletChange::Resume).await
}

/// Retire a wallet
///
/// It finishes what it has and never takes anything again. Send `{}`.
#[utoipa::path(
    post, path = "/api/v1/wallets/{chain_id}/{address}/retire", tag = "wallets",
    operation_id = "retire_wallet",
    params(WalletPath),
    request_body = WalletChangeRequest,
    responses((status = 202, description = "As it is now", body = Wallet)),
)]
pub(crate) async fn retire_wallet(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(place): Named<WalletPath>,
    body: Keyed<WalletChangeRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    change(&state, &who, place, body.once(), WalletChange::Retire).await
}

/// Rotate a wallet
///
/// A new key takes its place in the role; the old one retires. Send `{}`.
#[utoipa::path(
    post, path = "/api/v1/wallets/{chain_id}/{address}/rotate", tag = "wallets",
    operation_id = "rotate_wallet",
    params(WalletPath),
    request_body = WalletChangeRequest,
    responses((status = 202, description = "The old one and the new one", body = WalletRotation)),
)]
pub(crate) async fn rotate_wallet(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(place): Named<WalletPath>,
    body: Keyed<WalletChangeRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let once = body.once();
    let render = |old: &app::WalletView, new: &app::WalletView| {
        json!(WalletRotation { old: show::wallet(old), new: show::wallet(new) })
    };
    let done = state.app().rotate_wallet(who.caller(), once, place.place(), render).await?;
    Ok(answer(done, None))
}

/// Drain a wallet
///
/// All that it has, less the fee, goes to an address. Only when all its transactions are final;
/// the wallet is paused and stays so.
#[utoipa::path(
    post, path = "/api/v1/wallets/{chain_id}/{address}/drain", tag = "wallets",
    operation_id = "drain_wallet",
    params(WalletPath),
    request_body = DrainRequest,
    responses((status = 202, description = "The transfer", body = Transaction)),
)]
pub(crate) async fn drain_wallet(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(place): Named<WalletPath>,
    body: Keyed<DrainRequest, BODY_MAX>,
) -> Result<Response, Problem> {
    let once = body.once();
    let render = |row: &app::Transaction| json!(show::transaction(row));
    let app = state.app();
    let done = app.drain_wallet(who.caller(), once, place.place(), &body.value.to, render).await?;
    Ok(answer_with_place(done))
}
