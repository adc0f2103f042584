//! A reply appears on the other side's open page while nobody touches it, and a file goes ahead of its form.

use std::time::{Duration, Instant};

use crate::harness::{House, Mail, Script, journey, picture, scratch, wait_for};
use crate::steps::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_appears_on_the_open_page_of_the_other_side() {
    journey("live", Script::On, Mail::Mailbox, live).await;
}

async fn live(house: &House) {
    let ana = house.person("Ana").await;
    register_first(&ana).await;
    let company = create_company(&ana, "Northwind Dental").await;
    let letter = invite(&ana, company, LEO, "Leo", "Marsh").await;
    let leo = house.person("Leo").await;
    accept_invitation(&leo, LEO, &letter).await;
    let ticket = raise(&leo, "Printer in room 4 jams", "It jams on every second page.", None).await;
    let page = format!("/tickets/{ticket}");
    leo.open(&page).await;
    ana.open(&page).await;
    // The streams are open before anything happens.
    tokio::time::sleep(Duration::from_secs(1)).await;
    ana.fill("Reply or note", "Is it plugged in?").await;
    let began = Instant::now();
    ana.press("Send reply").await;
    leo.expect("Is it plugged in?").await;
    println!("on the other page {:.2} s after the press", began.elapsed().as_secs_f64());
    leo.look("ticket-live").await;

    // A picture goes to the bucket at once; the form is sent while it may still be on its way.
    let folder = scratch("upload");
    leo.attach("Attach files", &picture(&folder, "tray.png")).await;
    let sent = wait_for(async || leo.shows("sent").await.then_some(())).await;
    assert!(sent.is_some(), "the picture does not arrive: {}", leo.text().await);
    leo.look("ticket-upload").await;
    leo.fill("Your reply", "Here is a picture.").await;
    leo.press("Send reply").await;
    leo.expect("Reply sent").await;
    leo.sees_picture("tray.png").await;
    ana.expect("Here is a picture.").await;

    // After signing out nothing is told any more, and the page's connection is given back.
    leo.console("live").await;
    sign_out(&leo, "Leo Marsh").await;
}
