//! Pictures: one to attach, and reading the QR code of another.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use totp_rs::Totp;

use super::Person;
use super::looks::Look;

/// Width and height of the picture that is attached.
const PICTURE_SIZE: (u32, u32) = (320, 200);

/// A photograph of sorts, as a file.
pub fn picture(folder: &Path, name: &str) -> PathBuf {
    let (width, height) = PICTURE_SIZE;
    let shade = |part: u32, whole: u32| u8::try_from(part * 255 / whole).unwrap_or(255);
    let draw = |x, y| Rgb([shade(x, width), shade(y, height), 140]);
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::from_fn(width, height, draw)).write_to(&mut bytes, ImageFormat::Png).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, bytes.into_inner()).unwrap();
    path
}

impl Person {
    /// What the QR code on the page says, read from a picture of the page as a phone would.
    pub async fn scan(&self) -> String {
        let page =
            image::load_from_memory_with_format(&self.shot(Look::DESK).await, ImageFormat::Png).unwrap().to_luma8();
        let (width, height) = (page.width() as usize, page.height() as usize);
        let raw = page.as_raw();
        let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| raw[y * width + x]);
        let found = prepared.detect_grids();
        let Some(grid) = found.first() else { self.stuck("there is no QR code to be seen").await };
        grid.decode().expect("the QR code can be read").1
    }
}

/// An authenticator app that was shown a QR code.
#[derive(Debug)]
pub struct Phone {
    app: Totp,
    step: u64,
}

impl Phone {
    /// Adds the account of a scanned address.
    pub fn scan(address: &str) -> Self {
        Self { app: Totp::from_url(address).expect("the QR code is an authenticator address"), step: 0 }
    }

    /// A code that was not used yet; the portal takes the one before and the one after as well.
    pub async fn code(&mut self) -> String {
        let now = now() / 30;
        self.step = if self.step == 0 { now - 1 } else { self.step + 1 };
        while self.step > self::now() / 30 + 1 {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
        self.step = self.step.max(self::now() / 30 - 1);
        self.last()
    }

    /// The code given last, once more.
    pub fn last(&self) -> String {
        self.app.generate(self.step * 30).to_string()
    }
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
