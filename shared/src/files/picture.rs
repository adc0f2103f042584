//! Pictures that pages show: encoded anew, so that nothing but pixels of a known size is left.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// Beyond these a small file could fill the memory.
const MOST_PIXELS: u64 = 40_000_000;
const LONGEST_EDGE: u32 = 16_384;
const MOST_MEMORY: u64 = 192 * 1024 * 1024;

const JPEG_QUALITY: u8 = 85;

/// A picture ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedImage {
    /// The encoded picture.
    pub bytes: Vec<u8>,
    /// `image/png` or `image/jpeg`.
    pub content_type: &'static str,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Why a picture cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Not one of the formats shown.
    #[error("choose a PNG, JPEG, GIF, WebP or ICO picture")]
    Format,
    /// More pixels than a page can use.
    #[error("choose a picture of at most 40 megapixels")]
    TooLarge,
    /// It cannot be read to its end.
    #[error("the picture is damaged: {0}")]
    Damaged(String),
}

/// Decodes a picture, turns it upright, makes it fit the edge and encodes it without its metadata.
///
/// Photographs become JPEG, everything that may be transparent PNG; of an animation the first frame
/// stays. This is work for the blocking pool.
pub fn reencode_image(bytes: &[u8], max_edge: u32) -> Result<EncodedImage, PictureError> {
    let (picture, format) = decode(bytes)?;
    let edge = max_edge.max(1);
    let picture = if picture.width().max(picture.height()) > edge {
        picture.resize(edge, edge, FilterType::CatmullRom)
    } else {
        picture
    };
    let is_photograph = matches!(format, ImageFormat::Jpeg | ImageFormat::WebP) && !picture.color().has_alpha();
    let (bytes, content_type) =
        if is_photograph { (jpeg(&picture)?, "image/jpeg") } else { (png(&picture)?, "image/png") };
    Ok(EncodedImage { bytes, content_type, width: picture.width(), height: picture.height() })
}

