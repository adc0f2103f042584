//! How one person wants to be told of one kind of event, and what follows from it for each channel.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Defaults, hours};
use crate::db::{Sql, sql};
use crate::format;

/// Mails to one person within a day; what comes beyond stays in the feed.
pub const MAILS_A_DAY: i64 = 200;

const TOO_MANY: &str = "More than 200 mails in a day";

/// Text messages to one person within an hour.
pub const TEXTS_AN_HOUR: i64 = 10;

/// Within this time one thing makes one message.
pub const SAME_CAUSE: TimeDelta = TimeDelta::minutes(5);

/// What decides about a notification of one person.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of users, notification_preferences and notification_settings")]
pub struct Wishes {
    pub user_id: i64,
    pub email: String,
    pub mobile_phone: Option<String>,
    pub is_active: bool,
    pub is_super_admin: bool,
    pub channel_in_app: Option<bool>,
    pub channel_email: Option<bool>,
    pub channel_sms: Option<bool>,
    pub channel_ntfy: Option<bool>,
    pub email_digest: Option<bool>,
    pub digest: Option<String>,
    pub digest_hour: Option<i64>,
    pub digest_weekday: Option<i64>,
    pub quiet_from: Option<i64>,
    pub quiet_until: Option<i64>,
    pub paused_until: Option<DateTime<Utc>>,
    pub ntfy_topic: Option<String>,
    pub zone: String,
    pub has_bounced: bool,
    pub mails_today: i64,
    pub texts_this_hour: i64,
    pub told_at: Option<DateTime<Utc>>,
}

/// Everything that decides, for people whom the caller's condition names.
pub fn select(event_type: &str, cause: &str, now: DateTime<Utc>) -> Sql {
    sql("SELECT u.id AS user_id, u.email, u.mobile_phone, u.is_active, u.is_super_admin, p.channel_in_app, \
         p.channel_email, p.channel_sms, p.channel_ntfy, p.email_digest, s.digest, s.digest_hour, s.digest_weekday, \
         s.quiet_from, s.quiet_until, s.paused_until, s.ntfy_topic, \
         COALESCE((SELECT z.value FROM user_preferences z WHERE z.user_id = u.id AND z.name = 'zone'), \
           (SELECT g.default_timezone FROM site_settings g WHERE g.id = 1), 'UTC') AS zone, \
         EXISTS (SELECT 1 FROM email_bounces b WHERE b.address = u.email) AS has_bounced, \
         (SELECT COUNT(*) FROM notification_deliveries d WHERE d.user_id = u.id AND d.created_at > ? \
           AND d.channel = 'email' AND d.status <> 'skipped') AS mails_today, \
         (SELECT COUNT(*) FROM notification_deliveries d WHERE d.user_id = u.id AND d.created_at > ? \
           AND d.channel = 'sms' AND d.status <> 'skipped') AS texts_this_hour, \
         (SELECT MIN(d.created_at) FROM notification_deliveries d WHERE d.user_id = u.id AND d.created_at > ? \
           AND d.cause = ? AND d.status <> 'skipped') AS told_at \
         FROM users u LEFT JOIN notification_preferences p ON p.user_id = u.id AND p.event_type = ? \
         LEFT JOIN notification_settings s ON s.user_id = u.id")
    .bind(now - TimeDelta::days(1))
    .bind(now - TimeDelta::hours(1))
    .bind(now - SAME_CAUSE)
    .bind(cause)
    .bind(event_type)
}

/// What happens on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The person does not want it there.
    Off,
    /// At once.
    Now,
    /// Not before; with everything else that is due then.
    Waits(DateTime<Utc>),
    /// Wanted, but it cannot be.
    Skipped(&'static str),
}

/// What happens to one notification of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the feed.
    pub in_app: bool,
    /// Mail.
    pub email: Way,
    /// Text message.
    pub sms: Way,
    /// Push through ntfy.
    pub ntfy: Way,
    /// The mail waits for the digest.
    pub is_digest: bool,
    /// The mail is one too many for this day.
    pub is_withheld: bool,
}

