//! `/api/v1/transactions`

use crate::{
    ApiState,
    extract::{CALL_BODY_MAX, Holder, JsonBody},
    problem::Problem,
    show_transactions as show,
};
use api_types::{QuoteRequest, TransactionQuote};
use app::{CallSpec, QuoteSpec};
use axum::{Json, extract::State};

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
    body: JsonBody<QuoteRequest, CALL_BODY_MAX>,
) -> Result<Json<TransactionQuote>, Problem> {
    let request = &body.value;
    let spec = QuoteSpec {
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
    };
    let quote = state.app().quote_transaction(who.caller(), spec).await?;
    Ok(Json(show::quote(quote)))
}
