//! Collecting what was measured against its target, and printing it as a table.

use std::io::{self, Write as _};

/// The lines measured so far.
#[derive(Default)]
pub(crate) struct Report {
    missed: usize,
}

impl Report {
    /// Says what is measured next.
    pub(crate) fn section(&mut self, title: &str) -> io::Result<()> {
        writeln!(io::stdout(), "\n{title}")
    }

    /// Something worth knowing about the machine.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(io::stdout(), "  ({text})")
    }

    /// One measured line: `ok` tells whether the target is reached.
    pub(crate) fn line(&mut self, name: &str, measured: &str, target: &str, ok: bool) -> io::Result<()> {
        if !ok {
            self.missed += 1;
        }
        let verdict = if ok { "ok" } else { "MISSED" };
        writeln!(io::stdout(), "  {name:<34} {measured:<52} target {target:<22} {verdict}")
    }

    /// A rate against the ceiling of the same run.
    pub(crate) fn share(&mut self, name: &str, ours: f64, ceiling: f64, at_least: f64) -> io::Result<()> {
        let share = ours / ceiling;
        self.line(
            name,
            &format!("{ours:>9.0}/s of {ceiling:>9.0}/s = {:>5.1} %", share * 100.0),
            &format!(">= {:.0} %", at_least * 100.0),
            share >= at_least,
        )
    }

    /// How many targets were missed.
    pub(crate) fn missed(&self) -> usize {
        self.missed
    }
}
