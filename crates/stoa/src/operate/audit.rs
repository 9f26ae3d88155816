//! `stoa audit list`

use super::{
    client::Client,
    table::{self, query, text},
    tx::show,
};
use anyhow::Result;
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Args, Debug)]
pub(crate) struct AuditListOptions {
    /// Only what this principal did.
    #[arg(long, value_name = "ID")]
    principal: Option<String>,
    /// Only in the name of this action of the policy, for example `change_wallet`.
    #[arg(long)]
    action: Option<String>,
    /// Only about things of this kind, for example `wallet`.
    #[arg(long, value_name = "KIND")]
    object: Option<String>,
    /// Only about this one.
    #[arg(long, value_name = "ID")]
    object_id: Option<String>,
    /// Only what was recorded then or later, for example `2026-11-20T12:00:00Z`.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only what was recorded before.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Go on where the last page ended.
    #[arg(long)]
    cursor: Option<String>,
}

pub(super) async fn run(client: &Client, json: bool, asked: AuditListOptions) -> Result<ExitCode> {
    let query = query([
        ("principal_id", asked.principal),
        ("action", asked.action),
        ("object", asked.object),
        ("object_id", asked.object_id),
        ("from", asked.from),
        ("to", asked.to),
        ("limit", Some(asked.limit.to_string())),
        ("cursor", asked.cursor),
    ]);
    show(&client.get("/audit", &query).await?, json, list);
    Ok(ExitCode::SUCCESS)
}

fn list(page: &Value) {
    let rows: Vec<Vec<String>> = page["items"].as_array().into_iter().flatten().map(row).collect();
    table::print(&["FACT", "AT", "ACT", "OBJECT", "WHO", "FROM"], &rows);
    let cursor = text(page, "next_cursor");
    if !cursor.is_empty() {
        crate::say(&format!("\nmore: --cursor {cursor}"));
    }
}

fn row(record: &Value) -> Vec<String> {
    let action = text(record, "action");
    let act = text(record, "act");
    let act = if action.is_empty() { act } else { format!("{action}: {act}") };
    let who = match text(record, "via").as_str() {
        "terminal" => format!("terminal {}", text(record, "account")),
        "key" => format!("{} key {}", text(record, "principal_id"), text(record, "key_id")),
        "session" => format!("{} signed in", text(record, "principal_id")),
        other => other.to_owned(),
    };
    vec![
        text(record, "seq"),
        text(record, "recorded_at"),
        act,
        format!("{} {}", text(record, "object"), text(record, "object_id")),
        who.trim_end().to_owned(),
        text(record, "ip"),
    ]
}
