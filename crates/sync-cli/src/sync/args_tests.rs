//! Command lines and what they come to.

use clap::CommandFactory as _;

use super::*;

const ONE: &str = "0190f0a0-0000-7000-8000-000000000001";
const TWO: &str = "0190f0a0-0000-7000-8000-000000000002";

fn parse(args: &[&str]) -> Result<Arguments, String> {
    Arguments::try_parse_from(std::iter::once(&"mastoc-sync").chain(args)).map_err(|error| error.to_string())
}

fn options(args: &[&str]) -> SyncOptions {
    parse(args).unwrap().run.options(Vec::new()).unwrap()
}

fn refusal(args: &[&str]) -> String {
    match parse(args) {
        Err(error) => error,
        Ok(arguments) => match arguments.run.options(Vec::new()) {
            Err(failure) => {
                assert_eq!(failure.exit, mastoc_runtime::Exit::Usage);
                failure.to_string()
            }
            Ok(options) => panic!("{args:?} was taken as {options:?}"),
        },
    }
}

#[test]
fn the_command_line_is_sound() {
    Arguments::command().debug_assert();
    for name in RUN_ONLY {
        let known = Arguments::command().get_arguments().any(|argument| argument.get_id() == name);
        assert!(known, "{name} is an argument");
    }
    // Every argument is either one that commands take as well, or listed as a run's own.
    for argument in Arguments::command().get_arguments() {
        let id = argument.get_id().as_str();
        assert!(argument.is_global_set() != RUN_ONLY.contains(&id), "{id}");
    }
}

#[test]
fn without_a_flag_the_careful_defaults_hold() {
    let wanted = SyncOptions { direction: RunDirection::Both, ..SyncOptions::default() };
    assert_eq!(options(&["--direction", "both"]), wanted);
    assert!(refusal(&[]).contains("--direction stokt-to-mastoc"));
    assert!(refusal(&["--direction", "sideways"]).contains("stokt-to-mastoc"));
}

#[test]
fn every_flag_reaches_the_engine() {
    let options = options(&[
        "--direction",
        "mastoc-to-stokt",
        "--full",
        "--climb-ids",
        &format!("{TWO},{ONE},{TWO}"),
        "--conflict",
        "stokt",
        "--max-delete",
        "20",
        "--allow-delete",
        "--accept-changes",
        "--dry-run",
        "--unknown-settle",
        "0",
        "--gone-after",
        "0.5",
        "--batch-size",
        "7",
    ]);
    let wanted = SyncOptions {
        direction: RunDirection::MastocToStokt,
        full: true,
        selection: Selection::Climbs(vec![ONE.parse().unwrap(), TWO.parse().unwrap()]),
        policy: ConflictPolicy::Stokt,
        max_delete: MaxDelete::Count(20),
        allow_delete: true,
        accept_changes: true,
        dry_run: true,
        unknown_settle: Duration::ZERO,
        gone_after: Duration::from_secs(1800),
        batch_size: 7,
        ..SyncOptions::default()
    };
    assert_eq!(options, wanted);
}

#[test]
fn what_is_sent_is_said_in_one_way() {
    let selection = |args: &[&str]| {
        let args: Vec<&str> = ["--direction", "both"].iter().chain(args).copied().collect();
        options(&args).selection
    };
    assert_eq!(selection(&["--all-local"]), Selection::AllLocal);
    assert_eq!(selection(&["--list", ONE]), Selection::List(ONE.parse().unwrap()));
    assert_eq!(selection(&[]), Selection::Nothing);
    assert!(refusal(&["--direction", "both", "--all-local", "--list", ONE]).contains("cannot be used with"));
    assert!(refusal(&["--direction", "both", "--climb-ids", "7"]).contains("--climb-ids"));
    for sent in [&["--all-local"][..], &["--list", ONE], &["--climb-ids", ONE], &["--allow-delete"]] {
        let args: Vec<&str> = ["--direction", "stokt-to-mastoc"].iter().chain(sent).copied().collect();
        let line = refusal(&args);
        assert!(line.contains(sent[0]) && line.contains("mastoc-to-stokt or both"), "{line}");
    }
}

