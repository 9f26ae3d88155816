//! `stoa sponsor …`

use super::{
    arguments::set,
    client::Client,
    table::{self, ether, text},
    tx::show,
};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Subcommand, Debug)]
pub(crate) enum SponsorCommand {
    /// Make a sponsor. Without a rule or a budget it pays for nothing.
    Create(Box<CreateOptions>),
    /// List sponsors, newest first, at most 200.
    List,
    /// Show a sponsor with what it has used and has left.
    Show {
        #[arg(value_name = "ID")]
        id: String,
        /// Also what this user has used and has left.
        #[arg(long, value_name = "ADDRESS")]
        user: Option<String>,
    },
    /// Change budgets or rules.
    Set {
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Let a sponsor take nothing new; what was accepted goes on.
    Pause {
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Let a paused sponsor take requests again.
    Resume {
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CreateOptions {
    /// Unique on its chain.
    name: String,
    /// Id of the chain [default: the server's first]
    #[arg(long, value_name = "ID")]
    chain: Option<u64>,
    /// Id of the principal whose keys may spend it [default: that of your key]
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
    #[command(flatten)]
    terms: Terms,
    /// Idempotency-Key [default: a new one]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Terms {
    /// Of gas per UTC day
    #[arg(long, value_name = "WEI")]
    day_budget: Option<String>,
    /// Of gas in all
    #[arg(long, value_name = "WEI")]
    total_budget: Option<String>,
    /// Of gas per user and UTC day
    #[arg(long, value_name = "WEI")]
    user_day_budget: Option<String>,
    /// Requests per user and UTC day
    #[arg(long, value_name = "COUNT")]
    user_day_requests: Option<u32>,
    /// Of a request's `gas`
    #[arg(long, value_name = "GAS")]
    gas_max: Option<u64>,
    /// A function that it pays for: ADDRESS:SIGNATURE, for example
    /// `0x…:transfer(address,uint256)`. Repeat it; those given are all that there are.
    #[arg(long = "rule", value_name = "RULE")]
    rules: Vec<String>,
}

impl Terms {
    fn put(&self, body: &mut Value) -> Result<()> {
        set(body, "day_budget", self.day_budget.as_ref());
        set(body, "total_budget", self.total_budget.as_ref());
        set(body, "user_day_budget", self.user_day_budget.as_ref());
        set(body, "user_day_requests", self.user_day_requests);
        set(body, "gas_max", self.gas_max);
        if !self.rules.is_empty() {
            let rule = |text: &String| -> Result<Value> {
                let (target, function) =
                    text.split_once(':').context("a rule is ADDRESS:SIGNATURE")?;
                Ok(json!({ "target": target, "function": function }))
            };
            body["rules"] = self.rules.iter().map(rule).collect::<Result<_>>()?;
        }
        Ok(())
    }
}

pub(super) async fn run(client: &Client, json: bool, command: SponsorCommand) -> Result<ExitCode> {
    let answer = match command {
        SponsorCommand::Create(options) => {
            let mut body = json!({ "name": options.name });
            set(&mut body, "chain_id", options.chain);
            set(&mut body, "owner", options.owner.as_ref());
            options.terms.put(&mut body)?;
            client.post("/sponsors", options.key.as_deref(), &body).await?
        }
        SponsorCommand::List => {
            let found = client.get("/sponsors", &[("limit", "200".to_owned())]).await?;
            show(&found, json, list);
            return Ok(ExitCode::SUCCESS);
        }
        SponsorCommand::Show { id, user } => {
            let query: Vec<(&str, String)> = user.into_iter().map(|user| ("user", user)).collect();
            client.get(&format!("/sponsors/{id}"), &query).await?
        }
        SponsorCommand::Set { id, terms } => {
            let mut body = json!({});
            terms.put(&mut body)?;
            client.patch(&format!("/sponsors/{id}"), &body).await?
        }
        SponsorCommand::Pause { id } => {
            client.patch(&format!("/sponsors/{id}"), &json!({ "state": "paused" })).await?
        }
        SponsorCommand::Resume { id } => {
            client.patch(&format!("/sponsors/{id}"), &json!({ "state": "active" })).await?
        }
    };
    show(&answer, json, describe);
    Ok(ExitCode::SUCCESS)
}

fn describe(sponsor: &Value) {
    let of = |part: &str, field: &str| ether(&text(&sponsor[part], field));
    let budget = |field: &str| format!("{} of {} left", of("left", field), of("limits", field));
    let requests = format!(
        "{} of {} left",
        text(&sponsor["left"], "user_day_requests"),
        text(&sponsor["limits"], "user_day_requests")
    );
    let mut lines = vec![
        ("id", text(sponsor, "id")),
        ("name", text(sponsor, "name")),
        ("chain", text(sponsor, "chain_id")),
        ("owner", text(sponsor, "owner")),
        ("state", text(sponsor, "state")),
        ("day", text(sponsor, "day")),
        ("budget of a day", budget("day")),
        ("budget in all", budget("total")),
        ("a user's day", budget("user_day")),
        ("a user's calls", requests),
        ("gas at most", text(sponsor, "gas_max")),
    ];
    for rule in sponsor["rules"].as_array().into_iter().flatten() {
        lines.push(("pays for", format!("{} {}", text(rule, "target"), text(rule, "function"))));
    }
    table::lines(&lines);
}

fn list(found: &Value) {
    let row = |sponsor: &Value| -> Vec<String> {
        vec![
            text(sponsor, "id"),
            text(sponsor, "chain_id"),
            text(sponsor, "name"),
            text(sponsor, "state"),
            ether(&text(&sponsor["left"], "day")),
            ether(&text(&sponsor["left"], "total")),
        ]
    };
    let rows: Vec<Vec<String>> = found["items"].as_array().into_iter().flatten().map(row).collect();
    table::print(&["ID", "CHAIN", "NAME", "STATE", "LEFT TODAY", "LEFT IN ALL"], &rows);
}
