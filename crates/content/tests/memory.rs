//! Fifty uploads of 20 MB at once, in a process of their own: resident memory must grow by less
//! than 100 MB from the first byte to the last preview.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use content::media::{Inspector, MediaLimits};
use content::{BlockStore, Stored};
use image::ExtendedColorType::Rgb8;
use tokio::io::AsyncReadExt;

const UPLOADS: usize = 50;
const GROWTH_MAX_KB: u64 = 100_000;
/// Set for the child process that makes the pictures.
const SOURCES_DIR: &str = "CONTENT_TEST_SOURCES_DIR";

/// Cheap noise, which no codec shrinks.
fn noise(len: usize) -> Vec<u8> {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes.extend(x.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn make_png(path: &Path) {
    let side = 2_570;
    let file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let mut encoder = png::Encoder::new(file, side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&noise(side as usize * side as usize * 3)).unwrap();
    writer.finish().unwrap();
}

fn make_jpeg(path: &Path) {
    let (width, height) = (4_400, 3_200);
    let file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(file, 75);
    encoder.encode(&noise(width * height * 3), width as u32, height as u32, Rgb8).unwrap();
}

fn make_webp(path: &Path, width: u32, height: u32) {
    let file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let pixels = noise(width as usize * height as usize * 3);
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(file);
    encoder.encode(&pixels, width, height, Rgb8).unwrap();
}

/// Makes the sources in another process, so that memory it leaves to the allocator cannot be what
/// the uploads then seem not to need.
fn make_in_child(dir: &Path) {
    let made = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sources_are_made_for_the_other_test"])
        .env(SOURCES_DIR, dir)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn sources_are_made_for_the_other_test() {
    let Some(dir) = std::env::var_os(SOURCES_DIR).map(PathBuf::from) else { return };
    make_png(&dir.join("a.png"));
    make_jpeg(&dir.join("b.jpg"));
    make_webp(&dir.join("c.webp"), 4_000, 1_600);
    make_webp(&dir.join("d.webp"), 1_800, 1_300);
}

fn status_kb(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What a server does with one upload.
async fn upload(store: BlockStore, inspector: Inspector, source: PathBuf) -> (Stored, bool) {
    let mut file = tokio::fs::File::open(source).await.unwrap();
    let mut upload = store.begin(inspector.limits().bytes).await.unwrap();
    let mut piece = vec![0; 16 * 1024];
    loop {
        match file.read(&mut piece).await.unwrap() {
            0 => break,
            n => upload.write(&piece[..n]).await.unwrap(),
        }
    }
    let sealed = upload.seal().await.unwrap();
    let examined = inspector.examine(sealed.path()).await.unwrap();
    if let Some(preview) = &examined.preview {
        store.put(&preview.bytes).await.unwrap();
    }
    (sealed.commit().await.unwrap(), examined.preview.is_some())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_uploads_of_20_mb_grow_memory_by_less_than_100_mb() {
    let dir = tempfile::tempdir().unwrap();
    let sources = ["a.png", "b.jpg", "c.webp", "d.webp"].map(|name| dir.path().join(name));
    make_in_child(dir.path());
    for source in &sources[..3] {
        let len = fs::metadata(source).unwrap().len();
        assert!((17_000_000..=20_000_000).contains(&len), "{source:?}: {len}");
    }
    let store = BlockStore::open_at(dir.path().join("store")).await.unwrap();
    let inspector = Inspector::new(MediaLimits::default());

    // 5 resets the peak (proc(5), /proc/pid/clear_refs).
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status_kb("VmRSS");
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..UPLOADS {
        let source = sources[[0, 1, 0, 1, 0, 1, 0, 1, 2, 3][index % 10]].clone();
        tasks.spawn(upload(store.clone(), inspector.clone(), source));
    }
    let done = tokio::time::timeout(Duration::from_secs(300), tasks.join_all()).await.unwrap();
    let growth = status_kb("VmHWM").saturating_sub(before);

    let bytes: u64 = done.iter().map(|(stored, _)| stored.size).sum();
    println!(
        "{} MB in {:?}; resident before {before} kB, grown by {growth} kB",
        bytes / 1_000_000,
        begun.elapsed()
    );
    assert!(bytes > 850_000_000);
    // Only the large lossless WebP is beyond the budget of a preview.
    assert_eq!(done.iter().filter(|(_, preview)| *preview).count(), 45);
    assert!(growth < GROWTH_MAX_KB, "resident memory grew by {growth} kB");
}
