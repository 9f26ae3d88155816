//! GIF containers (GIF87a, GIF89a).

use image::metadata::Orientation;

use super::reducer::reduced_memory;
use super::scan::Scan;
use super::{Media, MediaError, MediaLimits, MediaType};

/// The LZW tables, a row and the input buffer.
const DECODER_MEMORY: u64 = 512 * 1024;

pub(super) fn walk(scan: &mut Scan, limits: &MediaLimits) -> Result<Media, MediaError> {
    scan.skip(6)?;
    let (width, height) = (scan.u16_le()?, scan.u16_le()?);
    limits.check_canvas(width.into(), height.into())?;
    let [packed, _, _] = scan.array()?;
    skip_palette(scan, packed)?;
    let mut frames = 0;
    loop {
        match scan.u8()? {
            0x2c => {
                frames += 1;
                limits.check_frames(frames)?;
                frame(scan, width, height)?;
            }
            0x21 => {
                scan.skip(1)?;
                skip_blocks(scan)?;
            }
            0x3b => break,
            _ => return Err(MediaError::Corrupt("unknown block")),
        }
    }
    if frames == 0 {
        return Err(MediaError::Corrupt("no frame"));
    }
    let mut zeros = true;
    scan.each(scan.left(), |bytes| zeros &= bytes.iter().all(|byte| *byte == 0))?;
    if !zeros {
        return Err(MediaError::Corrupt("bytes after the end"));
    }
    Ok(Media {
        media_type: MediaType::Gif,
        width: width.into(),
        height: height.into(),
        frames,
        orientation: Orientation::NoTransforms,
        decode_memory: DECODER_MEMORY + reduced_memory(width.into(), height.into()),
    })
}

fn frame(scan: &mut Scan, canvas_width: u16, canvas_height: u16) -> Result<(), MediaError> {
    let (x, y) = (u32::from(scan.u16_le()?), u32::from(scan.u16_le()?));
    let (width, height) = (u32::from(scan.u16_le()?), u32::from(scan.u16_le()?));
    if width == 0 || height == 0 {
        return Err(MediaError::Corrupt("empty frame"));
    }
    if x + width > canvas_width.into() || y + height > canvas_height.into() {
        return Err(MediaError::Corrupt("frame outside the canvas"));
    }
    let packed = scan.u8()?;
    skip_palette(scan, packed)?;
    if !(1..=11).contains(&scan.u8()?) {
        return Err(MediaError::Corrupt("invalid code size"));
    }
    if skip_blocks(scan)? == 0 {
        return Err(MediaError::Corrupt("frame without data"));
    }
    Ok(())
}

fn skip_palette(scan: &mut Scan, packed: u8) -> Result<(), MediaError> {
    if packed & 0x80 == 0 {
        return Ok(());
    }
    scan.skip(3 << ((packed & 7) + 1))
}

/// Takes sub-blocks up to their terminator; returns how many there were.
fn skip_blocks(scan: &mut Scan) -> Result<u64, MediaError> {
    let mut blocks = 0;
    loop {
        match scan.u8()? {
            0 => return Ok(blocks),
            len => scan.skip(len.into())?,
        }
        blocks += 1;
    }
}
