//! `audit verify`: whether anybody has touched the audit trail since the worker sealed it.

use anyhow::{Context as _, Result, bail};
use shared::app::App;
use shared::audit::{self, Anchor, Verified};

use crate::plain;

/// Reads the words after `audit verify`: nothing, or a position and its digest from an earlier run.
pub fn parse(words: &[&str]) -> Result<Option<Anchor>> {
    let text = match words {
        [] => return Ok(None),
        ["--expect", text] => text,
        [word] if word.starts_with("--expect=") => word.trim_start_matches("--expect="),
        other => bail!("`audit verify` does not know {}; `myportal help` shows what it knows", other.join(" ")),
    };
    let (seq, hash) = text.split_once(':').context("--expect needs a position and its digest, as in 812:9f86d0…")?;
    let seq = seq.parse().ok().filter(|seq| *seq > 0).context("--expect needs a position above zero")?;
    let hash = hash.to_ascii_lowercase();
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("--expect needs a digest of 64 hexadecimal characters");
    }
    Ok(Some(Anchor { seq, hash }))
}

/// Checks the whole chain and says what was found; the first broken record fails the command.
pub async fn verify(app: &App, anchor: Option<Anchor>) -> Result<()> {
    match audit::verify(app, anchor).await.map_err(plain)? {
        Ok(whole) => {
            print!("{}", text(&whole));
            Ok(())
        }
        Err(broken) => bail!("the audit trail is broken: {broken}"),
    }
}

/// The result in words.
fn text(whole: &Verified) -> String {
    let checked = shared::format::plural(i64::try_from(whole.records).unwrap_or(i64::MAX), "record");
    let mut lines = vec![format!("The audit trail is whole: {checked} checked.")];
    if whole.purged_to > 0 {
        lines.push(format!("Records up to position {} were removed by retention.", whole.purged_to));
    }
    if whole.unsealed > 0 {
        lines.push(format!("Waiting for the worker to seal them: {}.", whole.unsealed));
    }
    if whole.head.seq > 0 {
        let anchor = format!("{}:{}", whole.head.seq, whole.head.hash);
        lines.push(format!("Write this down elsewhere: myportal audit verify --expect {anchor}"));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn words_are_read() {
        assert_eq!(parse(&[]).unwrap(), None);
        let anchor = Some(Anchor { seq: 812, hash: HASH.to_owned() });
        let words = format!("812:{}", HASH.to_uppercase());
        assert_eq!(parse(&["--expect", &words]).unwrap(), anchor);
        assert_eq!(parse(&[&format!("--expect={words}")]).unwrap(), anchor);
        for bad in ["812", "0:abc", "x:abc", "812:abc", "-1:abc"] {
            assert!(parse(&["--expect", bad]).is_err(), "{bad}");
        }
        assert!(parse(&["now"]).is_err());
    }

    #[test]
    fn the_result_says_what_was_seen() {
        let head = Anchor { seq: 12, hash: HASH.to_owned() };
        let whole = Verified { records: 1, unsealed: 2, purged_to: 11, head };
        let said = text(&whole);
        for part in ["1 record checked", "position 11", "seal them: 2", "--expect 12:9f86"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
