//! `/api/v1/index`

use crate::{ApiState, extract::Who, problem::Problem, show};
use api_types::{
    ChainIndex, ChainIndexList, IndexSource, IndexState, SettledRun, SettledWaits, SourceState,
};
use axum::{Json, extract::State};
use std::time::Duration;

/// See how far the index is
///
/// One entry per chain, with the progress of reading what lies below the reorg window, and the
/// contracts of others that it has.
#[utoipa::path(
    get, path = "/api/v1/index", tag = "operation", operation_id = "list_indexes",
    responses((status = 200, description = "All chains that have an index", body = ChainIndexList)),
)]
pub(crate) async fn list_indexes(
    State(state): State<ApiState>,
    who: Who,
) -> Result<Json<ChainIndexList>, Problem> {
    let found = state.app().list_indexes(who.caller()).await?;
    Ok(Json(ChainIndexList { items: found.iter().map(shown).collect() }))
}

fn shown(view: &app::IndexView) -> ChainIndex {
    let index = &view.index;
    let height = index.block.number;
    ChainIndex {
        chain_id: index.chain.0,
        name: view.name.clone(),
        read_only: view.read_only,
        state: match index.state.as_str() {
            "live" => IndexState::Live,
            "paused" => IndexState::Paused,
            _ => IndexState::Stopped,
        },
        block_number: height,
        block_hash: index.block.hash.to_string(),
        settled: index.progress.as_ref().map(|run| SettledRun {
            base_block: run.base,
            target_block: run.target,
            percent: tenths(run.percent(height)),
            logs: run.logs,
            logs_per_second: tenths(run.logs_per_second()),
            eta_seconds: run.eta(height).map(|left| left.as_secs()),
            waited: SettledWaits {
                node_ms: millis(run.node),
                decode_ms: millis(run.decode),
                database_ms: millis(run.database),
            },
            started_at: show::time(run.started_at),
            updated_at: show::time(run.updated_at),
        }),
        sources: index.sources.iter().map(|source| shown_source(source, height)).collect(),
    }
}

fn shown_source(source: &app::SourceRow, height: u64) -> IndexSource {
    IndexSource {
        contract: if source.anywhere { "*".into() } else { source.address.to_string() },
        standard: source.kind.clone(),
        start_block: source.start_block,
        projected: source.projected,
        factory_event: source.factory.as_ref().map(|factory| factory.event.clone()),
        events: source.event_names(),
        configured: source.configured,
        state: match (source.beside, source.last_block) {
            _ if source.purging => SourceState::Purging,
            (Some(_), _) => SourceState::Backfilling,
            (None, Some(_)) => SourceState::Removed,
            (None, None) => SourceState::Live,
        },
        block_number: source.reached(height),
        percent: tenths(source.percent(height)),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
