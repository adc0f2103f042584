//! Undo behind a change to many tickets. The offer travels in the address of the list, so that showing it
//! reads nothing; whether it still holds is decided when it is taken.

use axum::response::Response;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::Technician;
use shared::context::safe_path;
use shared::error::Result;
use shared::format::plural;
use shared::web::{Form, Path};
use shared::{Flash, Tone};

use crate::actions;

/// A change that can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Offer {
    /// Row of `ticket_undos`.
    pub(super) id: i64,
    /// Not shown after it.
    pub(super) until: DateTime<Utc>,
}

impl Offer {
    /// The address of a list with the offer.
    pub(super) fn behind(self, list: &str) -> String {
        format!("{list}{}undo={}-{}", if list.contains('?') { '&' } else { '?' }, self.id, self.until.timestamp())
    }

    /// Reads the offer from an address, while it lasts.
    pub(super) fn read(text: Option<&str>, now: DateTime<Utc>) -> Option<Self> {
        let (id, until) = text?.split_once('-')?;
        let until = DateTime::from_timestamp(until.parse().ok()?, 0)?;
        let id = id.parse().ok().filter(|id: &i64| *id >= 1)?;
        (now <= until).then_some(Self { id, until })
    }
}

/// The form of the button.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    back: String,
}

/// Takes a change back.
pub async fn undo(by: Technician, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    let is_list = |path: &&str| *path == "/tickets" || path.starts_with("/tickets?");
    let back = safe_path(&form.back).filter(is_list).unwrap_or("/tickets").to_owned();
    match actions::undo(&by, id).await {
        Ok((restored, left)) => by.see(back, Flash::new(tone(left), told(restored, left))).await,
        Err(error) if error.status() == StatusCode::CONFLICT => {
            by.see(back, Flash::new(Tone::Error, error.detail())).await
        }
        Err(error) => Err(error),
    }
}

fn tone(left: usize) -> Tone {
    if left == 0 { Tone::Success } else { Tone::Info }
}

/// "Undone for 46 tickets, 1 left alone: changed again since".
fn told(restored: usize, left: usize) -> String {
    let tickets = plural(i64::try_from(restored).unwrap_or(i64::MAX), "ticket");
    if left == 0 {
        format!("Undone for {tickets}")
    } else {
        format!("Undone for {tickets}, {left} left alone: changed again since")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_travels_in_the_address_and_ends() {
        let now = DateTime::from_timestamp(1_795_425_120, 500_000_000).unwrap();
        let offer = Offer { id: 7, until: DateTime::from_timestamp(1_795_425_180, 0).unwrap() };
        assert_eq!(offer.behind("/tickets"), "/tickets?undo=7-1795425180");
        assert_eq!(offer.behind("/tickets?state=open"), "/tickets?state=open&undo=7-1795425180");
        assert_eq!(Offer::read(Some("7-1795425180"), now), Some(offer));
        for bad in ["7-1795425120", "0-1795425180", "7", "x-1", "-", "7-99999999999999999999"] {
            assert_eq!(Offer::read(Some(bad), now), None, "{bad}");
        }
    }

    #[test]
    fn what_was_left_alone_is_told() {
        assert_eq!(told(1, 0), "Undone for 1 ticket");
        assert_eq!(told(46, 1), "Undone for 46 tickets, 1 left alone: changed again since");
    }
}
