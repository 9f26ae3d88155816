//! Uploads that mean harm: refused by the right code, nothing left in the store, little memory.

use crate::harness::{Api, start};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use testkit::picture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const MEGABYTE: usize = 1_000_000;
const BOUNDARY: &str = "frontier";

/// A sound PNG of one colour: a few kilobytes for any size.
fn flat_png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().unwrap();
    let mut stream = writer.stream_writer().unwrap();
    let row = vec![0; width.div_ceil(8) as usize];
    for _ in 0..height {
        std::io::Write::write_all(&mut stream, &row).unwrap();
    }
    stream.finish().unwrap();
    writer.finish().unwrap();
    bytes
}

/// The same file with another size in its header, whose checksum is right.
fn claiming(mut png: Vec<u8>, width: u32, height: u32) -> Vec<u8> {
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32fast::hash(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    png
}

fn part(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.png\"\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), format!("--{BOUNDARY}--\r\n").into_bytes()].concat()
}

fn file(content: &[u8]) -> Vec<u8> {
    form(&[part("file", content)])
}

/// Status and body of the answer. It is read while the form is still being sent: who is refused in
/// the middle of a form and reads afterwards may find the connection reset.
async fn send(api: &Api, key: &str, form: Vec<u8>) -> (u16, Value) {
    let stream = TcpStream::connect(api.url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let head = format!(
        "POST /api/v1/uploads HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nIdempotency-Key: {key}\r\n\
         Authorization: Bearer {}\r\n\r\n",
        form.len(),
        api.key
    );
    let write = async {
        // It fails when the server hangs up, whose answer is then there.
        let _ = writing.write_all(head.as_bytes()).await;
        let _ = writing.write_all(&form).await;
    };
    let mut answer = Vec::new();
    let read = async {
        let _ = reading.read_to_end(&mut answer).await;
    };
    let both = async { tokio::join!(write, read) };
    tokio::time::timeout(Duration::from_secs(60), both).await.expect("an answer");
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// All files below a directory.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { [path].into() }).collect()
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// The most that the process held while `work` was done, beyond what it held before.
async fn growth<T>(work: impl Future<Output = T>) -> (usize, T) {
    let (before, done) = (resident(), AtomicBool::new(false));
    let watch = async {
        let (mut most, mut look) = (0, tokio::time::interval(Duration::from_millis(2)));
        while !done.load(Ordering::Relaxed) {
            most = most.max(resident());
            look.tick().await;
        }
        most
    };
    let work = async {
        let result = work.await;
        done.store(true, Ordering::Relaxed);
        result
    };
    let (most, result) = tokio::join!(watch, work);
    (most.saturating_sub(before), result)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_pictures_are_refused_and_leave_nothing() {
    let api = &start().await;
    let good = picture::png(64, 64, 1);
    assert_eq!(send(api, "good", file(&good)).await.0, 201);
    let html = [&good[..33], b"<html><script>alert(1)</script></html>"].concat();
    // 900 million pixels out of 170 kB.
    let bomb = flat_png(30_000, 30_000);
    assert!(bomb.len() < MEGABYTE, "{}", bomb.len());
    // Behind a small header no more is inflated than the header claims; within the cap, a large
    // picture is read row by row. Both are pictures, and cost little.
    for (key, lie) in [("small", claiming(bomb.clone(), 64, 64)), ("49", flat_png(7_000, 7_000))] {
        let (grown, (status, told)) = growth(send(api, key, file(&lie))).await;
        assert_eq!(status, 201, "{told}");
        assert!(grown < 30 * MEGABYTE, "{key}: grown by {grown} bytes");
    }
    let cases = [
        ("html", html, &["upload_corrupt", "upload_truncated"][..]),
        ("page", b"<!doctype html><html></html>".to_vec(), &["upload_unsupported"]),
        ("100 megapixels", flat_png(10_000, 10_000), &["upload_too_many_pixels"]),
        ("side", flat_png(40_000, 8), &["upload_too_many_pixels"]),
        ("bomb", bomb, &["upload_too_many_pixels"]),
        (
            "claims more",
            claiming(flat_png(64, 64), 7_000, 7_000),
            &["upload_truncated", "upload_corrupt"],
        ),
        ("half", good[..good.len() / 2].to_vec(), &["upload_truncated"]),
        ("header only", good[..33].to_vec(), &["upload_truncated"]),
        ("empty", Vec::new(), &["upload_unsupported", "upload_truncated"]),
        ("20 MB and a byte", picture::png_of_length(20 * MEGABYTE + 1, 2), &["upload_too_large"]),
    ];
    let store = api.directory.path();
    let before = files(store);
    for (n, (name, content, codes)) in cases.into_iter().enumerate() {
        let form = file(&content);
        drop(content);
        // The client's own copy of the form is in the measure.
        let allowed = 30 * MEGABYTE + 2 * form.len();
        let (grown, (_, told)) = growth(send(api, &format!("k{n}"), form)).await;
        let code = told["code"].as_str().unwrap_or_default();
        assert!(codes.contains(&code), "{name}: {told}");
        assert!(api::declares("upload_picture", code), "{code}");
        assert!(grown < allowed, "{name}: grown by {grown} bytes");
        assert_eq!(files(store), before, "{name} left something");
    }
    // The key of a refused upload is free.
    assert_eq!(send(api, "k0", file(&good)).await.0, 201);
    assert_eq!(files(store), before, "the same picture is stored once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_forms_are_refused_and_leave_nothing() {
    let api = &start().await;
    let good = picture::png(64, 64, 1);
    assert_eq!(send(api, "good", file(&good)).await.0, 201);
    let small = part("note", b"x");
    let many = |count: usize| {
        let mut parts = vec![small.clone(); count];
        parts.push(part("file", &good));
        form(&parts)
    };
    assert_eq!(send(api, "sixteen", many(16)).await.0, 201);
    let endless_headers = {
        let mut bytes = format!("--{BOUNDARY}\r\nX-Long: ").into_bytes();
        bytes.resize(15 * MEGABYTE, b'a');
        bytes
    };
    let preamble = [vec![b'a'; 15 * MEGABYTE], file(&good)].concat();
    let large_field = form(&[part("note", &vec![b'a'; 15 * MEGABYTE]), part("file", &good)]);
    let unended = part("file", &good);
    let cases = [
        ("seventeen fields", many(17), "multipart_malformed"),
        ("ten thousand fields", many(10_000), "multipart_malformed"),
        ("headers without end", endless_headers, "multipart_malformed"),
        ("much before the first part", preamble, "multipart_malformed"),
        ("a large field that is no file", large_field, "multipart_malformed"),
        ("cut off", unended[..unended.len() - 40].to_vec(), "multipart_malformed"),
        ("no file", form(&[part("picture", &good)]), "upload_file_missing"),
        ("nothing", form(&[]), "upload_file_missing"),
        ("above all bounds", vec![b'a'; 21 * MEGABYTE], "multipart_malformed"),
        ("no form at all", b"hello".to_vec(), "multipart_malformed"),
    ];
    let store = api.directory.path();
    let before = files(store);
    for (n, (name, form, code)) in cases.into_iter().enumerate() {
        let (grown, (status, told)) = growth(send(api, &format!("k{n}"), form)).await;
        assert_eq!((status, &told["code"]), (400, &Value::from(code)), "{name}: {told}");
        assert!(grown < 12 * MEGABYTE, "{name}: grown by {grown} bytes");
        testkit::eventually("nothing is left", || async { (files(store) == before).then_some(()) })
            .await;
    }
}
