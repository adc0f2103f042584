//! The function of this area.

#[tokio::main]
async fn main() -> shared::serve::Exit {
    shared::serve::run(notifications::routes()).await
}
