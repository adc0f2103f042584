//! Text of people as HTML.

/// For HTML text and quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Plain text as HTML: escaped, line breaks kept, addresses linked.
pub fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push_str("<br>\n");
        }
        for (n, word) in line.split(' ').enumerate() {
            if n > 0 {
                out.push(' ');
            }
            push_word(&mut out, word);
        }
    }
    out
}

fn push_word(out: &mut String, word: &str) {
    let bare = word.trim_end_matches(['.', ',', ')', ';', ':', '!', '?']);
    let is_link = (bare.starts_with("https://") || bare.starts_with("http://"))
        && !bare.contains(['"', '\'', '<', '>'])
        && url::Url::parse(bare).is_ok_and(|url| url.has_host());
    if is_link {
        let shown = escape(bare);
        out.push_str("<a href=\"");
        out.push_str(&shown);
        out.push_str("\" rel=\"noopener noreferrer nofollow\">");
        out.push_str(&shown);
        out.push_str("</a>");
        out.push_str(&escape(&word[bare.len()..]));
    } else {
        out.push_str(&escape(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_addresses_are_linked() {
        assert_eq!(lines("a <b>\nc"), "a &lt;b&gt;<br>\nc");
        assert_eq!(
            lines("see https://example.com/a?b=1&c=2."),
            "see <a href=\"https://example.com/a?b=1&amp;c=2\" rel=\"noopener noreferrer nofollow\">\
             https://example.com/a?b=1&amp;c=2</a>."
        );
        assert_eq!(lines("javascript:alert(1)"), "javascript:alert(1)");
        assert!(!lines("https://\"onx=1").contains("<a"));
    }
}
