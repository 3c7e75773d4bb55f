//! A board with people on it, and things of theirs to try every route with.

use mastoc_domain::access::{AccountRole, Scope};
use mastoc_storage::changes;
use serde_json::{Value, json};

use crate::support::{Person, Reply, TestApp};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    Owner,
    Other,
    Admin,
    Key(Scope),
    Nobody,
    /// Nobody, on a board that anybody may read.
    Passer,
}

/// In the order of the columns of the tables.
pub const CALLERS: [Caller; 9] = [
    Caller::Owner,
    Caller::Other,
    Caller::Admin,
    Caller::Key(Scope::Read),
    Caller::Key(Scope::Write),
    Caller::Key(Scope::Sync),
    Caller::Key(Scope::Admin),
    Caller::Nobody,
    Caller::Passer,
];

/// Something that a path names. What is somebody's is the owner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Climb,
    PrivateClimb,
    /// A private climb of an imported setter, whom nobody is.
    ImportedPrivateClimb,
    ImportedClimb,
    /// What people say about a public or a private climb.
    Ascent,
    HiddenAscent,
    Comment,
    HiddenComment,
    /// A list with a public climb in it.
    List,
    PrivateList,
    /// A public list with a private climb in it.
    ListOfHidden,
    /// The link to a private list, as long as it holds and after.
    Link,
    RevokedLink,
    Session,
    /// An imported setter whom nobody claims, and the one with a picture.
    Setter,
    ImportedSetter,
    ImportRun,
    /// The owner, who has an avatar.
    Account,
    Claim,
    /// Of somebody who is not among the callers.
    OthersClaim,
    /// The imported board.
    Gym,
    Wall,
    Face,
    Hold,
    /// An imported hold that the owner says is broken.
    BrokenHold,
    Picture,
    Page,
    /// A board that the owner made here.
    OwnGym,
    OwnWall,
    OwnFace,
    OwnHold,
    OwnBrokenHold,
}

