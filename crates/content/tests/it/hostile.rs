//! Files that lie.

use content::media::{MediaLimits, inspect};

use crate::{examine, fixture, fixture_bytes, refused};

const STILLS_AND_ANIMATIONS: [&str; 19] = [
    "plain.png",
    "palette.png",
    "interlaced.png",
    "animated.png",
    "turned.png",
    "sequential.jpg",
    "progressive.jpg",
    "cmyk.jpg",
    "grey.jpg",
    "turned.jpg",
    "still.gif",
    "interlaced.gif",
    "animated.gif",
    "lossy.webp",
    "lossless.webp",
    "lossy-alpha.webp",
    "lossless-alpha.webp",
    "animated.webp",
    "turned.webp",
];

fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
    bytes.extend(kind);
    bytes.extend(body);
    bytes.extend(crc32fast::hash(&bytes[4..]).to_be_bytes());
    bytes
}

fn png(width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(chunk(b"IHDR", &header));
    bytes.extend(chunks.concat());
    bytes.extend(chunk(b"IEND", &[]));
    bytes
}

/// A sound PNG with one colour all over: a few kilobytes for any size.
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

fn gif(frames: usize, canvas: (u16, u16), frame: (u16, u16)) -> Vec<u8> {
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend([canvas.0.to_le_bytes(), canvas.1.to_le_bytes()].concat());
    bytes.extend([0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    for _ in 0..frames {
        bytes.extend([0x2c, 0, 0, 0, 0]);
        bytes.extend([frame.0.to_le_bytes(), frame.1.to_le_bytes()].concat());
        bytes.extend([0, 2, 2, 0x44, 0x01, 0]);
    }
    bytes.push(0x3b);
    bytes
}

fn riff(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, bytes) in chunks {
        body.extend(*kind);
        body.extend((bytes.len() as u32).to_le_bytes());
        body.extend(bytes);
        body.extend(vec![0; bytes.len() % 2]);
    }
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes
}

fn vp8x(flags: u8, width: u32, height: u32) -> (&'static [u8; 4], Vec<u8>) {
    let mut body = vec![flags, 0, 0, 0];
    body.extend(&(width - 1).to_le_bytes()[..3]);
    body.extend(&(height - 1).to_le_bytes()[..3]);
    (b"VP8X", body)
}

/// The bitstream of the lossy fixture, 40 × 20.
fn vp8() -> Vec<u8> {
    let bytes = fixture_bytes("lossy.webp");
    assert_eq!(&bytes[12..16], b"VP8 ");
    let len = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
    bytes[20..20 + len].to_vec()
}

#[tokio::test]
async fn other_files_are_unsupported() {
    let cases: [&[u8]; 9] = [
        b"",
        b"GIF",
        b"<html><body>hello</body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"BM\x00\x00\x00\x00",
        b"II*\0 tiff",
        b"\0\0\0\x1cftypavif",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"%PDF-1.7",
    ];
    for bytes in cases {
        assert_eq!(refused(bytes).await, "unsupported", "{bytes:?}");
    }
}

#[tokio::test]
async fn magic_numbers_over_html_are_refused() {
    let html = b"<html><script>alert(1)</script></html>".repeat(30);
    for magic in [&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP"] {
        let code = refused(&[magic, &html].concat()).await;
        // HTML read as the header of a GIF is a large canvas.
        let wants = ["corrupt", "truncated", "too_many_pixels"];
        assert!(wants.contains(&code), "{magic:?}: {code}");
    }
    let header = &fixture_bytes("plain.png")[..33];
    let code = refused(&[header, &html].concat()).await;
    assert!(matches!(code, "corrupt" | "truncated"), "{code}");
}

#[tokio::test]
async fn a_file_cut_anywhere_is_refused() {
    for name in STILLS_AND_ANIMATIONS {
        let bytes = fixture_bytes(name);
        for len in 0..bytes.len() {
            let code = refused(&bytes[..len]).await;
            assert!(matches!(code, "truncated" | "corrupt" | "unsupported"), "{name} {len}");
            assert!(len < 12 || code != "unsupported", "{name} {len}");
        }
    }
}

#[tokio::test]
async fn bytes_after_the_end_are_refused() {
    for name in ["plain.png", "still.gif", "lossy.webp"] {
        let mut bytes = fixture_bytes(name);
        bytes.extend(b"<script>");
        assert_eq!(refused(&bytes).await, "corrupt", "{name}");
    }
    let mut bytes = fixture_bytes("still.gif");
    bytes.extend([0; 3]);
    examine(&bytes).await.unwrap();
}

#[tokio::test]
async fn changed_bytes_never_break_the_inspector() {
    // Decoders may accept a change; they must answer, and a PNG's checksums catch all of them.
    for name in STILLS_AND_ANIMATIONS {
        let bytes = fixture_bytes(name);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            let found = examine(&changed).await;
            assert!(!name.ends_with("png") || found.is_err(), "{name} {at}");
        }
    }
}

