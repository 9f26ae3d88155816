//! Many who want nothing, and one who does.

use crate::server::{Home, Options, fresh_address};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::{fs, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const IDLE: usize = 10_000;
/// What one that wants nothing may cost, in a build that is not optimised.
const BYTES_EACH_MAX: u64 = 24 << 10;
const CONFIG: &str = "
[api]
connections_max = 12000
connections_per_address = 0
header_ms = 15000
";

/// Resident memory of a process, in bytes.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_cost_little_and_are_ended() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let home = Home::new();
    let config = home.path().with_file_name("stoa.toml");
    fs::write(&config, CONFIG).unwrap();
    let server = home.start(&Options { config: Some(&config), ..Options::default() }).await;
    let url = server.text("http");
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let before = resident(server.child.id());
    let mut idle = Vec::with_capacity(IDLE);
    for n in 0..IDLE {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Some say nothing, some begin to.
        if n % 2 == 0 {
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        }
        idle.push(stream);
    }
    let job = server.mint("one", &fresh_address()).await;
    server.mint_reaches(&job, &["tentative", "auditable", "final"]).await;
    let each = resident(server.child.id()).saturating_sub(before) / IDLE as u64;
    assert!(each < BYTES_EACH_MAX, "{each} bytes for each");
    let ends = idle.into_iter().map(|mut stream| async move {
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told).await;
    });
    let all = futures_util::future::join_all(ends);
    tokio::time::timeout(Duration::from_secs(120), all).await.expect("they are ended");
    server.stop();
}
