//! Thumbnails, decoded without holding the whole picture where its format allows.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, RgbImage};

use super::reducer::Reducer;
use super::{Media, MediaError, MediaType};

/// No side of a preview is longer, in pixels.
pub const PREVIEW_SIDE_MAX: u32 = 512;

const JPEG_QUALITY: u8 = 82;

/// A thumbnail: the first frame, upright, sRGB assumed.
#[derive(Clone, Debug)]
pub struct Preview {
    /// PNG if the picture has transparent parts, else JPEG.
    pub media_type: MediaType,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// Decodes the picture at `path`, which `inspect` described as `media`, and shrinks it to at most
/// 512 pixels per side; never enlarges. `None` if our decoder does not know a feature the picture
/// uses. Blocks; holds what `media` was estimated to need.
pub fn preview(path: &Path, media: &Media) -> Result<Option<Preview>, MediaError> {
    let reader = BufReader::new(File::open(path).map_err(MediaError::Io)?);
    let decoded = match media.media_type {
        MediaType::Png => png(reader),
        MediaType::Jpeg => jpeg(reader, media),
        MediaType::Gif => gif(reader),
        MediaType::WebP => webp(reader, media),
    };
    match decoded {
        Ok(picture) => finish(picture, media).map(Some),
        Err(Failure::Unsupported) => Ok(None),
        Err(Failure::Media(error)) => Err(error),
    }
}

/// Why there are no pixels.
enum Failure {
    /// The picture may be fine, but our decoder cannot tell.
    Unsupported,
    Media(MediaError),
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        Self::Media(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The container is whole, so that its pixel stream promises more than it has.
            io::ErrorKind::UnexpectedEof => corrupt(),
            _ => Self::Media(MediaError::Io(error)),
        }
    }
}

fn corrupt() -> Failure {
    Failure::Media(MediaError::Corrupt("pixels cannot be decoded"))
}

fn finish(mut picture: DynamicImage, media: &Media) -> Result<Preview, MediaError> {
    let side = picture.width().max(picture.height());
    if side > PREVIEW_SIDE_MAX {
        picture = picture.resize(PREVIEW_SIDE_MAX, PREVIEW_SIDE_MAX, FilterType::Triangle);
    }
    picture.apply_orientation(media.orientation);
    let mut bytes = Vec::new();
    let transparent =
        picture.as_rgba8().is_some_and(|pixels| pixels.pixels().any(|pixel| pixel.0[3] < 255));
    let (written, media_type) = if transparent {
        (picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png), MediaType::Png)
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        (picture.to_rgb8().write_with_encoder(encoder), MediaType::Jpeg)
    };
    written.map_err(|_| MediaError::Corrupt("preview cannot be encoded"))?;
    Ok(Preview { media_type, width: picture.width(), height: picture.height(), bytes })
}

fn png(reader: BufReader<File>) -> Result<DynamicImage, Failure> {
    let mut decoder = png::Decoder::new(reader);
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(png_failure)?;
    let (width, height, interlaced) = {
        let info = reader.info();
        (info.width, info.height, info.interlaced)
    };
    let channels = reader.output_color_type().0.samples();
    let mut reducer = Reducer::new(width, height);
    // Column and row of a pass's first pixel, and its steps (PNG §8.2, Adam7).
    let adam7 = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let passes: &[(u32, u32, usize, usize)] = if interlaced { &adam7 } else { &[(0, 0, 1, 1)] };
    for &(x, y0, dx, dy) in passes.iter().filter(|pass| pass.0 < width) {
        for y in (y0..height).step_by(dy) {
            let row = reader.next_row().map_err(png_failure)?.ok_or_else(corrupt)?;
            reducer.row(y, x, dx, row.data().chunks_exact(channels).map(rgba));
        }
    }
    Ok(DynamicImage::ImageRgba8(reducer.finish()))
}

fn png_failure(error: png::DecodingError) -> Failure {
    match error {
        png::DecodingError::IoError(error) => error.into(),
        png::DecodingError::LimitsExceeded => Failure::Unsupported,
        _ => corrupt(),
    }
}

