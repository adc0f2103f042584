//! The portal's own colours: from one accent to everything that stands in it, readable in both themes
//! (interface 4.4).

pub mod colour;

use std::sync::{Arc, RwLock};

use serde::Serialize;

use crate::tokens;
use colour::{Oklch, Rgb, WHITE};

/// Dark text on light solids.
const INK: Rgb = Rgb(0x10, 0x14, 0x1b);

/// What text and links stand on, light: canvas, surface, sunken.
const LIGHT: [Rgb; 3] = [Rgb(0xf5, 0xf7, 0xf9), WHITE, Rgb(0xee, 0xf0, 0xf4)];

/// The same, dark: canvas, surface, raised, sunken, hover.
const DARK: [Rgb; 5] =
    [Rgb(0x0d, 0x11, 0x16), Rgb(0x14, 0x19, 0x1f), Rgb(0x1d, 0x22, 0x29), Rgb(0x08, 0x0b, 0x10), Rgb(0x1c, 0x21, 0x28)];

/// One step of the search for a readable lightness.
const STEP: f64 = 0.0025;

/// The accent in one theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// Buttons and other filled shapes.
    pub solid: Rgb,
    /// The same under the pointer.
    pub solid_hover: Rgb,
    /// Text on them.
    pub on: Rgb,
    /// Their border.
    pub edge: Rgb,
    /// Text and links.
    pub text: Rgb,
    /// Icons, marks, progress.
    pub graphic: Rgb,
    /// Behind what is chosen.
    pub tint: Rgb,
    /// The same under the pointer.
    pub tint_hover: Rgb,
}

/// A pair of colours as the settings page shows it.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct Measured {
    /// What it is.
    pub label: &'static str,
    /// In front.
    pub front: String,
    /// Behind.
    pub back: String,
    /// Their contrast, with two digits.
    pub ratio: String,
    /// What WCAG asks for at level AA.
    pub wanted: &'static str,
}

/// The sheet of the brand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// As it was chosen.
    pub accent: Rgb,
    /// In the light theme.
    pub light: Side,
    /// In the dark theme.
    pub dark: Side,
}

fn least(front: Rgb, behind: &[Rgb]) -> f64 {
    behind.iter().map(|back| front.contrast(*back)).fold(f64::INFINITY, f64::min)
}

/// Goes lighter or darker from a colour until it is readable on everything behind it.
fn until(from: Oklch, step: f64, wanted: f64, behind: &[Rgb]) -> Rgb {
    let mut at = from;
    loop {
        let rgb = at.rgb();
        if least(rgb, behind) >= wanted || !(0.0..=1.0).contains(&(at.l + step)) {
            return rgb;
        }
        at.l += step;
    }
}

/// Whether white may stand on a solid, after darkening it by a tenth at most and never below 3:1 to
/// what it stands on; else the solid stays and ink stands on it.
fn solid(from: Oklch, surface: Option<Rgb>) -> (Rgb, Rgb, f64) {
    let mut at = from;
    while from.l - at.l <= 0.1 + STEP / 2.0 {
        let rgb = at.rgb();
        if surface.is_some_and(|surface| rgb.contrast(surface) < 3.0) {
            break;
        }
        if rgb.contrast(WHITE) >= 4.5 {
            return (rgb, WHITE, at.l);
        }
        at.l -= STEP;
    }
    (from.rgb(), INK, from.l)
}

/// Under the pointer: darker below white text, lighter below ink, always readable.
fn hovered(solid: Rgb, l: f64, on: Rgb, base: Oklch) -> Rgb {
    let l = if on == WHITE { (l - 0.05).max(0.0) } else { (l + 0.03).min(0.95) };
    let hovered = Oklch { l, ..base }.rgb();
    if hovered.contrast(on) >= 4.5 { hovered } else { solid }
}

fn light(base: Oklch) -> Side {
    let from = Oklch { l: base.l.clamp(0.28, 0.90), ..base };
    let from_rgb = if (from.l - base.l).abs() < f64::EPSILON { base } else { from };
    let (solid, on, l) = solid(from_rgb, None);
    let edge = if solid.contrast(WHITE) >= 3.0 { solid } else { until(Oklch { l, ..base }, -STEP, 3.05, &LIGHT[..2]) };
    let tint = Oklch { l: 0.955, c: base.c.min(0.028), ..base }.rgb();
    let behind = [LIGHT[0], LIGHT[1], LIGHT[2], tint];
    let first = Oklch { l: base.l.min(0.62), ..base };
    Side {
        solid,
        solid_hover: hovered(solid, l, on, base),
        on,
        edge,
        text: until(first, -STEP, 4.6, &behind),
        graphic: until(Oklch { l: base.l.min(0.72), ..base }, -STEP, 3.05, &behind),
        tint,
        tint_hover: Oklch { l: 0.93, c: base.c.min(0.036), ..base }.rgb(),
    }
}

