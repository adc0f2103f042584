//! Whether the worker knows all work.

#[test]
fn every_area_brings_its_work() {
    let jobs = format!("{:?}", worker::jobs());
    for kind in ["email.send", "file.delete", "file.scan", "tickets.notify_created", "tickets.notify_reply"] {
        assert!(jobs.contains(&format!("\"{kind}\"")), "nobody does {kind}: {jobs}");
    }
}
