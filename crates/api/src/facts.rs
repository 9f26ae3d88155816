//! `/api/v1/facts`

use crate::{
    ApiState,
    extract::{Queried, Who, limit},
    problem::{Code, Problem},
    show,
};
use api_types::{FactLevel, FactList, FactListQuery};
use app::FactQuery;
use axum::{Json, extract::State};
use vocab::Level;

/// Read facts
///
/// The same facts as on the stream, in order and without gaps, for those who poll.
#[utoipa::path(
    get, path = "/api/v1/facts", tag = "facts", operation_id = "list_facts",
    params(FactListQuery),
    responses((status = 200, description = "Facts in order", body = FactList)),
)]
pub(crate) async fn list_facts(
    State(state): State<ApiState>,
    who: Who,
    Queried(query): Queried<FactListQuery>,
) -> Result<Json<FactList>, Problem> {
    let after = query.after.unwrap_or(0);
    if after < 0 {
        return Err(Problem::from(Code::QueryInvalid).at("?after", "0 or more"));
    }
    let level = query.level.map(|level| match level {
        FactLevel::Tentative => Level::Tentative,
        FactLevel::Auditable => Level::Auditable,
        FactLevel::Final => Level::Final,
    });
    let asked = FactQuery { topic: &query.topic, after, limit: limit(query.limit)?, level };
    let page = state.app().read_facts(who.caller(), asked).await?;
    Ok(Json(show::facts(page, after)))
}
