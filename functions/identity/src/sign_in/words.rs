//! How sign-ins are described to people: when, and with what.

use chrono::{DateTime, Utc};
use shared::format;

/// A moment for mails, which know no zone of their reader.
pub fn when(at: DateTime<Utc>) -> String {
    format!("{} UTC", format::date_time(at, format::zone("UTC")))
}

/// Browsers by what only they say of themselves; the order matters, because each also names others.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems, likewise.
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// "Firefox on Windows", as far as the browser says.
pub fn browser_name(user_agent: &str) -> String {
    let find = |table: &[(&str, &'static str)]| {
        table.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => {
            let first: String = user_agent.split(['/', ' ']).next().unwrap_or_default().chars().take(40).collect();
            if first.is_empty() { "an unknown browser".to_owned() } else { first }
        }
    }
}

/// What somebody is told who tried too often.
pub(super) fn waiting(seconds: i64) -> String {
    format!("Too many tries. Try again in {}.", format::wait(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named() {
        let mozilla = "Mozilla/5.0";
        for (agent, name) in [
            ("(Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Windows"),
            (
                "(Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0",
                "Edge on Windows",
            ),
            (
                "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            ("(iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
            ("(Linux; Android 15) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36", "Chrome on Android"),
        ] {
            assert_eq!(browser_name(&format!("{mozilla} {agent}")), name);
        }
        assert_eq!(browser_name("curl/8.10.1"), "curl");
        assert_eq!(browser_name(""), "an unknown browser");
    }

    #[test]
    fn moments_name_their_zone() {
        assert_eq!(when(DateTime::from_timestamp(1_795_425_120, 0).unwrap()), "23 Nov 2026, 09:12 UTC");
    }
}
