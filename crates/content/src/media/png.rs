//! PNG containers (W3C PNG, third edition; with APNG).

use image::metadata::Orientation;

use super::reducer::reduced_memory;
use super::scan::Scan;
use super::{Media, MediaError, MediaLimits, MediaType, orientation_of};

/// What the png decoder holds besides rows: window, input and output buffers.
const DECODER_MEMORY: u64 = 1024 * 1024;

#[derive(Default)]
struct Seen {
    palette: bool,
    data: bool,
    animation_frames: Option<u32>,
    frame_controls: u32,
    orientation: Option<Orientation>,
}

pub(super) fn walk(scan: &mut Scan, limits: &MediaLimits) -> Result<Media, MediaError> {
    scan.skip(8)?;
    let header = read_header(scan, limits)?;
    let mut seen = Seen::default();
    while !chunk(scan, limits, &header, &mut seen)? {}
    if !seen.data {
        return Err(MediaError::Corrupt("no image data"));
    }
    if header.color == 3 && !seen.palette {
        return Err(MediaError::Corrupt("no palette"));
    }
    if seen.animation_frames.is_some_and(|declared| declared != seen.frame_controls) {
        return Err(MediaError::Corrupt("frame count differs from frames"));
    }
    if scan.left() > 0 {
        return Err(MediaError::Corrupt("bytes after the end"));
    }
    let row = u64::from(header.width) * 8;
    Ok(Media {
        media_type: MediaType::Png,
        width: header.width,
        height: header.height,
        frames: seen.animation_frames.unwrap_or(1).max(1),
        orientation: seen.orientation.unwrap_or(Orientation::NoTransforms),
        decode_memory: DECODER_MEMORY + 4 * row + reduced_memory(header.width, header.height),
    })
}

struct Header {
    width: u32,
    height: u32,
    color: u8,
}

fn read_header(scan: &mut Scan, limits: &MediaLimits) -> Result<Header, MediaError> {
    if scan.u32_be()? != 13 {
        return Err(MediaError::Corrupt("first chunk is not IHDR"));
    }
    let chunk: [u8; 17] = scan.array()?;
    if &chunk[..4] != b"IHDR" {
        return Err(MediaError::Corrupt("first chunk is not IHDR"));
    }
    check_crc(scan, crc32fast::hash(&chunk))?;
    let [w0, w1, w2, w3, h0, h1, h2, h3, depth, color, compression, filter, interlace] =
        *chunk[4..].first_chunk().ok_or(MediaError::Truncated)?;
    let header = Header {
        width: u32::from_be_bytes([w0, w1, w2, w3]),
        height: u32::from_be_bytes([h0, h1, h2, h3]),
        color,
    };
    let depth_fits = match color {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    if !depth_fits || compression != 0 || filter != 0 || interlace > 1 {
        return Err(MediaError::Corrupt("invalid IHDR"));
    }
    limits.check_canvas(header.width, header.height)?;
    Ok(header)
}

/// Takes one chunk. True if it was the last.
fn chunk(
    scan: &mut Scan,
    limits: &MediaLimits,
    header: &Header,
    seen: &mut Seen,
) -> Result<bool, MediaError> {
    let len = u64::from(scan.u32_be()?);
    let kind: [u8; 4] = scan.array()?;
    let mut crc = crc32fast::Hasher::new();
    crc.update(&kind);
    match &kind {
        b"IHDR" => return Err(MediaError::Corrupt("second IHDR")),
        b"IEND" if len != 0 => return Err(MediaError::Corrupt("invalid IEND")),
        b"PLTE" => seen.palette = true,
        b"IDAT" => seen.data = true,
        b"acTL" if len != 8 || seen.data || seen.animation_frames.is_some() => {
            return Err(MediaError::Corrupt("invalid acTL"));
        }
        b"fcTL" if len != 26 => return Err(MediaError::Corrupt("invalid fcTL")),
        _ => {}
    }
    match &kind {
        b"acTL" => {
            let body: [u8; 8] = scan.array()?;
            crc.update(&body);
            let frames = be(&body[..4]);
            limits.check_frames(frames)?;
            seen.animation_frames = Some(frames);
        }
        b"fcTL" => {
            let body: [u8; 26] = scan.array()?;
            crc.update(&body);
            seen.frame_controls += 1;
            limits.check_frames(seen.frame_controls)?;
            let [width, height, x, y] = [4, 8, 12, 16].map(|at| u64::from(be(&body[at..at + 4])));
            let fits = x + width <= header.width.into() && y + height <= header.height.into();
            if width == 0 || height == 0 || !fits {
                return Err(MediaError::Corrupt("frame outside the canvas"));
            }
        }
        b"eXIf" => {
            let body = scan.exif(len)?;
            seen.orientation = Some(orientation_of(&body));
            if body.len() as u64 == len {
                crc.update(&body);
            } else {
                return Err(MediaError::Corrupt("oversized eXIf"));
            }
        }
        _ => scan.each(len, |bytes| crc.update(bytes))?,
    }
    check_crc(scan, crc.finalize())?;
    Ok(&kind == b"IEND")
}

fn be(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn check_crc(scan: &mut Scan, computed: u32) -> Result<(), MediaError> {
    if scan.u32_be()? == computed { Ok(()) } else { Err(MediaError::Corrupt("checksum differs")) }
}