fn decode(bytes: &[u8]) -> Result<(DynamicImage, ImageFormat), PictureError> {
    let mut reader = ImageReader::new(Cursor::new(bytes));
    let format = image::guess_format(bytes).map_err(|_| PictureError::Format)?;
    let is_shown = matches!(
        format,
        ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP | ImageFormat::Ico
    );
    if !is_shown {
        return Err(PictureError::Format);
    }
    reader.set_format(format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(|error| explain(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(PictureError::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| explain(&error))?;
    picture.apply_orientation(orientation);
    Ok((picture, format))
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_EDGE);
    limits.max_image_height = Some(LONGEST_EDGE);
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}

fn explain(error: &image::ImageError) -> PictureError {
    match error {
        image::ImageError::Limits(_) => PictureError::TooLarge,
        error => PictureError::Damaged(error.to_string()),
    }
}

fn jpeg(picture: &DynamicImage) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    picture.to_rgb8().write_with_encoder(encoder).map_err(|error| explain(&error))?;
    Ok(bytes)
}

fn png(picture: &DynamicImage) -> Result<Vec<u8>, PictureError> {
    let eight_bit: DynamicImage =
        if picture.color().has_alpha() { picture.to_rgba8().into() } else { picture.to_rgb8().into() };
    let mut bytes = Cursor::new(Vec::new());
    eight_bit.write_to(&mut bytes, ImageFormat::Png).map_err(|error| explain(&error))?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Rgb, Rgba};

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Left half red, right half blue.
    fn flag(width: u32, height: u32) -> DynamicImage {
        let pixel = |x, _| if x < width / 2 { Rgb([255_u8, 0, 0]) } else { Rgb([0, 0, 255]) };
        ImageBuffer::from_fn(width, height, pixel).into()
    }

    /// The header of a PNG that claims a size.
    fn claims(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = encoded(&flag(2, 2), ImageFormat::Png);
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = u32::MAX;
        for byte in &bytes[12..29] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
        bytes
    }

    #[test]
    fn pictures_fit_the_edge_and_keep_their_shape() {
        for (format, content_type) in [
            (ImageFormat::Jpeg, "image/jpeg"),
            (ImageFormat::Png, "image/png"),
            (ImageFormat::WebP, "image/jpeg"),
            (ImageFormat::Gif, "image/png"),
        ] {
            let source: DynamicImage =
                if format == ImageFormat::Gif { flag(400, 200).to_rgba8().into() } else { flag(400, 200) };
            let shown = reencode_image(&encoded(&source, format), 100).unwrap();
            assert_eq!((shown.width, shown.height, shown.content_type), (100, 50, content_type));
            let back = image::load_from_memory(&shown.bytes).unwrap();
            assert_eq!((back.width(), back.height()), (100, 50));
        }
    }

    #[test]
    fn small_pictures_are_not_blown_up() {
        let shown = reencode_image(&encoded(&flag(40, 20), ImageFormat::Png), 100).unwrap();
        assert_eq!((shown.width, shown.height), (40, 20));
    }

    #[test]
    fn icons_become_the_largest_picture_in_them() {
        let icon = encoded(&flag(32, 16).to_rgba8().into(), ImageFormat::Ico);
        let shown = reencode_image(&icon, 100).unwrap();
        assert_eq!((shown.width, shown.height, shown.content_type), (32, 16, "image/png"));
        // An icon that holds the header of a huge picture.
        let huge = claims(16_000, 16_000);
        let length = u32::try_from(huge.len()).unwrap().to_le_bytes();
        let head = [&b"\0\0\x01\0\x01\0\x20\x20\0\0\x01\0\x20\0"[..], &length, &[22, 0, 0, 0]].concat();
        assert!(reencode_image(&[&head[..], &huge].concat(), 100).is_err());
    }

    #[test]
    fn transparency_stays() {
        let clear: DynamicImage = ImageBuffer::from_pixel(8, 8, Rgba([9_u8, 9, 9, 0])).into();
        let shown = reencode_image(&encoded(&clear, ImageFormat::WebP), 100).unwrap();
        assert_eq!(shown.content_type, "image/png");
        assert_eq!(image::load_from_memory(&shown.bytes).unwrap().to_rgba8().get_pixel(0, 0)[3], 0);
    }

    #[test]
    fn metadata_is_dropped_and_the_orientation_obeyed() {
        let mut bytes = encoded(&flag(64, 32), ImageFormat::Jpeg);
        let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let segment = [&b"\xff\xe1"[..], &length, exif].concat();
        bytes.splice(2..2, segment);
        let shown = reencode_image(&bytes, 100).unwrap();
        assert_eq!((shown.width, shown.height), (32, 64));
        assert!(!shown.bytes.windows(4).any(|part| part == b"Exif"));
        let top = *image::load_from_memory(&shown.bytes).unwrap().to_rgb8().get_pixel(16, 8);
        assert!(top[0] > 200 && top[2] < 50, "{top:?}");
    }

    #[test]
    fn small_files_cannot_fill_the_memory() {
        for (width, height) in [(60_000, 60_000), (16_000, 16_000), (8_000, 5_001), (1, 20_000)] {
            assert_eq!(reencode_image(&claims(width, height), 100), Err(PictureError::TooLarge), "{width}x{height}");
        }
    }

    #[test]
    fn what_is_no_whole_picture_is_refused() {
        for bytes in [&b""[..], b"hello", b"<svg/>", b"BM\0\0\0\0", b"%PDF-1.7"] {
            assert_eq!(reencode_image(bytes, 100), Err(PictureError::Format));
        }
        let whole = encoded(&flag(64, 64), ImageFormat::Png);
        assert!(matches!(reencode_image(&whole[..whole.len() / 2], 100), Err(PictureError::Damaged(_))));
        assert!(matches!(reencode_image(b"GIF89a", 100), Err(PictureError::Damaged(_))));
    }
}
