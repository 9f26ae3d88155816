//! The pictures are pictures.

use image::{GenericImageView, ImageFormat};

#[test]
fn pictures_decode_to_the_asked_size() {
    let cases = [
        (testkit::picture::png(33, 20, 1), ImageFormat::Png),
        (testkit::picture::jpeg(33, 20, 1), ImageFormat::Jpeg),
    ];
    for (bytes, format) in cases {
        assert_eq!(image::guess_format(&bytes).unwrap(), format);
        assert_eq!(image::load_from_memory(&bytes).unwrap().dimensions(), (33, 20));
    }
    assert_eq!(testkit::picture::png(8, 8, 1), testkit::picture::png(8, 8, 1));
    assert_ne!(testkit::picture::png(8, 8, 1), testkit::picture::png(8, 8, 2));
}

#[test]
fn a_padded_picture_has_the_exact_length_and_decodes() {
    for length in [4_096, 20 << 20] {
        let bytes = testkit::picture::png_of_length(length, 3);
        assert_eq!(bytes.len(), length);
        assert_eq!(image::load_from_memory(&bytes).unwrap().dimensions(), (16, 16));
    }
}
