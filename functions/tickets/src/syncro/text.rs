//! HTML reduced to text: what customers wrote, without what makes it look.

/// Tags that are known; anything else between angle brackets is what somebody wrote.
const TAGS: &[&str] = &[
    "a",
    "abbr",
    "address",
    "b",
    "blockquote",
    "body",
    "br",
    "center",
    "code",
    "dd",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "img",
    "li",
    "link",
    "meta",
    "o:p",
    "ol",
    "p",
    "pre",
    "s",
    "script",
    "section",
    "small",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "tt",
    "u",
    "ul",
];

/// Tags after and before which a line ends.
const BLOCKS: &[&str] = &[
    "address",
    "blockquote",
    "br",
    "dd",
    "div",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// Tags whose content nobody reads.
const HIDDEN: &[&str] = &["script", "style", "head", "title"];

/// The longest text that is kept.
const LONGEST: usize = 50_000;

/// Plain text of at most 50,000 characters; none when nothing is left.
pub fn plain(html: &str) -> Option<String> {
    let text = squeezed(&entities(&without_tags(html)));
    let cut: String = text.chars().take(LONGEST).collect();
    (!cut.is_empty()).then_some(cut)
}

/// One line of at most so many characters; none when nothing is left.
pub fn line(text: &str, most: usize) -> Option<String> {
    let line: String = entities(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line: String = line.trim().chars().take(most).collect();
    let line = line.trim_end();
    (!line.is_empty()).then(|| line.to_owned())
}

/// A tag at the beginning of a text: its name, whether it ends something, and what follows it.
fn tag(text: &str) -> Option<(String, bool, &str)> {
    let rest = text.strip_prefix('<')?;
    if let Some(comment) = rest.strip_prefix("!--") {
        return Some((String::new(), false, comment.split_once("-->").map_or("", |(_, after)| after)));
    }
    let (inside, after) = rest.split_once('>')?;
    let is_end = inside.starts_with('/');
    let name = inside.trim_start_matches(['/', '!']).split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    (TAGS.contains(&name.as_str()) || name == "doctype").then_some((name, is_end, after))
}

fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let Some((name, is_end, after)) = tag(&rest[at..]) else {
            out.push('<');
            rest = &rest[at + 1..];
            continue;
        };
        rest = after;
        if HIDDEN.contains(&name.as_str()) && !is_end {
            rest = after_end_of(after, &name);
        } else if BLOCKS.contains(&name.as_str()) {
            out.push('\n');
            if name == "li" && !is_end {
                out.push_str("- ");
            }
        } else if matches!(name.as_str(), "td" | "th") && is_end {
            out.push(' ');
        }
    }
    out.push_str(rest);
    out
}

fn after_end_of<'t>(text: &'t str, name: &str) -> &'t str {
    let end = format!("</{name}");
    let found = text.to_ascii_lowercase().find(&end);
    found.and_then(|at| text[at..].split_once('>')).map_or("", |(_, after)| after)
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(10).find(|(_, c)| *c == ';').map(|(end, _)| end);
        if let Some((c, end)) = end.and_then(|end| Some((character(&rest[1..end])?, end))) {
            out.push(c);
            rest = &rest[end + 1..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "bull" => '•',
        "copy" => '©',
        "euro" => '€',
        "pound" => '£',
        _ => return None,
    })
}

/// Lines without blanks at their ends, at most one empty line between them, no characters that cannot be shown.
fn squeezed(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\u{a0}', " ");
    let clean: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let mut out = String::with_capacity(clean.len());
    let mut empty = 0;
    for line in clean.lines().map(str::trim_end) {
        empty = if line.trim().is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_what_it_says() {
        let html = "<html><head><style>p{color:red}</style></head><body><p>Hello&nbsp;Ana,</p>\r\n<p>tray <b>2</b> &amp; \
            tray&#160;3<br/>jam &lt;often&gt;</p><ul><li>one</li><li>two</li></ul><script>alert('x')</script></body></html>";
        assert_eq!(plain(html).unwrap(), "Hello Ana,\n\ntray 2 & tray 3\njam <often>\n\n- one\n\n- two");
        assert_eq!(plain("a <!-- hidden --> b").unwrap(), "a  b");
    }

    #[test]
    fn what_is_no_html_stays() {
        for text in ["a < b and c > d", "From: Ana <ana@example.com>", "100 % & more &unknown; &", "<", "x <3 y"] {
            assert_eq!(plain(text).unwrap(), text);
        }
        assert_eq!(plain("  \n\u{0}\u{7} "), None);
        assert_eq!(plain("<p></p>"), None);
        assert_eq!(plain("<script>never closed"), None);
        assert_eq!(plain(&"é".repeat(60_000)).unwrap().chars().count(), 50_000);
    }

    #[test]
    fn lines_are_lines() {
        assert_eq!(line(" a\nb\u{0}c ", 255).unwrap(), "a b c");
        assert_eq!(line("AT&amp;T", 255).unwrap(), "AT&T");
        assert_eq!(line("abc d", 4).unwrap(), "abc");
        assert_eq!(line(" \n", 255), None);
    }
}
