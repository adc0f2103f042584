//! What a file is, by its content: names and announcements only tell kinds of text and of containers apart.

#[path = "picture.rs"]
mod picture;

use super::names::extension;

pub use picture::reencode_image;

/// How much of a file is looked at; the first bytes are enough.
pub const ENOUGH: usize = 8 * 1024;

const BINARY: &str = "application/octet-stream";
const HTML: &str = "text/html";
const SVG: &str = "image/svg+xml";

/// The icons of browser tabs.
const ICON: &str = "image/vnd.microsoft.icon";

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The content type to store and to answer with.
    pub content_type: &'static str,
    /// Whether it is a picture that pages show (after it was encoded anew).
    pub is_shown_image: bool,
}

impl Kind {
    fn new(content_type: &'static str) -> Self {
        let is_shown_image = matches!(content_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp" | ICON);
        Self { content_type, is_shown_image }
    }
}

/// Names the type of a file from its first bytes.
pub fn sniff(bytes: &[u8], declared_name: &str) -> Kind {
    let bytes = bytes.get(..ENOUGH).unwrap_or(bytes);
    let extension = extension(declared_name);
    let found = infer::get(bytes).map(|found| known(found.mime_type()));
    let content_type = match found {
        Some(HTML | "text/xml" | "text/x-shellscript") | None => unnamed(bytes, &extension),
        Some("text/rtf" | "application/pdf" | "application/postscript") => found.unwrap_or(BINARY),
        // Two letters are enough for some formats: a price list that begins with "BM" is no bitmap.
        Some(_) if is_utf8_text(bytes) => unnamed(bytes, &extension),
        Some(found) => contained(found, &extension),
    };
    Kind::new(content_type)
}

/// One name for each type.
fn known(found: &'static str) -> &'static str {
    match found {
        "application/rtf" => "text/rtf",
        "application/x-msdownload" | "application/x-dosexec" => "application/vnd.microsoft.portable-executable",
        other => other,
    }
}

/// Content without a mark of its own: text of some kind, or anything.
fn unnamed(bytes: &[u8], extension: &str) -> &'static str {
    let is_utf8 = is_utf8_text(bytes);
    if bytes.is_empty() || !(is_utf8 || is_old_text(bytes)) {
        return BINARY;
    }
    if let Some(markup) = markup(bytes) {
        return markup;
    }
    match by_extension(extension) {
        Some(kind) => kind,
        None if is_utf8 => "text/plain",
        None => BINARY,
    }
}

fn by_extension(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "html" | "htm" | "shtml" => HTML,
        "xhtml" | "xht" => "application/xhtml+xml",
        "svg" => SVG,
        "xml" | "xsl" | "xslt" => "text/xml",
        "js" | "mjs" | "cjs" => "text/javascript",
        "sh" | "bash" | "ps1" | "bat" | "cmd" | "vbs" => "text/x-shellscript",
        "csv" => "text/csv",
        "md" => "text/markdown",
        "ics" => "text/calendar",
        "json" => "application/json",
        "eml" => "message/rfc822",
        "txt" | "log" => "text/plain",
        _ => return None,
    })
}

/// Markup and scripts, wherever the name says something else.
fn markup(bytes: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n', '\u{c}']);
    if text.starts_with("#!") {
        return Some("text/x-shellscript");
    }
    if !text.starts_with('<') {
        return None;
    }
    let has = |tags: &[&str]| tags.iter().any(|tag| text.contains(tag));
    if has(&["<!doctype html", "<html", "<head", "<body", "<script", "<iframe", "<meta", "<style"]) {
        Some(if has(&["<svg"]) && !has(&["<html", "<body"]) { SVG } else { HTML })
    } else if has(&["<svg"]) {
        Some(SVG)
    } else if text.starts_with("<?xml") {
        Some("text/xml")
    } else {
        let is_html = infer::get(text.as_bytes()).is_some_and(|found| found.mime_type() == HTML);
        is_html.then_some(HTML)
    }
}