/// One pixel of 1 to 4 channels: grey, grey and alpha, RGB, or RGB and alpha.
fn rgba(pixel: &[u8]) -> [u8; 4] {
    match *pixel {
        [l] => [l, l, l, 255],
        [l, a] => [l, l, l, a],
        [r, g, b] => [r, g, b, 255],
        [r, g, b, a] => [r, g, b, a],
        _ => [0; 4],
    }
}

/// Decodes at the smallest of 1/8, 1/4, 1/2 and 1 that is no smaller than the preview.
fn jpeg(reader: BufReader<File>, media: &Media) -> Result<DynamicImage, Failure> {
    use jpeg_decoder::PixelFormat;
    let mut decoder = jpeg_decoder::Decoder::new(reader);
    let side = u64::from(media.width.max(media.height));
    let fit = |length: u16| {
        let length = u64::from(length);
        let fitted = (length * u64::from(PREVIEW_SIDE_MAX) / side.max(1)).clamp(1, length.max(1));
        u16::try_from(fitted).unwrap_or(u16::MAX)
    };
    decoder.read_info().map_err(jpeg_failure)?;
    let stored = decoder.info().ok_or_else(corrupt)?;
    decoder.scale(fit(stored.width), fit(stored.height)).map_err(jpeg_failure)?;
    let pixels = decoder.decode().map_err(jpeg_failure)?;
    let info = decoder.info().ok_or_else(corrupt)?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    let picture = match info.pixel_format {
        PixelFormat::L8 => {
            image::GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
        }
        PixelFormat::RGB24 => {
            RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
        }
        PixelFormat::CMYK32 => {
            let rgb = pixels.chunks_exact(4).flat_map(rgb_of_cmyk).collect();
            RgbImage::from_raw(width, height, rgb).map(DynamicImage::ImageRgb8)
        }
        PixelFormat::L16 => return Err(Failure::Unsupported),
    };
    picture.ok_or_else(corrupt)
}

fn rgb_of_cmyk(pixel: &[u8]) -> [u8; 3] {
    let ink = |at: usize| 255 - u32::from(pixel[at]);
    [0, 1, 2].map(|at| (ink(at) * ink(3) / 255) as u8)
}

fn jpeg_failure(error: jpeg_decoder::Error) -> Failure {
    match error {
        jpeg_decoder::Error::Io(error) => error.into(),
        jpeg_decoder::Error::Unsupported(_) => Failure::Unsupported,
        _ => corrupt(),
    }
}

fn gif(reader: BufReader<File>) -> Result<DynamicImage, Failure> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    let mut decoder = options.read_info(reader).map_err(gif_failure)?;
    let canvas = (u32::from(decoder.width()), u32::from(decoder.height()));
    let frame = decoder.next_frame_info().map_err(gif_failure)?.ok_or_else(corrupt)?;
    let (left, top) = (u32::from(frame.left), u32::from(frame.top));
    let (width, height) = (usize::from(frame.width), u32::from(frame.height));
    let (transparent, interlaced) = (frame.transparent, frame.interlaced);
    let palette = decoder.palette().map_err(gif_failure)?.to_vec();
    let color = |index: &u8| match palette.chunks_exact(3).nth(usize::from(*index)) {
        Some(&[r, g, b]) if transparent != Some(*index) => [r, g, b, 255],
        _ => [0; 4],
    };
    let mut reducer = Reducer::new(canvas.0, canvas.1);
    let mut row = vec![0; width];
    // First row and step of the passes of an interlaced frame (GIF89a, appendix E).
    let interlace = [(0, 8), (4, 8), (2, 4), (1, 2)];
    let passes: &[(u32, usize)] = if interlaced { &interlace } else { &[(0, 1)] };
    for &(first, step) in passes {
        for y in (first..height).step_by(step) {
            if !decoder.fill_buffer(&mut row).map_err(gif_failure)? {
                return Err(corrupt());
            }
            reducer.row(top + y, left, 1, row.iter().map(color));
        }
    }
    Ok(DynamicImage::ImageRgba8(reducer.finish()))
}