#[tokio::test]
async fn bombs_are_refused_before_decoding() {
    let bomb = flat_png(30_000, 30_000);
    assert!(bomb.len() < 1_000_000, "{}", bomb.len());
    assert_eq!(refused(&bomb).await, "too_many_pixels");
    assert_eq!(refused(&bomb[..64]).await, "too_many_pixels", "its header is enough");
    for (width, height) in [(10_000, 10_000), (40_000, 2), (2, 40_000), (u32::MAX, u32::MAX)] {
        assert_eq!(refused(&png(width, height, &[])).await, "too_many_pixels");
    }
    let mut jpeg = fixture_bytes("sequential.jpg");
    let frame = jpeg.windows(2).position(|at| at == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    assert_eq!(refused(&jpeg).await, "too_many_pixels");
    assert_eq!(refused(&gif(1, (10_000, 10_000), (1, 1))).await, "too_many_pixels");
    let webp = riff(&[vp8x(0, 10_000, 10_000), (b"VP8 ", vp8())]);
    assert_eq!(refused(&webp).await, "too_many_pixels");
    assert_eq!(refused(&png(0, 10, &[])).await, "corrupt");
}

#[tokio::test]
async fn fifty_megapixels_are_accepted_and_previewed() {
    let found = examine(&flat_png(8192, 6144)).await.unwrap();
    assert_eq!((found.media.width, found.media.height), (8192, 6144));
    let preview = found.preview.unwrap();
    assert_eq!((preview.width, preview.height), (512, 384));
}

#[tokio::test]
async fn frames_are_counted() {
    assert_eq!(examine(&gif(500, (1, 1), (1, 1))).await.unwrap().media.frames, 500);
    assert_eq!(refused(&gif(501, (1, 1), (1, 1))).await, "too_many_frames");
    assert_eq!(refused(&gif(10_000, (1, 1), (1, 1))).await, "too_many_frames");
    assert_eq!(refused(&gif(0, (1, 1), (1, 1))).await, "corrupt");
    let animation = chunk(b"acTL", &[0, 0, 0x27, 0x10, 0, 0, 0, 0]);
    assert_eq!(refused(&png(1, 1, &[animation])).await, "too_many_frames");
    let animation = chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]);
    let control = chunk(b"fcTL", &[&[0; 7][..], &[1, 0, 0, 0, 1], &[0; 14]].concat());
    let controls = [vec![animation.clone()], vec![control.clone(); 501]].concat();
    assert_eq!(refused(&png(1, 1, &controls)).await, "too_many_frames");
    let data = chunk(b"IDAT", &[0]);
    assert_eq!(
        refused(&png(1, 1, &[animation, data.clone(), control.clone(), control])).await,
        "corrupt"
    );
    let frame: Vec<u8> = [&[0; 6][..], &[39, 0, 0, 19, 0, 0], &[0; 4], b"VP8 "].concat();
    let frame = [frame, (vp8().len() as u32).to_le_bytes().to_vec(), vp8()].concat();
    let webp = [vec![vp8x(2, 40, 20)], vec![(b"ANMF", frame); 501]].concat();
    assert_eq!(refused(&riff(&webp)).await, "too_many_frames");
}

