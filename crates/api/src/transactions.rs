//! `/api/v1/transactions`: asked for, tried, looked at.

use crate::{
    ApiState,
    cursor::Listing,
    extract::{CALL_BODY_MAX, Holder, JsonBody, Keyed, Named, Queried, limit},
    operations::{answer, page},
    problem::{Code, Problem},
    show_transactions as show,
};
use api_types::{
    CallRequest, OnFailure, QuoteRequest, Transaction, TransactionDetail, TransactionFacts,
    TransactionList, TransactionListQuery, TransactionQuote, TransactionRequest, Urgency,
};
use app::{Answer, CallSpec, QuoteSpec, TransactionQuery, TransactionSpec};
use axum::{
    Json,
    extract::{OriginalUri, State},
    response::Response,
};
use serde_json::json;
use uuid::Uuid;
use vocab::TransactionId;

/// Send a transaction
///
/// A call by name and types, or a plain transfer, from a wallet of the engine. The answer is a
/// job: it reaches the chain once, or ends with a reason. For operators.
#[utoipa::path(
    post, path = "/api/v1/transactions", tag = "transactions",
    operation_id = "request_transaction",
    request_body = TransactionRequest,
    responses((status = 202, description = "The job", body = Transaction)),
)]
pub(crate) async fn request_transaction(
    State(state): State<ApiState>,
    Holder(who): Holder,
    body: Keyed<TransactionRequest, CALL_BODY_MAX>,
) -> Result<Response, Problem> {
    let once = body.once();
    let render = |row: &app::Transaction| json!(show::transaction(row));
    let spec = spec(&body.value);
    let done = state.app().request_transaction(who.caller(), once, spec, render).await?;
    Ok(answer_with_place(done))
}

/// The answer with the address of the transaction that it shows.
pub(crate) fn answer_with_place(done: Answer) -> Response {
    let id = serde_json::from_slice::<Transaction>(&done.body).ok().map(|shown| shown.id);
    answer(done, id.map(|id| format!("/api/v1/transactions/{id}")))
}

pub(crate) fn spec(request: &TransactionRequest) -> TransactionSpec<'_> {
    TransactionSpec {
        chain_id: request.chain_id,
        role: request.role.as_deref(),
        wallet: request.wallet.as_deref(),
        call: CallSpec {
            to: request.to.as_deref(),
            contract: request.contract.as_deref(),
            function: request.function.as_deref(),
            args: request.args.as_ref(),
            value: request.value.as_ref(),
        },
        gas_limit: request.gas_limit,
        urgency: request.urgency.map(urgency),
        fee_cap: request.fee_cap.as_ref(),
        not_before: request.not_before.as_deref(),
        deadline: request.deadline.as_deref(),
        priority: request.priority.unwrap_or(0),
        ordering_key: request.ordering_key.as_deref(),
        on_failure: request.on_failure.map(|choice| match choice {
            OnFailure::Block => app::OnFailure::Block,
            OnFailure::Free => app::OnFailure::Free,
        }),
        compensation: request.compensation.as_ref().map(undo),
    }
}

fn undo(request: &CallRequest) -> (CallSpec<'_>, Option<u64>) {
    let call = CallSpec {
        to: request.to.as_deref(),
        contract: request.contract.as_deref(),
        function: request.function.as_deref(),
        args: request.args.as_ref(),
        value: request.value.as_ref(),
    };
    (call, request.gas_limit)
}

pub(crate) fn urgency(wire: Urgency) -> vocab::Urgency {
    match wire {
        Urgency::Low => vocab::Urgency::Low,
        Urgency::Normal => vocab::Urgency::Normal,
        Urgency::High => vocab::Urgency::High,
        Urgency::Urgent => vocab::Urgency::Urgent,
    }
}

