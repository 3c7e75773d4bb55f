//! How a binary ends: exit codes that scripts can rely on, and one line that says why.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// The exit codes that all binaries share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// Done in part: some items failed, and are listed.
    Partial = 1,
    /// The command line, a setting or the environment is wrong. (Argument errors of clap end with 2 as well.)
    Usage = 2,
    /// Conflicts or ambiguous pushes wait for a person.
    Waiting = 3,
    /// Stopped by a safety guard, with nothing changed.
    Guard = 4,
    /// The credentials were refused.
    Credentials = 5,
    /// Another run holds the lock.
    Locked = 6,
    /// Temporary: the remote is down or throttling, or the disk is full. Try later (`EX_TEMPFAIL` of sysexits.h).
    Temporary = 75,
}

impl Exit {
    /// The number that the process ends with.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a binary cannot go on: what happened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the process ends with.
    pub exit: Exit,
    /// What happened, without the word "error" and without a full stop.
    pub message: String,
    /// What the operator can do.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with any exit code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// The command line, a setting or the environment is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Trying again later may help.
    pub fn temporary(message: impl Into<String>) -> Self {
        Self::new(Exit::Temporary, message)
    }

    /// The credentials were refused.
    pub fn credentials(message: impl Into<String>) -> Self {
        Self::new(Exit::Credentials, message)
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the line to standard error and gives the exit code to return from `main`.
    pub fn report(&self) -> ExitCode {
        crate::progress::print_above(format!("{self}\n").as_bytes());
        self.exit.into()
    }
}

impl fmt::Display for Failure {
    /// One line: `error: MESSAGE — HINT`. Line breaks and other control characters become spaces, so that text of a
    /// remote can neither break the line nor steer the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", one_line(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, " — {}", one_line(hint)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

fn one_line(text: &str) -> String {
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    printable.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs the body of a binary and turns its outcome into the exit code, printing a failure as one line.
pub fn run(body: impl FnOnce() -> Result<Exit, Failure>) -> ExitCode {
    let code = match body() {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(),
    };
    // A closed pipe at the very end is nobody's failure.
    drop(io::stdout().flush());
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_scripts_rely_on() {
        let codes = [
            Exit::Done,
            Exit::Partial,
            Exit::Usage,
            Exit::Waiting,
            Exit::Guard,
            Exit::Credentials,
            Exit::Locked,
            Exit::Temporary,
        ];
        assert_eq!(codes.map(Exit::code), [0, 1, 2, 3, 4, 5, 6, 75]);
    }

    #[test]
    fn a_failure_is_one_line_with_a_hint() {
        let failure = Failure::usage("no such gym:\n  \u{1b}[31mabc").hint("list them\nwith --help");
        assert_eq!(failure.to_string(), "error: no such gym: [31mabc — list them with --help");
        assert_eq!(Failure::temporary("down").to_string(), "error: down");
    }

    #[test]
    fn the_outcome_of_the_body_is_the_exit_code() {
        let debug = |code: ExitCode| format!("{code:?}");
        assert_eq!(debug(run(|| Ok(Exit::Waiting))), debug(ExitCode::from(3)));
        assert_eq!(debug(run(|| Err(Failure::credentials("refused")))), debug(ExitCode::from(5)));
    }
}
