//! Reads the mails that the portal wrote itself: headers, plain text and HTML part. It is no reader for
//! the mail of others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A mail taken apart.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    headers: Vec<(String, String)>,
    parts: Vec<Part>,
}

/// One part of a mail, decoded.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Content type in lower case, with its parameters.
    pub kind: String,
    /// The content.
    pub text: String,
}

impl Mail {
    /// Takes a mail apart.
    pub fn parse(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw).replace("\r\n", "\n");
        let (headers, body) = split(&text);
        let mut parts = Vec::new();
        collect(&headers, body, &mut parts);
        Self { headers, parts }
    }

    /// A header in plain words, empty when it is missing.
    pub fn header(&self, name: &str) -> String {
        decode_words(find(&self.headers, name))
    }

    /// The plain text.
    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    /// The HTML.
    pub fn html(&self) -> String {
        self.part("text/html")
    }

    fn part(&self, kind: &str) -> String {
        let part = self.parts.iter().find(|part| part.kind.starts_with(kind));
        part.map(|part| part.text.clone()).unwrap_or_default()
    }
}

type Headers = Vec<(String, String)>;

fn find<'h>(headers: &'h Headers, name: &str) -> &'h str {
    headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// Headers, unfolded, and what follows the empty line.
fn split(text: &str) -> (Headers, &str) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut headers: Headers = Vec::new();
    for line in head.lines() {
        if let (true, Some((_, value))) = (line.starts_with([' ', '\t']), headers.last_mut()) {
            value.push(' ');
            value.push_str(line.trim());
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    (headers, body)
}

fn collect(headers: &Headers, body: &str, parts: &mut Vec<Part>) {
    let kind = find(headers, "content-type");
    let boundary = kind.split("boundary=").nth(1).map(|rest| rest.trim_start_matches('"'));
    let boundary = boundary.and_then(|rest| rest.split(['"', ';']).next()).filter(|_| kind.starts_with("multipart/"));
    let Some(boundary) = boundary else {
        let text = decode(find(headers, "content-transfer-encoding"), body);
        parts.push(Part { kind: kind.to_ascii_lowercase(), text });
        return;
    };
    let mark = format!("--{boundary}");
    for piece in format!("\n{body}").split(&format!("\n{mark}")).skip(1) {
        if piece.starts_with("--") {
            break;
        }
        let (headers, body) = split(piece.trim_start_matches('\n'));
        collect(&headers, body, parts);
    }
}

fn decode(encoding: &str, body: &str) -> String {
    match encoding.to_ascii_lowercase().as_str() {
        "base64" => {
            let packed: String = body.split_whitespace().collect();
            String::from_utf8_lossy(&STANDARD.decode(packed).unwrap_or_default()).into_owned()
        }
        "quoted-printable" => String::from_utf8_lossy(&quoted(&body.replace("=\n", ""))).into_owned(),
        _ => body.to_owned(),
    }
}

/// `=XX` are bytes.
fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        let pair: Vec<u8> = bytes.by_ref().take(2).collect();
        match std::str::from_utf8(&pair).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => out.push(byte),
            None => out.extend([b'='].iter().chain(&pair)),
        }
    }
    out
}

/// `=?utf-8?b?...?=` and `=?utf-8?q?...?=` in headers.
fn decode_words(value: &str) -> String {
    let mut out = String::new();
    let mut was_encoded = false;
    for word in value.split(' ') {
        let inner = word.strip_prefix("=?").and_then(|w| w.strip_suffix("?="));
        let parts: Vec<&str> = inner.map(|w| w.splitn(3, '?').collect()).unwrap_or_default();
        let decoded = match parts[..] {
            [_, "b" | "B", text] => STANDARD.decode(text).ok(),
            [_, "q" | "Q", text] => Some(quoted(&text.replace('_', " "))),
            _ => None,
        };
        let is_encoded = decoded.is_some();
        // The space between two encoded words is not part of the text.
        if !(out.is_empty() || was_encoded && is_encoded) {
            out.push(' ');
        }
        match decoded {
            Some(bytes) => out.push_str(&String::from_utf8_lossy(&bytes)),
            None => out.push_str(word),
        }
        was_encoded = is_encoded;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &str = "From: MyPortal <portal@example.com>\r\nTo: ben@example.com\r\n\
        Subject: =?utf-8?b?WsO8cmljaA==?=\r\n =?utf-8?b?IG9wZW4=?=\r\n\
        Content-Type: multipart/alternative;\r\n boundary=\"xyz\"\r\n\r\n\
        --xyz\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Open https://portal.example/=\r\nreset#token=3Dabc for Z=C3=BCrich\r\n\
        --xyz\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+aGk8L2I+\r\n--xyz--\r\n";

    #[test]
    fn a_mail_of_ours_is_read() {
        let mail = Mail::parse(RAW.as_bytes());
        assert_eq!(mail.header("subject"), "Zürich open");
        assert_eq!(mail.header("to"), "ben@example.com");
        assert_eq!(mail.text().trim(), "Open https://portal.example/reset#token=abc for Zürich");
        assert_eq!(mail.html(), "<b>hi</b>");
    }

    #[test]
    fn odd_content_does_not_stop_it() {
        assert_eq!(Mail::parse(b"").text(), "");
        assert_eq!(Mail::parse(b"Subject: x\n\nplain=3").header("subject"), "x");
        assert_eq!(String::from_utf8(quoted("a=zz=")).unwrap(), "a=zz=");
    }
}