/// Documents that are archives or compound files inside; the first bytes do not always say which.
fn contained(found: &'static str, extension: &str) -> &'static str {
    match (found, extension) {
        ("application/zip", "docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ("application/zip", "xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ("application/zip", "pptx") => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ("application/zip", "odt") => "application/vnd.oasis.opendocument.text",
        ("application/zip", "ods") => "application/vnd.oasis.opendocument.spreadsheet",
        ("application/zip", "jar") => "application/java-archive",
        ("application/x-ole-storage" | "application/msword", "doc") => "application/msword",
        ("application/x-ole-storage" | "application/msword", "xls") => "application/vnd.ms-excel",
        ("application/x-ole-storage" | "application/msword", "ppt") => "application/vnd.ms-powerpoint",
        ("application/x-ole-storage" | "application/msword", "msg") => "application/vnd.ms-outlook",
        (found, _) => found,
    }
}

/// UTF-8 without control characters; the last character may be cut off.
fn is_utf8_text(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).and_then(|whole| std::str::from_utf8(whole).ok()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|c| c.is_ascii_control() && !is_layout(c as u8))
}

/// Text of an older machine: no NUL and no control characters, though not UTF-8.
fn is_old_text(bytes: &[u8]) -> bool {
    !bytes.iter().any(|byte| byte.is_ascii_control() && !is_layout(*byte))
}

fn is_layout(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(bytes: impl AsRef<[u8]>, name: &str) -> &'static str {
        sniff(bytes.as_ref(), name).content_type
    }

    #[test]
    fn pictures_are_known_by_their_content() {
        for (bytes, content_type) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0\0", "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        ] {
            for name in ["a.png", "a.html", "a"] {
                let kind = sniff(bytes, name);
                assert_eq!((kind.content_type, kind.is_shown_image), (content_type, true));
            }
        }
        assert!(!sniff(b"II*\0\x08\0\0\0\0\0\0\0", "a.tif").is_shown_image);
    }

    #[test]
    fn markup_is_never_taken_for_a_picture_or_text() {
        for (text, name, content_type) in [
            ("<!DOCTYPE html><p>", "photo.png", HTML),
            ("  \n<HTML><body>", "a.txt", HTML),
            ("\u{feff}<script>alert(1)</script>", "a.csv", HTML),
            ("<p>hello</p>", "a.txt", HTML),
            ("<!-- x --><html>", "a.txt", HTML),
            ("<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", "a.png", SVG),
            ("<?xml version='1.0'?>\n<!-- c --><svg/>", "a.jpg", SVG),
            ("<svg><script>1</script></svg>", "a.txt", SVG),
            ("<?xml version='1.0'?><a/>", "a.txt", "text/xml"),
            ("#!/bin/sh\nrm", "a.txt", "text/x-shellscript"),
            ("plain", "a.html", HTML),
            ("plain", "a.svg", SVG),
            ("alert(1)", "a.js", "text/javascript"),
        ] {
            let kind = sniff(text.as_bytes(), name);
            assert_eq!(kind.content_type, content_type, "{text}");
            assert!(!kind.is_shown_image, "{text}");
        }
    }

    #[test]
    fn kinds_of_text_are_told_apart_by_the_name() {
        assert_eq!(kind("a;b\n1;2", "list.csv"), "text/csv");
        assert_eq!(kind("BMW;5\n", "prices.csv"), "text/csv");
        assert_eq!(kind("MZ is a name", "a.txt"), "text/plain");
        assert_eq!(kind("Z\u{fc}rich", "a"), "text/plain");
        assert_eq!(kind(b"Z\xfcrich", "a.txt"), "text/plain");
        assert_eq!(kind(b"Z\xfcrich", "a.bin"), BINARY);
        assert_eq!(kind("1 < 2", "a.txt"), "text/plain");
        assert_eq!(kind("From: a@b.c\r\n\r\nx", "a.eml"), "message/rfc822");
        let cut = "\u{fc}".repeat(ENOUGH);
        assert_eq!(kind(&cut.as_bytes()[..ENOUGH - 1], "a.txt"), "text/plain");
    }

    #[test]
    fn the_name_does_not_make_a_program_a_document() {
        assert_eq!(kind(b"MZ\x90\0\x03\0\0\0\x04", "a.pdf"), "application/vnd.microsoft.portable-executable");
        let elf = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 64]].concat();
        assert!(!sniff(&elf, "a.png").is_shown_image);
        assert_eq!(kind(b"\0\x01\x02\x03", "a.pdf"), BINARY);
        assert_eq!(kind(b"", "a.pdf"), BINARY);
        assert_eq!(kind(b"a\0b", "a.txt"), BINARY);
    }

    #[test]
    fn documents_are_known() {
        assert_eq!(kind(b"%PDF-1.7\n%\xe2\xe3", "a"), "application/pdf");
        assert_eq!(kind(b"%PDF-1.7 all ascii", "a.txt"), "application/pdf");
        assert_eq!(kind(b"{\\rtf1\\ansi x}", "a.txt"), "text/rtf");
        let zip = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0a.txt";
        assert_eq!(kind(zip, "a.zip"), "application/zip");
        assert_eq!(kind(zip, "a.ods"), "application/vnd.oasis.opendocument.spreadsheet");
        assert!(kind(zip, "a.docx").ends_with("wordprocessingml.document"));
        let compound = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 600]].concat();
        assert_eq!(kind(&compound, "a.msg"), "application/vnd.ms-outlook");
        assert_eq!(kind(&compound, "a.xls"), "application/vnd.ms-excel");
    }
}
