//! Imports over HTTP as runs: one at a time, on record, and no importer that died keeps others waiting for long.

use std::time::{Duration, Instant};

use crate::support::{ENV_KEY, Reply, TestApp, migrate, user};
use mastoc_storage::{RunLock, Store, locks};
use serde_json::{Value, json};

const RUN: &str = "57000000-0000-4000-8000-0000000000a1";
const OTHER: &str = "57000000-0000-4000-8000-0000000000a2";
const ORIGIN: &str = "https://stokt.example";

fn put(app: &TestApp, path: &str, body: &Value) -> Reply {
    let headers = [("x-api-key", ENV_KEY), ("content-type", "application/json")];
    app.call("PUT", &format!("/api/sync/import/runs/{path}"), &headers, body.to_string().as_bytes())
}

fn begin(app: &TestApp, run: &str, lease: u64) -> Reply {
    put(app, run, &json!({"origin": ORIGIN, "lease_seconds": lease}))
}

fn end(app: &TestApp, run: &str) -> Reply {
    put(
        app,
        &format!("{run}/report"),
        &json!({"status": "done", "report": {"ending": "done", "counts": {"climbs": 3}}}),
    )
}

fn write(app: &TestApp, run: &str, n: u32) -> Reply {
    app.post(&format!("/api/sync/import/users/batch?run={run}"), &json!({"users": [user(n)]}))
}

fn last_run(app: &TestApp) -> Value {
    app.get("/api/sync/status").ok()["last_run"].clone()
}

/// Takes the lock as a run beside the server does, as soon as it is free.
fn lock(store: &Store) -> RunLock {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(lock) = RunLock::try_acquire(store, "a run beside the server").unwrap() {
            return lock;
        }
        assert!(Instant::now() < until, "the lock is never free");
        std::thread::yield_now();
    }
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn one_import_runs_at_a_time_and_is_on_record(url: &str) {
        let app = TestApp::start(url);
        assert_eq!(begin(&app, RUN, 60).ok(), json!({"id": RUN, "status": "running"}));
        let status = app.get("/api/sync/status").ok();
        assert_eq!((&status["last_run"]["id"], &status["last_run"]["origin"]), (&json!(RUN), &json!(ORIGIN)));
        assert_eq!(status["lock"]["is_held"], true);
        assert!(status["lock"]["owner"].as_str().unwrap().contains("over HTTP"), "{status}");

        let second = begin(&app, OTHER, 60);
        assert!((1..=61).contains(&second.header("retry-after").parse::<u64>().unwrap()));
        assert!(second.json()["detail"].as_str().unwrap().contains("over HTTP"));
        assert_eq!(second.problem(), (409, "import_running".to_owned()));
        assert_eq!(write(&app, OTHER, 1).problem(), (409, "import_running".to_owned()));
        assert!(RunLock::try_acquire(&app.store, "a run beside the server").unwrap().is_none());

        // The same again is how an importer says that it lives, and clients that know of no runs work as ever.
        assert_eq!(begin(&app, RUN, 60).status, 200);
        assert_eq!(write(&app, RUN, 1).ok()["created"], 1);
        assert_eq!(app.post("/api/sync/import/user", &user(2)).ok()["status"], "created");

        assert_eq!(end(&app, RUN).ok(), json!({"id": RUN, "status": "done"}));
        let run = last_run(&app);
        assert_eq!((&run["status"], &run["counts"]), (&json!("done"), &json!({"climbs": 3})));
        assert!(run["finished_at"].is_string());
        drop(lock(&app.store));
        assert_eq!(end(&app, RUN).status, 200, "the answer was lost, say");
        assert_eq!(last_run(&app), run);
        assert_eq!(write(&app, RUN, 3).problem(), (409, "import_run_over".to_owned()));
        assert_eq!(begin(&app, RUN, 60).problem(), (409, "import_run_over".to_owned()));
        assert_eq!(begin(&app, OTHER, 60).status, 200);
    }

    fn an_import_waits_for_a_run_beside_the_server(url: &str) {
        let app = TestApp::start(url);
        let held = lock(&app.store);
        let refused = begin(&app, RUN, 60);
        assert!(refused.json()["detail"].as_str().unwrap().contains("a run beside the server"));
        assert_eq!(refused.header("retry-after"), "", "nobody knows when that one ends");
        assert_eq!(refused.problem(), (409, "import_running".to_owned()));
        assert_eq!(last_run(&app), Value::Null);
        drop(held);
        assert_eq!(begin(&app, RUN, 60).status, 200);
    }

    fn an_importer_that_fell_silent_loses_its_turn_and_may_go_on_later(url: &str) {
        let app = TestApp::start(url);
        begin(&app, RUN, 1).ok();
        write(&app, RUN, 1).ok();
        let held = lock(&app.store);
        let run = last_run(&app);
        assert_eq!((&run["status"], &run["error"]), (&json!("interrupted"), &json!("the importer fell silent")));
        assert_eq!(write(&app, RUN, 2).problem(), (409, "import_running".to_owned()));
        drop(held);
        assert_eq!(write(&app, RUN, 2).ok()["created"], 1);
        assert_eq!(last_run(&app)["status"], "running");
        assert_eq!(end(&app, RUN).status, 200);
        assert_eq!(last_run(&app)["status"], "done");
    }

    fn an_import_goes_on_after_the_server_was_started_anew(url: &str) {
        let app = TestApp::start(url);
        begin(&app, RUN, 60).ok();
        app.stop();
        let app = TestApp::start(url);
        assert_eq!(last_run(&app)["status"], "interrupted");
        assert_eq!(write(&app, RUN, 1).ok()["created"], 1);
        assert_eq!(begin(&app, OTHER, 60).status, 409);
    }

    fn an_import_whose_lock_was_broken_writes_nothing_more(url: &str) {
        let app = TestApp::start(url);
        begin(&app, RUN, 60).ok();
        locks::break_lock(&app.store, "Anna", "it hangs").unwrap();
        assert_eq!(write(&app, RUN, 1).problem(), (409, "import_run_over".to_owned()));
        assert_eq!(app.get("/api/sync/stats").ok()["users"], 0);
        assert_eq!(begin(&app, RUN, 60).problem(), (409, "import_run_over".to_owned()));
        assert_eq!(end(&app, RUN).status, 200);
        assert_eq!(last_run(&app)["status"], "interrupted", "as the one who broke it left it");
        drop(lock(&app.store));
        assert_eq!(begin(&app, OTHER, 60).status, 200);
    }

    fn what_is_no_run_is_refused(url: &str) {
        let app = TestApp::start(url);
        for body in [
            json!({}), json!({"origin": ""}), json!({"origin": "a\u{7}b"}), json!({"origin": "x".repeat(301)}),
            json!({"origin": ORIGIN, "lease_seconds": 0}), json!({"origin": ORIGIN, "lease_seconds": 301}),
        ] {
            assert_eq!(put(&app, RUN, &body).problem().0, 422, "{body}");
        }
        assert_eq!(begin(&app, "x", 60).problem().0, 422);
        assert_eq!(end(&app, RUN).problem(), (404, "not_found".to_owned()));
        assert_eq!(write(&app, RUN, 1).problem(), (409, "import_run_over".to_owned()));
        begin(&app, RUN, 60).ok();
        for body in [
            json!({"status": "done"}), json!({"status": "running", "report": {}}),
            json!({"status": "done", "report": {"x": [{"a\u{0}": 1}]}}),
        ] {
            assert_eq!(put(&app, &format!("{RUN}/report"), &body).problem().0, 422, "{body}");
        }
        assert_eq!(end(&app, RUN).status, 200);
    }
}
