//! Clients: a task each, which keeps its place in the log and little else.

use super::{broadcaster::small, source::Source};
use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt, stream};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite::Message};

/// Clients that connect at once.
const CONNECTING: usize = 64;
/// Source addresses: each has ports of its own, and `api.connections_per_address` is for each.
const ADDRESSES: u32 = 20;
/// When nothing came for so long that was told, it is lost.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Engine,
    Bare,
}

/// What all clients share.
#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    kind: Kind,
    /// The number before the first.
    from: i64,
    start: Instant,
    /// Messages that came, each once for each client.
    received: AtomicU64,
    cut_permille: AtomicU32,
    ends: AtomicBool,
    turns: Semaphore,
}

/// What clients saw.
#[derive(Debug, Default)]
pub struct Told {
    pub cuts: usize,
    pub received: usize,
    pub gaps: usize,
    pub doubles: usize,
}

/// Microseconds after the start at which each message came.
type Came = Arc<Mutex<Vec<u64>>>;
type Socket = WebSocketStream<TcpStream>;

pub struct Crowd {
    shared: Arc<Shared>,
    source: Source,
    clients: Vec<(Came, JoinHandle<Result<Told>>)>,
    pub connected_per_second: f64,
    told: usize,
}

impl Crowd {
    pub async fn connect(address: &str, kind: Kind, source: Source, count: u32) -> Result<Self> {
        let shared = Arc::new(Shared {
            address: address.parse()?,
            kind,
            from: source.from(),
            start: Instant::now(),
            received: AtomicU64::new(0),
            cut_permille: AtomicU32::new(0),
            ends: AtomicBool::new(false),
            turns: Semaphore::new(CONNECTING),
        });
        let opening = (0..count).map(|n| {
            let shared = shared.clone();
            async move { Client::open(shared, n).await }
        });
        let opened: Vec<Result<Client>> =
            stream::iter(opening).buffer_unordered(CONNECTING).collect().await;
        let took = shared.start.elapsed();
        let mut clients = Vec::new();
        for client in opened {
            let client = client.context("a client can't connect")?;
            clients.push((client.came.clone(), tokio::spawn(client.run())));
        }
        let connected_per_second = f64::from(count) / took.as_secs_f64();
        Ok(Self { shared, source, clients, connected_per_second, told: 0 })
    }

    /// From now on each message ends its connection with this probability.
    pub fn cut_permille(&self, permille: u32) {
        self.shared.cut_permille.store(permille, Ordering::Relaxed);
    }

    /// Have so many messages told, and wait until all clients have all of them. How long each took
    /// to each.
    pub async fn tell(&mut self, count: usize, every: Duration) -> Result<Vec<Duration>> {
        let mut told = Vec::with_capacity(count);
        for _ in 0..count {
            let at = self.source.tell().await?;
            told.push(u64::try_from(at.duration_since(self.shared.start).as_micros())?);
            sleep(every.saturating_sub(at.elapsed())).await;
        }
        let first = self.told;
        self.told += count;
        let wanted = (self.told * self.clients.len()) as u64;
        let (mut before, mut progress) = (0, Instant::now());
        loop {
            let received = self.shared.received.load(Ordering::Relaxed);
            if received >= wanted {
                break;
            }
            if received > before {
                (before, progress) = (received, Instant::now());
            }
            ensure!(progress.elapsed() < PATIENCE, "{received} of {wanted} messages came");
            sleep(Duration::from_millis(50)).await;
        }
        let mut times = Vec::with_capacity(count * self.clients.len());
        for (came, _) in &self.clients {
            let came = came.lock().unwrap_or_else(PoisonError::into_inner);
            let each = came.iter().skip(first).zip(&told);
            times
                .extend(each.map(|(came, told)| Duration::from_micros(came.saturating_sub(*told))));
        }
        Ok(times)
    }

