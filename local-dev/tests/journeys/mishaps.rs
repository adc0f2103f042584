//! What people do that nobody planned: pressing twice, going back, sending half a form.

use crate::harness::{House, Mail, Person, Script, journey};
use crate::steps::*;

#[tokio::test(flavor = "multi_thread")]
async fn pressing_twice_going_back_and_half_a_form() {
    journey("mishaps", Script::On, Mail::Mailbox, mishaps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_without_script() {
    journey("mishaps-plain", Script::Off, Mail::Mailbox, mishaps).await;
}

async fn mishaps(house: &House) {
    let ana = house.person("Ana").await;
    register_first(&ana).await;

    // Half a form comes back with what was typed.
    ana.open("/tickets/new").await;
    ana.fill("Description", "A long story that nobody wants to type again.").await;
    ana.press("Create ticket").await;
    ana.expect("There is a problem").await;
    assert_eq!(ana.value("Description").await, "A long story that nobody wants to type again.");

    // Two presses are one ticket.
    ana.fill("Subject", "Pressed twice").await;
    ana.double_press("Create ticket").await;
    ana.expect("Pressed twice").await;
    ana.expect_gone("Create ticket").await;
    ana.open("/tickets?q=pressed").await;
    ana.expect("Pressed twice").await;
    let text = ana.text().await;
    assert_eq!(text.matches("Pressed twice").count(), 1, "one press too many: {text}");

    // Back shows what is true now, and forward too.
    ana.follow("Pressed twice").await;
    ana.expect("A long story").await;
    ana.back().await;
    ana.expect_at("/tickets").await;
    ana.expect("Pressed twice").await;
    assert_eq!(ana.at().await, "/tickets?q=pressed");
    ana.console("mishaps").await;
    if ana.script == Script::On {
        unsaved(&ana).await;
    }

    // After signing out, Back shows nothing of it.
    sign_out(&ana, "Ana Ruiz").await;
    ana.back().await;
    ana.expect_gone("Pressed twice").await;
}

/// Leaving changed settings is asked about; leaving saved ones, or settings as they were, is not.
async fn unsaved(ana: &Person) {
    let asks = async || {
        let leave =
            "const e = new Event('beforeunload', {cancelable: true}); dispatchEvent(e); return e.defaultPrevented";
        ana.ask(leave, &[]).await == true
    };
    ana.open("/notifications/settings").await;
    assert!(!asks().await, "nothing has changed yet");
    let first = "document.querySelector('#settings input[type=checkbox][name=email]')";
    let _ = ana.ask(&format!("{first}.click()"), &[]).await;
    assert!(asks().await, "a change would be lost without a word");
    let _ = ana.ask("document.querySelector('#settings').requestSubmit()", &[]).await;
    ana.expect("Notification settings saved").await;
    assert!(!asks().await, "what is saved can be left");
}
