//! A look at the pages that no job comes by.

use thirtyfour::Key;

use crate::harness::{House, Look, Mail, Person, Script, journey};
use crate::steps::*;

#[tokio::test(flavor = "multi_thread")]
async fn every_other_page() {
    journey("pages", Script::On, Mail::Mailbox, pages).await;
}

async fn pages(house: &House) {
    let ana = house.person("Ana").await;
    register_first(&ana).await;
    let company = create_company(&ana, "Northwind Dental").await;
    let letter = invite(&ana, company, LEO, "Leo", "Marsh").await;
    raise(&ana, "VPN drops every afternoon", "Since the update, at about three.", None).await;
    for (step, path) in [
        ("admin", "/admin"),
        ("companies", "/admin/companies"),
        ("company-form", "/admin/companies/new"),
        ("invite", "/admin/companies/2/invite"),
        ("users", "/admin/users"),
        ("user", "/admin/users/2"),
        ("user-new", "/admin/users/new"),
        ("api-keys", "/admin/api-keys"),
        ("api-key-new", "/admin/api-keys/new"),
        ("user-delete", "/admin/users/2/delete"),
        ("ticket-delete", "/tickets/1/delete"),
        ("email", "/admin/email"),
        ("audit", "/admin/audit-logs"),
        ("profile", "/profile"),
        ("security", "/profile/security"),
        ("devices", "/profile/devices"),
        ("preferences", "/profile/preferences"),
        ("tickets", "/tickets"),
        ("ticket-new", "/tickets/new"),
        ("ticket-views", "/tickets/views"),
        ("ticket-columns", "/tickets/columns"),
        ("ticket-merge", "/tickets/1/merge"),
        ("business", "/business-information"),
        ("help", "/help"),
        ("shortcuts", "/help/shortcuts"),
        ("search", "/search?q=vpn"),
        ("choose", "/companies/choose"),
        ("confirm", "/confirm-password"),
        ("change", "/change-password"),
        ("gallery", "/internal/gallery"),
    ] {
        see(&ana, step, path).await;
    }
    layers(&ana).await;
    ana.is_refused("/tickets/99999", 404).await;
    ana.look("missing").await;
    ana.forget().await;
    for (step, path) in [
        ("visitor-missing", "/nowhere"),
        ("forgot", "/forgot-password"),
        ("reset", "/reset-password"),
        ("register", "/register"),
    ] {
        ana.open(path).await;
        ana.look(step).await;
    }
    let leo = ana;
    accept_invitation(&leo, LEO, &letter).await;
    leo.look("dashboard-client").await;
    leo.open("/admin/users").await;
    leo.look("refused").await;
}

/// What opens over a page is looked at as well, and Esc leaves it.
async fn layers(ana: &Person) {
    ana.open("/tickets/1").await;
    ana.press("Ana Ruiz, your account").await;
    ana.look("menu").await;
    ana.key(Key::Escape).await;
    ana.follow("Delete ticket").await;
    ana.expect("Keep it").await;
    ana.look("dialog").await;
    ana.key(Key::Escape).await;
    ana.expect_gone("Keep it").await;
    ana.chord(Key::Control, "k").await;
    ana.expect_focus("Search or jump to").await;
    ana.look("palette").await;
    ana.key(Key::Escape).await;
    ana.wear(Look::PHONE).await;
    ana.press("Menu").await;
    ana.look_in("navigation", &[Look::PHONE]).await;
}

async fn see(ana: &Person, step: &str, path: &str) {
    ana.open(path).await;
    assert_eq!(ana.status().await, 200, "{path}");
    ana.look(step).await;
}