impl Plan {
    /// True when the person wants to hear nothing of it anywhere.
    pub fn is_silent(&self) -> bool {
        !self.in_app && [&self.email, &self.sms, &self.ntfy].iter().all(|way| **way == Way::Off)
    }
}

impl Wishes {
    /// What happens on each channel. `has_own_mail` says that the mail belongs to a conversation, in
    /// which each message is sent.
    pub fn plan(&self, kind: Defaults, now: DateTime<Utc>, has_own_mail: bool) -> Plan {
        let hold = if kind.is_urgent { None } else { self.hold(now) };
        let again = self.told_at.filter(|_| !kind.is_urgent).map(|at| at + SAME_CAUSE);
        let when = |at: Option<DateTime<Utc>>| at.filter(|at| *at > now).map_or(Way::Now, Way::Waits);
        let later = hold.max(again);
        let mail_at = if has_own_mail { hold } else { later };
        let digest = self.email_digest.unwrap_or(false) && !kind.is_urgent;
        let is_withheld = self.mails_today >= MAILS_A_DAY && !kind.is_urgent;
        let email = match self.channel_email.unwrap_or(kind.email) {
            false => Way::Off,
            true if !self.is_active => Way::Skipped("The account is disabled"),
            true if self.has_bounced => Way::Skipped("The address does not exist"),
            true if is_withheld => Way::Skipped(TOO_MANY),
            true if digest => when(self.next_digest(now).max(hold)),
            true => when(mail_at),
        };
        Plan {
            in_app: self.channel_in_app.unwrap_or(kind.in_app),
            is_digest: digest,
            is_withheld: email == Way::Skipped(TOO_MANY),
            email,
            sms: self.sms(when(later)),
            ntfy: self.ntfy(when(later)),
        }
    }

    fn sms(&self, when: Way) -> Way {
        match self.channel_sms.unwrap_or(false) {
            false => Way::Off,
            true if !self.is_active => Way::Skipped("The account is disabled"),
            true if self.mobile_phone.as_deref().is_none_or(|number| number.trim().is_empty()) => {
                Way::Skipped("No mobile number")
            }
            true if self.texts_this_hour >= TEXTS_AN_HOUR => Way::Skipped("More than 10 text messages in an hour"),
            true => when,
        }
    }

    fn ntfy(&self, when: Way) -> Way {
        match self.channel_ntfy.unwrap_or(false) {
            false => Way::Off,
            true if !self.is_active => Way::Skipped("The account is disabled"),
            true if self.ntfy_topic.is_none() => Way::Skipped("No ntfy topic"),
            true => when,
        }
    }

    /// The end of the quiet hours or of the pause, whichever is later.
    fn hold(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let quiet = self.quiet_from.zip(self.quiet_until);
        let ends = |at| quiet.and_then(|(from, until)| hours::quiet_until(at, format::zone(&self.zone), from, until));
        match self.paused_until.filter(|until| *until > now) {
            // A pause that ends at night goes on until the morning.
            Some(until) => Some(ends(until).unwrap_or(until)),
            None => ends(now),
        }
    }

    fn next_digest(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let weekday = (self.digest.as_deref() == Some("weekly")).then(|| self.digest_weekday.unwrap_or(1));
        hours::next_digest(now, format::zone(&self.zone), self.digest_hour.unwrap_or(8), weekday)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GENERAL, Kind, NEW_SIGN_IN, TICKET_REPLY};
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn wishes() -> Wishes {
        Wishes {
            user_id: 1,
            email: "ana@example.com".to_owned(),
            mobile_phone: Some("+447700900123".to_owned()),
            is_active: true,
            is_super_admin: false,
            channel_in_app: Some(true),
            channel_email: Some(true),
            channel_sms: Some(true),
            channel_ntfy: Some(true),
            email_digest: Some(false),
            digest: None,
            digest_hour: None,
            digest_weekday: None,
            quiet_from: Some(22 * 60),
            quiet_until: Some(7 * 60),
            paused_until: None,
            ntfy_topic: Some("ana".to_owned()),
            zone: "Europe/London".to_owned(),
            has_bounced: false,
            mails_today: 0,
            texts_this_hour: 0,
            told_at: None,
        }
    }

