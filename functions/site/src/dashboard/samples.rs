//! Believable dashboards, for the test of the templates.

use chrono::DateTime;

use super::{Dashboard, Watch, Worker, queue_note};
use crate::figures::asks::{Alert, Offer};
use crate::figures::days::Failures;
use crate::figures::portal::Portal;
use crate::figures::{Desk, Personal, Snapshot, TicketLine};
use crate::setup::{Setup, Task};

fn lines() -> Vec<TicketLine> {
    let line = |id, subject: &str, side: Option<&str>| TicketLine {
        id,
        subject: subject.to_owned(),
        status: "in_progress".to_owned(),
        priority: "high".to_owned(),
        company: Some("Northwind Dental".to_owned()),
        updated_at: DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default(),
        last_reply_side: side.map(str::to_owned),
    };
    vec![line(10_432, "Printer in room 4 jams", Some("technician")), line(10_411, "New starter", None)]
}

fn watch() -> Watch {
    let portal = Portal {
        companies: 12,
        users: 140,
        open_tickets: 31,
        failed_mails: 2,
        webhooks_pending: 4,
        webhooks_failing: 1,
        failed_runs: 1,
        ..Portal::default()
    };
    let task = Task {
        step: "account",
        title: "Protect your account",
        href: "/profile/security".to_owned(),
        state: "not_started",
        help: Some("An authenticator app and recovery codes"),
    };
    Watch {
        portal,
        worker: Worker::Late,
        setup: Setup { tasks: vec![task], done: 0, is_finished: false, is_dismissed: false },
    }
}

fn asked() -> Dashboard {
    let offer =
        |is_invitation, company: &str| Offer { id: 9, company_id: 4, company: company.to_owned(), is_invitation };
    let at = DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
    let alert = |link: Option<&str>| Alert {
        id: 81,
        message: "Planned work on Friday from 22:00 to 23:00.".to_owned(),
        link: link.map(str::to_owned),
        created_at: at,
    };
    Dashboard {
        offers: vec![offer(true, "Northwind Dental"), offer(false, "Harbour & Sons")],
        alerts: vec![alert(Some("/help")), alert(None)],
        ..blank()
    }
}

fn blank() -> Dashboard {
    Dashboard { first_name: "Ana".to_owned(), ..Dashboard::default() }
}

pub(super) fn all() -> Vec<Dashboard> {
    let watch = watch();
    let note = queue_note(&watch.portal);
    let desk = || Some(Desk { unassigned: 7, mine: 12, waiting: 5, urgent: 2 });
    let snapshot = Snapshot {
        members: Some(14),
        invited: Some(2),
        open_tickets: Some(5),
        urgent_tickets: Some(1),
        staff: Some(23),
        active_staff: Some(21),
    };
    let days = vec![0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1];
    let words = (10..24).map(|day| format!("{day} Nov")).collect();
    let failures = Failures { days: words, mails: days.clone(), webhooks: days.clone(), runs: vec![0; days.len()] };
    vec![
        blank(),
        asked(),
        Dashboard {
            companies: vec!["Northwind Dental".to_owned()],
            has_company: true,
            unread: 3,
            personal: Personal { open_tickets: 2 },
            own: lines(),
            snapshot: Some(Snapshot {
                members: Some(14),
                staff: Some(2),
                active_staff: Some(0),
                ..Snapshot::default()
            }),
            ..blank()
        },
        Dashboard { desk: desk(), needs_you: lines(), has_company: true, snapshot: Some(snapshot), ..blank() },
        Dashboard {
            desk: Some(Desk::default()),
            watch: Some(watch),
            queue_note: note,
            failures: Some(failures),
            ..blank()
        },
    ]
}
