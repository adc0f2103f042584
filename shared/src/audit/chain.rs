//! The chain of digests over the trail: what a line's digest is made of, and what must hold from one
//! line to the next.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::db::{Sql, sql};
use crate::tokens::Hasher;

/// The one chain there is; the column allows for more.
pub(super) const MAIN: &str = "main";

/// Stands before the first line.
pub(super) const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A line with its seal. Every column but the last three is written once and never again.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Record {
    pub(super) id: i64,
    pub(super) created_at: DateTime<Utc>,
    user_id: Option<i64>,
    user_email: Option<String>,
    company_id: Option<i64>,
    pub(super) action: String,
    pub(super) entity_type: Option<String>,
    entity_id: Option<i64>,
    entity_label: Option<String>,
    previous_value: Option<String>,
    new_value: Option<String>,
    metadata: Option<String>,
    api_key_id: Option<i64>,
    api_key: Option<String>,
    ip_address: Option<String>,
    request_id: Option<String>,
    pub(super) chain_seq: Option<i64>,
    prev_hash: Option<String>,
    row_hash: Option<String>,
}

/// Everything a digest needs.
pub(super) fn records() -> Sql {
    sql("SELECT id, created_at, user_id, user_email, company_id, action, entity_type, entity_id, entity_label, \
         previous_value, new_value, metadata, api_key_id, api_key, ip_address, request_id, chain_seq, prev_hash, \
         row_hash FROM audit_logs")
}

/// One encoding for all time: every value is a tag, its length and its bytes, so that no two lines
/// share an encoding. A change of it needs a new word at the front and both forms read.
struct Encoding(Hasher);

impl Encoding {
    fn new() -> Self {
        let mut hasher = Hasher::new();
        hasher.update(b"myportal.audit.1");
        Self(hasher)
    }

    fn text(mut self, value: Option<&str>) -> Self {
        match value {
            None => self.0.update(&[0]),
            Some(text) => {
                self.0.update(&[1]);
                self.0.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
                self.0.update(text.as_bytes());
            }
        }
        self
    }

    fn number(mut self, value: Option<i64>) -> Self {
        match value {
            None => self.0.update(&[0]),
            Some(number) => {
                self.0.update(&[2]);
                self.0.update(&number.to_be_bytes());
            }
        }
        self
    }
}

impl Record {
    /// The digest of the line at a position behind another digest.
    pub(super) fn digest(&self, chain: &str, seq: i64, before: &str) -> String {
        let encoding = Encoding::new()
            .text(Some(chain))
            .number(Some(seq))
            .text(Some(before))
            .number(Some(self.id))
            .number(Some(self.created_at.timestamp_micros()))
            .number(self.user_id)
            .text(self.user_email.as_deref())
            .number(self.company_id)
            .text(Some(&self.action))
            .text(self.entity_type.as_deref())
            .number(self.entity_id)
            .text(self.entity_label.as_deref())
            .text(self.previous_value.as_deref())
            .text(self.new_value.as_deref())
            .text(self.metadata.as_deref())
            .number(self.api_key_id)
            .text(self.api_key.as_deref())
            .text(self.ip_address.as_deref())
            .text(self.request_id.as_deref());
        encoding.0.finish()
    }
}

/// A place in the chain: the last line that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) seq: i64,
    pub(super) hash: String,
}

impl Place {
    /// Before the first line.
    pub(super) fn start() -> Self {
        Self { seq: 0, hash: START.to_owned() }
    }

    /// Moves on over a line, or says what is wrong with it.
    pub(super) fn step(&mut self, record: &Record) -> Result<(), Broken> {
        let (id, expected) = (record.id, self.seq + 1);
        let seq = record.chain_seq.unwrap_or(0);
        if seq > expected {
            return Err(Broken::Missing { seq: expected, next: id });
        }
        if seq < expected || record.prev_hash.as_deref() != Some(&self.hash) {
            return Err(Broken::Misplaced { id, seq });
        }
        let digest = record.digest(MAIN, seq, &self.hash);
        if record.row_hash.as_deref() != Some(&digest) {
            return Err(Broken::Changed { id, seq });
        }
        *self = Self { seq, hash: digest };
        Ok(())
    }
}