    /// All clients go; what they saw together.
    pub async fn end(mut self) -> Result<Told> {
        self.shared.ends.store(true, Ordering::Relaxed);
        // It has them look.
        self.source.tell().await?;
        let mut all = Told::default();
        for (_, client) in self.clients {
            let told = timeout(PATIENCE, client).await.context("a client does not end")???;
            all.cuts += told.cuts;
            all.received += told.received;
            all.gaps += told.gaps;
            all.doubles += told.doubles;
        }
        Ok(all)
    }
}

struct Client {
    shared: Arc<Shared>,
    number: u32,
    socket: Socket,
    /// Number of the last message.
    last: i64,
    told: Told,
    came: Came,
}

impl Client {
    async fn open(shared: Arc<Shared>, number: u32) -> Result<Self> {
        let last = shared.from;
        let socket = connect(&shared, number, last).await?;
        Ok(Self { shared, number, socket, last, told: Told::default(), came: Came::default() })
    }

    async fn run(mut self) -> Result<Told> {
        loop {
            let message = self.socket.next().await.context("the server ended a connection")??;
            let came = self.shared.start.elapsed();
            let Message::Text(text) = message else { continue };
            let Some((seq, previous)) = places(&text) else { continue };
            if self.shared.ends.load(Ordering::Relaxed) {
                return Ok(self.told);
            }
            self.told.received += 1;
            if seq <= self.last {
                self.told.doubles += 1;
                continue;
            }
            if seq != self.last + 1 || previous != self.last {
                self.told.gaps += 1;
            }
            self.last = seq;
            let came = u64::try_from(came.as_micros())?;
            self.came.lock().unwrap_or_else(PoisonError::into_inner).push(came);
            self.shared.received.fetch_add(1, Ordering::Relaxed);
            if self.is_cut() {
                self.told.cuts += 1;
                // Without a goodbye.
                self.socket = connect(&self.shared, self.number, self.last).await?;
            }
        }
    }

    fn is_cut(&self) -> bool {
        let permille = self.shared.cut_permille.load(Ordering::Relaxed);
        permille > 0 && rand::random_range(0..1_000) < permille
    }
}

/// Connected, and subscribed to what comes after `last`.
async fn connect(shared: &Shared, number: u32, last: i64) -> Result<Socket> {
    let _turn = shared.turns.acquire().await?;
    let tcp = TcpSocket::new_v4()?;
    let own = Ipv4Addr::from(0x7f00_0001 + number % ADDRESSES);
    tcp.bind(SocketAddr::new(IpAddr::V4(own), 0))?;
    let tcp = timeout(PATIENCE, tcp.connect(shared.address)).await??;
    tcp.set_nodelay(true)?;
    let url = format!("ws://{}/api/v1/stream", shared.address);
    let opening = client_async_with_config(url, tcp, Some(small()));
    let (mut socket, _) = timeout(PATIENCE, opening).await.context("no handshake")??;
    if shared.kind == Kind::Engine {
        let wish =
            format!(r#"{{"op":"subscribe","id":"s","topic":"items","from_seq":{last},"epoch":1}}"#);
        socket.send(Message::text(wish)).await?;
        match timeout(PATIENCE, socket.next()).await? {
            Some(Ok(Message::Text(text))) if text.contains(r#""op":"subscribed""#) => {}
            other => bail!("not subscribed: {other:?}"),
        }
    }
    Ok(socket)
}

/// `seq` and `prev_seq`. Ten thousand clients on one machine don't parse all that they get.
fn places(text: &str) -> Option<(i64, i64)> {
    let number = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        rest.split(',').next()?.parse().ok()
    };
    Some((number(r#""seq":"#)?, number(r#""prev_seq":"#)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_message() {
        let told = r#"{"topic":"items","subscription":"s","epoch":1,"seq":45,"prev_seq":44,"type":"delta","block":null,"data":{"seq":1}}"#;
        assert_eq!(places(told), Some((45, 44)));
        let beat = r#"{"topic":null,"subscription":null,"epoch":null,"seq":null,"prev_seq":null}"#;
        assert_eq!(places(beat), None);
    }
}
