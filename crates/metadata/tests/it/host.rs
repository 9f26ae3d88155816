//! A host on loopback that behaves as a test wants, byte by byte.

use std::{
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

type Answering = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Ends with the test.
pub struct Host {
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Host {
    /// `answer` gets the path asked for, which request it is (from 0), and the connection.
    pub async fn start<F>(answer: F) -> Self
    where
        F: Fn(String, usize, TcpStream) -> Answering + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let answer = Arc::new(answer);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answer, counter) = (answer.clone(), counter.clone());
                connections.spawn(async move {
                    if let Some(path) = path_of(&mut stream).await {
                        let place = counter.fetch_add(1, Ordering::SeqCst);
                        answer(path, place, stream).await;
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, asked, accepting }
    }

    /// A host that answers each path with a status, headers and a body.
    pub async fn answering<F>(answer: F) -> Self
    where
        F: Fn(&str, usize) -> Answer + Send + Sync + 'static,
    {
        Self::start(move |path, place, stream| {
            let answer = answer(&path, place);
            Box::pin(answer.write(stream))
        })
        .await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// As the list of places that may be private names it.
    pub fn name(&self) -> String {
        self.address.to_string()
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// What a host says.
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(text: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            headers: "content-type: application/json\r\n".into(),
            body: text.into(),
        }
    }

    pub fn status(status: u16) -> Self {
        Self { status, headers: String::new(), body: Vec::new() }
    }

    pub fn redirect(to: &str) -> Self {
        Self { status: 302, headers: format!("location: {to}\r\n"), body: Vec::new() }
    }

    async fn write(self, mut stream: TcpStream) {
        let head = format!(
            "HTTP/1.1 {} X\r\n{}content-length: {}\r\nconnection: close\r\n\r\n",
            self.status,
            self.headers,
            self.body.len()
        );
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(&self.body).await;
        let _ = stream.shutdown().await;
    }
}

async fn path_of(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.ok()? == 0 || request.len() > 100_000 {
            return None;
        }
    }
    let text = String::from_utf8(request).ok()?;
    Some(text.split(' ').nth(1)?.to_owned())
}
