//! The JSON of runs and commands against the schemas that document it. Nothing is in the JSON that they do not name.

use std::collections::BTreeSet;

use boon::{Compiler, Schemas};
use mastoc_stokt_sim::{RetryAfter, Rule};
use mastoc_sync_engine::{Decided, Ending};
use mastoc_test_support::{Finished, workspace_root};
use serde_json::{Value, json};

use crate::support::world::World;
use crate::support::{Imported, Place, Source, run, small_board};

fn read(name: &str) -> Value {
    let path = workspace_root().join("docs/schemas").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[track_caller]
fn validate(file: &str, definition: &str, value: &Value) {
    let url = format!("https://mastoc.example.org/{file}");
    let mut compiler = Compiler::new();
    compiler.add_resource(&url, read(file)).unwrap();
    let mut schemas = Schemas::new();
    let schema = compiler.compile(&format!("{url}{definition}"), &mut schemas).unwrap();
    if let Err(error) = schemas.validate(value, schema) {
        panic!("{error:#}\n{value:#}");
    }
}

/// Insists that the report of a synchronisation is as it is documented, and adds up.
#[track_caller]
pub(crate) fn report(run: Imported) -> Imported {
    let run = documented(run);
    adds_up(&run.report);
    run
}

/// Insists that a report is as it is documented.
#[track_caller]
fn documented(run: Imported) -> Imported {
    validate("sync-report.schema.json", "", &run.report);
    run
}

/// Insists that a synchronisation lists every decision that it counts, or says how many it leaves out: those about
/// climbs and lists are counted as such, and of the board all that was written.
#[track_caller]
fn adds_up(report: &Value) {
    let number = |value: &Value| value.as_u64().unwrap();
    let decided: u64 = report["decided"].as_object().unwrap().values().map(number).sum();
    let counts = report["counts"].as_object().unwrap().iter();
    let board = counts.filter(|(kind, _)| !["climbs", "lists"].contains(&kind.as_str()));
    let made: u64 = board
        .flat_map(|(_, tally)| ["created", "updated", "quarantined"].map(|what| number(&tally[what])))
        .sum();
    let listed = report["decisions"].as_array().unwrap().len() as u64;
    assert_eq!((listed, number(&report["decisions_omitted"])), (decided + made, 0), "{report:#}");
}

/// Insists that a command printed what is documented, and answers it.
#[track_caller]
pub(crate) fn command(name: &str, finished: &Finished) -> Value {
    let value = serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("no JSON ({error}): {finished:?}"));
    validate("sync-commands.schema.json", &format!("#/$defs/{name}"), &value);
    value
}

#[test]
fn reports_are_what_the_schema_says() {
    for world in World::both() {
        world.create("Home made", 60);
        world.edit("Own 1", |climb| climb.name = "Ours".into());
        world.edit_there("Own 2", |climb| drop(climb.insert("name".into(), json!("Renamed there"))));
        let dry = report(world.run("both", &["--full", "--all-local", "--dry-run"]).expect(0));
        assert!(dry.report["plan"].is_string() && dry.report["run"].is_null(), "{:#}", dry.report);
        assert!(!dry.report["decisions"].as_array().unwrap().is_empty());
        let done = report(world.run("both", &["--full", "--all-local"]).expect(0));
        assert!(done.report["run"].is_string(), "{:#}", done.report);
        assert_eq!(done.report["decided"]["sent"], 1, "{:#}", done.report);
        report(world.run("stokt-to-mastoc", &[]).expect(0));
        // A conflict, and a climb that is kept aside.
        world.edit("Own 3", |climb| climb.name = "Three here".into());
        world.edit_there("Own 3", |climb| drop(climb.insert("name".into(), json!("Three there"))));
        let waiting = report(world.run("both", &[]).expect(3));
        assert_eq!(waiting.report["decided"]["conflict"], 1, "{:#}", waiting.report);
        world.edit_there("Other 1", |climb| drop(climb.insert("holdsList".into(), json!("S1 T999999"))));
        let partial = report(world.run("stokt-to-mastoc", &["--full"]).expect(1));
        assert!(!partial.report["problems"].as_array().unwrap().is_empty(), "{:#}", partial.report);
    }
}

#[test]
fn a_report_lists_what_it_counts_whatever_the_run_did() {
    for place in Place::both() {
        let mut world = World::on(place);
        // A board that is not there yet; its dry run, and the first pull.
        let empty = Place::both().into_iter().find(|other| other.is_postgres() == world.place.is_postgres());
        let full = world.place;
        world.place = empty.unwrap();
        report(world.run("both", &["--full", "--dry-run"]).expect(0));
        let first = report(world.run("stokt-to-mastoc", &["--full"]).expect(0));
        assert_eq!(first.report["decided"]["created"], 19, "{:#}", first.report);
        world.place = full;
        // A push, and what the next pull observes of it: it counts as written, and nothing is decided.
        let before = world.create("Home made", 60).id;
        let pushed = report(world.run("mastoc-to-stokt", &["--climb-ids", &before.to_string()]).expect(0));
        assert_eq!(pushed.report["decided"], json!({ "sent": 1 }), "{:#}", pushed.report);
        let both = report(world.run("both", &[]).expect(0));
        assert_eq!((both.count("climbs", "updated"), &both.report["decided"]), (1, &json!({})));
        // A climb that is set aside, one that keeps what was changed here, and one that waits for a person.
        world.edit_there("Other 1", |climb| drop(climb.insert("holdsList".into(), json!("S1 T999999"))));
        world.edit("Other 2", |climb| climb.name = "Ours".into());
        world.delete("Other 3");
        world.edit_there("Other 3", |climb| drop(climb.insert("name".into(), json!("Theirs"))));
        for more in [&["--full", "--dry-run"][..], &["--full"], &[]] {
            report(world.run("both", more));
        }
    }
}

