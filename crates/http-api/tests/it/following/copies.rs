//! Copies of a board: one that follows the feed, and one that is read in full.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::TestApp;

/// Somebody who reads.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) name: String,
    /// The header with their credentials.
    pub(crate) header: (&'static str, String),
}

impl Reader {
    fn get(&self, app: &TestApp, path: &str) -> Value {
        app.call("GET", path, &[(self.header.0, &self.header.1)], b"").ok()
    }

    fn post(&self, app: &TestApp, path: &str, body: &Value) -> Value {
        let headers = [(self.header.0, self.header.1.as_str()), ("content-type", "application/json")];
        app.call("POST", path, &headers, body.to_string().as_bytes()).ok()
    }

    /// All results of a list, page after page.
    fn all(&self, app: &TestApp, path: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let sign = if path.contains('?') { '&' } else { '?' };
        for page in 1.. {
            let answer = self.get(app, &format!("{path}{sign}page_size=100&page={page}"));
            let results = answer["results"].as_array().unwrap();
            found.extend(results.iter().cloned());
            if results.len() < 100 {
                break;
            }
        }
        found
    }
}

/// Rows by kind and id.
pub(crate) type Rows = BTreeMap<(String, String), Value>;

/// The kinds of rows in the feed: the key of their list, the word of their deletion, and the field that names them.
const KINDS: &[(&str, &str, &str)] = &[
    ("gyms", "gym", "id"),
    ("walls", "wall", "id"),
    ("faces", "face", "id"),
    ("holds", "hold", "id"),
    ("users", "user", "id"),
    ("climbs", "climb", "id"),
    ("annotations", "annotation", "hold_id"),
    ("lists", "list", "id"),
    ("social", "social", "climb_id"),
    ("comments", "comment", "id"),
    ("ascents", "ascent", "id"),
];

fn id_of(row: &Value, field: &str) -> String {
    row[field].as_str().map_or_else(|| row[field].to_string(), str::to_owned)
}

/// A reader's copy.
pub(crate) struct Copy {
    pub(crate) who: Reader,
    rows: Rows,
    cursor: String,
}

impl Copy {
    pub(crate) fn of(who: Reader) -> Self {
        Self { who, rows: Rows::new(), cursor: "0".to_owned() }
    }

    /// Follows to the end, in steps of some size.
    pub(crate) fn follow(&mut self, app: &TestApp, step: usize) {
        loop {
            let page = self.who.get(app, &format!("/api/changes?limit={step}&since={}", self.cursor));
            for change in ["created", "updated"] {
                let rows = page[change].as_object().unwrap();
                assert_eq!(rows.len(), KINDS.len(), "{:?}", rows.keys());
                for (list, kind, field) in KINDS {
                    for row in rows[*list].as_array().unwrap() {
                        self.rows.insert(((*kind).to_owned(), id_of(row, field)), row.clone());
                    }
                }
            }
            for gone in page["deleted"].as_array().unwrap() {
                self.rows.remove(&(
                    gone["entity"].as_str().unwrap().to_owned(),
                    gone["id"].as_str().unwrap().to_owned(),
                ));
            }
            page["next_cursor"].as_str().unwrap().clone_into(&mut self.cursor);
            if page["has_more"] == false {
                break;
            }
        }
    }

    /// The rows without those that say nothing: a hold that nobody speaks of any more, a climb whose last like went.
    pub(crate) fn without_silence(&self) -> Rows {
        silenced(self.rows.clone())
    }

    /// The same, read in full.
    pub(crate) fn full_read(&self, app: &TestApp) -> Rows {
        let mut rows = Rows::new();
        let mut put = |kind: &str, field: &str, found: Vec<Value>| {
            for row in found {
                rows.insert((kind.to_owned(), id_of(&row, field)), row);
            }
        };
        let who = &self.who;
        let gyms = who.get(app, "/api/gyms")["results"].as_array().unwrap().clone();
        for gym in &gyms {
            let gym = who.get(app, &format!("/api/gyms/{}", gym["id"].as_str().unwrap()));
            put("wall", "id", gym["walls"].as_array().unwrap().clone());
        }
        put("gym", "id", gyms);
        let faces = who.get(app, "/api/faces").as_array().unwrap().clone();
        for face in &faces {
            let holds = who.get(app, &format!("/api/holds?face_id={}", face["id"].as_str().unwrap()));
            let holds = holds["results"].as_array().unwrap().clone();
            let ids: Vec<&Value> = holds.iter().map(|hold| &hold["id"]).collect();
            let said = who.post(app, "/api/holds/annotations/batch", &json!({"hold_ids": ids}));
            let said = said["annotations"].as_object().unwrap().values().cloned().collect();
            put("annotation", "hold_id", said);
            put("hold", "id", holds);
        }
        put("face", "id", faces);
        put("user", "id", who.all(app, "/api/setters"));
        let climbs = who.all(app, "/api/climbs");
        for climb in &climbs {
            let path = format!("/api/climbs/{}", climb["id"].as_str().unwrap());
            put("social", "climb_id", vec![who.get(app, &format!("{path}/social"))]);
            put("comment", "id", who.all(app, &format!("{path}/comments")));
            put("ascent", "id", who.all(app, &format!("{path}/ascents")));
        }
        put("climb", "id", climbs);
        if who.header.0 == "authorization" {
            // Also those of climbs that are somebody else's own by now.
            put("ascent", "id", who.all(app, "/api/users/me/ascents"));
        }
        let mut lists = who.all(app, "/api/lists");
        for list in &mut lists {
            let items = who.all(app, &format!("/api/lists/{}/items", list["id"].as_str().unwrap()));
            list["items"] = Value::Array(items);
        }
        put("list", "id", lists);
        silenced(rows)
    }
}

/// What two copies say differently.
pub(crate) fn differences(copy: &Rows, full: &Rows) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = copy.keys().chain(full.keys()).collect();
    keys.into_iter()
        .filter(|key| copy.get(*key) != full.get(*key))
        .map(|key| format!("{key:?}\n  copy: {:?}\n  full: {:?}", copy.get(key), full.get(key)))
        .collect()
}

fn silenced(mut rows: Rows) -> Rows {
    for ((kind, _), row) in &mut rows {
        let Some(fields) = row.as_object_mut() else { continue };
        match kind.as_str() {
            // The copy has the climb itself.
            "ascent" => {
                fields.remove("climb_name");
                fields.remove("grade_font");
            }
            "list" => {
                for item in fields["items"].as_array_mut().unwrap() {
                    item.as_object_mut().unwrap().remove("climb");
                }
            }
            _ => {}
        }
    }
    rows.retain(|(kind, _), row| match kind.as_str() {
        "annotation" => row["consensus"]["total_annotators"] != 0,
        "social" => {
            ["likes", "comments", "ascents"].iter().any(|count| row[count] != 0) || row["bookmarked"] == true
        }
        _ => true,
    });
    rows
}
