//! `bench head`: blocks of a second with 500 transfers of an ERC-20 and an ERC-721, and how long it
//! takes from the node's announcement of each (`newHeads`) until the stream has told the last of
//! its transfers. Beside it, in the same run: one `eth_getLogs` for the same block, to the last
//! byte.

use crate::{
    cpu::Cpu,
    index::workload::{self, CONTRACTS, SENDER},
    node::{Node, quantity},
    quantile::{Quantiles, rounded},
    report::load_average,
    say,
    server::{Server, Start, endpoint_of},
    stream::Stream,
    subject::Subject,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use devstack::{Anvil, AnvilOptions};
use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};

/// Without a block, or without its events, for so long, something is lost.
const PATIENCE: Duration = Duration::from_secs(20);
const BLOCK_TIME_S: f64 = 1.0;
/// Blocks before those that count, so that connections, caches and plans are made.
const WARM_UP: u32 = 10;
/// Transactions in each block, half of them of each contract.
const BURSTS: u64 = 4;

#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Blocks that are measured.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    blocks: u32,
    /// Transfers in each of them: a multiple of 4.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(4..=800))]
    events: u64,
    #[command(flatten)]
    subject: Subject,
}

#[derive(Debug, Serialize)]
struct Report {
    bench: &'static str,
    blocks: u32,
    events_per_block: u64,
    block_time_s: f64,
    /// From the announcement to the first and to the last event on the stream.
    first_event: Quantiles,
    last_event: Quantiles,
    /// One `eth_getLogs` for the block.
    get_logs: Quantiles,
    /// Of the last event to `eth_getLogs`.
    ratio_p50: f64,
    ratio_p99: f64,
    cpu_seconds: Cpu,
    load_before: String,
    revision: String,
    cores: usize,
}

pub async fn run(options: Options) -> Result<()> {
    ensure!(options.events.is_multiple_of(BURSTS), "--events is no multiple of {BURSTS}");
    let load_before = load_average();
    let (_directory, anvil) = node()?;
    let chain = Site::prepare(&anvil, options.events).await?;
    let start =
        Start { config: Some(chain.config(&anvil)), block_time: BLOCK_TIME_S, ..Start::default() };
    let server = Server::start_with(&options.subject.program()?, &start).await?;
    server.season().await?;
    let mut events = follow_stream(&server).await?;
    let mut heads = follow_heads(&anvil.ws_url()).await?;
    for _ in 0..WARM_UP {
        chain.measure(&mut heads, &mut events).await?;
    }
    let cpu = Cpu::of(server.id());
    let mut measured = Vec::new();
    for _ in 0..options.blocks {
        measured.push(chain.measure(&mut heads, &mut events).await?);
    }
    let cpu_seconds = Cpu::of(server.id()).since(&cpu);
    let of = |pick: fn(&Measured) -> Duration| Quantiles::of(measured.iter().map(pick).collect());
    let (last_event, get_logs) = (of(|block| block.last), of(|block| block.get_logs));
    let report = Report {
        bench: "head",
        blocks: options.blocks,
        events_per_block: options.events,
        block_time_s: BLOCK_TIME_S,
        first_event: of(|block| block.first),
        last_event,
        get_logs,
        ratio_p50: rounded(last_event.p50_ms / get_logs.p50_ms),
        ratio_p99: rounded(last_event.p99_ms / get_logs.p99_ms),
        cpu_seconds,
        load_before,
        revision: options.subject.revision,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
    };
    say(&format!("announced to first event  {:?}", report.first_event));
    say(&format!("announced to last event   {:?}", report.last_event));
    say(&format!("eth_getLogs alone         {:?}", report.get_logs));
    say(&serde_json::to_string(&report)?);
    Ok(())
}

fn node() -> Result<(TempDir, Anvil)> {
    let directory = tempfile::Builder::new().prefix("stoa-bench-head").tempdir()?;
    let tools = std::env::var_os("STOA_TOOLS").map_or_else(|| "tools/bin".into(), PathBuf::from);
    let anvil = Anvil::start(&AnvilOptions {
        program: tools.join("anvil"),
        directory: directory.path().to_owned(),
        block_time: Some(BLOCK_TIME_S),
        chain_id: 31_337,
        keep_state: false,
        extra: ["--gas-limit", "2000000000"].map(str::to_owned).to_vec(),
    })?;
    Ok((directory, anvil))
}

/// Something, and when it came.
type Heard = (u64, Instant);