    fn plan(wishes: &Wishes, kind: &Kind, now: &str) -> Plan {
        wishes.plan(kind.defaults(), at(now), false)
    }

    #[test]
    fn quiet_hours_delay_and_urgent_breaks_through() {
        let night = "2026-11-23T23:00:00Z";
        let morning = Way::Waits(at("2026-11-24T07:00:00Z"));
        let planned = plan(&wishes(), &GENERAL, night);
        assert_eq!((planned.email, planned.sms, planned.ntfy), (morning.clone(), morning.clone(), morning.clone()));
        assert!(planned.in_app);
        let planned = plan(&wishes(), &NEW_SIGN_IN, night);
        assert_eq!((planned.email, planned.sms), (Way::Now, Way::Now));
        assert_eq!(plan(&wishes(), &TICKET_REPLY.urgent(), night).email, Way::Now);
        // A pause that ends within the night goes on until the morning.
        let paused = Wishes { paused_until: Some(at("2026-11-25T02:00:00Z")), ..wishes() };
        assert_eq!(plan(&paused, &GENERAL, "2026-11-23T12:00:00Z").email, Way::Waits(at("2026-11-25T07:00:00Z")));
    }

    #[test]
    fn one_thing_makes_one_message_within_five_minutes() {
        let noon = "2026-11-23T12:02:00Z";
        let told = Wishes { told_at: Some(at("2026-11-23T12:00:00Z")), ..wishes() };
        assert_eq!(plan(&told, &GENERAL, noon).sms, Way::Waits(at("2026-11-23T12:05:00Z")));
        assert_eq!(told.plan(TICKET_REPLY.defaults(), at(noon), true).email, Way::Now, "a conversation is not cut");
        assert_eq!(plan(&told, &NEW_SIGN_IN, noon).email, Way::Now);
    }

    #[test]
    fn digests_wait_for_their_hour() {
        let daily = Wishes { email_digest: Some(true), digest_hour: Some(17), ..wishes() };
        let planned = plan(&daily, &GENERAL, "2026-11-23T12:00:00Z");
        assert_eq!((planned.email, planned.sms), (Way::Waits(at("2026-11-23T17:00:00Z")), Way::Now));
        assert_eq!(plan(&daily, &NEW_SIGN_IN, "2026-11-23T12:00:00Z").email, Way::Now);
        let weekly = Wishes { digest: Some("weekly".to_owned()), digest_weekday: Some(5), ..daily };
        assert_eq!(plan(&weekly, &GENERAL, "2026-11-23T12:00:00Z").email, Way::Waits(at("2026-11-27T17:00:00Z")));
    }

    #[test]
    fn what_cannot_be_is_skipped_with_its_reason() {
        let noon = "2026-11-23T12:00:00Z";
        let reason = |change: fn(&mut Wishes)| {
            let mut person = wishes();
            change(&mut person);
            plan(&person, &GENERAL, noon)
        };
        assert_eq!(reason(|p| p.has_bounced = true).email, Way::Skipped("The address does not exist"));
        assert_eq!(reason(|p| p.is_active = false).email, Way::Skipped("The account is disabled"));
        let many = reason(|p| p.mails_today = 200);
        assert_eq!((many.email, many.is_withheld), (Way::Skipped("More than 200 mails in a day"), true));
        assert_eq!(reason(|p| p.mobile_phone = None).sms, Way::Skipped("No mobile number"));
        assert_eq!(reason(|p| p.texts_this_hour = 10).sms, Way::Skipped("More than 10 text messages in an hour"));
        assert_eq!(reason(|p| p.ntfy_topic = None).ntfy, Way::Skipped("No ntfy topic"));
        assert_eq!(reason(|p| p.channel_email = Some(false)).email, Way::Off);
        let silent = Wishes { channel_email: None, channel_sms: None, channel_in_app: None, ..wishes() };
        let planned = plan(&silent, &GENERAL, noon);
        assert_eq!((planned.in_app, planned.email, planned.sms), (true, Way::Off, Way::Off));
    }
}
