//! `mastoc-import`: takes whole gyms out of Stokt, with their pictures, into a database or onto a mastoc server.

use std::process::ExitCode;

fn main() -> ExitCode {
    mastoc_sync_cli::import()
}
