//! Requests at a fixed rate.

use crate::{api::requests::Requests, quantile::rounded};
use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet};

/// A backlog that is older is not worked off: the rate is not borne.
const BACKLOG_MAX: Duration = Duration::from_millis(500);

/// What became of one round.
#[derive(Clone, Debug)]
pub struct Round {
    pub latency: Latency,
    /// Too much was asked, and some was never sent.
    given_up: bool,
}

impl Round {
    pub fn is_whole(&self) -> bool {
        !self.given_up
    }
}

/// From the time at which a request was due to the last byte of its answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub answers: usize,
}

impl Latency {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let rank = (times.len() as f64 * share).ceil() as usize;
            times.get(rank.saturating_sub(1)).map_or(0.0, |time| rounded(time.as_secs_f64() * 1e3))
        };
        Self { p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999), answers: times.len() }
    }

    pub fn p99(&self) -> Duration {
        Duration::from_secs_f64(self.p99_ms / 1e3)
    }
}

/// Ask at `rate` a second by `clients` connections.
pub async fn run(
    requests: &Requests,
    clients: usize,
    rate: f64,
    lasting: Duration,
) -> Result<Round> {
    let count = (rate * lasting.as_secs_f64()) as usize;
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(connect(requests.address()).await?);
    }
    let (next, given_up) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for mut connection in connections {
        let (next, given_up, requests) = (next.clone(), given_up.clone(), requests.clone());
        tasks.spawn(async move {
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count || given_up.load(Ordering::Relaxed) {
                    return anyhow::Ok(took);
                }
                let due = started + Duration::from_secs_f64(number as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
                if due.elapsed() > BACKLOG_MAX {
                    given_up.store(true, Ordering::Relaxed);
                    return Ok(took);
                }
                ask(&mut connection, &requests, number).await?;
                took.push(due.elapsed());
            }
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(done) = tasks.join_next().await {
        all.extend(done.context("a client died")??);
    }
    Ok(Round { latency: Latency::of(all), given_up: given_up.load(Ordering::Relaxed) })
}

async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("the server does not listen")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn ask(
    connection: &mut SendRequest<Full<Bytes>>,
    requests: &Requests,
    number: usize,
) -> Result<()> {
    connection.ready().await?;
    let response = connection.send_request(requests.make(number)?).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        bail!("{status}: {}", String::from_utf8_lossy(&body));
    }
    Ok(())
}
