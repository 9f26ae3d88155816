//! A byte pipe that can be cut, paused and restored, in front of anything on TCP or on a Unix
//! socket (Postgres).

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Where the bytes go.
#[derive(Clone, Debug)]
enum Target {
    Tcp(String),
    Unix(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Open,
    /// Connections stay, bytes wait.
    Paused,
    /// Connections are closed, new ones too.
    Cut,
}

/// The proxy. Ends with its connections when dropped.
#[derive(Debug)]
pub struct TcpProxy {
    address: Option<SocketAddr>,
    flow: watch::Sender<Flow>,
    accepting: JoinHandle<()>,
}

impl TcpProxy {
    /// On a free loopback port, in front of `host:port`.
    pub async fn tcp(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (flow, watched) = watch::channel(Flow::Open);
        let target = Target::Tcp(target.to_owned());
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, target.clone(), watched.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address: Some(address), flow, accepting }
    }

    /// On the new socket `path`, in front of the socket `target`. For Postgres both are named
    /// `.s.PGSQL.<port>`, in directories of their own.
    pub async fn unix(path: &Path, target: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let (flow, watched) = watch::channel(Flow::Open);
        let target = Target::Unix(target.to_owned());
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, target.clone(), watched.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address: None, flow, accepting }
    }

    /// Where a TCP proxy listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address.expect("a proxy on TCP")
    }

    /// Close all connections, and each new one at once.
    pub fn cut(&self) {
        self.flow.send_replace(Flow::Cut);
    }

    /// Let bytes wait in both directions.
    pub fn pause(&self) {
        self.flow.send_replace(Flow::Paused);
    }

    /// Let bytes pass again. Connections cut stay closed.
    pub fn restore(&self) {
        self.flow.send_replace(Flow::Open);
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass<C: AsyncRead + AsyncWrite + Unpin>(
    client: C,
    target: Target,
    mut flow: watch::Receiver<Flow>,
) -> io::Result<()> {
    if *flow.borrow_and_update() == Flow::Cut {
        return Ok(());
    }
    match target {
        Target::Tcp(address) => pipe(client, TcpStream::connect(address).await?, flow).await,
        Target::Unix(path) => pipe(client, UnixStream::connect(path).await?, flow).await,
    }
}

async fn pipe(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    flow: watch::Receiver<Flow>,
) -> io::Result<()> {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    // The end of either direction, or the cut, ends both.
    tokio::select! {
        ended = one_way(from_client, to_server, flow.clone()) => ended,
        ended = one_way(from_server, to_client, flow.clone()) => ended,
        () = cut(flow.clone()) => Ok(()),
    }
}

async fn cut(mut flow: watch::Receiver<Flow>) {
    // An error means that the proxy is gone, which cuts as well.
    let _ = flow.wait_for(|flow| *flow == Flow::Cut).await;
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut flow: watch::Receiver<Flow>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        // Bytes already read wait here while the flow is paused.
        if flow.wait_for(|flow| *flow != Flow::Paused).await.is_err() {
            return Ok(());
        }
        to.write_all(&buffer[..length]).await?;
    }
}