/// The first thing that is wrong with the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// A line was changed after it was sealed.
    Changed {
        /// Number of the line.
        id: i64,
        /// Its position.
        seq: i64,
    },
    /// A line was put in, or moved from another position.
    Misplaced {
        /// Number of the line.
        id: i64,
        /// The position it claims.
        seq: i64,
    },
    /// A line was removed.
    Missing {
        /// Its position.
        seq: i64,
        /// Number of the line that follows it.
        next: i64,
    },
    /// The newest lines were removed.
    Cut {
        /// The last position that is there.
        seq: i64,
        /// The last position that was sealed.
        head: i64,
    },
    /// Lines stand behind the signed end.
    Behind {
        /// Number of the first of them.
        id: i64,
    },
    /// The end of the chain does not carry our signature.
    Head,
    /// The note that retention left does not carry our signature.
    Checkpoint {
        /// The position it claims.
        seq: i64,
    },
    /// The position that was written down elsewhere has another digest today.
    Rewritten {
        /// The position.
        seq: i64,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { id, seq } => write!(f, "record {id} at position {seq} was changed after it was sealed"),
            Self::Misplaced { id, seq } => {
                write!(f, "record {id} does not belong at position {seq}: it was inserted or moved")
            }
            Self::Missing { seq, next } => {
                write!(f, "the record at position {seq} is missing; record {next} comes next")
            }
            Self::Cut { seq, head } => {
                write!(f, "the newest records are missing: position {seq} is the last, {head} were sealed")
            }
            Self::Behind { id } => write!(f, "record {id} stands behind the signed end of the chain"),
            Self::Head => f.write_str("the end of the chain does not carry the portal's signature"),
            Self::Checkpoint { seq } => {
                write!(f, "the checkpoint at position {seq} does not carry the portal's signature")
            }
            Self::Rewritten { seq } => write!(f, "position {seq} has another digest than the one written down"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: i64, place: &Place) -> Record {
        let mut record = Record {
            id,
            created_at: DateTime::from_timestamp_micros(1_795_425_120_123_456).unwrap(),
            user_id: Some(7),
            user_email: Some("ana@example.com".to_owned()),
            company_id: None,
            action: "company.updated".to_owned(),
            entity_type: Some("company".to_owned()),
            entity_id: Some(4),
            entity_label: Some("Zoë".to_owned()),
            previous_value: None,
            new_value: Some(String::new()),
            metadata: None,
            api_key_id: None,
            api_key: None,
            ip_address: None,
            request_id: None,
            chain_seq: Some(place.seq + 1),
            prev_hash: Some(place.hash.clone()),
            row_hash: None,
        };
        record.row_hash = Some(record.digest(MAIN, place.seq + 1, &place.hash));
        record
    }

    fn two() -> (Record, Record) {
        let mut place = Place::start();
        let first = record(1, &place);
        place.step(&first).unwrap();
        let second = record(2, &place);
        (first, second)
    }

    #[test]
    fn the_digest_is_the_same_for_ever() {
        // Computed apart from this code, from the description of the encoding.
        let known = "1ec8d7c119143c9f160b8bb40f468fed20b03df9ccec67ef04a711936cc3511d";
        assert_eq!(record(1, &Place::start()).digest(MAIN, 1, START), known);
    }

    #[test]
    fn absent_and_empty_differ_and_so_does_every_column() {
        let base = record(1, &Place::start());
        let changes: [fn(&mut Record); 16] = [
            |r| r.id = 2,
            |r| r.created_at += chrono::TimeDelta::microseconds(1),
            |r| r.user_id = None,
            |r| r.user_email = None,
            |r| r.company_id = Some(0),
            |r| r.action.push('x'),
            |r| r.entity_type = None,
            |r| r.entity_id = None,
            |r| r.entity_label = None,
            |r| r.previous_value = Some(String::new()),
            |r| r.new_value = None,
            |r| r.metadata = Some(String::new()),
            |r| r.api_key_id = Some(1),
            |r| r.api_key = Some(String::new()),
            |r| r.ip_address = Some(String::new()),
            |r| r.request_id = Some(String::new()),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut other = base.clone();
            change(&mut other);
            assert_eq!(Place::start().step(&other), Err(Broken::Changed { id: other.id, seq: 1 }), "{index}");
        }
        let mut shifted = base.clone();
        shifted.user_email = Some("ana@example.co".to_owned());
        shifted.action = format!("m{}", shifted.action);
        assert!(Place::start().step(&shifted).is_err());
    }

    #[test]
    fn whole_chains_pass_and_the_first_fault_is_named() {
        let (first, second) = two();
        let walk = |records: &[&Record]| {
            let mut place = Place::start();
            records.iter().try_for_each(|record| place.step(record)).map(|()| place.seq)
        };
        assert_eq!(walk(&[&first, &second]), Ok(2));
        assert_eq!(walk(&[&second]), Err(Broken::Missing { seq: 1, next: 2 }));
        assert_eq!(walk(&[&first, &first]), Err(Broken::Misplaced { id: 1, seq: 1 }));
        let mut moved = second.clone();
        moved.chain_seq = Some(1);
        assert_eq!(walk(&[&moved]), Err(Broken::Misplaced { id: 2, seq: 1 }));
    }
}