fn dark(base: Oklch) -> Side {
    let surface = DARK[1];
    let mut from = Oklch { l: base.l.clamp(0.30, 0.90), ..base };
    while from.rgb().contrast(surface) < 3.05 && from.l < 1.0 {
        from.l += STEP;
    }
    let (solid, on, l) = solid(from, Some(surface));
    let tint = Oklch { l: 0.275, c: (0.45 * base.c).min(0.055), ..base }.rgb();
    let behind = [DARK[0], DARK[1], DARK[2], DARK[3], DARK[4], tint];
    let first = Oklch { l: base.l.max(0.60), c: (0.75 * base.c).min(0.15), ..base };
    Side {
        solid,
        solid_hover: hovered(solid, l, on, base),
        on,
        edge: solid,
        text: until(first, STEP, 4.6, &behind),
        graphic: until(Oklch { l: base.l.max(0.50), ..base }, STEP, 3.05, &behind),
        tint,
        tint_hover: Oklch { l: 0.32, c: (0.45 * base.c).min(0.06), ..base }.rgb(),
    }
}

impl Theme {
    /// Everything from one accent; none with the pair that cannot be read, should there be one.
    pub fn of(accent: Rgb) -> Result<Self, String> {
        let read = Oklch::from(accent);
        let base = Oklch { c: if read.c < 0.000_5 { 0.0 } else { read.c.min(0.25) }, ..read };
        let theme = Self { accent, light: light(base), dark: dark(base) };
        match theme.faults().first() {
            None => Ok(theme),
            Some(fault) => Err(fault.clone()),
        }
    }

    /// Reads and derives; the sentence says what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let accent = Rgb::parse(text).ok_or_else(|| "Enter a colour such as #2563eb".to_owned())?;
        Self::of(accent)
    }

    fn pairs(&self) -> Vec<(&'static str, Rgb, Rgb, f64)> {
        let (light, dark) = (&self.light, &self.dark);
        let mut pairs = vec![
            ("Button, light", light.on, light.solid, 4.5),
            ("Button under the pointer, light", light.on, light.solid_hover, 4.5),
            ("Edge of a button, light", light.edge, WHITE, 3.0),
            ("Button, dark", dark.on, dark.solid, 4.5),
            ("Button under the pointer, dark", dark.on, dark.solid_hover, 4.5),
            ("Edge of a button, dark", dark.edge, DARK[1], 3.0),
        ];
        for (label, back) in [("Link on the page, light", LIGHT[0]), ("Link on a card, light", LIGHT[1])] {
            pairs.push((label, light.text, back, 4.5));
        }
        pairs.extend([
            ("Link in a well, light", light.text, LIGHT[2], 4.5),
            ("Chosen entry, light", light.text, light.tint, 4.5),
            ("Icon on a card, light", light.graphic, LIGHT[1], 3.0),
            ("Link on the page, dark", dark.text, DARK[0], 4.5),
            ("Link on a card, dark", dark.text, DARK[1], 4.5),
            ("Link in a menu, dark", dark.text, DARK[2], 4.5),
            ("Chosen entry, dark", dark.text, dark.tint, 4.5),
            ("Icon on a card, dark", dark.graphic, DARK[1], 3.0),
        ]);
        pairs
    }

    fn faults(&self) -> Vec<String> {
        let bad = self.pairs().into_iter().filter(|(_, front, back, wanted)| front.contrast(*back) < *wanted);
        bad.map(|(label, front, back, wanted)| {
            format!("{label}: {:.2} where {wanted} is needed. Choose another colour", front.contrast(back))
        })
        .collect()
    }

    /// Every pair with its contrast.
    pub fn measured(&self) -> Vec<Measured> {
        let measured = |(label, front, back, wanted): (&'static str, Rgb, Rgb, f64)| Measured {
            label,
            front: front.to_string(),
            back: back.to_string(),
            ratio: format!("{:.2}", front.contrast(back)),
            wanted: if wanted > 4.0 { "4.5" } else { "3" },
        };
        self.pairs().into_iter().map(measured).collect()
    }

    /// The sheet that replaces the accent of the stylesheet.
    pub fn css(&self) -> String {
        let (light, dark) = (&self.light, &self.dark);
        let rules = [
            ("solid", light.solid, dark.solid),
            ("solid-hover", light.solid_hover, dark.solid_hover),
            ("on", light.on, dark.on),
            ("edge", light.edge, dark.edge),
            ("text", light.text, dark.text),
            ("graphic", light.graphic, dark.graphic),
            ("tint", light.tint, dark.tint),
            ("tint-hover", light.tint_hover, dark.tint_hover),
        ];
        let lines: Vec<String> =
            rules.iter().map(|(name, light, dark)| format!("--accent-{name}:light-dark({light},{dark});")).collect();
        format!(":root{{{}}}", lines.concat())
    }

    /// Name of the sheet below `/branding/`; it changes with the content.
    pub fn file(&self) -> String {
        format!("theme-{}.css", &tokens::sha256_hex(self.css().as_bytes())[..10])
    }
}

