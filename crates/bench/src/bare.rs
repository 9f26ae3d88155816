//! What answering could cost at least: handlers of the same framework, on the same database, that
//! commit one row per request, read one, or do nothing. Served by a process of its own, as the
//! engine is.

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use clap::Args;
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{io::Write, time::Duration};
use tokio::net::TcpListener;
use uuid::Uuid;

#[derive(Args, Clone, Debug)]
pub struct Options {
    #[arg(long)]
    database: String,
    #[arg(long, default_value_t = 16)]
    connections: u32,
}

const TABLE: &str = "create table if not exists bare (id uuid primary key, body jsonb not null)";

/// Serve on a free port, which is printed, until killed.
pub async fn serve(options: Options) -> Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(Duration::from_secs(10))
        .connect(&options.database)
        .await
        .context("no database")?;
    sqlx::query(TABLE).execute(&pool).await?;
    let router = Router::new()
        .route("/api/v1/transactions", post(accept))
        .route("/bare", get(|| async { Json(json!({ "ok": true })) }))
        .route("/select/{chain_id}/{contract}/{token_id}", get(item))
        .with_state(pool);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr()?)?;
    out.flush()?;
    axum::serve(listener, router).await?;
    Ok(())
}

const ITEM: &str = "select jsonb_build_object('owner', '0x' || encode(owner, 'hex'), 'uri', uri,
                           'minted_block', minted_block)
      from items
     where chain_id = $1 and contract = decode(substr($2, 3), 'hex') and token_id = $3::numeric";

async fn item(
    State(pool): State<PgPool>,
    Path((chain_id, contract, token_id)): Path<(i64, String, String)>,
) -> Result<Json<Value>, StatusCode> {
    let row = sqlx::query_scalar(ITEM).bind(chain_id).bind(contract).bind(token_id);
    let row = row.fetch_optional(&pool).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    row.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn accept(
    State(pool): State<PgPool>,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let id = Uuid::now_v7();
    let inserted = sqlx::query("insert into bare (id, body) values ($1, $2)")
        .bind(id)
        .bind(body)
        .execute(&pool)
        .await;
    inserted.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))))
}
