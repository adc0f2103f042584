//! Believable contexts for the test that renders every template.

use chrono::{DateTime, TimeDelta, Utc};
use shared::error::Invalid;
use shared::web::FormState;

use super::conflict::Conflict;
use super::filter::{ListQuery, ListState};
use super::list::TicketList;
use super::place::Place;
use super::show::{Panel, TicketShow};
use super::undo::Offer;
use crate::model::{Column, Relation};
use crate::scope::{Doer, Scope};
use crate::store::{
    Attachment, Choice, Choices, Entry, Found, Line, ListSettings, Related, Tally, Ticket, View, ViewCounts,
};

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default() + TimeDelta::hours(hours)
}

fn choice(id: i64, name: &str, email: Option<&str>) -> Choice {
    Choice { id, name: name.to_owned(), email: email.map(str::to_owned) }
}

fn related(id: i64, relation: Relation) -> Related {
    let subject = "New starter 1 Dec".to_owned();
    Related { link_id: 5, relation, id, subject, status: "pending".to_owned() }
}

fn view(id: i64, name: &str, is_shared: bool) -> View {
    let columns = Some(vec![Column::Id, Column::Subject, Column::Tags, Column::Company, Column::Created]);
    View { id, name: name.to_owned(), query: "status=open&tag=vip".to_owned(), columns, is_shared }
}

/// What the desk's forms offer.
pub(super) fn choices() -> Choices {
    let ana = choice(1, "Ana Ruiz", Some("ana@example.com"));
    let ben = choice(3, "Ben Carter", Some("ben@example.com"));
    Choices {
        assignees: vec![ben.clone()],
        companies: vec![choice(1, "Northwind Dental", None), choice(2, "Kestrel Logistics", None)],
        requesters: vec![ana],
        categories: vec!["Network".to_owned(), "Printing".to_owned()],
        watchers: vec![ben],
        templates: vec![choice(3, "More information", None)],
        tags: vec!["printer".to_owned(), "vip".to_owned()],
        views: vec![view(31, "Very important", true), view(32, "My printers", false)],
        related: vec![related(10411, Relation::BlockedBy), related(10420, Relation::Relates)],
        merged: vec![related(10400, Relation::Relates)],
        settings: ListSettings { default_view: Some(31), ..ListSettings::default() },
    }
}

fn doer(is_desk: bool) -> Doer {
    Doer { id: Some(3), label: "Ben Carter".to_owned(), is_desk, source: "portal" }
}

fn ticket(status: &str) -> Ticket {
    let text = |text: &str| Some(text.to_owned());
    Ticket {
        id: 10432,
        subject: "Printer in room 4 jams".to_owned(),
        description: text("It jams on every second page.\nSee https://example.com/manual."),
        status: status.to_owned(),
        priority: "high".to_owned(),
        category: text("Printing"),
        module_slug: None,
        source: "portal".to_owned(),
        company_id: Some(1),
        company_name: text("Northwind Dental"),
        requester_id: Some(1),
        requester_first: text("Ana"),
        requester_last: text("Ruiz"),
        requester_email: text("ana@example.com"),
        created_by_id: Some(2),
        created_first: text("Otto"),
        created_last: None,
        created_email: text("otto@example.com"),
        assigned_user_id: Some(3),
        assigned_first: text("Ben"),
        assigned_last: text("Carter"),
        assigned_email: text("ben@example.com"),
        external_source: None,
        external_reference: text("SYN-88121"),
        external_number: None,
        ai_summary: (status != "closed").then(|| "The printer in room 4 jams; tray 2 was changed.".to_owned()),
        ai_summary_status: text(if status == "open" { "succeeded" } else { "pending" }),
        ai_summary_model: text("llama3"),
        ai_resolution_state: text("likely_in_progress"),
        ai_summary_updated_at: Some(at(0)),
        ai_tags: text("[\"printer\",\"paper-jam\"]"),
        ai_tags_status: text("succeeded"),
        ai_tags_model: None,
        ai_tags_updated_at: None,
        first_response_at: Some(at(1)),
        closed_at: (status == "closed").then(|| at(2)),
        last_reply_at: Some(at(1)),
        last_reply_side: text("technician"),
        tag_list: text("vip,needs-visit,printer"),
        merged_into_id: (status == "resolved").then_some(10411),
        version: 3,
        created_at: at(0),
        updated_at: at(1),
    }
}

fn entry(kind: &str, id: i64, text: &str) -> Entry {
    Entry {
        kind: kind.to_owned(),
        id,
        author_id: Some(3),
        label: Some("Ben Carter".to_owned()),
        first_name: Some("Ben".to_owned()),
        last_name: Some("Carter".to_owned()),
        email: Some("ben@example.com".to_owned()),
        text: text.to_owned(),
        topic: if kind == "change" { "updated".to_owned() } else { String::new() },
        created_at: at(1),
    }
}

fn file(id: i64, reply_id: Option<i64>, name: &str, size: Option<(i64, i64)>) -> Attachment {
    Attachment {
        id,
        ticket_id: 10432,
        reply_id,
        file_id: id,
        storage_key: format!("tickets/202611/{id}"),
        name: name.to_owned(),
        content_type: "image/jpeg".to_owned(),
        size: 245_760,
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
        is_ready: true,
        uploaded_by: Some(1),
        created_at: at(0),
    }
}

