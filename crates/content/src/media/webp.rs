//! WebP containers (RFC 9649).

use image::metadata::Orientation;

use super::reducer::reduced_memory;
use super::scan::Scan;
use super::{Media, MediaError, MediaLimits, MediaType, orientation_of};

const ANIMATION: u8 = 0x02;

/// What the canvas and the pictures on it must agree about.
#[derive(Default)]
struct Seen {
    canvas: Option<(u32, u32)>,
    animated: bool,
    still: Option<Picture>,
    frames: u32,
    alpha_chunk: bool,
    orientation: Option<Orientation>,
}

#[derive(Clone, Copy)]
struct Picture {
    width: u32,
    height: u32,
    lossy: bool,
}

pub(super) fn walk(scan: &mut Scan, limits: &MediaLimits) -> Result<Media, MediaError> {
    scan.skip(4)?;
    let declared = u64::from(scan.u32_le()?);
    let present = scan.left();
    if declared > present {
        return Err(MediaError::Truncated);
    }
    if declared < present {
        return Err(MediaError::Corrupt("bytes after the end"));
    }
    scan.skip(4)?;
    let mut seen = Seen::default();
    let mut first = true;
    while scan.left() > 0 {
        chunk(scan, limits, &mut seen, first)?;
        first = false;
    }
    media(&seen, declared)
}

fn media(seen: &Seen, file_len: u64) -> Result<Media, MediaError> {
    let (width, height) = match (seen.canvas, seen.still) {
        (None, None) => return Err(MediaError::Corrupt("no picture")),
        (Some(_), None) if !seen.animated || seen.frames == 0 => {
            return Err(MediaError::Corrupt("no picture"));
        }
        (Some(_), Some(_)) if seen.animated => {
            return Err(MediaError::Corrupt("still picture in an animation"));
        }
        (Some(canvas), None) => canvas,
        (None, Some(still)) => (still.width, still.height),
        (Some(canvas), Some(still)) if canvas == (still.width, still.height) => canvas,
        (Some(_), Some(_)) => return Err(MediaError::Corrupt("canvas differs from its picture")),
    };
    let pixels = u64::from(width) * u64::from(height);
    let reduced = reduced_memory(width, height);
    let decode_memory = match seen.still {
        // Planes of luma and halved chroma, beside the compressed data.
        Some(still) if still.lossy && !seen.alpha_chunk => pixels * 3 / 2 + file_len + reduced,
        // The decoder's own picture, ours, and for animations the canvas.
        Some(_) => pixels * 8 + file_len + reduced,
        None => pixels * 12 + file_len + reduced,
    };
    Ok(Media {
        media_type: MediaType::WebP,
        width,
        height,
        frames: seen.frames.max(1),
        orientation: seen.orientation.unwrap_or(Orientation::NoTransforms),
        decode_memory,
    })
}

fn chunk(
    scan: &mut Scan,
    limits: &MediaLimits,
    seen: &mut Seen,
    first: bool,
) -> Result<(), MediaError> {
    let kind: [u8; 4] = scan.array()?;
    let len = u64::from(scan.u32_le()?);
    let padded = len + (len & 1);
    if padded > scan.left() {
        return Err(MediaError::Truncated);
    }
    let end = scan.left() - padded;
    match &kind {
        b"VP8X" if first && len >= 10 => {
            let [flags, _, _, _] = scan.array()?;
            let canvas = (scan.u24_le()? + 1, scan.u24_le()? + 1);
            limits.check_canvas(canvas.0, canvas.1)?;
            seen.canvas = Some(canvas);
            seen.animated = flags & ANIMATION != 0;
        }
        b"VP8X" => return Err(MediaError::Corrupt("VP8X out of place")),
        b"VP8 " | b"VP8L" => {
            if seen.still.is_some() || (seen.canvas.is_none() && !first) {
                return Err(MediaError::Corrupt("picture out of place"));
            }
            seen.still = Some(picture(scan, limits, &kind, len)?);
        }
        b"ALPH" => seen.alpha_chunk = true,
        b"ANMF" => {
            seen.frames += 1;
            limits.check_frames(seen.frames)?;
            let canvas = seen.canvas.filter(|_| seen.animated);
            frame(scan, limits, canvas, end, len)?;
        }
        b"EXIF" => seen.orientation = Some(orientation_of(&scan.exif(len)?)),
        _ if first => return Err(MediaError::Corrupt("first chunk is no picture")),
        _ => {}
    }
    scan.skip(scan.left() - end)
}

/// Takes a frame of an animation, whose padded chunk ends where `end` bytes are left.
fn frame(
    scan: &mut Scan,
    limits: &MediaLimits,
    canvas: Option<(u32, u32)>,
    end: u64,
    len: u64,
) -> Result<(), MediaError> {
    let canvas = canvas.ok_or(MediaError::Corrupt("frame in a still picture"))?;
    if len < 16 {
        return Err(MediaError::Corrupt("invalid frame"));
    }
    let (x, y) = (scan.u24_le()? * 2, scan.u24_le()? * 2);
    let (width, height) = (scan.u24_le()? + 1, scan.u24_le()? + 1);
    if x + width > canvas.0 || y + height > canvas.1 {
        return Err(MediaError::Corrupt("frame outside the canvas"));
    }
    scan.skip(4)?;
    let mut found = None;
    while scan.left() > end && found.is_none() {
        let kind: [u8; 4] = scan.array()?;
        let len = u64::from(scan.u32_le()?);
        if scan.left() < end || len > scan.left() - end {
            return Err(MediaError::Corrupt("chunk outside its frame"));
        }
        match &kind {
            b"VP8 " | b"VP8L" => found = Some(picture(scan, limits, &kind, len)?),
            _ => scan.skip((len + (len & 1)).min(scan.left() - end))?,
        }
    }
    // A reader may have gone past the end inside `picture`, which reads at most ten bytes.
    if scan.left() < end {
        return Err(MediaError::Corrupt("chunk outside its frame"));
    }
    match found {
        Some(found) if (found.width, found.height) == (width, height) => Ok(()),
        Some(_) => Err(MediaError::Corrupt("frame differs from its picture")),
        None => Err(MediaError::Corrupt("frame without a picture")),
    }
}

/// Reads the header of a bitstream of `len` bytes.
fn picture(
    scan: &mut Scan,
    limits: &MediaLimits,
    kind: &[u8; 4],
    len: u64,
) -> Result<Picture, MediaError> {
    let lossy = kind == b"VP8 ";
    if len < if lossy { 10 } else { 5 } {
        return Err(MediaError::Corrupt("picture without a header"));
    }
    let (width, height) = if lossy {
        let [tag, _, _, s0, s1, s2] = scan.array()?;
        if tag & 1 != 0 || [s0, s1, s2] != [0x9d, 0x01, 0x2a] {
            return Err(MediaError::Corrupt("invalid VP8 header"));
        }
        (u32::from(scan.u16_le()? & 0x3fff), u32::from(scan.u16_le()? & 0x3fff))
    } else {
        let signature = scan.u8()?;
        let bits = scan.u32_le()?;
        if signature != 0x2f || bits >> 29 != 0 {
            return Err(MediaError::Corrupt("invalid VP8L header"));
        }
        ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
    };
    limits.check_canvas(width, height)?;
    Ok(Picture { width, height, lossy })
}
