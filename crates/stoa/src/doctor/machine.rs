//! This machine: room on disk, files that only their owner may read, the content store, ports.

use super::{
    Patient,
    report::{Finding, within},
};
use crate::dev::handles;
use nix::sys::statvfs::statvfs;
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

const GIGABYTE: u64 = 1 << 30;
/// Room below which a server should not be, and below which it will soon stop.
const ROOM_WARN: u64 = 10 * GIGABYTE;
const ROOM_FAIL: u64 = GIGABYTE;
/// Every commit waits for a flush.
const FLUSH_WARN: Duration = Duration::from_millis(50);
/// Files of one directory that are looked at.
const FILES_MAX: usize = 1_000;

pub(super) async fn examine(of: &Patient) -> Vec<Finding> {
    let data = of.options.database.data_dir().to_owned();
    let there = data.is_dir();
    let on_disk = async {
        if !there {
            let why = format!("there is no data directory {} (--data-dir)", data.display());
            return vec![Finding::skip("disk", why)];
        }
        let place = data.clone();
        let work = tokio::task::spawn_blocking(move || {
            let mut found = vec![room(&place), private(&place)];
            found.push(content(&place.join("content")));
            found
        });
        let found = within(of.time, async { work.await.map_err(|error| error.to_string()) }).await;
        found.unwrap_or_else(|why| {
            vec![Finding::fail("disk", why, "see whether the disk answers (dmesg, mount)")]
        })
    };
    let (mut found, port) = tokio::join!(on_disk, port(of));
    found.extend([port, handles(of)]);
    found
}

/// Clients take one open file each, and must leave some to everything else.
fn handles(of: &Patient) -> Finding {
    let connections = of.loaded.settings.api.connections.connections_max;
    let (needed, most) = (handles::needed(connections), handles::available());
    let why = format!("{connections} connections need {needed} open files, {most} are allowed");
    if needed > most {
        let todo = "raise the hard limit (`ulimit -Hn`, LimitNOFILE=), or lower \
                    api.connections_max; until then fewer connections are taken";
        return Finding::warn("files", why, todo);
    }
    Finding::ok("files", why)
}

fn room(place: &Path) -> Finding {
    let (check, shown) = ("disk", place.display());
    let status = match statvfs(place) {
        Ok(status) => status,
        Err(error) => return Finding::fail(check, format!("{shown}: {error}"), "mount it"),
    };
    let free = status.blocks_available() * status.fragment_size();
    let all = (status.blocks() * status.fragment_size()).max(1);
    let percent = free * 100 / all;
    let why = format!("{shown} has {} GB left ({percent} %)", free / GIGABYTE);
    let todo = "make room: old logs, content, a larger disk; without room nothing is committed";
    match free {
        free if free < ROOM_FAIL || percent < 2 => Finding::fail(check, why, todo),
        free if free < ROOM_WARN && percent < 15 => Finding::warn(check, why, todo),
        _ => Finding::ok(check, why),
    }
}

/// Files that hold keys and secrets are their owner's alone.
fn private(place: &Path) -> Finding {
    let mut looked = 0;
    let mut open: Vec<PathBuf> = Vec::new();
    for (name, below) in
        [("secrets", true), ("signer/keys", true), ("signer/password", false), ("dev.json", false)]
    {
        let path = place.join(name);
        for path in if below { files_below(&path) } else { vec![path] } {
            let Ok(status) = fs::metadata(&path) else { continue };
            looked += 1;
            if status.permissions().mode() & 0o077 != 0 {
                open.push(path);
            }
        }
    }
    match open.first() {
        None => Finding::ok("permissions", format!("{looked} files of secrets are private")),
        Some(first) => {
            let why = format!(
                "others may read or write {} of {looked} files of secrets: {}",
                open.len(),
                first.display()
            );
            let todo = format!("chmod 600 {}; make new what others may have read", first.display());
            Finding::fail("permissions", why, todo)
        }
    }
}

/// Files in a directory and in those directly below.
fn files_below(place: &Path) -> Vec<PathBuf> {
    let entries = |place: &Path| -> Vec<PathBuf> {
        let read = fs::read_dir(place).into_iter().flatten().flatten();
        read.take(FILES_MAX).map(|entry| entry.path()).collect()
    };
    let (directories, mut files): (Vec<PathBuf>, Vec<PathBuf>) =
        entries(place).into_iter().partition(|path| path.is_dir());
    for directory in directories {
        files.extend(entries(&directory).into_iter().filter(|path| path.is_file()));
    }
    files
}

/// A file is written, flushed and removed.
fn content(place: &Path) -> Finding {
    let (check, shown) = ("content", place.display());
    if !place.is_dir() {
        return Finding::skip(check, format!("there is no content store {shown} yet"));
    }
    let path = place.join(format!(".doctor-{}", std::process::id()));
    let started = Instant::now();
    let written = fs::File::create_new(&path).and_then(|mut file| {
        file.write_all(b"stoa doctor")?;
        file.sync_all()?;
        fs::File::open(place)?.sync_all()
    });
    let took = started.elapsed();
    let removed = fs::remove_file(&path);
    if let Err(error) = written.and(removed) {
        let todo = "let this user write there, or mount the disk anew: uploads fail";
        return Finding::fail(check, format!("{shown} can't be written: {error}"), todo);
    }
    let why = format!("{shown} can be written, and flushed in {} ms", took.as_millis());
    if took > FLUSH_WARN {
        return Finding::warn(check, why, "take a faster disk: every commit waits for a flush");
    }
    Finding::ok(check, why)
}

/// Is the port of the API ours, or free to be?
async fn port(of: &Patient) -> Finding {
    let check = "port";
    if let Some(dev) = &of.dev {
        return served(of, &dev.http).await;
    }
    let Some(address) = of.loaded.settings.listen.0 else {
        return Finding::skip(check, "no address is named");
    };
    match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(check, format!("{address} is free: no server runs there")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let tls = of.loaded.settings.tls.is_on();
            served(of, &crate::dev::origin(address, tls)).await
        }
        Err(error) => {
            let todo = "name an address of this machine: api.listen, --http";
            Finding::fail(check, format!("cannot listen on {address}: {error}"), todo)
        }
    }
}

async fn served(of: &Patient, origin: &str) -> Finding {
    let asked = within(of.time, async {
        // Whether it answers is asked, by an address that its certificate need not name.
        let client = reqwest::Client::builder().timeout(of.time).no_proxy();
        let client = client.tls_danger_accept_invalid_certs(true).build();
        let client = client.map_err(|_| "no client can be made".to_owned())?;
        let ready = client.get(format!("{origin}/ready")).send().await;
        let ready = ready.map_err(|_| "it does not answer".to_owned())?;
        Ok(ready.status().as_u16())
    });
    match asked.await {
        Ok(200) => Finding::ok("port", format!("a server at {origin} is ready")),
        Ok(503) => {
            let todo = format!("ask {origin}/ready what it waits for");
            Finding::warn("port", format!("the server at {origin} is not ready"), todo)
        }
        Ok(status) => {
            let why = format!("something else is at {origin}: {status}");
            Finding::fail("port", why, "stop it, or take another port: api.listen, --http")
        }
        Err(why) => {
            let todo = "stop what is there, or take another port: api.listen, --http";
            Finding::fail("port", format!("{origin} is taken, and {why}"), todo)
        }
    }
}
