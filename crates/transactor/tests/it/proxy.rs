//! A node's front that loses answers: a minimal HTTP proxy, one request per connection.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub struct Proxy {
    pub url: String,
    /// Requests that send transactions reach the node, but their answers never come back.
    pub swallow: Arc<AtomicBool>,
    pub swallowed: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub async fn before(node: &str) -> Self {
        let node = node.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (swallow, swallowed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let shared = (swallow.clone(), swallowed.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (node, (swallow, swallowed)) = (node.clone(), shared.clone());
                tokio::spawn(async move {
                    // A client that gave up is no matter.
                    let _ = pass(client, &node, &swallow, &swallowed).await;
                });
            }
        });
        Self { url, swallow, swallowed, task }
    }
}

async fn pass(
    mut client: TcpStream,
    node: &str,
    swallow: &AtomicBool,
    swallowed: &AtomicU32,
) -> std::io::Result<()> {
    let body = read_body(&mut client).await?;
    let sends = String::from_utf8_lossy(&body).contains("eth_sendRawTransaction");
    let mut upstream = TcpStream::connect(node).await?;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {node}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    upstream.write_all(head.as_bytes()).await?;
    upstream.write_all(&body).await?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await?;
    if sends && swallow.load(Ordering::SeqCst) {
        swallowed.fetch_add(1, Ordering::SeqCst);
        // Hold the connection until the client gives up.
        let mut rest = [0; 1];
        let _ = client.read(&mut rest).await;
        return Ok(());
    }
    client.write_all(&answer).await?;
    client.shutdown().await
}

async fn read_body(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 8_192];
    loop {
        let read = client.read(&mut chunk).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .map_or(0, |value| value.trim().parse().unwrap());
        if bytes.len() >= end + 4 + length {
            return Ok(bytes[end + 4..end + 4 + length].to_vec());
        }
    }
}
