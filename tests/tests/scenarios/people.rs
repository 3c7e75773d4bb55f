//! People who edit both sides, and a record of what each of them wrote: nothing of it may be missing from both.

use std::collections::BTreeSet;

use mastoc_domain::board::Climb;
use mastoc_domain::{FaceId, UserId};
use mastoc_stokt_sim::Board;
use mastoc_storage::Store;
use mastoc_storage::climb_edits::Author;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::local;
use crate::support::world::holds_of;

/// Holds of a new climb or an edit are those of a number from here on; the board's own are below.
const FIRST_HOLDS: usize = 100;

/// What people do. Everything that is written is different from everything else: a value is found by itself.
pub(crate) struct People {
    rng: StdRng,
    face: FaceId,
    /// The account's own user here, whose private climbs are sent as well.
    own: UserId,
    /// The account, and somebody else.
    account: Uuid,
    other: Uuid,
    next: usize,
    /// What was written and not overwritten since by a person who saw it, with who wrote it.
    written: Vec<(String, String)>,
    /// Which climbs at Stokt a person there made, or were there at first: those that sync made are edited there only
    /// once they are linked, since what became of a creation is found by what it was.
    known_there: BTreeSet<Uuid>,
    /// What was done, in words.
    pub(crate) log: Vec<String>,
}