/// Try a call
///
/// It is run at the head as if the wallet sent it; nothing is recorded or sent. A call that fails
/// is a good answer too: `succeeds` is false and `failure` says why.
#[utoipa::path(
    post, path = "/api/v1/transactions/quote", tag = "transactions",
    operation_id = "quote_transaction",
    request_body = QuoteRequest,
    responses((status = 200, description = "What it would do and cost", body = TransactionQuote)),
)]
pub(crate) async fn quote_transaction(
    State(state): State<ApiState>,
    Holder(who): Holder,
    JsonBody(body): JsonBody<QuoteRequest, CALL_BODY_MAX>,
) -> Result<Json<TransactionQuote>, Problem> {
    let request = &body;
    let spec = QuoteSpec {
        chain_id: request.chain_id,
        role: request.role.as_deref(),
        wallet: request.wallet.as_deref(),
        urgency: request.urgency.map(urgency),
        call: CallSpec {
            to: request.to.as_deref(),
            contract: request.contract.as_deref(),
            function: request.function.as_deref(),
            args: request.args.as_ref(),
            value: request.value.as_ref(),
        },
    };
    let quote = state.app().quote_transaction(who.caller(), spec).await?;
    Ok(Json(show::quote(quote)))
}

/// Look at a transaction
///
/// Of whatever kind, with its attempts, its call and the reason of a failure decoded where the ABI
/// is known.
#[utoipa::path(
    get, path = "/api/v1/transactions/{id}", tag = "transactions",
    operation_id = "get_transaction",
    params(("id" = Uuid, Path, description = "Id of the transaction")),
    responses((status = 200, description = "The transaction", body = TransactionDetail)),
)]
pub(crate) async fn get_transaction(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
) -> Result<Json<TransactionDetail>, Problem> {
    let view = state.app().load_transaction(who.caller(), TransactionId(id)).await?;
    Ok(Json(show::transaction_detail(view)))
}

/// Read the history of a transaction
///
/// All facts of it that are numbered, oldest first, at most 1,000. The latest may come a moment
/// after the status that it tells.
#[utoipa::path(
    get, path = "/api/v1/transactions/{id}/facts", tag = "transactions",
    operation_id = "list_transaction_facts",
    params(("id" = Uuid, Path, description = "Id of the transaction")),
    responses((status = 200, description = "Its facts", body = TransactionFacts)),
)]
pub(crate) async fn list_transaction_facts(
    State(state): State<ApiState>,
    Holder(who): Holder,
    Named(id): Named<Uuid>,
) -> Result<Json<TransactionFacts>, Problem> {
    let app = state.app();
    let (epoch, facts) = app.load_transaction_facts(who.caller(), TransactionId(id)).await?;
    let facts = facts.into_iter().map(|fact| (fact, None)).collect();
    Ok(Json(TransactionFacts { facts: crate::show::fact_list(facts, epoch, 0) }))
}

/// List transactions
///
/// All that the engine sends, newest first.
#[utoipa::path(
    get, path = "/api/v1/transactions", tag = "transactions", operation_id = "list_transactions",
    params(TransactionListQuery),
    responses((status = 200, description = "One page", body = TransactionList)),
)]
pub(crate) async fn list_transactions(
    State(state): State<ApiState>,
    Holder(who): Holder,
    OriginalUri(uri): OriginalUri,
    Queried(query): Queried<TransactionListQuery>,
) -> Result<Response, Problem> {
    let limit = limit(query.limit)?;
    let chain = query.chain_id.map(|id| id.to_string());
    let filters = [
        chain.as_deref(),
        query.status.as_deref(),
        query.kind.as_deref(),
        query.role.as_deref(),
        query.wallet.as_deref(),
        query.ordering_key.as_deref(),
        query.since.as_deref(),
        query.awaiting_approval.map(|wanted| if wanted { "true" } else { "false" }),
    ];
    let listing = Listing { name: "transactions", filters: &filters };
    let before = match &query.cursor {
        Some(text) => {
            let opened = state.cursor_key.open(listing, text).map_err(|_| Code::CursorInvalid)?;
            let id = Uuid::from_slice(&opened).map_err(|_| Code::CursorInvalid)?;
            Some(TransactionId(id))
        }
        None => None,
    };
    let asked = TransactionQuery {
        chain_id: query.chain_id,
        status: query.status.as_deref(),
        kind: query.kind.as_deref(),
        role: query.role.as_deref(),
        wallet: query.wallet.as_deref(),
        ordering_key: query.ordering_key.as_deref(),
        since: query.since.as_deref(),
        awaiting_approval: query.awaiting_approval,
    };
    let mut rows = state.app().list_transactions(who.caller(), asked, before, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(limit.unsigned_abs() as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| state.cursor_key.seal(listing, row.id.as_bytes()));
    let list = TransactionList { items: rows.iter().map(show::transaction).collect(), next_cursor };
    Ok(page(&uri, list.next_cursor.as_deref(), &list))
}
