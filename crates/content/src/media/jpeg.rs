//! JPEG containers (ITU-T T.81): sequential and progressive Huffman, 8 bits.

use image::metadata::Orientation;

use super::scan::Scan;
use super::{Media, MediaError, MediaLimits, MediaType, orientation_of};

/// Encoders write about ten scans; many more only serve to burn time in decoders.
const SCANS_MAX: u32 = 100;

/// What decoding at a reduced size holds: two copies of at most 1,023 × 1,023 in four components,
/// rows in flight and the resized picture.
const SCALED_MEMORY: u64 = 16 * 1024 * 1024;

struct Frame {
    width: u32,
    height: u32,
    /// Bytes of all coefficients, which a progressive decoder keeps between scans.
    coefficients: u64,
    progressive: bool,
    components: u8,
}

#[derive(Default)]
struct Seen {
    frame: Option<Frame>,
    scans: u32,
    /// Whether a scan held fewer than all components: then decoders keep more than rows.
    split: bool,
    orientation: Option<Orientation>,
}

pub(super) fn walk(scan: &mut Scan, limits: &MediaLimits) -> Result<Media, MediaError> {
    scan.skip(2)?;
    let mut seen = Seen::default();
    let mut marker = next_marker(scan)?;
    while marker != 0xd9 {
        marker = segment(scan, limits, marker, &mut seen)?;
    }
    let frame = seen.frame.ok_or(MediaError::Corrupt("no frame"))?;
    if seen.scans == 0 {
        return Err(MediaError::Corrupt("no scan"));
    }
    let kept = if frame.progressive || seen.split { frame.coefficients } else { 0 };
    Ok(Media {
        media_type: MediaType::Jpeg,
        width: frame.width,
        height: frame.height,
        frames: 1,
        orientation: seen.orientation.unwrap_or(Orientation::NoTransforms),
        decode_memory: SCALED_MEMORY + kept,
    })
}

fn next_marker(scan: &mut Scan) -> Result<u8, MediaError> {
    if scan.u8()? != 0xff {
        return Err(MediaError::Corrupt("marker expected"));
    }
    loop {
        match scan.u8()? {
            0xff => {}
            0x00 => return Err(MediaError::Corrupt("marker expected")),
            marker => return Ok(marker),
        }
    }
}

/// Takes the segment that `marker` begins and returns the marker after it.
fn segment(
    scan: &mut Scan,
    limits: &MediaLimits,
    marker: u8,
    seen: &mut Seen,
) -> Result<u8, MediaError> {
    if matches!(marker, 0x01 | 0xd0..=0xd8) {
        return Err(MediaError::Corrupt("marker out of place"));
    }
    let len = u64::from(scan.u16_be()?);
    let body = len.checked_sub(2).ok_or(MediaError::Corrupt("invalid segment length"))?;
    match marker {
        0xc0..=0xc2 if seen.frame.is_some() => return Err(MediaError::Corrupt("second frame")),
        0xc0..=0xc2 => seen.frame = Some(read_frame(scan, limits, marker, body)?),
        0xc3 | 0xc5..=0xcf if marker != 0xc4 => {
            return Err(MediaError::Unsupported("JPEG that is not Huffman-coded DCT"));
        }
        0xe1 if seen.orientation.is_none() => {
            let block = scan.exif(body)?;
            if block.starts_with(b"Exif\0\0") {
                seen.orientation = Some(orientation_of(&block));
            }
        }
        0xda => {
            let components = seen.frame.as_ref().ok_or(MediaError::Corrupt("scan before frame"))?;
            let components = components.components;
            let in_scan = scan.u8()?;
            if in_scan == 0 || in_scan > components || body != 4 + 2 * u64::from(in_scan) {
                return Err(MediaError::Corrupt("invalid scan header"));
            }
            scan.skip(body - 1)?;
            seen.split |= in_scan < components;
            seen.scans += 1;
            if seen.scans > SCANS_MAX {
                return Err(MediaError::Unsupported("JPEG with too many scans"));
            }
            return skip_entropy(scan);
        }
        _ => scan.skip(body)?,
    }
    next_marker(scan)
}

/// Takes entropy-coded data up to the marker that ends it; stuffed zeros and restart markers
/// belong to it (T.81 B.1.1.5).
fn skip_entropy(scan: &mut Scan) -> Result<u8, MediaError> {
    loop {
        scan.skip_past_ff()?;
        let mut next = scan.u8()?;
        while next == 0xff {
            next = scan.u8()?;
        }
        if !matches!(next, 0x00 | 0xd0..=0xd7) {
            return Ok(next);
        }
    }
}

fn read_frame(
    scan: &mut Scan,
    limits: &MediaLimits,
    marker: u8,
    body: u64,
) -> Result<Frame, MediaError> {
    let precision = scan.u8()?;
    let (height, width) = (u32::from(scan.u16_be()?), u32::from(scan.u16_be()?));
    let components = scan.u8()?;
    if precision != 8 {
        return Err(MediaError::Unsupported("JPEG with other than 8 bits"));
    }
    if !matches!(components, 1 | 3 | 4) {
        return Err(MediaError::Unsupported("JPEG with other than 1, 3 or 4 components"));
    }
    if body != 6 + 3 * u64::from(components) {
        return Err(MediaError::Corrupt("invalid frame header"));
    }
    limits.check_canvas(width, height)?;
    let mut factors = Vec::with_capacity(4);
    for _ in 0..components {
        let [_, sampling, _] = scan.array()?;
        let (h, v) = (u64::from(sampling >> 4), u64::from(sampling & 15));
        if !(1..=4).contains(&h) || !(1..=4).contains(&v) {
            return Err(MediaError::Corrupt("invalid sampling factors"));
        }
        factors.push((h, v));
    }
    let h_max = factors.iter().map(|f| f.0).max().unwrap_or(1);
    let v_max = factors.iter().map(|f| f.1).max().unwrap_or(1);
    let units = u64::from(width).div_ceil(8 * h_max) * u64::from(height).div_ceil(8 * v_max);
    let blocks: u64 = factors.iter().map(|(h, v)| units * h * v).sum();
    let progressive = marker == 0xc2;
    Ok(Frame { width, height, coefficients: blocks * 64 * 2, progressive, components })
}
