//! `mastoc-sync`: synchronises a board with Stokt, both ways, and shows and settles what that leaves to people.

use std::process::ExitCode;

fn main() -> ExitCode {
    mastoc_sync_cli::sync()
}
