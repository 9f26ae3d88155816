//! What telling everybody could cost at least: tokio-tungstenite, a channel, and a message that is
//! made once. A process of its own, as the engine is.

use super::source::MESSAGE;
use anyhow::{Context, Result, ensure};
use clap::Args;
use devstack::{Child, Signal, spawn_tied};
use futures_util::SinkExt;
use std::{
    fs,
    io::Write,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig},
};

/// How long it may take to listen.
const LISTENS: Duration = Duration::from_secs(30);
/// Messages that wait for a client; none should.
const WAITING: usize = 256;

#[derive(Args, Clone, Debug)]
pub struct Options {}

/// Serve on two free ports, which are printed, until killed: clients at the first, and at the
/// second whoever has a message told for each line.
pub async fn serve(_: Options) -> Result<()> {
    let (clients, control) =
        (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
    let mut out = std::io::stdout();
    writeln!(out, "{} {}", clients.local_addr()?, control.local_addr()?)?;
    out.flush()?;
    let messages = broadcast::Sender::<Utf8Bytes>::new(WAITING);
    let all = messages.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = clients.accept().await {
            tokio::spawn(follow(socket, all.subscribe()));
        }
    });
    let (line, _) = control.accept().await?;
    let (mut lines, mut seq) = (BufReader::new(line).lines(), 0);
    while lines.next_line().await?.is_some() {
        let head = format!(
            r#"{{"topic":"items","subscription":"s","epoch":1,"seq":{},"prev_seq":{seq},"text":""#,
            seq + 1,
        );
        seq += 1;
        let text = format!("{head}{}\"}}", "x".repeat(MESSAGE.saturating_sub(head.len())));
        let _ = messages.send(text.into());
    }
    Ok(())
}

async fn follow(socket: TcpStream, mut messages: broadcast::Receiver<Utf8Bytes>) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut socket = accept_async_with_config(socket, Some(small())).await?;
    while let Ok(text) = messages.recv().await {
        socket.send(Message::Text(text)).await?;
    }
    Ok(())
}

/// As the engine has them.
pub fn small() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(1 << 20)
}

/// It, running.
pub struct Process {
    pub address: String,
    pub control: String,
    child: Child,
    _directory: TempDir,
}

impl Process {
    pub async fn start() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("stoa-bench-bare").tempdir()?;
        let log = directory.path().join("log");
        let program = std::env::current_exe()?;
        let child = spawn_tied(&program, &["bare-stream".to_owned()], None, Signal::SIGTERM, &log)?;
        let started = Instant::now();
        let line = loop {
            let text = fs::read_to_string(&log)?;
            if let Some((line, _)) = text.split_once('\n') {
                break line.to_owned();
            }
            ensure!(started.elapsed() < LISTENS, "the broadcaster does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let (address, control) = line.split_once(' ').context("two addresses")?;
        let (address, control) = (address.to_owned(), control.to_owned());
        Ok(Self { address, control, child, _directory: directory })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}
