//! The function that the scheduler calls every minute.

#[tokio::main]
async fn main() -> shared::serve::Exit {
    shared::serve::run_worker(worker::jobs()).await
}