#[tokio::test]
async fn canvas_and_pictures_must_agree() {
    examine(&riff(&[vp8x(0, 40, 20), (b"VP8 ", vp8())])).await.unwrap();
    let still = [
        riff(&[vp8x(0, 41, 20), (b"VP8 ", vp8())]),
        riff(&[vp8x(0, 4000, 20), (b"VP8 ", vp8())]),
        riff(&[vp8x(0, 40, 20)]),
        riff(&[vp8x(2, 40, 20), (b"VP8 ", vp8())]),
        riff(&[(b"VP8 ", vp8()), (b"VP8 ", vp8())]),
        riff(&[(b"JUNK", vec![]), (b"VP8 ", vp8())]),
        riff(&[vp8x(0, 40, 20), (b"VP8 ", b"<html></html>".to_vec())]),
        riff(&[]),
    ];
    for (index, bytes) in still.iter().enumerate() {
        assert_eq!(refused(bytes).await, "corrupt", "{index}");
    }
    let frame = |x: u8, width: u8| -> (&[u8; 4], Vec<u8>) {
        let head = [&[x, 0, 0, 0, 0, 0, width - 1, 0, 0, 19, 0, 0], &[0; 4][..], b"VP8 "].concat();
        (b"ANMF", [head, (vp8().len() as u32).to_le_bytes().to_vec(), vp8()].concat())
    };
    let anim = || (b"ANIM", vec![0; 6]);
    examine(&riff(&[vp8x(2, 40, 20), anim(), frame(0, 40)])).await.unwrap();
    for (x, width) in [(1, 40), (0, 39), (0, 41)] {
        let bytes = riff(&[vp8x(2, 40, 20), anim(), frame(x, width)]);
        assert_eq!(refused(&bytes).await, "corrupt", "{x} {width}");
    }
    assert_eq!(refused(&gif(1, (1, 1), (2, 1))).await, "corrupt");
}

#[tokio::test]
async fn sound_containers_over_broken_pixels_are_refused() {
    let empty = png(100, 100, &[chunk(b"IDAT", &[])]);
    let noise = png(100, 100, &[chunk(b"IDAT", &[0x55; 500])]);
    // A sound zlib stream with too few rows.
    let rows = {
        let bytes = flat_png(64, 2);
        let at = bytes.windows(4).position(|at| at == b"IDAT").unwrap();
        let len = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
        png(64, 64, &[chunk(b"IDAT", &bytes[at + 4..at + 4 + len])])
    };
    let mut webp = fixture_bytes("lossless.webp");
    let len = webp.len();
    webp[25..len].fill(0xff);
    let lzw = gif(1, (400, 400), (400, 400));
    for (index, bytes) in [empty, noise, rows, webp, lzw].iter().enumerate() {
        assert_eq!(refused(bytes).await, "corrupt", "{index}");
    }
}

#[tokio::test]
async fn jpegs_that_browsers_do_not_show_are_unsupported() {
    let bytes = fixture_bytes("sequential.jpg");
    let frame = bytes.windows(2).position(|at| at == [0xff, 0xc0]).unwrap();
    for marker in [0xc3, 0xc5, 0xc9, 0xca, 0xcb, 0xcf] {
        let mut bytes = bytes.clone();
        bytes[frame + 1] = marker;
        assert_eq!(refused(&bytes).await, "unsupported", "{marker:x}");
    }
    let mut deep = bytes.clone();
    deep[frame + 4] = 12;
    assert_eq!(refused(&deep).await, "unsupported");
    // The same scan again and again costs a decoder a pass over the picture each time.
    let scan = bytes.windows(2).position(|at| at == [0xff, 0xda]).unwrap();
    let end = bytes.len() - 2;
    let scans = bytes[scan..end].repeat(101);
    let bytes = [&bytes[..scan], &scans, &[0xff, 0xd9]].concat();
    assert_eq!(refused(&bytes).await, "unsupported");
}

#[test]
fn files_over_the_byte_limit_are_refused_unread() {
    let limits = MediaLimits { bytes: 98, ..MediaLimits::default() };
    let error = inspect(&fixture("plain.png"), &limits).unwrap_err();
    assert_eq!(error.code(), "too_large");
    let missing = inspect(&fixture("missing.png"), &limits).unwrap_err();
    assert_eq!(missing.code(), "io");
}
