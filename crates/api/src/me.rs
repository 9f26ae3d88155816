//! `/api/v1/me`: users as they describe themselves, their wallets, and what these hold.

use crate::{
    ApiState,
    client_place::Place,
    extract::{BODY_MAX, JsonBody, Named, Queried, Who},
    problem::Problem,
    show,
};
use api_types::{
    ChallengeRequest, LinkWalletRequest, LinkedWallet, LinkedWalletList, LinkedWalletQuery,
    OwnBalances, OwnBalancesOfChain, Profile, ProfileChangeRequest, ProfileEmail, SignInChallenge,
};
use app::{ChainBalances, ChallengeSpec, Field, ProfileChange, ProfileView, WalletRow};
use axum::{Json, extract::State, http::StatusCode};
use vocab::ChainId;

/// Look at oneself
///
/// For users who are signed in.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "users", operation_id = "get_me",
    responses((status = 200, description = "Oneself", body = Profile)),
)]
pub(crate) async fn get_me(
    State(state): State<ApiState>,
    who: Who,
) -> Result<Json<Profile>, Problem> {
    Ok(Json(shown(&state.users.load_profile(who.caller()).await?)))
}

/// Change what one tells of oneself
///
/// What is left out stays as it is, `null` clears it. It takes no Idempotency-Key: the same again
/// changes nothing more.
#[utoipa::path(
    patch, path = "/api/v1/me", tag = "users", operation_id = "change_me",
    request_body = ProfileChangeRequest,
    responses((status = 200, description = "As it is now", body = Profile)),
)]
pub(crate) async fn change_me(
    State(state): State<ApiState>,
    who: Who,
    JsonBody(body): JsonBody<ProfileChangeRequest, BODY_MAX>,
) -> Result<Json<Profile>, Problem> {
    let change = ProfileChange {
        display_name: body.display_name.as_ref().map(Option::as_deref),
        locale: body.locale.as_ref().map(Option::as_deref),
        avatar: body.avatar.as_ref().map(Option::as_deref),
        contact: body.contact.as_ref().map(Option::as_deref),
    };
    Ok(Json(shown(&state.users.change_profile(who.caller(), change).await?)))
}

/// List one's wallets
///
/// Each of them signs in as the same user.
#[utoipa::path(
    get, path = "/api/v1/me/wallets", tag = "users", operation_id = "list_my_wallets",
    responses((status = 200, description = "All of them, 20 at most", body = LinkedWalletList)),
)]
pub(crate) async fn list_my_wallets(
    State(state): State<ApiState>,
    who: Who,
) -> Result<Json<LinkedWalletList>, Problem> {
    let rows = state.sign_in.list_linked(who.caller()).await?;
    Ok(Json(LinkedWalletList { items: rows.iter().map(wallet).collect() }))
}

/// Ask for a message to link a wallet with
///
/// As for signing in; its statement names the user that the wallet is to be linked to, and it does
/// nothing else. It takes no Idempotency-Key: a repeat gets another message.
#[utoipa::path(
    post, path = "/api/v1/me/wallets/challenges", tag = "users",
    operation_id = "ask_link_challenge", request_body = ChallengeRequest,
    responses((status = 201, description = "What to sign", body = SignInChallenge)),
)]
pub(crate) async fn ask_link_challenge(
    State(state): State<ApiState>,
    who: Who,
    place: Place,
    JsonBody(body): JsonBody<ChallengeRequest, BODY_MAX>,
) -> Result<(StatusCode, Json<SignInChallenge>), Problem> {
    let spec = ChallengeSpec {
        address: &body.address,
        chain_id: body.chain_id,
        origin: body.origin.as_deref(),
    };
    let asked = state.sign_in.ask_link_challenge(who.caller(), spec, place.get()).await?;
    Ok((StatusCode::CREATED, Json(crate::sign_in::challenge(asked))))
}

/// Link a wallet
///
/// For the signed message. From now on the wallet signs in as this user. One that is another user's
/// is not taken from them. It takes no Idempotency-Key: a message works once, and linking again
/// changes nothing.
#[utoipa::path(
    post, path = "/api/v1/me/wallets", tag = "users", operation_id = "link_wallet",
    request_body = LinkWalletRequest,
    responses((status = 201, description = "Linked", body = LinkedWallet)),
)]
pub(crate) async fn link_wallet(
    State(state): State<ApiState>,
    who: Who,
    place: Place,
    JsonBody(body): JsonBody<LinkWalletRequest, BODY_MAX>,
) -> Result<(StatusCode, Json<LinkedWallet>), Problem> {
    let signed = (body.message.as_str(), body.signature.as_str());
    let row = state.sign_in.link_wallet(who.caller(), signed, place.get()).await?;
    Ok((StatusCode::CREATED, Json(wallet(&row))))
}

/// Let go of a wallet
///
/// Sessions that it opened end. The last way to sign in stays. Signed in with later, the wallet is
/// another user.
#[utoipa::path(
    delete, path = "/api/v1/me/wallets/{address}", tag = "users", operation_id = "unlink_wallet",
    params(("address" = String, Path, description = "Of the wallet"), LinkedWalletQuery),
    responses((status = 204, description = "It is not theirs any more")),
)]
pub(crate) async fn unlink_wallet(
    State(state): State<ApiState>,
    who: Who,
    Named(address): Named<String>,
    Queried(query): Queried<LinkedWalletQuery>,
) -> Result<StatusCode, Problem> {
    let address = app::parse_address(&address, Field::Address)?;
    state.sign_in.unlink_wallet(who.caller(), address, query.contract_chain_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List what one's wallets hold
///
/// Chain by chain, from the index.
#[utoipa::path(
    get, path = "/api/v1/me/balances", tag = "users", operation_id = "list_my_balances",
    responses((status = 200, description = "Balances of all wallets", body = OwnBalances)),
)]
pub(crate) async fn list_my_balances(
    State(state): State<ApiState>,
    who: Who,
) -> Result<Json<OwnBalances>, Problem> {
    let chains = state.users.list_own_balances(who.caller()).await?;
    Ok(Json(OwnBalances { chains: chains.iter().map(of_chain).collect() }))
}

fn of_chain(chain: &ChainBalances) -> OwnBalancesOfChain {
    OwnBalancesOfChain {
        chain_id: chain.chain_id.0,
        as_of: chain.as_of.map(show::block_ref),
        items: chain.rows.iter().map(|row| show::balance(chain.chain_id, row)).collect(),
        more: chain.more,
    }
}

fn wallet(row: &WalletRow) -> LinkedWallet {
    let contract = (row.contract_chain_id != 0).then_some(row.contract_chain_id);
    LinkedWallet {
        address: show::address(row.address.0),
        contract_chain_id: contract.map(|id| ChainId::from_i64(id).0),
        linked_at: show::time(row.created_at),
    }
}

pub(crate) fn shown(view: &ProfileView) -> Profile {
    Profile {
        principal_id: view.principal_id,
        display_name: view.display_name.clone(),
        locale: view.locale.clone(),
        avatar: view.avatar.clone(),
        contact: view.contact.as_ref().map(|text| text.to_string()),
        email: view.email.as_ref().map(|email| ProfileEmail {
            address: email.address.to_string(),
            verified_at: show::time(email.verified_at),
        }),
    }
}
