//! Measures what the project promises about speed, as ratios to ceilings taken in the same run: `make bench`.

mod annotations;
mod boards;
mod ceiling;
mod copying;
mod downloading;
mod importing;
mod load;
mod logins;
mod million;
mod process;
mod report;
mod serving;
mod syncing;
mod writing;

use std::io::{self, Write as _};
use std::process::ExitCode;

use report::Report;

type Case = fn(&mut Report) -> io::Result<()>;

const CASES: &[(&str, Case)] = &[
    ("serving", serving::measure),
    ("annotations", annotations::measure),
    ("writing", writing::measure),
    ("logins", logins::measure),
    ("importing", importing::measure),
    ("syncing", syncing::measure),
    ("million", million::measure),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match wanted.split_first() {
        Some((first, _)) if first == "ceiling-server" => ceiling::serve().map(|()| 0),
        Some((first, rest)) if first == downloading::DOWNLOADER => downloading::download(rest).map(|()| 0),
        _ => measure(&wanted),
    };
    match outcome {
        Ok(0) => ExitCode::SUCCESS,
        Ok(missed) => {
            let _closed = writeln!(io::stdout(), "\n{missed} target(s) missed");
            ExitCode::FAILURE
        }
        Err(error) => {
            let _closed = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

fn measure(wanted: &[String]) -> io::Result<usize> {
    let known: Vec<&str> = CASES.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(io::Error::other(format!(
            "no bench is called '{unknown}'; there are: {}",
            known.join(", ")
        )));
    }
    let mut report = Report::default();
    for (name, case) in CASES {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            case(&mut report)?;
        }
    }
    Ok(report.missed())
}
