//! As much HTTP/1.1 as a JSON-RPC client speaks. By hand, because a library would not let us break
//! it.

use std::io;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

const HEAD_BYTES_MAX: usize = 64 << 10;
const BODY_BYTES_MAX: usize = 64 << 20;

pub struct Request {
    /// The request line and headers, as they came.
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn is_upgrade(&self) -> bool {
        self.header("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket"))
    }
}

/// The next request; none at the end of the connection.
pub async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut head = String::new();
    loop {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(None);
        }
        if head.ends_with("\r\n\r\n") {
            break;
        }
        if head.len() > HEAD_BYTES_MAX {
            return Err(io::Error::other("head too long"));
        }
    }
    let mut request = Request { head, body: Vec::new() };
    let length = request.header("content-length").map_or(Ok(0), str::parse);
    let length: usize = length.map_err(io::Error::other)?;
    if length > BODY_BYTES_MAX || request.header("transfer-encoding").is_some() {
        return Err(io::Error::other("a body without a plain length"));
    }
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

/// Write an answer, all of it or (`cut`) only half of its body.
pub async fn write(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    body: &[u8],
    cut: bool,
) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    let body = if cut { &body[..length / 2] } else { body };
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.flush().await
}

/// Write a 429 that asks to come again in so many seconds.
pub async fn write_limited(stream: &mut BufReader<TcpStream>, seconds: u64) -> io::Result<()> {
    let head = format!("HTTP/1.1 429 -\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await
}