/// The values for the places of a path.
pub type Named = Vec<(&'static str, String)>;

/// A board, and people.
pub struct World<'a> {
    pub app: &'a TestApp,
    /// The same board, open for anybody to read.
    pub open: &'a TestApp,
    pub owner: Person,
    pub other: Person,
    pub admin: Person,
    keys: Vec<(Scope, String)>,
    pub gym: String,
    pub face: String,
    /// A climb of an imported setter.
    pub climb: String,
    pub setter: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl<'a> World<'a> {
    /// `app` has its board already; `open` serves the same database.
    pub fn new(app: &'a TestApp, open: &'a TestApp) -> Self {
        let climb = app.get(&format!("/api/climbs/by-stokt-id/{}", crate::support::climb_id(1))).ok();
        // Each server has a data folder of its own.
        let picture = crate::support::picture(crate::support::WIDTH, crate::support::HEIGHT);
        let path = format!(
            "/api/sync/import/faces/{}/picture?path={}",
            crate::support::FACE,
            crate::support::PICTURE
        );
        let reply = open.put_picture(&path, &picture, &mastoc_media::Sha256Hex::of(&picture).to_string());
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        Self {
            app,
            open,
            owner: app.person("owner"),
            other: app.person("other"),
            admin: app.person_with("admin", AccountRole::Admin),
            keys: Scope::ALL.iter().map(|scope| (*scope, app.key(*scope))).collect(),
            gym: app.first_id("/api/gyms"),
            face: app.first_id("/api/faces"),
            climb: text(&climb["id"]),
            setter: text(&climb["setter_id"]),
        }
    }

    /// A request by somebody.
    pub fn ask(
        &self,
        caller: Caller,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut all = headers.to_vec();
        let bearer;
        let app = if caller == Caller::Passer { self.open } else { self.app };
        match caller {
            Caller::Nobody | Caller::Passer => {}
            Caller::Key(wanted) => {
                let (_, key) = self.keys.iter().find(|(scope, _)| *scope == wanted).unwrap();
                all.push(("x-api-key", key));
            }
            Caller::Owner | Caller::Other | Caller::Admin => {
                let person = match caller {
                    Caller::Owner => &self.owner,
                    Caller::Other => &self.other,
                    _ => &self.admin,
                };
                bearer = person.bearer();
                all.push(("authorization", &bearer));
            }
        }
        app.call(method, path, &all, body)
    }

    pub fn get(&self, caller: Caller, path: &str) -> Reply {
        self.ask(caller, "GET", path, &[], b"")
    }

    /// The number of the last change.
    pub fn version(&self) -> i64 {
        self.app.store.read(changes::latest).unwrap()
    }

    /// A write by the owner that must succeed.
    pub fn owners(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.app.by(&self.owner, method, path, body);
        assert!(
            reply.status < 300,
            "{method} {path}: {} {}",
            reply.status,
            String::from_utf8_lossy(&reply.body)
        );
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    }

    fn made(&self, path: &str, body: &Value) -> String {
        text(&self.owners("POST", path, body)["id"])
    }

    pub fn new_climb(&self, is_private: bool) -> String {
        self.made("/api/climbs", &climb_body(&self.face, "Of the owner", is_private))
    }

    fn list(&self, is_public: bool, climb: &str) -> String {
        let id = self.made("/api/lists", &json!({"name": "Of the owner", "is_public": is_public}));
        self.owners("POST", &format!("/api/lists/{id}/items"), &json!({"climb_id": climb}));
        id
    }

    fn setter_nobody_claimed(&self) -> String {
        let stokt_id = uuid::Uuid::now_v7().to_string();
        let answer =
            self.app.post("/api/sync/import/user", &json!({"stokt_id": stokt_id, "full_name": "A setter"}));
        text(&answer.ok()["id"])
    }

    fn own_gym(&self) -> String {
        self.made("/api/gyms", &json!({"display_name": "Of the owner"}))
    }

    fn own_face(&self) -> String {
        let face = self.made("/api/faces", &json!({"gym_id": self.own_gym()}));
        let headers = [("authorization", self.owner.bearer())];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = self.app.call(
            "PUT",
            &format!("/api/faces/{face}/picture"),
            &headers,
            &crate::support::picture(300, 200),
        );
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        face
    }

    fn own_hold(&self) -> String {
        let path = format!("/api/faces/{}/holds", self.own_face());
        let made =
            self.owners("POST", &path, &json!({"holds": [{"polygon_str": "10,10 50,10 50,60 10,60"}]}));
        made["results"][0]["id"].to_string()
    }

    fn broken(&self, hold: &str) -> String {
        // Who says it at first and closes it, says it again.
        for person in [&self.owner, &self.other, &self.admin] {
            let path = format!("/api/holds/{hold}/annotations");
            assert_eq!(self.app.by(person, "PUT", &path, &json!({"condition": "cassee"})).status, 200);
        }
        hold.to_owned()
    }

    /// Something new of a kind, by the names in the path of a route.
    pub fn make(&self, thing: Thing) -> Named {
        match thing {
            Thing::Climb | Thing::PrivateClimb => {
                let id = self.new_climb(thing == Thing::PrivateClimb);
                let stokt_id = uuid::Uuid::now_v7().to_string();
                vec![("id", id), ("stokt_id", stokt_id)]
            }
            Thing::ImportedClimb | Thing::ImportedPrivateClimb => {
                let stokt_id = uuid::Uuid::now_v7().to_string();
                let mut record = crate::support::climb(1);
                record["stokt_id"] = json!(stokt_id);
                record["is_private"] = json!(thing == Thing::ImportedPrivateClimb);
                let id = text(&self.app.post("/api/sync/import/climb", &record).ok()["id"]);
                vec![("id", id), ("stokt_id", stokt_id)]
            }
            Thing::Ascent | Thing::HiddenAscent => {
                let climb = self.new_climb(thing == Thing::HiddenAscent);
                vec![("id", self.made(&format!("/api/climbs/{climb}/ascents"), &json!({})))]
            }
            Thing::Comment | Thing::HiddenComment => {
                let climb = self.new_climb(thing == Thing::HiddenComment);
                vec![("id", self.made(&format!("/api/climbs/{climb}/comments"), &json!({"text": "Nice"})))]
            }
            Thing::List | Thing::PrivateList | Thing::ListOfHidden => {
                let climb = self.new_climb(thing == Thing::ListOfHidden);
                vec![("id", self.list(thing != Thing::PrivateList, &climb)), ("climb_id", climb)]
            }
            Thing::Link | Thing::RevokedLink => {
                let list = self.list(false, &self.climb);
                let path = format!("/api/lists/{list}/share");
                let token = text(&self.owners("POST", &path, &Value::Null)["token"]);
                if thing == Thing::RevokedLink {
                    self.owners("DELETE", &path, &Value::Null);
                }
                vec![("token", token)]
            }
            Thing::Session => vec![("id", self.another_login().to_string())],
            Thing::Setter => {
                // Nobody claims the same setter twice, and one person is one setter.
                let claims = self.app.by(&self.owner, "GET", "/api/claims", &Value::Null).ok();
                for claim in
                    claims["results"].as_array().unwrap().iter().filter(|claim| claim["state"] == "open")
                {
                    self.owners("DELETE", &format!("/api/claims/{}", text(&claim["id"])), &Value::Null);
                }
                vec![("id", self.setter_nobody_claimed())]
            }
            Thing::Claim => {
                let setter = self.setter_nobody_claimed();
                vec![("id", self.made(&format!("/api/users/{setter}/claim"), &json!({})))]
            }
            Thing::OthersClaim => {
                let claimant = self.app.person(&super::bodies::fresh_name());
                let path = format!("/api/users/{}/claim", self.setter_nobody_claimed());
                let reply = self.app.by(&claimant, "POST", &path, &json!({}));
                assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
                vec![("id", text(&reply.json()["id"]))]
            }
            Thing::Account => {
                self.show_avatar(&self.owner);
                vec![("id", self.owner.id.to_string())]
            }
            Thing::Gym => vec![("id", self.gym.clone())],
            Thing::Wall => vec![("id", self.imported_wall())],
            Thing::Face => vec![("id", self.face.clone()), ("stokt_id", crate::support::FACE.to_owned())],
            Thing::Hold | Thing::BrokenHold => {
                let id = crate::support::FIRST_HOLD.to_string();
                if thing == Thing::BrokenHold {
                    self.broken(&id);
                }
                vec![("id", id.clone()), ("stokt_id", id)]
            }
            Thing::Picture => {
                let bytes = crate::support::picture(crate::support::WIDTH, crate::support::HEIGHT);
                let sha256 = mastoc_media::Sha256Hex::of(&bytes).to_string();
                vec![
                    ("path", crate::support::PICTURE.to_owned()),
                    ("sha256", sha256),
                    ("stokt_id", crate::support::FACE.to_owned()),
                ]
            }
            Thing::ImportRun => vec![("id", self.import_run())],
            Thing::ImportedSetter => vec![("stokt_id", crate::support::user_id(1))],
            Thing::Page => vec![("file", "index.css".to_owned())],
            Thing::OwnGym => vec![("id", self.own_gym())],
            Thing::OwnWall => {
                let path = format!("/api/gyms/{}/walls", self.own_gym());
                vec![("id", self.made(&path, &json!({"name": "Of the owner"})))]
            }
            Thing::OwnFace => vec![("id", self.own_face())],
            Thing::OwnHold => vec![("id", self.own_hold())],
            Thing::OwnBrokenHold => vec![("id", self.broken(&self.own_hold()))],
        }
    }

    fn another_login(&self) -> mastoc_domain::SessionId {
        let end = mastoc_domain::Timestamp::now().as_utc() + std::time::Duration::from_secs(600);
        let end = mastoc_domain::Timestamp::from_utc(end);
        self.app
            .store
            .write(|conn| mastoc_storage::sessions::open(conn, self.owner.id, Some("elsewhere"), end))
            .unwrap()
    }

    /// An import run that is under way; there is one at a time.
    fn import_run(&self) -> String {
        let put = |path: &str, body: &Value| {
            let headers = [("x-api-key", crate::support::ENV_KEY), ("content-type", "application/json")];
            let path = format!("/api/sync/import/runs/{path}");
            self.app.call("PUT", &path, &headers, body.to_string().as_bytes()).ok()
        };
        let last = &self.app.get("/api/sync/status").ok()["last_run"];
        if last["status"] == "running" {
            put(&format!("{}/report", text(&last["id"])), &json!({"status": "done", "report": {}}));
        }
        let run = uuid::Uuid::now_v7().to_string();
        put(&run, &json!({"origin": "https://stokt.example"}));
        run
    }

    fn imported_wall(&self) -> String {
        let reply = self.app.post("/api/sync/import/wall", &crate::support::wall());
        text(&reply.ok()["id"])
    }

    /// Gives somebody a picture of themselves.
    pub fn show_avatar(&self, person: &Person) {
        let (kind, form) = avatar_form(&crate::support::picture(40, 40));
        let bearer = person.bearer();
        let headers = [("authorization", bearer.as_str()), ("content-type", kind.as_str())];
        for app in [self.app, self.open] {
            let reply = app.call("POST", "/api/users/me/avatar", &headers, &form);
            assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        }
    }
}

/// A climb that is right.
pub fn climb_body(face: &str, name: &str, is_private: bool) -> Value {
    let hold = |n: u32| crate::support::FIRST_HOLD + n;
    json!({
        "face_id": face, "name": name, "holds_list": format!("S{} O{} T{}", hold(0), hold(1), hold(2)),
        "grade_font": "6A", "is_private": is_private
    })
}

/// A picture as the browser's form sends it: the type of the body, and the body.
pub fn avatar_form(picture: &[u8]) -> (String, Vec<u8>) {
    let mut form =
        b"--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"me.png\"\r\n\r\n".to_vec();
    form.extend_from_slice(picture);
    form.extend_from_slice(b"\r\n--edge--\r\n");
    ("multipart/form-data; boundary=edge".to_owned(), form)
}
