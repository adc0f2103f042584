//! The first three jobs of the keyboard walk (interface 7.2) without a pointer, from address to result.

use thirtyfour::Key;

use crate::harness::{House, Mail, Person, Script, journey, picture, scratch};
use crate::steps::*;

#[tokio::test(flavor = "multi_thread")]
async fn without_a_pointer() {
    journey("keys", Script::On, Mail::Mailbox, walk).await;
}

async fn walk(house: &House) {
    let ana = house.person("Ana").await;
    registration(&ana).await;
    code(&ana).await;
    ticket(&ana).await;
    again(&ana).await;
    six_presses(&ana).await;
}

async fn registration(ana: &Person) {
    ana.open("/register").await;
    for (label, text) in [("First name", "Ana"), ("Last name", "Ruiz"), ("Work email", ANA), ("Password", PASSWORD)] {
        if ana.focus().await != label {
            ana.tab_to(label).await;
        }
        ana.type_here(text).await;
    }
    ana.type_into("Company name", "Northstar IT").await;
    ana.enter_on("Create account").await;
    ana.expect_at("/").await;
    // The first stop jumps over the frame.
    ana.tab_to("Skip to content").await;
    ana.key(Key::Enter).await;
}

async fn code(ana: &Person) {
    let mut phone = turn_on_authenticator(ana).await;
    ana.open("/").await;
    ana.tab_to("Ana Ruiz, your account").await;
    ana.key(Key::Enter).await;
    // Esc leaves the menu and gives the focus back.
    ana.key(Key::Escape).await;
    assert_eq!(ana.focus().await, "Ana Ruiz, your account");
    ana.key(Key::Enter).await;
    ana.tab_to("Sign out").await;
    // Space works when the key comes up. The driver sends Enter in two parts, and the page that opens
    // between them would take the second for its own.
    ana.key(Key::Space).await;
    ana.expect_at("/login").await;
    if ana.focus().await != "Email" {
        ana.tab_to("Email").await;
    }
    ana.type_here(ANA).await;
    ana.type_into("Password", PASSWORD).await;
    ana.key(Key::Enter).await;
    ana.expect("Enter your code").await;
    let digits = phone.code().await;
    if ana.focus().await != "Code from your authenticator app" {
        ana.tab_to("Code from your authenticator app").await;
    }
    ana.type_here(&digits).await;
    ana.key(Key::Enter).await;
    ana.expect_at("/").await;
}

async fn ticket(ana: &Person) {
    ana.enter_on("New ticket").await;
    ana.expect_at("/tickets/new").await;
    ana.type_into("Subject", "Keys only").await;
    ana.type_into("Description", "Raised without a mouse.").await;
    ana.tab_to("Attach files").await;
    // The system's own window for choosing a file is beyond a page.
    let folder = scratch("picture");
    ana.attach("Attach files", &picture(&folder, "desk.png")).await;
    ana.enter_on("Create ticket").await;
    ana.expect("Raised without a mouse.").await;
    ana.expect("desk.png").await;
}

async fn again(ana: &Person) {
    ana.open("/tickets").await;
    ana.tab_to("Search subject, text, number").await;
    ana.type_here("keys").await;
    ana.key(Key::Enter).await;
    ana.enter_on("Keys only").await;
    ana.expect("Raised without a mouse.").await;
    ana.type_into("Reply or note", "Found again without a mouse.").await;
    ana.enter_on("Send reply").await;
    ana.expect("Found again without a mouse.").await;
    ana.tab_to("Reply or note").await;
    ana.tab_back_to("Close ticket").await;
    ana.key(Key::Enter).await;
    ana.expect("Closed").await;
}

/// From the dashboard to a solved ticket in six presses, the text apart (interface 2.5).
async fn six_presses(ana: &Person) {
    raise(ana, "Nobody has taken this", "It waits for somebody.", None).await;
    raise(ana, "Taken by nobody either", "It waits longer.", None).await;
    ana.open("/").await;
    ana.expect("Unassigned").await;
    ana.type_here("g").await;
    ana.type_here("u").await;
    ana.expect("Taken by nobody either").await;
    ana.expect("Nobody has taken this").await;
    // The first of the list, without a step to it.
    ana.type_here("o").await;
    ana.expect("It waits longer.").await;
    ana.expect("Assign to me").await;
    ana.type_here("i").await;
    ana.expect("Details saved").await;
    ana.expect_gone("Assign to me").await;
    ana.type_here("r").await;
    ana.expect_focus("Reply or note").await;
    ana.type_here("Done, it works again.").await;
    ana.chord_of_two(Key::Control, Key::Shift, Key::Enter).await;
    ana.expect("set status to Resolved").await;
    ana.expect("Done, it works again.").await;
    // The next one is what remains of the list.
    ana.open("/tickets?assigned=none&state=open").await;
    ana.expect("Nobody has taken this").await;
    assert!(!ana.shows("Taken by nobody either").await, "it is solved");
}