/// One ticket as the desk, with a conflict and errors, as its requester, closed for good, and folded.
pub(super) fn tickets() -> Vec<TicketShow> {
    let entries = || {
        vec![
            entry("change", 1, r#"{"priority": ["normal", "high"]}"#),
            entry("note", 76, "The same model failed at Harbour & Sons last month."),
            entry("reply", 77, "Could you check whether tray 2 has the new <paper>?"),
        ]
    };
    let files = [file(5, None, "tray.jpg", Some((1600, 1200))), file(6, Some(77), "drivers.zip", None)];
    let page =
        |status: &str, is_desk: bool, now| TicketShow::new(&ticket(status), entries(), &files, &doer(is_desk), now);
    let mut desk = page("in_progress", true, at(3));
    desk.panel = Some(Panel::of(&ticket("in_progress"), &choices()));
    desk.may_delete = true;
    desk.draft_at = Some(at(2));
    desk.is_watching = true;
    desk.place = Place::sample();
    let mut wrong = page("pending", true, at(3));
    wrong.panel = Some(Panel::of(&ticket("pending"), &Choices::default()));
    wrong.has_errors = true;
    let sent = FormState::of([("status", "resolved"), ("priority", "low"), ("category", "Printing")]);
    if let Some(panel) = &wrong.panel {
        wrong.conflict = Some(Conflict::of(&sent, &ticket("pending"), panel, Some("Grace Lin".to_owned())));
    }
    wrong.reply = wrong.reply.refused(&Invalid::field("body", "Enter the text of the reply"));
    wrong.details = wrong.details.refused(&Invalid::field("category", "Use at most 64 characters"));
    let many = (1..=100).map(|id| entry("reply", id, "Any news?")).collect();
    let mut long = TicketShow::new(&ticket("open"), many, &[], &doer(false), at(3));
    long.fold();
    vec![desk, wrong, long, page("resolved", false, at(3)), page("closed", false, at(24 * 40))]
}

fn line(id: i64) -> Line {
    Line {
        id,
        subject: "Printer in room 4 jams".to_owned(),
        status: "in_progress".to_owned(),
        priority: "high".to_owned(),
        category: (id % 2 == 0).then(|| "Printing".to_owned()),
        created_at: at(0),
        company_name: (id % 2 == 0).then(|| "Northwind Dental".to_owned()),
        requester_first: Some("Ana".to_owned()),
        requester_last: Some("Ruiz".to_owned()),
        requester_email: (id % 3 != 0).then(|| "ana@example.com".to_owned()),
        assigned_user_id: (id % 2 == 0).then_some(3),
        assigned_first: Some("Ben".to_owned()),
        assigned_last: None,
        assigned_email: (id % 2 == 0).then(|| "ben@example.com".to_owned()),
        last_reply_at: (id % 2 == 0).then(|| at(1)),
        last_reply_side: (id % 2 == 0).then(|| "technician".to_owned()),
        updated_at: at(1),
        tag_list: (id % 2 == 0).then(|| "vip,a,b,c,needs-visit".to_owned()),
        version: id,
    }
}

/// The desk with filters, the desk without tickets, a requester's list, and theirs when it is empty.
pub(super) fn lists() -> Vec<TicketList> {
    let found = Found {
        by_status: vec![
            Tally { status: "open".to_owned(), tickets: 70 },
            Tally { status: "pending".to_owned(), tickets: 58 },
        ],
        counted: 128,
        has_more: false,
    };
    let none = Found::default();
    let many = Found { counted: 10_001, has_more: true, ..found.clone() };
    let state = |scope, pairs: &[(&str, &str)]| {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        ListState::of(scope, 3, at(0), &ListQuery::of(&pairs), pairs)
    };
    let (all, own, colleague) = (Scope::everywhere(), Scope::sample_own(), Scope::sample_colleague());
    let narrowed = state(all, &[("status", "open,foo"), ("assigned", "me"), ("company", "1"), ("q", "vpn")]);
    let opened =
        state(all, &[("status", "open"), ("view", "31"), ("columns", "id,subject,category,last_reply,requester")]);
    let lines = || (1..=6).map(line).collect();
    vec![
        TicketList::of_desk(
            &narrowed,
            &found,
            lines(),
            &choices(),
            (3, &ViewCounts { mine: 12, nobodys: 7, open: 128, waiting: 5, saved: vec![(31, 4)] }),
        ),
        TicketList::of_desk(&opened, &found, lines(), &choices(), (3, &ViewCounts::default())),
        TicketList::of_desk(&narrowed, &none, Vec::new(), &choices(), (3, &ViewCounts::default())),
        TicketList::of_desk(&state(all, &[]), &none, Vec::new(), &Choices::default(), (3, &ViewCounts::default())),
        TicketList::of_desk(&state(all, &[]), &found, lines(), &choices(), (3, &ViewCounts::default()))
            .with_undo(&narrowed, Some(Offer { id: 4, until: at(1) })),
        TicketList::of_desk(&narrowed, &many, lines(), &choices(), (3, &ViewCounts::default())),
        TicketList::new(&state(own, &[]), &found, lines(), None),
        TicketList::new(&state(colleague, &[("of", "company")]), &found, lines(), None).of_company(
            &state(colleague, &[("of", "company")]),
            Some("Northwind Dental"),
            true,
        ),
        TicketList::new(&state(own, &[("state", "closed")]), &none, Vec::new(), None),
        TicketList::new(&state(own, &[("state", "all")]), &none, Vec::new(), None),
    ]
}
