//! `mastoc-server`: serves a board over HTTP, and looks after its database, its keys and its accounts.

use std::process::ExitCode;

fn main() -> ExitCode {
    mastoc_server_cli::server()
}
