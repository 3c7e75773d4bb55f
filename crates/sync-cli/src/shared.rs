//! What both programs need: a client for Stokt by the settings, exit codes, progress on standard error.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use clap::ArgMatches;
use clap::parser::ValueSource;
use mastoc_runtime::args::{StoktCredentials, StoktSettings};
use mastoc_runtime::progress::{self, Reporter};
use mastoc_runtime::{Exit, Failure, interrupt};
use mastoc_sync_engine::{Ending, EngineError, Observer, Report, Step, StoktClient, StoktClientBuilder};

/// A client for Stokt by the settings; they must hold credentials.
pub(crate) fn client_builder(stokt: &StoktSettings) -> Result<StoktClientBuilder, Failure> {
    let builder = StoktClient::builder(stokt.url.as_str()).min_interval(stokt.min_interval);
    Ok(match stokt.require_credentials()? {
        StoktCredentials::Token(token) => builder.token(token.clone()),
        StoktCredentials::Password { username, password } => builder.login(username, password.clone()),
    })
}

/// Lets Ctrl-C stop what the client is used for.
pub(crate) fn stop_on_interrupt(client: &StoktClient) {
    let cancel = client.cancel();
    // In the background of a script or under nohup, signals are taken already. Then a signal ends the process
    // as it ends any other, which a run survives; that is no reason to refuse to run.
    drop(interrupt::on_interrupt(move || cancel.cancel()));
}

/// Prints a text on standard output, and ends with `exit`. A pipe that was closed early is nobody's failure; anything
/// else is told in one line, and ends what would have ended well with another code.
pub(crate) fn print(text: &str, exit: Exit) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let code = if exit == Exit::Done { Exit::Temporary } else { exit };
            Err(Failure::new(code, format!("the result cannot be written: {error}")))
        }
        _ => Ok(exit),
    }
}

/// The exit code of a run, or the error that ended it.
pub(crate) fn ended(report: &Report) -> Result<Exit, Failure> {
    let exit = exit(report.ending);
    match &report.error {
        Some(error) => Err(Failure::new(exit, error)),
        None => Ok(exit),
    }
}

/// What the engine cannot do, as one line and an exit code.
pub(crate) fn failure(error: &EngineError) -> Failure {
    Failure::new(exit(error.ending()), error.to_string())
}

fn exit(ending: Ending) -> Exit {
    match ending {
        Ending::Done => Exit::Done,
        Ending::Partial | Ending::Failed => Exit::Partial,
        Ending::Usage => Exit::Usage,
        Ending::Waiting => Exit::Waiting,
        Ending::Guard => Exit::Guard,
        Ending::Credentials => Exit::Credentials,
        Ending::Locked => Exit::Locked,
        Ending::Temporary | Ending::Interrupted => Exit::Temporary,
    }
}

/// Variables may be set for other programs on this machine, and hold for them as well; flags are meant.
pub(crate) fn is_flag(matches: &ArgMatches, name: &str) -> bool {
    matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// The engine's steps as progress on standard error.
pub(crate) struct Shown {
    reporter: Reporter,
    steps: Mutex<BTreeMap<Step, progress::Step>>,
}

impl Shown {
    /// Shows nothing at all if `quiet`.
    pub(crate) fn new(quiet: bool) -> Self {
        Self { reporter: Reporter::stderr(quiet), steps: Mutex::default() }
    }

    fn with(&self, act: impl FnOnce(&mut BTreeMap<Step, progress::Step>)) {
        act(&mut self.steps.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Observer for Shown {
    fn begin(&self, step: Step, total: Option<u64>) {
        self.with(|steps| drop(steps.insert(step, self.reporter.step(step.name(), total))));
    }

    fn total(&self, step: Step, total: u64) {
        self.with(|steps| {
            steps.get(&step).into_iter().for_each(|shown| shown.set_total(total));
        });
    }

    fn advance(&self, step: Step, items: u64) {
        self.with(|steps| steps.get(&step).into_iter().for_each(|shown| shown.advance(items)));
    }

    fn end(&self, step: Step, outcome: &str) {
        self.with(|steps| steps.remove(&step).into_iter().for_each(|shown| shown.finish(outcome)));
    }
}