/// The theme that was asked for last; every page asks for the same one.
static LAST: RwLock<Option<(String, Arc<Theme>)>> = RwLock::new(None);

/// The theme of a stored accent; none for what is no colour.
pub fn theme(accent: Option<&str>) -> Option<Arc<Theme>> {
    let accent = accent?;
    if let Ok(last) = LAST.read()
        && let Some((known, theme)) = last.as_ref()
        && known == accent
    {
        return Some(Arc::clone(theme));
    }
    let theme = Arc::new(Theme::parse(accent).ok()?);
    if let Ok(mut last) = LAST.write() {
        *last = Some((accent.to_owned(), Arc::clone(&theme)));
    }
    Some(theme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: Rgb, b: &str) -> bool {
        let b = Rgb::parse(b).unwrap();
        a.0.abs_diff(b.0) <= 1 && a.1.abs_diff(b.1) <= 1 && a.2.abs_diff(b.2) <= 1
    }

    #[test]
    fn the_vectors_of_the_design() {
        for (input, solid, on, link, dark_solid, dark_on, dark_link) in [
            ("#2563eb", "#2563eb", "white", "#2461e9", "#2563eb", "white", "#5f8eec"),
            ("#ffe600", "#f9e000", "ink", "#796c00", "#f9e000", "ink", "#f8e66c"),
            ("#0b1f4b", "#112653", "white", "#0b1f4b", "#4d6698", "white", "#7b90b8"),
            ("#e11d48", "#e11d48", "white", "#d70540", "#e11d48", "white", "#e06871"),
            ("#00a86b", "#008856", "white", "#007c4e", "#008856", "white", "#48a274"),
            ("#ff6a00", "#ff6a00", "ink", "#b74900", "#ff6a00", "ink", "#e97c49"),
            ("#7c3aed", "#7c3aed", "white", "#7c3aed", "#7c3aed", "white", "#977ee5"),
            ("#000000", "#292929", "white", "#000000", "#666666", "white", "#909090"),
        ] {
            let theme = Theme::parse(input).unwrap();
            let (light, dark) = (&theme.light, &theme.dark);
            for (name, is, wanted) in [
                ("solid", light.solid, solid),
                ("link", light.text, link),
                ("dark solid", dark.solid, dark_solid),
                ("dark link", dark.text, dark_link),
            ] {
                assert!(near(is, wanted), "{input} {name}: {is} instead of {wanted}");
            }
            for (name, is, wanted) in [("on", light.on, on), ("dark on", dark.on, dark_on)] {
                assert_eq!(is == WHITE, wanted == "white", "{input} {name}");
            }
        }
        assert!(near(Theme::parse("#ffe600").unwrap().light.edge, "#9f8f00"));
        assert!(near(Theme::parse("#ff6a00").unwrap().light.edge, "#ed6200"));
    }

    #[test]
    fn whatever_is_chosen_can_be_read() {
        for r in (0..=255).step_by(17) {
            for g in (0..=255).step_by(51) {
                for b in (0..=255).step_by(51) {
                    let theme = Theme::of(Rgb(r, g, b));
                    assert!(theme.is_ok(), "{}: {theme:?}", Rgb(r, g, b));
                }
            }
        }
    }

    #[test]
    fn the_sheet_is_small_and_named_by_its_content() {
        let (blue, red) = (Theme::parse("#2563eb").unwrap(), Theme::parse("#e11d48").unwrap());
        assert!(blue.css().len() <= 1024, "{}", blue.css().len());
        assert!(blue.css().starts_with(":root{--accent-solid:light-dark(#2563eb,#2563eb);"));
        assert_ne!(blue.file(), red.file());
        assert_eq!(theme(Some("#2563eb")).unwrap().file(), blue.file());
        assert_eq!(theme(Some("#e11d48")).unwrap().file(), red.file());
        assert!(theme(Some("blue")).is_none() && theme(None).is_none());
    }
}
