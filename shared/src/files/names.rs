//! File names as they come from people's machines.

/// Longest name that is stored.
pub const LONGEST: usize = 255;

/// Longer endings than this are part of the name, not an extension.
const LONGEST_EXTENSION: usize = 16;

/// A name that every file system and header takes: for downloads, never for storage keys.
pub fn safe_file_name(name: &str) -> String {
    let mut safe = String::new();
    for c in last_part(name).chars() {
        let c = if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
        let is_dropped = c == '.' && (safe.is_empty() || safe.ends_with('.'));
        if !is_dropped {
            safe.push(c);
        }
    }
    if safe.is_empty() { "upload".to_owned() } else { shortened(&safe) }
}

/// The name as its owner knows it, for pages and downloads: without folders and without characters
/// that cannot be seen, some of which make `exe` look like another extension.
pub fn display_name(name: &str) -> String {
    let visible: String = last_part(name).chars().filter(|c| !is_invisible(*c)).collect();
    let visible = visible.trim();
    if visible.is_empty() { "upload".to_owned() } else { shortened(visible) }
}

/// The extension in lowercase, without its dot; empty when there is none.
pub fn extension(name: &str) -> String {
    let (_, extension) = split(last_part(name));
    extension.trim_start_matches('.').to_lowercase()
}

fn last_part(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

fn is_invisible(c: char) -> bool {
    let is_direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_empty = matches!(c, '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}' | '\u{feff}');
    c.is_control() || is_direction || is_empty
}

/// The stem and the extension with its dot.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && (2..=LONGEST_EXTENSION).contains(&(name.len() - dot)) => name.split_at(dot),
        _ => (name, ""),
    }
}

fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= LONGEST {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    let room = LONGEST - extension.chars().count();
    stem.chars().take(room).chain(extension.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_safe() {
        for (name, safe) in [
            ("../dangerous/../file?.pdf", "file_.pdf"),
            ("report.pdf", "report.pdf"),
            ("C:\\Users\\ann\\My report (1).docx", "My_report__1_.docx"),
            ("Gr\u{fc}\u{df}e.pdf", "Gr__e.pdf"),
            (".htaccess", "htaccess"),
            ("...", "upload"),
            ("..", "upload"),
            ("", "upload"),
            ("folder/", "upload"),
            ("a..b...c.pdf", "a.b.c.pdf"),
            ("a.tar.gz", "a.tar.gz"),
            ("x\r\nSet-Cookie: a", "x__Set-Cookie__a"),
            ("nul\0.txt", "nul_.txt"),
            ("..\\..\\etc/passwd", "passwd"),
            ("-rf", "-rf"),
        ] {
            assert_eq!(safe_file_name(name), safe, "{name:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let long = safe_file_name(&format!("{}.pdf", "x".repeat(400)));
        assert_eq!(long.len(), 255);
        assert!(long.ends_with("x.pdf"));
        assert_eq!(safe_file_name(&"x".repeat(400)).len(), 255);
        assert_eq!(safe_file_name(&format!("a.{}", "x".repeat(400))).len(), 255);
        let shown = display_name(&format!("{}.pdf", "\u{fc}".repeat(400)));
        assert_eq!(shown.chars().count(), 255);
        assert!(shown.ends_with("\u{fc}.pdf"));
    }

    #[test]
    fn safe_names_stay_as_they_are() {
        for name in ["../a?.pdf", "....x", "\u{fc}", "a..b"] {
            let safe = safe_file_name(name);
            assert_eq!(safe_file_name(&safe), safe);
        }
    }

    #[test]
    fn shown_names_keep_letters_and_lose_what_cannot_be_seen() {
        assert_eq!(display_name("ann/Gr\u{fc}\u{df}e \u{1f600}.pdf"), "Gr\u{fc}\u{df}e \u{1f600}.pdf");
        assert_eq!(display_name("photo\u{202e}gpj.exe"), "photogpj.exe");
        assert_eq!(display_name("a\r\n\tb.txt"), "ab.txt");
        assert_eq!(display_name(" \u{200b} "), "upload");
    }

    #[test]
    fn extensions_are_read_from_the_last_part() {
        for (name, expected) in [
            ("a.PDF", "pdf"),
            ("a.tar.gz", "gz"),
            ("a", ""),
            (".bashrc", ""),
            ("a.", ""),
            ("x.d/readme", ""),
            ("a.averyveryverylongextension", ""),
        ] {
            assert_eq!(extension(name), expected, "{name}");
        }
    }
}
