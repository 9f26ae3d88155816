//! Which pictures are accepted: PNG, JPEG, GIF and WebP, told by content and never by name.
//!
//! Two passes. [`inspect`] walks the container from start to end without decoding a pixel: types,
//! sizes, checksums and the end must be right, and limits are applied to what the headers declare
//! before anything is allocated. Then [`preview`] decodes for a thumbnail, streaming rows where
//! the format allows, so that a broken pixel stream is found as well. [`Inspector`] does both, in
//! a memory budget shared by all requests.
//!
//! Bytes after the end of a picture are refused for PNG, WebP and GIF (zeros are tolerated after
//! a GIF). They are accepted after a JPEG: phones append depth maps, motion clips and HDR gain
//! maps there. What a polyglot carries in them never runs: see [`crate::serve`].

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use image::metadata::Orientation;

mod gif;
mod inspector;
mod jpeg;
mod png;
mod preview;
mod reducer;
mod scan;
mod webp;

pub use inspector::{Examined, Inspector};
pub use preview::{PREVIEW_SIDE_MAX, Preview, preview};

use scan::Scan;

/// The accepted types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    Png,
    Jpeg,
    Gif,
    WebP,
}

impl MediaType {
    /// The type whose magic number `head` begins with. 12 bytes are enough.
    pub fn from_magic(head: &[u8]) -> Option<Self> {
        match head {
            _ if head.starts_with(b"\x89PNG\r\n\x1a\n") => Some(Self::Png),
            _ if head.starts_with(b"\xff\xd8\xff") => Some(Self::Jpeg),
            _ if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") => Some(Self::Gif),
            _ if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") => Some(Self::WebP),
            _ => None,
        }
    }

    /// `image/…`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }
}

/// What `inspect` allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaLimits {
    /// Bytes of the file.
    pub bytes: u64,
    /// Width times height.
    pub pixels: u64,
    /// Width or height.
    pub side: u32,
    /// Frames of an animation.
    pub frames: u32,
}

impl Default for MediaLimits {
    /// 20 MB; 52 megapixels, which takes the full resolution of today's 50-megapixel phone
    /// cameras (8,192 × 6,144 = 50.3) and little more; 32,768 per side; 500 frames.
    fn default() -> Self {
        Self { bytes: 20_000_000, pixels: 52_000_000, side: 32_768, frames: 500 }
    }
}

/// A picture whose container is sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    pub media_type: MediaType,
    /// Pixels, as shown: after the orientation that EXIF asks for.
    pub width: u32,
    /// Pixels, as shown.
    pub height: u32,
    /// 1 for a still picture.
    pub frames: u32,
    orientation: Orientation,
    /// Bytes that decoding for a preview may hold at once.
    decode_memory: u64,
}

/// Why a file is no picture for us.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Not a PNG, JPEG, GIF or WebP, or a variant of them that browsers do not show.
    #[error("unsupported media type: {0}")]
    Unsupported(&'static str),
    /// The file ends before the picture does.
    #[error("picture is truncated")]
    Truncated,
    /// The file contradicts its format or itself.
    #[error("picture is corrupt: {0}")]
    Corrupt(&'static str),
    /// More pixels, or a longer side, than allowed.
    #[error("picture has too many pixels: {width} x {height}")]
    TooManyPixels { width: u32, height: u32 },
    #[error("animation has more than {limit} frames")]
    TooManyFrames { limit: u32 },
    #[error("file is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    /// The disk failed, not the picture.
    #[error("reading the picture failed")]
    Io(#[source] io::Error),
}

impl MediaError {
    /// A stable word for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "unsupported",
            Self::Truncated => "truncated",
            Self::Corrupt(_) => "corrupt",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::TooManyFrames { .. } => "too_many_frames",
            Self::TooLarge { .. } => "too_large",
            Self::Io(_) => "io",
        }
    }
}

impl From<io::Error> for MediaError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Io(error),
        }
    }
}

/// Tells what the file at `path` is, by walking all of it. Blocks on the disk; holds a few
/// kilobytes.
pub fn inspect(path: &Path, limits: &MediaLimits) -> Result<Media, MediaError> {
    let file = File::open(path).map_err(MediaError::Io)?;
    let len = file.metadata().map_err(MediaError::Io)?.len();
    if len > limits.bytes {
        return Err(MediaError::TooLarge { limit: limits.bytes });
    }
    let mut scan = Scan::new(BufReader::with_capacity(scan::BUFFER_LEN, file), len);
    let found = match MediaType::from_magic(scan.peek()?) {
        Some(MediaType::Png) => png::walk(&mut scan, limits)?,
        Some(MediaType::Jpeg) => jpeg::walk(&mut scan, limits)?,
        Some(MediaType::Gif) => gif::walk(&mut scan, limits)?,
        Some(MediaType::WebP) => webp::walk(&mut scan, limits)?,
        None => return Err(MediaError::Unsupported("neither PNG, JPEG, GIF nor WebP")),
    };
    Ok(found.shown())
}

impl Media {
    /// Swaps the sides if the orientation turns the picture by a quarter.
    fn shown(mut self) -> Self {
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        if matches!(self.orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH) {
            std::mem::swap(&mut self.width, &mut self.height);
        }
        self
    }
}

impl MediaLimits {
    /// Refuses a declared canvas which is empty or beyond the limits.
    fn check_canvas(&self, width: u32, height: u32) -> Result<(), MediaError> {
        if width == 0 || height == 0 {
            return Err(MediaError::Corrupt("empty canvas"));
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.pixels || width > self.side || height > self.side {
            return Err(MediaError::TooManyPixels { width, height });
        }
        Ok(())
    }

    fn check_frames(&self, frames: u32) -> Result<(), MediaError> {
        if frames > self.frames {
            return Err(MediaError::TooManyFrames { limit: self.frames });
        }
        Ok(())
    }
}

/// Reads the orientation from an EXIF block. Damaged EXIF is common and harmless: as stored then.
fn orientation_of(exif: &[u8]) -> Orientation {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(tiff).unwrap_or(Orientation::NoTransforms)
}
