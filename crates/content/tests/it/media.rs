//! Pictures that are accepted, and their previews.

use std::io::Cursor;

use content::media::{MediaType, PREVIEW_SIDE_MAX, Preview};
use image::{DynamicImage, GenericImageView, ImageFormat, RgbImage};

use crate::{examine, fixture_bytes};

const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];

fn decode(preview: &Preview) -> DynamicImage {
    let format = match preview.media_type {
        MediaType::Png => ImageFormat::Png,
        MediaType::Jpeg => ImageFormat::Jpeg,
        other => panic!("previews are PNG or JPEG, not {other:?}"),
    };
    image::load_from_memory_with_format(&preview.bytes, format).unwrap()
}

/// Lossy codecs on both sides: colours come back nearly.
fn assert_near(picture: &DynamicImage, at: (u32, u32), want: [u8; 3], name: &str) {
    let found = picture.get_pixel(at.0, at.1).0;
    for (found, want) in found.iter().zip(want) {
        assert!(found.abs_diff(want) < 40, "{name}: {found} for {want} at {at:?}");
    }
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

#[tokio::test]
async fn every_variant_is_told_and_previewed() {
    use MediaType::{Gif, Jpeg, Png, WebP};
    let cases = [
        ("plain.png", Png, 1),
        ("palette.png", Png, 1),
        ("interlaced.png", Png, 1),
        ("animated.png", Png, 3),
        ("sequential.jpg", Jpeg, 1),
        ("progressive.jpg", Jpeg, 1),
        ("cmyk.jpg", Jpeg, 1),
        ("still.gif", Gif, 1),
        ("interlaced.gif", Gif, 1),
        ("animated.gif", Gif, 3),
        ("lossy.webp", WebP, 1),
        ("lossless.webp", WebP, 1),
        ("animated.webp", WebP, 3),
    ];
    for (name, media_type, frames) in cases {
        let found = examine(&fixture_bytes(name)).await.unwrap();
        assert_eq!(found.media.media_type, media_type, "{name}");
        assert_eq!((found.media.width, found.media.height), (40, 20), "{name}");
        assert_eq!(found.media.frames, frames, "{name}");
        let preview = found.preview.expect(name);
        assert_eq!((preview.width, preview.height), (40, 20), "{name}");
        let picture = decode(&preview);
        assert_eq!(picture.dimensions(), (40, 20), "{name}");
        for y in [1, 10, 18] {
            assert_near(&picture, (5, y), RED, name);
            assert_near(&picture, (35, y), BLUE, name);
        }
    }
    let grey = examine(&fixture_bytes("grey.jpg")).await.unwrap().preview.unwrap();
    assert_near(&decode(&grey), (5, 5), [76; 3], "grey.jpg");
}

#[tokio::test]
async fn exif_orientation_turns_the_preview_and_the_sides() {
    for name in ["turned.jpg", "turned.png", "turned.webp"] {
        let found = examine(&fixture_bytes(name)).await.unwrap();
        assert_eq!((found.media.width, found.media.height), (20, 40), "{name}");
        let picture = decode(&found.preview.expect(name));
        assert_eq!(picture.dimensions(), (20, 40), "{name}");
        assert_near(&picture, (10, 5), RED, name);
        assert_near(&picture, (10, 35), BLUE, name);
    }
}

#[tokio::test]
async fn transparency_is_kept() {
    for name in ["lossy-alpha.webp", "lossless-alpha.webp"] {
        let found = examine(&fixture_bytes(name)).await.unwrap();
        let preview = found.preview.expect(name);
        assert_eq!(preview.media_type, MediaType::Png, "{name}");
        let pixel = decode(&preview).get_pixel(5, 5).0;
        assert!(pixel[3].abs_diff(128) < 3, "{name}: {pixel:?}");
    }
}

#[tokio::test]
async fn large_pictures_shrink_to_the_preview_side() {
    let halves = |width, height| {
        DynamicImage::from(RgbImage::from_fn(width, height, |x, _| {
            image::Rgb(if x < width / 2 { RED } else { BLUE })
        }))
    };
    for (width, height) in [(513, 400), (1500, 1100), (3000, 1000), (900, 2700), (4097, 40)] {
        let picture = halves(width, height);
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
            let name = format!("{format:?} {width}x{height}");
            let found = examine(&encode(&picture, format)).await.unwrap();
            assert_eq!((found.media.width, found.media.height), (width, height), "{name}");
            let preview = found.preview.expect(&name);
            assert_eq!(preview.width.max(preview.height), PREVIEW_SIDE_MAX, "{name}");
            let want = f64::from(width) / f64::from(height);
            let is = f64::from(preview.width) / f64::from(preview.height);
            assert!((want / is - 1.0).abs() < 0.12, "{name}: {want} became {is}");
            let small = decode(&preview);
            assert_near(&small, (preview.width / 4, preview.height / 2), RED, &name);
            assert_near(&small, (preview.width * 3 / 4, preview.height / 2), BLUE, &name);
        }
    }
}

#[tokio::test]
async fn a_webp_too_large_to_preview_is_accepted_without_one() {
    let picture = DynamicImage::from(RgbImage::new(4000, 4000));
    let found = examine(&encode(&picture, ImageFormat::WebP)).await.unwrap();
    assert_eq!((found.media.width, found.media.height), (4000, 4000));
    assert!(found.preview.is_none());
}

#[tokio::test]
async fn phones_append_data_after_a_jpeg() {
    let mut bytes = fixture_bytes("sequential.jpg");
    bytes.extend(b"MotionPhoto_Data and what follows");
    assert!(examine(&bytes).await.unwrap().preview.is_some());
}
