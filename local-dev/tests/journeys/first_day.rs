//! The main jobs, one after the other as they happen on a provider's first day.

use crate::harness::{House, Letter, Mail, Person, Script, journey, picture, scratch};
use crate::steps::*;

const SUBJECT: &str = "Printer in room 4 jams";
const TEXT: &str = "It jams on every second page.";
const REPLY: &str = "Could you check whether the paper in tray 2 is the new stock?";
const NOTE: &str = "The same model failed at Harbour last month.";

#[tokio::test(flavor = "multi_thread")]
async fn as_most_people_have_it() {
    journey("day", Script::On, Mail::Mailbox, first_day).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_script() {
    journey("plain", Script::Off, Mail::Mailbox, first_day).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_mail_server() {
    journey("smtp", Script::On, Mail::Smtp, first_day).await;
}

async fn first_day(house: &House) {
    let ana = house.person("Ana").await;
    first_visit(&ana).await;
    authenticator(&ana).await;
    let letter = client(&ana).await;
    let leo = house.person("Leo").await;
    accept_invitation(&leo, LEO, &letter).await;
    let ticket = raised(&leo).await;
    answered(&ana, ticket).await;
    read(&leo, ticket).await;
    stranger(&ana, &leo, ticket).await;
}

/// Job 1.
async fn first_visit(ana: &Person) {
    ana.open("/").await;
    ana.expect_at("/register").await;
    ana.look("register").await;
    ana.press("Create account").await;
    ana.expect("There is a problem").await;
    ana.look("register-refused").await;
    register_first(ana).await;
    ana.look("dashboard-first").await;
}

/// Job 2.
async fn authenticator(ana: &Person) {
    let phone = show_qr_code(ana).await;
    ana.look("authenticator").await;
    let mut phone = prove_authenticator(ana, phone).await;
    ana.look("recovery-codes").await;
    ana.follow("I have kept them").await;
    ana.expect("Ana’s phone").await;
    sign_out(ana, "Ana Ruiz").await;
    ana.look("login").await;
    give_password(ana, ANA).await;
    ana.expect("Enter your code").await;
    ana.look("code").await;
    let code = phone.code().await;
    give_code(ana, &code).await;
    ana.expect_at("/").await;
    sign_out(ana, "Ana Ruiz").await;
    give_password(ana, ANA).await;
    give_code(ana, &phone.last()).await;
    ana.expect("There is a problem").await;
    ana.look("code-used").await;
    let code = phone.code().await;
    give_code(ana, &code).await;
    ana.expect_at("/").await;
}

/// Job 3.
async fn client(ana: &Person) -> Letter {
    let company = create_company(ana, "Northwind Dental").await;
    ana.look("company-new").await;
    let letter = invite(ana, company, LEO, "Leo", "Marsh").await;
    assert!(letter.text.contains("Northwind Dental"), "the invitation names the company:\n{}", letter.text);
    ana.open(&format!("/admin/companies/{company}")).await;
    ana.look("company").await;
    letter
}

/// Job 4, the client's part.
async fn raised(leo: &Person) -> i64 {
    leo.open("/tickets").await;
    leo.look("tickets-none").await;
    let folder = scratch("picture");
    let ticket = raise(leo, SUBJECT, TEXT, Some(&picture(&folder, "tray.png"))).await;
    leo.look("ticket-raised").await;
    ticket
}

/// Job 4, the administrator's part.
async fn answered(ana: &Person, ticket: i64) {
    ana.open("/tickets").await;
    ana.look("tickets-desk").await;
    ana.follow(SUBJECT).await;
    ana.expect_at(&format!("/tickets/{ticket}")).await;
    ana.expect(TEXT).await;
    reply(ana, REPLY).await;
    note(ana, NOTE).await;
    ana.press("Assign to me").await;
    ana.expect_gone("Assign to me").await;
    ana.press("Status: Open, change").await;
    ana.press("In progress").await;
    ana.expect("set status to In progress").await;
    ana.look("ticket-desk").await;
}

/// Job 4, what the client sees of it.
async fn read(leo: &Person, ticket: i64) {
    let mail = leo.mail(LEO, SUBJECT).await;
    assert!(mail.text.contains(REPLY), "the mail carries the reply:\n{}", mail.text);
    leo.open(&format!("/tickets/{ticket}")).await;
    leo.expect(REPLY).await;
    leo.expect("tray.png").await;
    leo.expect("We are working on it").await;
    assert!(!leo.source().await.contains(NOTE), "the client sees the note");
    assert!(leo.never_mailed(LEO, NOTE), "the client is mailed the note");
    leo.look("ticket-client").await;
    leo.sees_picture("tray.png").await;
}

/// Job 4, what people of other companies see.
async fn stranger(ana: &Person, leo: &Person, ticket: i64) {
    let files = leo.addresses_of("tray.png").await;
    assert!(!files.is_empty());
    let company = create_company(ana, "Harbour & Sons").await;
    let letter = invite(ana, company, GRACE, "Grace", "Lin").await;
    leo.forget().await;
    let grace = leo;
    accept_invitation(grace, GRACE, &letter).await;
    // The browser has shown these to Leo a moment ago, and still must not show them to anybody else.
    for path in files.iter().map(String::as_str).chain([format!("/tickets/{ticket}").as_str()]) {
        grace.is_refused(path, 404).await;
        assert_eq!(grace.fetch(path).await.0, 404, "{path}");
    }
    assert_eq!(grace.fetch(&format!("/api/tickets/{ticket}")).await.0, 404);
    assert_eq!(grace.send(&format!("/tickets/{ticket}/replies"), "body=Hello").await, 404);
    assert_eq!(grace.send(&format!("/tickets/{ticket}/close"), "").await, 404);
    grace.look("missing").await;
}
