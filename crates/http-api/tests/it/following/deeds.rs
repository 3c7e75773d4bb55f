//! What people do to a board, at random: everything that can be written, by three people and the service.

use std::collections::BTreeMap;

use mastoc_domain::access::{AccountRole, Scope};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::copies::{Copy, Reader};
use crate::support::{ENV_KEY, Person, TestApp};

/// One deed: who, what, and to which things; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    who: usize,
    what: usize,
    first: usize,
    second: usize,
    flag: bool,
}

pub(crate) fn deeds() -> impl Strategy<Value = Deed> {
    (0..3_usize, 0..WHAT.len(), any::<u16>(), any::<u16>(), any::<bool>()).prop_map(
        |(who, what, first, second, flag)| Deed {
            who,
            what,
            first: first.into(),
            second: second.into(),
            flag,
        },
    )
}

/// Everything that is done; some things more often.
const WHAT: &[&str] = &[
    "set a climb",
    "set a climb",
    "rename a climb",
    "show or hide a climb",
    "show or hide a climb",
    "rehold a climb",
    "delete a climb",
    "note on a climb",
    "make a project",
    "annotate",
    "annotate",
    "annotate",
    "unsay",
    "close a report",
    "make a list",
    "make a list",
    "show or hide a list",
    "rename a list",
    "delete a list",
    "add an item",
    "add an item",
    "add an item",
    "mark an item",
    "remove an item",
    "order a list",
    "follow",
    "unfollow",
    "share",
    "follow a link",
    "revoke",
    "log an ascent",
    "log an ascent",
    "change an ascent",
    "delete an ascent",
    "like",
    "like",
    "unlike",
    "bookmark",
    "unbookmark",
    "comment",
    "comment",
    "change a comment",
    "delete a comment",
    "rename oneself",
    "make a gym",
    "rename a gym",
    "make a wall",
    "make a face",
    "add a hold",
    "retire a hold",
    "restore a hold",
    "move a hold",
    "import a climb",
    "import a setter",
];

/// What people do to things of others.
const EVERYBODYS: &[&str] = &[
    "note on a climb",
    "make a project",
    "follow",
    "unfollow",
    "follow a link",
    "log an ascent",
    "like",
    "unlike",
    "bookmark",
    "unbookmark",
    "comment",
];

/// The people, and what they know of the board.
pub(crate) struct World {
    people: Vec<Person>,
    face: String,
    holds: Vec<i64>,
    climbs: Vec<String>,
    lists: Vec<String>,
    ascents: Vec<String>,
    comments: Vec<String>,
    gyms: Vec<String>,
    faces: Vec<String>,
    own_holds: Vec<i64>,
    links: Vec<(String, String)>,
    /// Who made what.
    owners: BTreeMap<String, usize>,
    /// How often each kind of deed succeeded.
    done: BTreeMap<&'static str, usize>,
    number: usize,
}

