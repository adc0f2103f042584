//! The binary `myportal`.

fn main() -> std::process::ExitCode {
    local_dev::command::main()
}
