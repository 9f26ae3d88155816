//! Shrinking a picture while its pixels arrive, in any order, without holding it.

use image::RgbaImage;

/// No side of a reduced picture is longer.
const REDUCED_SIDE_MAX: u32 = 1024;

/// Bytes that reducing a picture of this size holds, its later resizing included.
pub(super) fn reduced_memory(width: u32, height: u32) -> u64 {
    let factor = factor(width, height);
    let pixels = u64::from(width.div_ceil(factor)) * u64::from(height.div_ceil(factor));
    pixels * (size_of::<[u32; 4]>() as u64 + 4) + 1024 * 1024
}

fn factor(width: u32, height: u32) -> u32 {
    width.max(height).div_ceil(REDUCED_SIDE_MAX).max(1)
}

/// Averages squares of `factor` × `factor` pixels. With the sides of [`super::MediaLimits`] a
/// square has at most 32 × 32 pixels, so that a sum of `255 * 255` each fits in 32 bits.
#[derive(Debug)]
pub(super) struct Reducer {
    source: (u32, u32),
    factor: u32,
    width: u32,
    height: u32,
    /// Per square: red, green and blue, each times alpha, and alpha.
    sums: Vec<[u32; 4]>,
}

impl Reducer {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let factor = factor(width, height);
        let (source, width, height) =
            ((width, height), width.div_ceil(factor), height.div_ceil(factor));
        let sums = vec![[0; 4]; width as usize * height as usize];
        Self { source, factor, width, height, sums }
    }

    /// Adds pixels of row `y`, beginning at column `x` and going on every `step` columns. What
    /// lies outside the picture is ignored.
    pub(super) fn row(
        &mut self,
        y: u32,
        x: u32,
        step: usize,
        pixels: impl Iterator<Item = [u8; 4]>,
    ) {
        if y >= self.source.1 {
            return;
        }
        let begin = (y / self.factor * self.width) as usize;
        let squares = &mut self.sums[begin..begin + self.width as usize];
        for (x, [r, g, b, a]) in (x..self.source.0).step_by(step).zip(pixels) {
            let a = u32::from(a);
            let sum = &mut squares[(x / self.factor) as usize];
            sum[0] += u32::from(r) * a;
            sum[1] += u32::from(g) * a;
            sum[2] += u32::from(b) * a;
            sum[3] += a;
        }
    }

    /// The reduced picture. Pixels that never came are transparent.
    pub(super) fn finish(self) -> RgbaImage {
        let count = |at: u32, of: u32| self.factor.min(of - at * self.factor);
        RgbaImage::from_fn(self.width, self.height, |x, y| {
            let [r, g, b, a] = self.sums[(y * self.width + x) as usize];
            let color = |sum: u32| ((sum + a / 2).checked_div(a)).unwrap_or(0) as u8;
            let pixels = count(x, self.source.0) * count(y, self.source.1);
            image::Rgba([color(r), color(g), color(b), ((a + pixels / 2) / pixels) as u8])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_are_averaged_with_alpha_as_weight() {
        let mut reducer = Reducer::new(2049, 3);
        assert_eq!(reducer.factor, 3);
        for y in 0..3 {
            let pixels = (0..2049).map(|x| match x {
                0 => [255, 0, 0, 255],
                1 | 2 => [0, 255, 0, 0],
                2047 | 2048 => [10, 20, 30, 255],
                _ => [100, 100, 100, 255],
            });
            reducer.row(y, 0, 1, pixels);
        }
        let reduced = reducer.finish();
        assert_eq!(reduced.dimensions(), (683, 1));
        assert_eq!(reduced.get_pixel(0, 0).0, [255, 0, 0, 85]);
        assert_eq!(reduced.get_pixel(300, 0).0, [100, 100, 100, 255]);
        assert_eq!(reduced.get_pixel(682, 0).0, [40, 47, 53, 255]);
    }

    #[test]
    fn the_largest_square_does_not_overflow() {
        let mut reducer = Reducer::new(32_768, 32);
        for y in 0..40 {
            reducer.row(y, 0, 1, std::iter::repeat([255; 4]));
        }
        assert!(reducer.finish().pixels().all(|pixel| pixel.0 == [255; 4]));
    }
}
