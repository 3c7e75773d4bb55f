//! How synchronising stands, as admins and Prometheus see it.

use crate::support::{TestApp, migrate};
use mastoc_domain::access::{AccountRole, Scope};
use mastoc_domain::{StoktId, Timestamp};
use mastoc_storage::RunLock;
use mastoc_storage::import::ImportContext;
use mastoc_storage::runs::{self, RunDirection, RunMode, RunStatus};
use serde_json::{Value, json};

const ORIGIN: &str = "https://stokt.example";

/// A run that ends so.
fn run(app: &TestApp, status: RunStatus, report: &Value) -> String {
    let gym = StoktId("57000000-0000-4000-8000-000000000001".parse().unwrap());
    let seen = Timestamp::parse("2025-12-17T10:56:38Z").unwrap();
    let ctx = ImportContext::default();
    let id = app.store.write(|conn| {
        let id = runs::start(conn, RunDirection::Both, RunMode::Full, ORIGIN)?;
        runs::finish(conn, id, status, report)?;
        runs::move_watermark(conn, &ctx, id, ORIGIN, gym, seen)?;
        Ok::<_, mastoc_storage::StoreError>(id)
    });
    id.unwrap().to_string()
}

fn metrics(app: &TestApp) -> String {
    String::from_utf8(app.get("/metrics").body).unwrap()
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn admins_see_how_synchronising_stands(url: &str) {
        let app = TestApp::start(url).with_board();
        let before = app.get("/api/sync/status").ok();
        assert_eq!((&before["last_run"], &before["last_success"], &before["lag_seconds"]), (&Value::Null, &Value::Null, &Value::Null));
        assert_eq!(before["climbs"], json!({"local": 0, "synced": 30, "modified": 0, "conflict": 0, "archived": 0}));
        assert_eq!(before["outbox"], json!({"pending": 0, "unknown": 0, "ambiguous": 0, "rejected": 0}));
        assert_eq!((&before["lock"]["is_held"], &before["lock"]["owner"]), (&json!(false), &Value::Null));

        let done = run(&app, RunStatus::Waiting, &json!({"ending": "waiting", "counts": {"climbs": {"created": 3}}}));
        let failed = run(&app, RunStatus::Failed, &json!({"ending": "failed", "error": "no\u{7}way"}));
        let lock = RunLock::try_acquire(&app.store, "a run").unwrap().unwrap();
        let now = app.get("/api/sync/status").ok();
        assert_eq!((&now["last_run"]["id"], &now["last_run"]["status"]), (&json!(failed), &json!("failed")));
        assert_eq!(now["last_success"]["id"], json!(done), "it did all that could be done");
        assert_eq!(now["last_success"]["counts"], json!({"climbs": {"created": 3}}));
        assert_eq!(now["last_success"]["ending"], "waiting");
        assert_eq!(now["watermarks"].as_array().unwrap().len(), 1);
        assert!(now["lag_seconds"].as_i64().unwrap() > 86_400);
        assert_eq!((&now["lock"]["is_held"], &now["lock"]["owner"]), (&json!(true), &json!("a run")));
        drop(lock);
        assert_eq!(app.get("/api/sync/status").ok()["lock"]["is_held"], false);
    }

    fn it_is_for_admins_alone(url: &str) {
        let app = TestApp::start(url).with_board();
        let (anna, vera) = (app.person("anna"), app.person_with("vera", AccountRole::Admin));
        let path = "/api/sync/status";
        assert_eq!(app.by(&vera, "GET", path, &Value::Null).status, 200);
        assert_eq!(app.by(&anna, "GET", path, &Value::Null).problem(), (403, "forbidden".into()));
        assert_eq!(app.get_as_nobody(path).status, 401);
        let key = app.key(Scope::Sync);
        assert_eq!(app.call("GET", path, &[("x-api-key", &key)], b"").problem(), (403, "scope_too_small".into()));
    }

    fn metrics_tell_of_synchronising_what_is_known(url: &str) {
        let app = TestApp::start(url).with_board();
        let text = metrics(&app);
        assert!(text.contains("mastoc_sync_open_conflicts 0"), "{text}");
        assert!(text.contains("mastoc_sync_outbox{state=\"unknown\"} 0"), "{text}");
        assert!(!text.contains("mastoc_sync_last_success") && !text.contains("mastoc_sync_lag"), "{text}");
        run(&app, RunStatus::Done, &json!({"ending": "done"}));
        let text = metrics(&app);
        let of = |name: &str| -> i64 {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        let now = Timestamp::now().as_utc().timestamp();
        assert!((now - of("mastoc_sync_last_success_timestamp_seconds")).abs() < 600);
        assert!(of("mastoc_sync_lag_seconds") > 86_400);
    }
}
