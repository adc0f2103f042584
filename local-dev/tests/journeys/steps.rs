//! The steps of the journeys, each in the words that stand on the pages.

use crate::harness::{Letter, Person, Phone, Script};

/// A password nobody else uses.
pub const PASSWORD: &str = "four red lanterns at the quay";

/// The administrator's address.
pub const ANA: &str = "ana@northstar.example";

/// The address of somebody at another company.
pub const GRACE: &str = "grace@harbour.example";

/// The client's address.
pub const LEO: &str = "leo@northwind.example";

/// Job 1: the first visit leads to registration, and registration to the portal.
pub async fn register_first(ana: &Person) {
    ana.open("/").await;
    ana.expect_at("/register").await;
    ana.expect("Create super administrator").await;
    ana.fill("First name", "Ana").await;
    ana.fill("Last name", "Ruiz").await;
    ana.fill("Work email", ANA).await;
    ana.fill("Password", PASSWORD).await;
    ana.fill("Company name", "Northstar IT").await;
    ana.press("Create account").await;
    ana.expect_at("/").await;
}

/// Signs out through the menu of the person.
pub async fn sign_out(person: &Person, name: &str) {
    person.press(&format!("{name}, your account")).await;
    person.press("Sign out").await;
    person.expect_at("/login").await;
}

/// Gives address and password on the sign-in page.
pub async fn give_password(person: &Person, email: &str) {
    person.open("/login").await;
    person.fill("Email", email).await;
    person.fill("Password", PASSWORD).await;
    person.press("Sign in").await;
}

/// Signs in somebody without an authenticator.
pub async fn sign_in(person: &Person, email: &str) {
    give_password(person, email).await;
    person.expect_at("/").await;
}

/// Gives the code on the second page of signing in.
pub async fn give_code(person: &Person, code: &str) {
    person.expect("Enter your code").await;
    person.fill("Code from your authenticator app", code).await;
    person.press("Sign in").await;
}

/// Job 2, first half: shows the QR code to a phone and proves it with a code.
pub async fn turn_on_authenticator(ana: &Person) -> Phone {
    let phone = prove_authenticator(ana, show_qr_code(ana).await).await;
    ana.follow("I have kept them").await;
    ana.expect("Ana’s phone").await;
    phone
}

/// Goes to the QR code and scans it.
pub async fn show_qr_code(ana: &Person) -> Phone {
    ana.press("Ana Ruiz, your account").await;
    ana.follow("Password and security").await;
    ana.follow("Add authenticator").await;
    ana.press("Show QR code").await;
    ana.expect("Scan the code").await;
    Phone::scan(&ana.scan().await)
}

/// Proves the phone with a code, which leads to the recovery codes.
pub async fn prove_authenticator(ana: &Person, mut phone: Phone) -> Phone {
    ana.fill("Device name", "Ana’s phone").await;
    ana.fill("Code", &phone.code().await).await;
    ana.press("Add authenticator").await;
    ana.expect("Your recovery codes").await;
    phone
}

/// Job 3, first half: a company.
pub async fn create_company(ana: &Person, name: &str) -> i64 {
    ana.open("/").await;
    ana.follow("Administration").await;
    ana.follow("Companies").await;
    ana.follow("New company").await;
    ana.fill("Company name", name).await;
    ana.press("Create company").await;
    ana.expect("Invite person").await;
    last_number(&ana.at().await)
}

/// Job 3, second half: a person of it, by mail.
pub async fn invite(ana: &Person, company: i64, email: &str, first: &str, last: &str) -> Letter {
    ana.open(&format!("/admin/companies/{company}")).await;
    ana.follow("Invite person").await;
    ana.fill("Email", email).await;
    ana.fill("First name", first).await;
    ana.fill("Last name", last).await;
    ana.press("Send invitation").await;
    ana.expect(email).await;
    ana.mail(email, "You are invited").await
}

/// The invited person sets a password from the mail's link and signs in; without script the code of the
/// link is typed in.
pub async fn accept_invitation(person: &Person, email: &str, letter: &Letter) {
    let link = letter.link("#token=");
    let token = link.split("#token=").nth(1).unwrap_or_default();
    person.open(&link).await;
    if person.script == Script::Off {
        person.fill("Code from your email", token).await;
    }
    person.fill("New password", PASSWORD).await;
    person.fill("New password again", PASSWORD).await;
    person.press("Save password").await;
    person.expect_at("/login").await;
    sign_in(person, email).await;
}

/// Answers so that the client reads it.
pub async fn reply(person: &Person, text: &str) {
    person.tick("Public reply").await;
    person.fill("Reply or note", text).await;
    person.press("Send reply").await;
    person.expect(text).await;
}

/// Notes something that only technicians see.
pub async fn note(person: &Person, text: &str) {
    person.tick("Internal note").await;
    person.fill("Reply or note", text).await;
    person.press("Add internal note").await;
    person.expect(text).await;
}

/// Job 4: a ticket with a picture.
pub async fn raise(person: &Person, subject: &str, text: &str, picture: Option<&std::path::Path>) -> i64 {
    person.open("/tickets/new").await;
    person.fill("Subject", subject).await;
    person.fill("Description", text).await;
    if let Some(picture) = picture {
        person.attach("Attach files", picture).await;
        if person.script == Script::On {
            person.expect(&picture.file_name().unwrap().to_string_lossy()).await;
        }
    }
    person.press("Create ticket").await;
    person.expect(subject).await;
    person.expect(text).await;
    last_number(&person.at().await)
}

/// The number at the end of a path.
fn last_number(path: &str) -> i64 {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').find_map(|part| part.parse().ok()).unwrap_or_else(|| panic!("no number in {path}"))
}