impl People {
    pub(crate) fn new(seed: u64, store: &Store, board: &Board) -> Self {
        let known = local::named(store, "Own 1");
        let users = board.user_ids();
        Self {
            rng: StdRng::seed_from_u64(seed ^ 0x5EED),
            face: known.face_id,
            own: known.setter_id.unwrap(),
            account: users[0],
            other: users[2],
            next: FIRST_HOLDS,
            written: Vec::new(),
            known_there: board.climb_ids().into_iter().collect(),
            log: Vec::new(),
        }
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn writes(&mut self, who: &str, value: &str) {
        self.written.push((value.to_owned(), who.to_owned()));
    }

    /// Somebody overwrote or deleted these values while they saw them.
    fn saw(&mut self, values: &[&str]) {
        self.written.retain(|(value, _)| !values.contains(&value.as_str()));
    }

    /// Somebody does something here.
    pub(crate) fn act_here(&mut self, store: &Store, holds: impl Fn(usize) -> String) {
        let mine: Vec<Climb> = local::all(store).into_iter().filter(|climb| self.is_ours(climb)).collect();
        let number = self.number();
        let climb = (!mine.is_empty()).then(|| mine[self.rng.random_range(0..mine.len())].clone());
        let what = self.rng.random_range(0..100);
        let Some(climb) = climb.filter(|_| what >= 25) else {
            let (name, holds) = (format!("made here {number:05}"), holds(number));
            let mut content = local::content(&name, &holds);
            content.is_private = self.rng.random_bool(0.2);
            local::create_by(store, &Author::Person(self.own), self.face, &content);
            self.log.push(format!("here: creates {name:?}"));
            self.writes("created here", &name);
            self.writes("created here", &holds);
            return;
        };
        let shown = climb.name.clone();
        match what {
            25..50 => {
                let name = format!("named here {number:05}");
                local::edit(store, climb.id, |content| content.name.clone_from(&name));
                self.saw(&[&climb.name]);
                self.writes("named here", &name);
                self.log.push(format!("here: {shown:?} becomes {name:?}"));
            }
            50..65 => {
                let holds = holds(number);
                local::edit(store, climb.id, |content| content.holds_list.clone_from(&holds));
                self.saw(&[&climb.holds_list]);
                self.writes("held here", &holds);
                self.log.push(format!("here: {shown:?} gets the holds {holds}"));
            }
            65..80 => {
                let rule = format!("rule here {number:05}");
                local::edit(store, climb.id, |content| content.feet_rule = Some(rule.clone()));
                self.saw(&[climb.feet_rule.as_deref().unwrap_or_default()]);
                self.writes("ruled here", &rule);
                self.log.push(format!("here: {shown:?} gets the rule {rule:?}"));
            }
            80..90 => {
                local::edit(store, climb.id, |content| content.is_private = !content.is_private);
                self.log.push(format!("here: {shown:?} turns private, or public"));
            }
            _ => {
                local::delete(store, climb.id);
                self.saw(&[&climb.name, &climb.holds_list, climb.feet_rule.as_deref().unwrap_or_default()]);
                self.log.push(format!("here: {shown:?} is deleted"));
            }
        }
    }

    /// Whether a climb here may be sent: what was made here, and the account's own.
    fn is_ours(&self, climb: &Climb) -> bool {
        let names = ["made here", "named here", "Own", "own there"];
        climb.source == mastoc_domain::sync_state::Source::Mastoc
            || names.iter().any(|name| climb.name.starts_with(name))
    }

    /// Somebody does something there: the account in Stokt's app, or (only they, with `others`) somebody else. `linked`:
    /// which climbs are linked by now.
    pub(crate) fn act_there(&mut self, board: &mut Board, linked: &BTreeSet<Uuid>, others: bool) {
        let number = self.number();
        let who = if others || self.rng.random_bool(0.4) { self.other } else { self.account };
        let side = if who == self.account { "own there" } else { "other there" };
        let mine: Vec<Value> = board
            .climbs_seen_by(Some(who))
            .into_iter()
            .filter(|climb| climb["climbSetters"]["id"] == json!(who))
            .filter(|climb| {
                let key = id_of(climb);
                self.known_there.contains(&key) || linked.contains(&key)
            })
            .collect();
        let what = self.rng.random_range(0..100);
        let climb = (!mine.is_empty()).then(|| mine[self.rng.random_range(0..mine.len())].clone());
        let Some(climb) = climb.filter(|_| what >= 25) else {
            let (name, holds) = (format!("{side} {number:05}"), holds_of(board, number));
            let key = board.add_climb(&name, &holds, Some(who));
            self.known_there.insert(key);
            self.log.push(format!("there: creates {name:?}"));
            self.writes("created there", &name);
            self.writes("created there", &holds);
            return;
        };
        let text = |field: &str| climb[field].as_str().unwrap_or_default().to_owned();
        let (key, shown) = (id_of(&climb), text("name"));
        let set = |board: &mut Board, field: &str, value: Value| {
            assert!(board.edit_climb(key, |map| drop(map.insert(field.to_owned(), value))));
        };
        match what {
            25..50 => {
                let name = format!("{side} {number:05}");
                set(board, "name", json!(name));
                self.saw(&[&shown]);
                self.writes("named there", &name);
                self.log.push(format!("there: {shown:?} becomes {name:?}"));
            }
            50..65 => {
                let holds = holds_of(board, number);
                set(board, "holdsList", json!(holds));
                self.saw(&[&text("holdsList")]);
                self.writes("held there", &holds);
                self.log.push(format!("there: {shown:?} gets the holds {holds}"));
            }
            65..80 => {
                let rule = format!("rule there {number:05}");
                set(board, "feetRule", json!(rule));
                self.saw(&[&text("feetRule")]);
                self.writes("ruled there", &rule);
                self.log.push(format!("there: {shown:?} gets the rule {rule:?}"));
            }
            // Somebody else's private climbs are out of our sight: as good as gone.
            80..90 if who == self.account => {
                set(board, "isPrivate", json!(climb["isPrivate"] != true));
                self.log.push(format!("there: {shown:?} turns private, or public"));
            }
            80..90 => {}
            _ => {
                assert!(board.delete_climb(key));
                self.saw(&[&shown, &text("holdsList"), &text("feetRule")]);
                self.log.push(format!("there: {shown:?} is deleted"));
            }
        }
    }

    /// Values that are in none of the texts, though nobody overwrote them.
    pub(crate) fn missing(&self, texts: &str) -> Vec<&(String, String)> {
        self.written.iter().filter(|(value, _)| !texts.contains(value.as_str())).collect()
    }
}

fn id_of(climb: &Value) -> Uuid {
    climb["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default()
}