fn ids(page: &Value) -> Vec<String> {
    page["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn pick<T: Clone>(from: &[T], number: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[number % from.len()].clone())
}

impl World {
    pub(crate) fn of(app: &TestApp) -> Self {
        let face = app.get("/api/faces").ok()[0]["id"].as_str().unwrap().to_owned();
        let holds = app.get(&format!("/api/holds?face_id={face}")).ok();
        let holds =
            holds["results"].as_array().unwrap().iter().map(|hold| hold["id"].as_i64().unwrap()).collect();
        Self {
            people: vec![app.person("anna"), app.person("ben"), app.person_with("vera", AccountRole::Admin)],
            face,
            holds,
            climbs: ids(&app.get("/api/climbs?page_size=8").ok()),
            lists: Vec::new(),
            ascents: Vec::new(),
            comments: Vec::new(),
            gyms: Vec::new(),
            faces: Vec::new(),
            own_holds: Vec::new(),
            links: Vec::new(),
            owners: BTreeMap::new(),
            done: BTreeMap::new(),
            number: 0,
        }
    }

    /// A climb that nobody but ben sees, and the first that ben sets.
    pub(crate) fn private_climb_of_ben(&self, app: &TestApp) -> String {
        let holds_list = format!("S{} T{}", self.holds[0], self.holds[1]);
        let body = json!({"face_id": self.face, "name": "Secret", "grade_font": "6A", "holds_list": holds_list, "is_private": true});
        let reply = app.by(&self.people[1], "POST", "/api/climbs", &body);
        assert_eq!(reply.status, 201);
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn ben_deletes(&self, app: &TestApp, climb: &str) {
        let reply = app.by(&self.people[1], "DELETE", &format!("/api/climbs/{climb}"), &Value::Null);
        assert_eq!(reply.status, 204);
    }

    /// Everybody who keeps a copy: each person, a key that sees the public, and one that sees all.
    pub(crate) fn readers(&self, app: &TestApp) -> Vec<Copy> {
        let mut readers: Vec<Reader> = ["anna", "ben", "vera"]
            .into_iter()
            .zip(&self.people)
            .map(|(name, person)| Reader {
                name: name.to_owned(),
                header: ("authorization", person.bearer()),
            })
            .collect();
        for scope in [Scope::Read, Scope::Sync] {
            readers.push(Reader { name: format!("a {scope} key"), header: ("x-api-key", app.key(scope)) });
        }
        readers.into_iter().map(Copy::of).collect()
    }

    /// Insists that nearly every kind of deed succeeded at least once.
    pub(crate) fn was_eventful(&self) {
        let mut never: Vec<&str> =
            WHAT.iter().copied().filter(|what| !self.done.contains_key(what)).collect();
        never.dedup();
        assert!(never.len() <= WHAT.len() / 6, "these never succeeded: {never:?}; {:?}", self.done);
    }

    fn holds_list(&self, deed: &Deed) -> String {
        let at = |step: usize| self.holds[(deed.first + deed.second * step) % self.holds.len()];
        let (start, top) = (at(0), at(1));
        let mut list = format!("S{start} T{top}");
        let foot = at(3);
        if foot != start && foot != top {
            list += &format!(" F{foot}");
        }
        list
    }

    /// Does one thing; whether it is refused is for the server to say, but it must not fail.
    pub(crate) fn does(&mut self, app: &TestApp, deed: &Deed) {
        self.number += 1;
        let what = WHAT[deed.what];
        let Some((method, path, body)) = self.request(what, deed) else { return };
        // Mostly, things are changed by those whose they are; now and then somebody else tries.
        let owner = path.split('/').nth(3).and_then(|id| self.owners.get(id));
        let who = owner
            .copied()
            .filter(|_| !deed.second.is_multiple_of(5) && !EVERYBODYS.contains(&what))
            .unwrap_or(deed.who);
        let reply = match method {
            "IMPORT" => {
                let headers = [("x-api-key", ENV_KEY), ("content-type", "application/json")];
                app.call("POST", &path, &headers, body.to_string().as_bytes())
            }
            method => app.by(&self.people[who], method, &path, &body),
        };
        assert!(
            reply.status < 500 && reply.status != 401,
            "{what}: {method} {path} {body}: {} {}",
            reply.status,
            String::from_utf8_lossy(&reply.body)
        );
        if !matches!(reply.status, 200 | 201 | 204) {
            return;
        }
        *self.done.entry(what).or_default() += 1;
        if reply.status == 201
            && let Some(id) = reply.json()["id"].as_str()
        {
            self.owners.insert(id.to_owned(), who);
        }
        let made = || reply.json()["id"].as_str().unwrap().to_owned();
        match what {
            "set a climb" => self.climbs.push(made()),
            "make a list" => self.lists.push(made()),
            "log an ascent" => self.ascents.push(made()),
            "comment" => self.comments.push(made()),
            "make a gym" => self.gyms.push(made()),
            "make a face" => self.faces.push(made()),
            "share" => {
                let list = path.split('/').nth(3).unwrap().to_owned();
                self.links.push((list, reply.json()["token"].as_str().unwrap().to_owned()));
            }
            "add a hold" => {
                let told = reply.json();
                let holds = told["holds"].as_array().or_else(|| told["results"].as_array()).unwrap();
                self.own_holds.extend(holds.iter().map(|hold| hold["id"].as_i64().unwrap()));
            }
            _ => {}
        }
    }

    #[expect(clippy::too_many_lines, reason = "one line or two for each deed")]
    fn request(&self, what: &str, deed: &Deed) -> Option<(&'static str, String, Value)> {
        let Deed { first, second, flag, .. } = *deed;
        let climb = || pick(&self.climbs, first).map(|id| format!("/api/climbs/{id}"));
        let list = || pick(&self.lists, first).map(|id| format!("/api/lists/{id}"));
        // Few of them, so that what people say meets.
        let hold = || pick(&self.holds, first % 4).map(|id| format!("/api/holds/{id}"));
        let own_hold = || pick(&self.own_holds, first).map(|id| format!("/api/holds/{id}"));
        let item = || {
            let climb = pick(&self.climbs, second % 3)?;
            Some(format!("{}/items/{climb}", list()?))
        };
        let number = self.number;
        let nothing = Value::Null;
        Some(match what {
            "set a climb" => {
                let body = json!({"face_id": self.face, "name": format!("Bloc {number}"), "grade_font": "6A",
                    "holds_list": self.holds_list(deed), "is_private": flag});
                ("POST", "/api/climbs".to_owned(), body)
            }
            "rename a climb" => {
                ("PATCH", climb()?, json!({"name": format!("Autre {number}"), "grade_font": "7A"}))
            }
            "show or hide a climb" => ("PATCH", climb()?, json!({"is_private": flag})),
            "rehold a climb" => ("PATCH", climb()?, json!({"holds_list": self.holds_list(deed)})),
            "delete a climb" => ("DELETE", climb()?, nothing),
            "note on a climb" => ("PATCH", climb()?, json!({"personal_notes": format!("note {number}")})),
            "make a project" => {
                ("PATCH", climb()?, json!({"is_project": flag, "personal_rating": 1 + second % 5}))
            }
            "annotate" => {
                let condition = ["sale", "tournee", "ok"][second % 3];
                let grip = if flag { json!("bac") } else { json!("plat") };
                let body = json!({"condition": condition, "grip_type": grip, "notes": format!("n {number}")});
                ("PUT", format!("{}/annotations", hold()?), body)
            }
            "unsay" => ("DELETE", format!("{}/annotations", hold()?), nothing),
            "close a report" => ("POST", format!("{}/maintenance/close", hold()?), json!({})),
            "make a list" => {
                let body =
                    json!({"name": format!("List {number}"), "list_type": "circuit", "is_public": flag});
                ("POST", "/api/lists".to_owned(), body)
            }
            "show or hide a list" => ("PATCH", list()?, json!({"is_public": flag})),
            "rename a list" => ("PATCH", list()?, json!({"name": format!("Renamed {number}")})),
            "delete a list" => ("DELETE", list()?, nothing),
            "add an item" => {
                let body =
                    json!({"climb_id": pick(&self.climbs, second % 3)?, "notes": format!("i {number}")});
                ("POST", format!("{}/items", list()?), body)
            }
            "mark an item" => ("PATCH", item()?, json!({"status": if flag { "done" } else { "todo" }})),
            "remove an item" => ("DELETE", item()?, nothing),
            "order a list" => {
                let two = [pick(&self.climbs, second % 3)?, pick(&self.climbs, (second + 1) % 3)?];
                ("PUT", format!("{}/order", list()?), json!({"climb_ids": two}))
            }
            "follow" => ("PUT", format!("{}/follow", list()?), nothing),
            "unfollow" => ("DELETE", format!("{}/follow", list()?), nothing),
            "share" => ("POST", format!("{}/share", list()?), json!({})),
            "follow a link" => {
                let (list, token) = pick(&self.links, first)?;
                ("PUT", format!("/api/lists/{list}/follow"), json!({"token": token}))
            }
            "revoke" => ("DELETE", format!("{}/share", list()?), nothing),
            "log an ascent" => {
                let body = json!({"attempts": 1 + second % 4, "rating": 1 + second % 5, "notes": format!("a {number}")});
                ("POST", format!("{}/ascents", climb()?), body)
            }
            "change an ascent" => (
                "PATCH",
                format!("/api/ascents/{}", pick(&self.ascents, first)?),
                json!({"notes": format!("c {number}")}),
            ),
            "delete an ascent" => {
                ("DELETE", format!("/api/ascents/{}", pick(&self.ascents, first)?), nothing)
            }
            "like" => ("PUT", format!("{}/like", climb()?), nothing),
            "unlike" => ("DELETE", format!("{}/like", climb()?), nothing),
            "bookmark" => ("PUT", format!("{}/bookmark", climb()?), nothing),
            "unbookmark" => ("DELETE", format!("{}/bookmark", climb()?), nothing),
            "comment" => {
                ("POST", format!("{}/comments", climb()?), json!({"text": format!("Belle {number} !")}))
            }
            "change a comment" => (
                "PATCH",
                format!("/api/comments/{}", pick(&self.comments, first)?),
                json!({"text": format!("Bof {number}")}),
            ),
            "delete a comment" => {
                ("DELETE", format!("/api/comments/{}", pick(&self.comments, first)?), nothing)
            }
            "rename oneself" => {
                ("PATCH", "/api/users/me".to_owned(), json!({"full_name": format!("Somebody {number}")}))
            }
            "make a gym" => {
                ("POST", "/api/gyms".to_owned(), json!({"display_name": format!("Pan {number}")}))
            }
            "rename a gym" => {
                let path = format!("/api/gyms/{}", pick(&self.gyms, first)?);
                ("PATCH", path, json!({"display_name": format!("Mur {number}")}))
            }
            "make a wall" => {
                let path = format!("/api/gyms/{}/walls", pick(&self.gyms, first)?);
                ("POST", path, json!({"name": format!("Panneau {number}")}))
            }
            "make a face" => ("POST", "/api/faces".to_owned(), json!({"gym_id": pick(&self.gyms, first)?})),
            "add a hold" => {
                let (x, y) = (10 + first % 50, 10 + second % 50);
                let polygon = format!("{x},{y} {},{y} {},{}", x + 9, x + 9, y + 9);
                let path = format!("/api/faces/{}/holds", pick(&self.faces, first)?);
                ("POST", path, json!({"holds": [{"polygon_str": polygon}]}))
            }
            "retire a hold" => ("POST", format!("{}/retire", own_hold()?), json!({})),
            "restore a hold" => ("POST", format!("{}/restore", own_hold()?), json!({})),
            "move a hold" => {
                let (x, y) = (10 + first % 50, 10 + second % 50);
                let polygon = format!("{x},{y} {},{y} {x},{}", x + 8, y + 8);
                ("PATCH", own_hold()?, json!({"polygon_str": polygon}))
            }
            "import a climb" => {
                let mut record = crate::support::climb(u32::try_from(first % 8).unwrap());
                record["name"] = json!(format!("Stokt {number}"));
                record["is_private"] = json!(flag);
                ("IMPORT", "/api/sync/import/climb".to_owned(), record)
            }
            "import a setter" => {
                let mut record = crate::support::user(1 + u32::try_from(first % 3).unwrap());
                record["full_name"] = json!(format!("Setter {number}"));
                ("IMPORT", "/api/sync/import/user".to_owned(), record)
            }
            other => panic!("nobody knows how to {other}"),
        })
    }
}