#[test]
fn reports_of_runs_that_fail_are_what_the_schema_says() {
    let world = World::on(Place::sqlite());
    let mut refused = world.sync("both", &[]);
    refused.env("STOKT_TOKEN", "wrong");
    report(run(refused).expect(5));
    let mut unknown = world.sync("both", &[]);
    unknown.args(["--gym", "00000000-0000-4000-8000-000000000000"]);
    report(run(unknown).expect(2));
    let guarded = {
        let saved = world.sim.save();
        world.sim.with_board(|board| board.delete_all_climbs());
        let guarded = report(world.run("stokt-to-mastoc", &["--full"]).expect(4));
        world.sim.restore(&saved);
        guarded
    };
    assert!(guarded.report["error"].as_str().unwrap().contains("--max-delete"), "{:#}", guarded.report);
    // It took up its work, and then Stokt takes no more.
    world.sim.faults().push(Rule::throttle(RetryAfter::Seconds(0)).path("/api/gyms/*/climbs"));
    report(world.run("stokt-to-mastoc", &["--full"]).expect(75));
}

#[test]
fn reports_of_imports_are_what_the_schema_says() {
    let sim = small_board().start().unwrap();
    let source = Source::from(&sim);
    let place = Place::sqlite();
    let mut dry = place.import(&source);
    dry.arg("--dry-run");
    documented(run(dry).expect(0));
    documented(run(place.import(&source)).expect(0));
    documented(run(place.import(&source)).expect(0));
}

/// The words that a type can be written as, as its reader names them when it is given another.
fn words_of<T: std::fmt::Debug>(read: serde_json::Result<T>) -> BTreeSet<String> {
    let error = read.unwrap_err().to_string();
    error.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

fn words_in(list: &Value) -> BTreeSet<String> {
    let one = |value: &Value| value.get("const").unwrap_or(value).as_str().map(str::to_owned);
    list.as_array().unwrap().iter().filter_map(one).collect()
}

#[test]
fn every_word_of_a_report_is_documented_and_no_other() {
    let schema = read("sync-report.schema.json");
    let decided = words_of(serde_json::from_value::<Decided>(json!("nonsense")));
    assert!(decided.len() > 15 && decided.contains("ambiguous"), "{decided:?}");
    assert_eq!(words_in(&schema["$defs"]["decided"]["oneOf"]), decided);
    let endings = words_of(serde_json::from_value::<Ending>(json!("nonsense")));
    assert!(endings.contains("waiting"), "{endings:?}");
    assert_eq!(words_in(&schema["properties"]["ending"]["enum"]), endings);
    assert_eq!(
        words_in(&read("sync-commands.schema.json")["$defs"]["past_run"]["properties"]["ending"]["enum"]),
        endings
    );
    // Each ending with its code.
    for rule in schema["allOf"].as_array().unwrap() {
        let ending = rule["if"]["properties"]["ending"]["const"].clone();
        let code = rule["then"]["properties"]["exit_code"]["const"].as_u64().unwrap();
        let ending: Ending = serde_json::from_value(ending).unwrap();
        assert_eq!(u64::from(ending.exit_code()), code, "{ending:?}");
    }
    assert_eq!(schema["allOf"].as_array().unwrap().len(), endings.len());
}

/// An object of a schema that lets fields in that it does not name, or that may lack some that it names.
fn loose(schema: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(fields) = schema.get("properties").filter(|_| schema["type"] == "object") {
        let named: BTreeSet<&str> = fields.as_object().unwrap().keys().map(String::as_str).collect();
        let required: BTreeSet<&str> =
            schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let optional: Vec<&str> = named.difference(&required).copied().collect();
        let is_decision = at.ends_with("/decision") && optional == ["is_private", "name", "why"];
        if schema["additionalProperties"] != false || !(optional.is_empty() || is_decision) {
            found.push(at.to_owned());
        }
    }
    match schema {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, inner)| loose(inner, &format!("{at}/{name}"), found))
        }
        Value::Array(items) => items.iter().for_each(|inner| loose(inner, at, found)),
        _ => {}
    }
}

#[test]
fn the_schemas_leave_nothing_open() {
    for file in ["sync-report.schema.json", "sync-commands.schema.json"] {
        let mut found = Vec::new();
        loose(&read(file), file, &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn the_documentation_names_every_command_s_definition() {
    let text = std::fs::read_to_string(workspace_root().join("docs/sync.md")).unwrap();
    let schema = read("sync-commands.schema.json");
    for definition in schema["anyOf"].as_array().unwrap() {
        let name = definition["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(text.contains(&format!("`{name}`")), "docs/sync.md does not name {name}");
    }
}
