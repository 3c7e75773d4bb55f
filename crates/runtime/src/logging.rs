//! Logs on standard error: one readable line per event, or JSON on request.

use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::exit::Failure;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Time, level, message and fields on one line, for people.
    #[default]
    Text,
    /// One JSON object per line, for machines.
    Json,
}

/// Starts logging to standard error. Lines and progress bars do not tear each other. `filter` is in the language of
/// tracing-subscriber, such as `info` or `info,mastoc_storage=debug`.
///
/// # Errors
/// A [`Failure`] if the filter does not parse, or logging was started before.
pub fn init(format: LogFormat, filter: &str) -> Result<(), Failure> {
    let filter = parse_filter(filter)?;
    let colour = io::stderr().is_terminal() && crate::settings::env("NO_COLOR").is_none();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(AboveBars);
    let started = match format {
        LogFormat::Text => builder.compact().with_target(false).with_ansi(colour).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_ansi(false).try_init(),
    };
    started.map_err(|error| Failure::usage(format!("cannot start logging: {error}")))
}

fn parse_filter(filter: &str) -> Result<EnvFilter, Failure> {
    EnvFilter::builder().parse(filter).map_err(|error| {
        Failure::usage(format!("the log filter {filter:?} is not valid: {error}"))
            .hint("use a level such as info, or info,mastoc_storage=debug")
    })
}

/// Hands out writers that put each line above the progress bars.
#[derive(Debug, Clone, Copy)]
struct AboveBars;

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        crate::progress::print_above(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for AboveBars {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_parse_or_say_how() {
        assert!(parse_filter("info,mastoc_storage=debug").is_ok());
        let failure = parse_filter("mastoc=loudly").unwrap_err();
        assert!(failure.to_string().contains("loudly") && failure.hint.is_some(), "{failure}");
    }
}
