//! Colours between what people type (`#2563eb`) and what can be reckoned with (OKLCH), and contrast as
//! WCAG 2 measures it.

#![expect(clippy::many_single_char_names, reason = "the formulas of the colour space have such names")]

use std::fmt;

/// A colour of the screen, eight bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// White.
pub const WHITE: Rgb = Rgb(255, 255, 255);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

impl Rgb {
    /// Reads `#2563eb`; the hash may be missing.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('#');
        if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let channel = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        Some(Self(channel(0)?, channel(2)?, channel(4)?))
    }

    fn channels(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(f64::from)
    }

    /// Relative luminance.
    fn luminance(self) -> f64 {
        let [r, g, b] = self.channels().map(|channel| to_linear(channel / 255.0));
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// The contrast ratio of two colours, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

fn to_linear(channel: f64) -> f64 {
    if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
}

fn to_gamma(channel: f64) -> f64 {
    if channel <= 0.003_130_8 { channel * 12.92 } else { 1.055 * channel.powf(1.0 / 2.4) - 0.055 }
}

/// Lightness, chroma and hue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Oklch {
    /// 0 to 1.
    pub l: f64,
    /// From 0.
    pub c: f64,
    /// Radians.
    pub h: f64,
}

impl From<Rgb> for Oklch {
    fn from(rgb: Rgb) -> Self {
        let [r, g, b] = rgb.channels().map(|channel| to_linear(channel / 255.0));
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        let lightness = 0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s;
        let green_red = 1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s;
        let blue_yellow = 0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s;
        Self { l: lightness, c: green_red.hypot(blue_yellow), h: blue_yellow.atan2(green_red) }
    }
}

impl Oklch {
    fn linear(self) -> [f64; 3] {
        let (a, b) = (self.c * self.h.cos(), self.c * self.h.sin());
        let l = (self.l + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (self.l - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (self.l - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
        [
            4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
            -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
            -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
        ]
    }

    fn is_shown(self) -> bool {
        self.linear().iter().all(|channel| (-0.000_1..=1.000_1).contains(channel))
    }

    /// The colour of the screen, with as much of the chroma as a screen can show.
    pub fn rgb(self) -> Rgb {
        let mut shown = self;
        if !shown.is_shown() {
            let (mut low, mut high) = (0.0, self.c);
            for _ in 0..24 {
                shown.c = f64::midpoint(low, high);
                if shown.is_shown() {
                    low = shown.c;
                } else {
                    high = shown.c;
                }
            }
            shown.c = low;
        }
        let [r, g, b] = shown.linear().map(byte);
        Rgb(r, g, b)
    }
}

/// A channel as eight bits.
fn byte(channel: f64) -> u8 {
    let value = (to_gamma(channel.clamp(0.0, 1.0)) * 255.0).round().clamp(0.0, 255.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded and clamped to 0..=255")]
    let byte = value as u8;
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_written() {
        assert_eq!(Rgb::parse(" #2563EB ").unwrap().to_string(), "#2563eb");
        assert_eq!(Rgb::parse("2563eb"), Rgb::parse("#2563eb"));
        for bad in ["", "#fff", "#12345g", "red", "#1234567", "#é12345"] {
            assert_eq!(Rgb::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((WHITE.contrast(Rgb(0, 0, 0)) - 21.0).abs() < 0.001);
        assert!((WHITE.contrast(Rgb(0x77, 0x77, 0x77)) - 4.478).abs() < 0.001);
    }

    #[test]
    fn every_shown_colour_comes_back() {
        for r in (0..=255).step_by(51) {
            for g in (0..=255).step_by(51) {
                for b in (0..=255).step_by(51) {
                    let rgb = Rgb(r, g, b);
                    assert_eq!(Oklch::from(rgb).rgb(), rgb);
                }
            }
        }
    }
}
