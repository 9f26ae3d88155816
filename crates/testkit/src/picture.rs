//! Real pictures, made on the spot.

use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder};

/// A PNG whose pixels follow from `seed`: same arguments, same bytes; another seed, other bytes.
#[must_use]
pub fn png(width: u32, height: u32, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels = pixels(width, height, seed);
    let encoder = PngEncoder::new(&mut bytes);
    encoder.write_image(&pixels, width, height, ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// Like [`png`], as a JPEG of quality 85.
#[must_use]
pub fn jpeg(width: u32, height: u32, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let pixels = pixels(width, height, seed);
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 85);
    encoder.write_image(&pixels, width, height, ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// A valid small PNG of exactly `length` bytes: padded by a private ancillary chunk, which readers
/// skip (PNG specification §4.7.2).
#[must_use]
pub fn png_of_length(length: usize, seed: u64) -> Vec<u8> {
    // Length, type and checksum of a chunk, and the end chunk.
    const CHUNK: usize = 12;
    let mut bytes = png(16, 16, seed);
    let padding = length.checked_sub(bytes.len() + CHUNK).expect("a length above 2 KB");
    let end = bytes.split_off(bytes.len() - CHUNK);
    let mut chunk = b"stPd".to_vec();
    chunk.resize(4 + padding, 0x5a);
    bytes.extend(u32::try_from(padding).unwrap().to_be_bytes());
    bytes.extend(&chunk);
    bytes.extend(crc32fast::hash(&chunk).to_be_bytes());
    bytes.extend(end);
    bytes
}

/// Smooth gradients, shifted by the seed, with a line of noise so that seeds never collide.
fn pixels(width: u32, height: u32, seed: u64) -> Vec<u8> {
    let [a, b, c, ..] = seed.to_le_bytes();
    let low = |value: u32| value.to_le_bytes()[0];
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            pixels.extend([low(x) ^ a, low(y) ^ b, low(x + y) ^ c]);
        }
    }
    for (place, byte) in pixels.iter_mut().zip(seed.to_le_bytes()) {
        *place = byte;
    }
    pixels
}
