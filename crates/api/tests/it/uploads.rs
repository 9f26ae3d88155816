use crate::harness::{Api, body, problem, start};
use futures_util::future::join_all;
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::{
    Response,
    multipart::{Form, Part},
};
use std::{
    io::Cursor,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

const LIMIT: usize = 20_000_000;

fn picture(format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(640, 480, |x, y| Rgb([x as u8, y as u8, (x * y) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

async fn upload(api: &Api, key: &str, bytes: Vec<u8>, name: &str) -> Response {
    let form =
        Form::new().text("note", "x").part("file", Part::bytes(bytes).file_name(name.to_owned()));
    api.post("/api/v1/uploads", key).multipart(form).send().await.unwrap()
}

#[tokio::test]
async fn a_picture_is_stored_with_its_preview() {
    let api = start().await;
    let bytes = picture(ImageFormat::Png);
    // Its name lies; nobody looks at it.
    let stored = body(upload(&api, "p", bytes.clone(), "a.exe").await, 201).await;
    assert_eq!(stored["media_type"], "image/png");
    assert_eq!((stored["width"].as_u64(), stored["height"].as_u64()), (Some(640), Some(480)));
    assert_eq!(stored["size"].as_u64(), Some(bytes.len() as u64));
    for cid in [&stored["cid"], &stored["preview"]["cid"]] {
        let url = format!("{}/ipfs/{}", api.content_url, cid.as_str().unwrap());
        let response = api.client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("image/"));
    }
    let again = upload(&api, "p", bytes, "b.png").await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(body(again, 201).await, stored);
    let other = upload(&api, "p", picture(ImageFormat::Jpeg), "b.png").await;
    problem(other, "upload_picture", "idempotency_key_reused").await;
}

#[tokio::test]
async fn bad_uploads_are_refused() {
    let api = start().await;
    let png = picture(ImageFormat::Png);
    let html = [b"\x89PNG\r\n\x1a\n".as_slice(), b"<html><script>alert(1)</script>"].concat();
    let mut large = picture(ImageFormat::Jpeg);
    large.resize(LIMIT + 1, 0);
    let mut huge = picture(ImageFormat::Jpeg);
    huge.resize(LIMIT + (1 << 20), 0);
    let cases = [
        (b"<!doctype html>".to_vec(), &["upload_unsupported"][..]),
        (html, &["upload_corrupt", "upload_truncated"]),
        (png[..png.len() / 2].to_vec(), &["upload_truncated", "upload_corrupt"]),
        (Vec::new(), &["upload_unsupported", "upload_truncated"]),
        (large, &["upload_too_large"]),
        (huge, &["upload_too_large"]),
    ];
    for (i, (bytes, codes)) in cases.into_iter().enumerate() {
        let response = upload(&api, &format!("bad-{i}"), bytes, "a.png").await;
        let told: serde_json::Value = response.json().await.unwrap();
        let code = told["code"].as_str().unwrap();
        assert!(codes.contains(&code), "case {i}: {told}");
        assert!(api::declares("upload_picture", code));
    }
    let form = Form::new().text("picture", "x");
    let missing = api.post("/api/v1/uploads", "m").multipart(form).send().await.unwrap();
    problem(missing, "upload_picture", "upload_file_missing").await;
    let text = api.post("/api/v1/uploads", "t").body("x").send().await.unwrap();
    problem(text, "upload_picture", "content_type_unsupported").await;
    let broken = api.post("/api/v1/uploads", "b");
    let broken = broken.header("content-type", "multipart/form-data; boundary=x");
    let broken = broken.body("--x\r\nnothing").send().await.unwrap();
    problem(broken, "upload_picture", "multipart_malformed").await;
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_large_uploads_at_once_stay_small_in_memory() {
    let api = start().await;
    // Trailing bytes are allowed after a JPEG; the client sends them from one block.
    let head = bytes::Bytes::from(picture(ImageFormat::Jpeg));
    let block = bytes::Bytes::from(vec![0u8; 64 * 1024]);
    body(upload(&api, "warm", head.to_vec(), "a.jpg").await, 201).await;
    let before = resident();
    let done = AtomicBool::new(false);
    let watch = async {
        let mut most = 0;
        let mut look = tokio::time::interval(Duration::from_millis(5));
        while !done.load(Ordering::Relaxed) {
            most = most.max(resident());
            look.tick().await;
        }
        most
    };
    let uploads = async {
        let send = |i: usize| {
            let len = LIMIT - i;
            let blocks = (len - head.len()) / block.len();
            let rest = block.slice(..(len - head.len()) % block.len());
            let pieces = std::iter::once(head.clone())
                .chain(std::iter::repeat_n(block.clone(), blocks))
                .chain(std::iter::once(rest))
                .map(Ok::<_, std::io::Error>);
            let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
            let part = Part::stream_with_length(stream, len as u64).file_name("a.jpg");
            let form = Form::new().part("file", part);
            let request = api.post("/api/v1/uploads", &format!("k{i}")).multipart(form);
            async move { body(request.send().await.unwrap(), 201).await }
        };
        let stored = join_all((0..50).map(send)).await;
        done.store(true, Ordering::Relaxed);
        stored
    };
    let (most, stored) = tokio::join!(watch, uploads);
    assert_eq!(stored.len(), 50);
    let grown = most.saturating_sub(before);
    eprintln!("grown by {} MB, client included", grown / 1_000_000);
    assert!(grown < 100_000_000, "grown by {grown} bytes");
}
