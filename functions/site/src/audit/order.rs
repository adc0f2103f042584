//! How the trail is sorted, and the places between two lines from which a list goes on. Lines without
//! a person or a kind stand first going up and last going down, as both engines sort them.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::db::{Sql, sql};
use utoipa::IntoParams;

use super::model::Row;
use crate::keyset::Cursor;

/// The sorting that was asked for.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Sorting {
    /// `created_at`, `action`, `user_email` or `entity_type`; with `-` in front from the end.
    #[param(example = "-created_at")]
    pub sort: Option<String>,
    /// `asc` or `desc`; only without `-` in `sort`.
    #[param(example = "desc")]
    pub direction: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Time,
    Action,
    Person,
    Kind,
}

/// A column and a direction; ties are broken by the number of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    column: Column,
    descends: bool,
}

/// The statements of a column of text, going up and going down, from a value and from no value.
struct Texts {
    up: &'static str,
    up_from_none: &'static str,
    down: &'static str,
    down_from_none: &'static str,
    order_up: &'static str,
    order_down: &'static str,
}

macro_rules! texts {
    ($column:literal) => {
        Texts {
            up: concat!(" AND (", $column, " > ? OR (", $column, " = ? AND id > ?))"),
            up_from_none: concat!(" AND (", $column, " IS NOT NULL OR id > ?)"),
            down: concat!(" AND (", $column, " < ? OR ", $column, " IS NULL OR (", $column, " = ? AND id < ?))"),
            down_from_none: concat!(" AND ", $column, " IS NULL AND id < ?"),
            order_up: concat!(" ORDER BY ", $column, ", id"),
            order_down: concat!(" ORDER BY ", $column, " DESC, id DESC"),
        }
    };
}

const ACTION: Texts = texts!("action");
const PERSON: Texts = texts!("user_email");
const KIND: Texts = texts!("entity_type");

/// A place at a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the order of time.
    Time(Cursor),
    /// In the order of a text, which may be absent.
    Text(Option<String>, i64),
}

impl Place {
    /// As it stands in addresses.
    pub fn text(&self) -> String {
        match self {
            Self::Time(cursor) => cursor.text(),
            Self::Text(None, id) => format!("t{id}"),
            Self::Text(Some(text), id) => format!("t{id}.{}", shared::tokens::hex(text.as_bytes())),
        }
    }
}

fn unhex(text: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| Some(digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?);
    String::from_utf8(text.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>()?).ok()
}

impl Sorting {
    /// Reads the sorting; without one the newest come first.
    pub fn order(&self) -> Result<Order, &'static str> {
        let Some(sort) = self.sort.as_deref() else { return self.directed(Column::Time, true) };
        let name = sort.strip_prefix('-').unwrap_or(sort);
        let column = match name {
            "created_at" => Column::Time,
            "action" => Column::Action,
            "user_email" => Column::Person,
            "entity_type" => Column::Kind,
            _ => return Err("Use created_at, action, user_email or entity_type"),
        };
        self.directed(column, name != sort)
    }

    fn directed(&self, column: Column, descends: bool) -> Result<Order, &'static str> {
        let descends = match self.direction.as_deref() {
            None => descends,
            Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err("Use asc or desc"),
        };
        Ok(Order { column, descends })
    }
}

impl Default for Order {
    fn default() -> Self {
        Self { column: Column::Time, descends: true }
    }
}

impl Order {
    /// As it stands in addresses.
    pub fn text(self) -> String {
        let name = match self.column {
            Column::Time => "created_at",
            Column::Action => "action",
            Column::Person => "user_email",
            Column::Kind => "entity_type",
        };
        if self.descends { format!("-{name}") } else { name.to_owned() }
    }

    /// The same from the end.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { descends: !self.descends, ..self }
    }

    /// The place of a line.
    pub fn place(self, row: &Row) -> Place {
        self.place_of(row.created_at, row.id, [Some(&row.action), row.user_email.as_ref(), row.entity_type.as_ref()])
    }

    /// The place of a line with these values: action, person and kind of thing.
    pub fn place_of(self, at: DateTime<Utc>, id: i64, [action, person, kind]: [Option<&String>; 3]) -> Place {
        match self.column {
            Column::Time => Place::Time(Cursor::at(at, id)),
            Column::Action => Place::Text(action.cloned(), id),
            Column::Person => Place::Text(person.cloned(), id),
            Column::Kind => Place::Text(kind.cloned(), id),
        }
    }

    /// Reads a place that was written in this order; none for any other text.
    pub fn parse(self, text: &str) -> Option<Place> {
        if self.column == Column::Time {
            return Cursor::parse(text).map(Place::Time);
        }
        let (id, value) = match text.strip_prefix('t')?.split_once('.') {
            Some((id, value)) => (id, Some(unhex(value)?)),
            None => (text.strip_prefix('t')?, None),
        };
        Some(Place::Text(value, id.parse().ok()?))
    }

    fn texts(self) -> Option<&'static Texts> {
        match self.column {
            Column::Time => None,
            Column::Action => Some(&ACTION),
            Column::Person => Some(&PERSON),
            Column::Kind => Some(&KIND),
        }
    }

    /// Lines behind a place, in this order.
    pub fn behind(self, place: &Place) -> Sql {
        let texts = self.texts().unwrap_or(&ACTION);
        match (place, self.descends) {
            (Place::Time(cursor), true) => cursor.older(),
            (Place::Time(cursor), false) => cursor.newer(),
            (Place::Text(Some(text), id), false) => sql(texts.up).bind(text).bind(text).bind(*id),
            (Place::Text(Some(text), id), true) => sql(texts.down).bind(text).bind(text).bind(*id),
            (Place::Text(None, id), false) => sql(texts.up_from_none).bind(*id),
            (Place::Text(None, id), true) => sql(texts.down_from_none).bind(*id),
        }
    }

    /// The order itself.
    pub fn by(self) -> Sql {
        sql(match (self.texts(), self.descends) {
            (None, true) => " ORDER BY created_at DESC, id DESC",
            (None, false) => " ORDER BY created_at, id",
            (Some(texts), true) => texts.order_down,
            (Some(texts), false) => texts.order_up,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(sort: &str) -> Order {
        Sorting { sort: Some(sort.to_owned()), direction: None }.order().unwrap()
    }

    #[test]
    fn sortings_are_read_and_written() {
        for text in ["created_at", "-created_at", "action", "-user_email", "entity_type"] {
            assert_eq!(order(text).text(), text);
        }
        assert_eq!(Sorting::default().order().unwrap(), Order::default());
        let both = Sorting { sort: Some("action".to_owned()), direction: Some("desc".to_owned()) };
        assert_eq!(both.order().unwrap().text(), "-action");
        assert!(Sorting { sort: Some("password".to_owned()), direction: None }.order().is_err());
        assert!(Sorting { sort: None, direction: Some("up".to_owned()) }.order().is_err());
    }

    #[test]
    fn places_come_back_whole_and_only_in_their_order() {
        for place in [Place::Text(None, 7), Place::Text(Some("zoë@example.com".to_owned()), 9)] {
            assert_eq!(order("user_email").parse(&place.text()), Some(place));
        }
        let time = Place::Time(Cursor::parse("1795425120123456-42").unwrap());
        assert_eq!(Order::default().parse(&time.text()), Some(time.clone()));
        assert_eq!(order("action").parse(&time.text()), None);
        for bad in ["", "t", "tx", "t1.z", "t1.abc", "1-2"] {
            assert_eq!(order("action").parse(bad), None, "{bad}");
        }
    }
}
