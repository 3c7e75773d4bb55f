//! `stokt-sim`: serves a stand-in for Stokt until it is told to stop.

mod arguments;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use mastoc_stokt_sim::Sim;
use tokio::signal::unix::{SignalKind, signal};

use arguments::Arguments;

fn announce(sim: &Sim, ready_file: Option<&Path>) -> io::Result<()> {
    let (url, username, password, token) = (sim.base_url(), sim.username(), sim.password(), sim.token());
    let mut out = io::stdout().lock();
    writeln!(out, "stokt-sim listening on {url}")?;
    writeln!(
        out,
        "  username {username}\n  password {password}\n  token    {token}\n  gym      {}",
        sim.gym_id()
    )?;
    out.flush()?;
    ready_file.map_or(Ok(()), |path| sim.write_ready_file(path))
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let ready_file = arguments.ready_file.clone();
    let sim = arguments.into_builder().start()?;
    announce(&sim, ready_file.as_deref())?;
    tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} }
    Ok(())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ran = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(arguments)));
    let Err(error) = ran else { return ExitCode::SUCCESS };
    let _ = writeln!(io::stderr(), "stokt-sim: {error}");
    ExitCode::FAILURE
}