fn gif_failure(error: gif::DecodingError) -> Failure {
    match error {
        gif::DecodingError::Io(error) => error.into(),
        _ => corrupt(),
    }
}

fn webp(mut reader: BufReader<File>, media: &Media) -> Result<DynamicImage, Failure> {
    if let Some(len) = seek_plain_lossy(&mut reader)? {
        return vp8(reader.take(len));
    }
    let mut decoder = image_webp::WebPDecoder::new(reader).map_err(webp_failure)?;
    decoder.set_memory_limit(usize::try_from(media.decode_memory).unwrap_or(usize::MAX));
    let (width, height) = decoder.dimensions();
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or(Failure::Unsupported)?];
    if decoder.is_animated() {
        decoder.read_frame(&mut pixels).map_err(webp_failure)?;
    } else {
        decoder.read_image(&mut pixels).map_err(webp_failure)?;
    }
    drop(decoder);
    let mut reducer = Reducer::new(width, height);
    for (y, row) in (0..height).zip(pixels.chunks_exact(width as usize * channels)) {
        reducer.row(y, 0, 1, row.chunks_exact(channels).map(rgba));
    }
    Ok(DynamicImage::ImageRgba8(reducer.finish()))
}

fn webp_failure(error: image_webp::DecodingError) -> Failure {
    use image_webp::DecodingError;
    match error {
        DecodingError::IoError(error) => error.into(),
        DecodingError::MemoryLimitExceeded | DecodingError::UnsupportedFeature(_) => {
            Failure::Unsupported
        }
        _ => corrupt(),
    }
}

/// If the file is a still, lossy picture without alpha, moves to its VP8 bitstream and returns
/// the length; else moves back to the beginning. `inspect` has checked the chunks.
fn seek_plain_lossy(reader: &mut BufReader<File>) -> io::Result<Option<u64>> {
    reader.seek_relative(12)?;
    loop {
        let mut head = [0; 8];
        reader.read_exact(&mut head)?;
        let [k0, k1, k2, k3, l0, l1, l2, l3] = head;
        let len = u32::from_le_bytes([l0, l1, l2, l3]);
        match &[k0, k1, k2, k3] {
            b"VP8 " => return Ok(Some(len.into())),
            b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" => {
                reader.rewind()?;
                return Ok(None);
            }
            _ => reader.seek_relative(i64::from(len) + i64::from(len & 1))?,
        }
    }
}

/// Decodes to planes and converts while shrinking, which takes a quarter of the memory.
fn vp8(reader: impl Read) -> Result<DynamicImage, Failure> {
    let frame = image_webp::vp8::Vp8Decoder::decode_frame(reader).map_err(webp_failure)?;
    let (width, height) = (u32::from(frame.width), u32::from(frame.height));
    // Planes are padded to whole macroblocks.
    let stride = usize::from(frame.width).div_ceil(16) * 16;
    let (luma, chroma) = (frame.ybuf.chunks_exact(stride), stride / 2);
    let mut reducer = Reducer::new(width, height);
    for (y, row) in (0..height).zip(luma) {
        let begin = (y as usize / 2) * chroma;
        let us = frame.ubuf.get(begin..begin + chroma).ok_or_else(corrupt)?;
        let vs = frame.vbuf.get(begin..begin + chroma).ok_or_else(corrupt)?;
        let pixels =
            row.iter().enumerate().map(|(x, luma)| rgb_of_yuv(*luma, us[x / 2], vs[x / 2]));
        reducer.row(y, 0, 1, pixels);
    }
    Ok(DynamicImage::ImageRgba8(reducer.finish()))
}

/// ITU-R BT.601, limited range, in 1/256 (RFC 9649 §2.5 names the colour space).
fn rgb_of_yuv(y: u8, u: u8, v: u8) -> [u8; 4] {
    let (y, u, v) = (298 * (i32::from(y) - 16), i32::from(u) - 128, i32::from(v) - 128);
    let level = |value: i32| ((value + 128) >> 8).clamp(0, 255) as u8;
    [level(y + 409 * v), level(y - 100 * u - 208 * v), level(y + 516 * u), 255]
}
