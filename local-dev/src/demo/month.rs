//! Reads `month.txt`.

use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, Utc, Weekday};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Requester,
    Technician,
    /// For technicians only.
    Note,
}

impl Side {
    /// As tickets store it.
    pub fn as_str(self) -> &'static str {
        if self == Self::Requester { "requester" } else { "technician" }
    }
}

/// A ticket as written down.
#[derive(Debug, Clone)]
pub struct Story {
    pub requester: &'static str,
    pub worker: &'static str,
    days_ago: i64,
    time: NaiveTime,
    pub status: &'static str,
    pub priority: &'static str,
    pub category: &'static str,
    pub subject: &'static str,
    pub description: String,
    replies: Vec<(Side, i64, &'static str)>,
}

/// A reply with its time.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    pub side: Side,
    pub at: DateTime<Utc>,
    pub text: &'static str,
}

impl Story {
    /// When it was raised, counted back from now; what would fall on a weekend, on the Friday before.
    pub fn raised_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let day = (now - TimeDelta::days(self.days_ago)).date_naive();
        let back = match day.weekday() {
            Weekday::Sat => 1,
            Weekday::Sun => 2,
            _ => 0,
        };
        (day - TimeDelta::days(back)).and_time(self.time).and_utc()
    }

    /// Each reply so many minutes after the one before.
    pub fn replies(&self, raised: DateTime<Utc>) -> Vec<Reply> {
        let mut at = raised;
        let timed = self.replies.iter().map(|(side, minutes, text)| {
            at += TimeDelta::minutes(*minutes);
            Reply { side: *side, at, text }
        });
        timed.collect()
    }

    /// As tickets sort by it.
    pub fn priority_order(&self) -> i64 {
        match self.priority {
            "urgent" => 3,
            "high" => 2,
            "low" => 0,
            _ => 1,
        }
    }
}

/// All tickets, oldest first.
pub fn stories() -> Vec<Story> {
    let mut stories: Vec<Story> = Vec::new();
    let mut wants_subject = false;
    for line in include_str!("month.txt").lines().filter(|line| !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix("@ ") {
            stories.extend(head_of(head));
            wants_subject = true;
        } else if let Some(story) = stories.last_mut() {
            if let Some(reply) = line.strip_prefix("> ") {
                story.replies.extend(reply_of(reply));
            } else if std::mem::take(&mut wants_subject) {
                story.subject = line;
            } else {
                if !story.description.is_empty() {
                    story.description.push('\n');
                }
                story.description.push_str(line);
            }
        }
    }
    stories
}

fn head_of(line: &'static str) -> Option<Story> {
    let mut words = line.split(' ');
    let mut next = || words.next();
    let story = Story {
        requester: next()?,
        worker: next()?,
        days_ago: next()?.parse().ok()?,
        time: NaiveTime::parse_from_str(next()?, "%H:%M").ok()?,
        status: next()?,
        priority: next()?,
        category: "",
        subject: "",
        description: String::new(),
        replies: Vec::new(),
    };
    let at = line.find(story.priority)? + story.priority.len() + 1;
    Some(Story { category: line.get(at..)?, ..story })
}

fn reply_of(line: &'static str) -> Option<(Side, i64, &'static str)> {
    let mut parts = line.splitn(3, ' ');
    let side = match parts.next()? {
        "c" => Side::Requester,
        "t" => Side::Technician,
        _ => Side::Note,
    };
    Some((side, parts.next()?.parse().ok()?, parts.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::people::PEOPLE;

    #[test]
    fn the_month_is_read_whole() {
        let stories = stories();
        let heads = include_str!("month.txt").lines().filter(|line| line.starts_with('@')).count();
        let replies = include_str!("month.txt").lines().filter(|line| line.starts_with("> ")).count();
        assert_eq!(stories.len(), heads);
        assert_eq!(stories.iter().map(|story| story.replies.len()).sum::<usize>(), replies);
        assert!(heads >= 60);
        for story in &stories {
            let is_known = |key: &str| PEOPLE.iter().any(|person| person.key == key);
            assert!(is_known(story.requester), "{story:?}");
            assert!(is_known(story.worker) || story.worker == "none", "{story:?}");
            assert!(["open", "in_progress", "pending", "resolved", "closed"].contains(&story.status), "{story:?}");
            assert!(["urgent", "high", "normal", "low"].contains(&story.priority), "{story:?}");
            assert!(!story.subject.is_empty() && !story.category.is_empty(), "{story:?}");
        }
    }

    #[test]
    fn nothing_happens_on_a_weekend_or_tomorrow() {
        let now = DateTime::from_timestamp(1_795_425_120, 0).unwrap();
        for story in stories() {
            let at = story.raised_at(now);
            assert!(at.weekday().number_from_monday() <= 5 && at < now, "{}", story.subject);
        }
    }
}