/// Numbers of the blocks that the node announces.
async fn follow_heads(url: &str) -> Result<mpsc::Receiver<Heard>> {
    let (mut socket, _) = connect_async(url).await.context("the node has no WebSocket")?;
    let wish = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_subscribe",
                       "params": ["newHeads"] });
    socket.send(Message::text(wish.to_string())).await?;
    let (told, heard) = mpsc::channel(1_000);
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            let now = Instant::now();
            let Ok(text) = message.into_text() else { continue };
            let message: Value = serde_json::from_str(&text).unwrap_or_default();
            let Ok(number) = quantity(&message["params"]["result"]["number"]) else { continue };
            if told.send((number, now)).await.is_err() {
                return;
            }
        }
    });
    Ok(heard)
}

/// Blocks of the events that the stream tells.
async fn follow_stream(server: &Server) -> Result<mpsc::Receiver<Heard>> {
    let mut stream = Stream::open(&server.dev, &["items", "transfers"]).await?;
    let (told, heard) = mpsc::channel(100_000);
    tokio::spawn(async move {
        while let Ok(frame) = stream.frame().await {
            let now = Instant::now();
            let Some(block) = frame.block.filter(|_| frame.kind.as_deref() == Some("delta")) else {
                continue;
            };
            if told.send((block.number, now)).await.is_err() {
                return;
            }
        }
    });
    Ok(heard)
}

/// The node with the two contracts.
struct Site {
    node: Node,
    contracts: Vec<String>,
    events: u64,
}

struct Measured {
    first: Duration,
    last: Duration,
    get_logs: Duration,
}

impl Site {
    async fn prepare(anvil: &Anvil, events: u64) -> Result<Self> {
        let codes = tokio::task::spawn_blocking(workload::compile).await??;
        let node = Node::new(&anvil.http_url())?;
        let mut contracts = Vec::new();
        for code in codes {
            let call = json!([{ "from": SENDER, "data": code, "gas": "0x1000000" }]);
            let hash = node.call("eth_sendTransaction", call).await?;
            contracts.push(workload::deployed(&node, hash).await?);
        }
        Ok(Self { node, contracts, events })
    }

    fn config(&self, anvil: &Anvil) -> String {
        let mut text = endpoint_of(anvil);
        for (address, (_, standard)) in self.contracts.iter().zip(CONTRACTS) {
            text.push_str(&format!(
                "[[sources]]\naddress = \"{address}\"\nstandard = \"{standard}\"\n\
                 start_block = 1\n"
            ));
        }
        text
    }

    /// Have one block made, and wait until all of it was told.
    async fn measure(
        &self,
        heads: &mut mpsc::Receiver<Heard>,
        events: &mut mpsc::Receiver<Heard>,
    ) -> Result<Measured> {
        let before = self.node.number("eth_blockNumber", json!([])).await?;
        self.send(before).await?;
        let (first, last) = self.told(events).await?;
        let announced = loop {
            let head = timeout(PATIENCE, heads.recv()).await?.context("the node is silent")?;
            if head.0 == first.0 {
                break head.1;
            }
            ensure!(head.0 < first.0, "block {} was never announced", first.0);
        };
        let block = format!("{:#x}", first.0);
        let wanted = json!([{ "fromBlock": block, "toBlock": block, "address": self.contracts }]);
        let (get_logs, logs) = self.node.timed("eth_getLogs", wanted).await?;
        let count = logs.as_array().map_or(0, Vec::len) as u64;
        ensure!(count == self.events, "block {} has {count} events", first.0);
        Ok(Measured {
            first: first.1.saturating_duration_since(announced),
            last: last.1.saturating_duration_since(announced),
            get_logs,
        })
    }

    /// The first and the last of the events of one block, of which there must be all.
    async fn told(&self, events: &mut mpsc::Receiver<Heard>) -> Result<(Heard, Heard)> {
        let next = timeout(PATIENCE, events.recv()).await.context("no event was told")?;
        let first = next.context("the stream ended")?;
        let mut last = first;
        for told in 1..self.events {
            let next = timeout(PATIENCE, events.recv()).await;
            let next = next.with_context(|| format!("{told} events of block {} told", first.0))?;
            last = next.context("the stream ended")?;
            ensure!(last.0 == first.0, "{told} events of block {}, then {}", first.0, last.0);
        }
        Ok((first, last))
    }

    /// All of them just after a block, so that one holds them all.
    async fn send(&self, seed: u64) -> Result<()> {
        let calls: Vec<_> = (0..BURSTS)
            .map(|part| {
                let which = usize::try_from(part % 2).unwrap_or_default();
                let data = workload::burst(which, self.events / BURSTS, seed * BURSTS + part);
                let call = json!({ "from": SENDER, "to": self.contracts[which], "data": data,
                                   "gas": "0x1000000" });
                ("eth_sendTransaction", json!([call]))
            })
            .collect();
        self.node.batch(&calls).await?;
        Ok(())
    }
}