#[test]
fn what_is_no_id_is_told_what_to_write() {
    let run = |ids: &str| refusal(&["--direction", "both", "--climb-ids", ids]);
    for (line, says) in [
        (run(""), "an id is missing: write our id of the climb, as 0190"),
        (run(&format!("{ONE},")), "an id is missing: write our id of the climb"),
        (run(&format!("{ONE},7")), "'7' for '--climb-ids <ID,...>': write our id of the climb, as 0190"),
        (refusal(&["--direction", "both", "--list", "x"]), "write our id of the list"),
        (refusal(&["resolve", "x", "--take", "mastoc"]), "as mastoc-sync conflicts shows it"),
        (refusal(&["conflicts", "x"]), "as mastoc-sync conflicts shows it"),
        (refusal(&["outbox", "settle", "x", "--send"]), "as mastoc-sync outbox shows it"),
        (refusal(&["outbox", "settle", ONE, "--adopt", "x"]), "write Stokt's id of it"),
        (refusal(&["outbox", "drop", "x"]), "as mastoc-sync outbox shows it"),
        (refusal(&["unlink", "x"]), "write our id of the climb"),
        (refusal(&["counters", "x"]), "write our id of the climb"),
        (refusal(&["mend", "x"]), "write our id of the climb"),
    ] {
        assert!(line.contains(says), "{says:?} is not in {line:?}");
        assert!(!line.contains("invalid length") && !line.contains("invalid character"), "{line}");
    }
    // White space around an id does no harm.
    let spaced = options(&["--direction", "both", "--climb-ids", &format!(" {ONE}, {TWO} ")]);
    assert_eq!(spaced.selection, Selection::Climbs(vec![ONE.parse().unwrap(), TWO.parse().unwrap()]));
}

#[test]
fn the_guard_is_a_number_or_a_share() {
    for (text, wanted) in [
        ("0", MaxDelete::Count(0)),
        ("250", MaxDelete::Count(250)),
        ("3%", MaxDelete::Percent(3)),
        ("100 %", MaxDelete::Percent(100)),
    ] {
        assert_eq!(parse_max_delete(text), Ok(wanted), "{text}");
    }
    for text in ["", "%", "-1", "+5", "101%", "300%", "2.5%", "many", "5 climbs", "5%%"] {
        assert!(parse_max_delete(text).is_err(), "{text}");
    }
}

#[test]
fn times_are_moments_or_days() {
    let since = |text: &str| options(&["--direction", "both", "--since", text]).since.map(|t| t.to_string());
    assert_eq!(since("2026-11-01").as_deref(), Some("2026-11-01T00:00:00.000000Z"));
    assert_eq!(since("2026-11-01T12:00:00+02:00").as_deref(), Some("2026-11-01T10:00:00.000000Z"));
    assert!(refusal(&["--direction", "both", "--since", "yesterday"]).contains("2026-11-01"));
    assert!(refusal(&["--direction", "both", "--since", "2026-11-01", "--full"]).contains("--full"));
}

#[test]
fn lengths_of_time_have_units_and_say_so() {
    let hours = options(&["--direction", "both", "--gone-after", "90s", "--unknown-settle", "2m"]);
    assert_eq!((hours.gone_after, hours.unknown_settle), (Duration::from_secs(90), Duration::from_secs(120)));
    for flag in ["--gone-after", "--unknown-settle"] {
        let line = refusal(&["--direction", "both", flag, "soon"]);
        assert!(line.contains(flag) && line.contains("15m"), "{line}");
    }
    let patience = |args: &[&str]| parse(args).unwrap().run.patience();
    assert_eq!(patience(&[]).unwrap(), Duration::ZERO);
    assert_eq!(patience(&["--wait-lock"]).unwrap(), Duration::MAX);
    assert_eq!(patience(&["--wait-lock", "--full"]).unwrap(), Duration::MAX);
    assert_eq!(patience(&["--wait-lock", "2m"]).unwrap(), Duration::from_secs(120));
    assert!(patience(&["--wait-lock", "long"]).is_err());
}

#[test]
fn a_plan_brings_its_own_options() {
    assert!(parse(&["--apply-plan", "plan.json"]).is_ok());
    assert!(
        parse(&["--apply-plan", "plan.json", "--json", "--wait-lock", "1m", "--batch-size", "9"]).is_ok()
    );
    for other in [
        &["--direction", "both"][..],
        &["--full"],
        &["--since", "2026-01-01"],
        &["--all-local"],
        &["--conflict", "stokt"],
        &["--max-delete", "3"],
        &["--allow-delete"],
        &["--dry-run"],
    ] {
        let args: Vec<&str> = ["--apply-plan", "plan.json"].iter().chain(other).copied().collect();
        assert!(parse(&args).is_err(), "{args:?}");
    }
    assert!(parse(&["--plan", "plan.json", "--direction", "both"]).is_err(), "only a dry run writes a plan");
    assert!(parse(&["--plan", "plan.json", "--direction", "both", "--dry-run"]).is_ok());
}
