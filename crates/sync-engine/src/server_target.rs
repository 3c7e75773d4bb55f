//! Importing into a mastoc server over its batch endpoints, pictures included.
//!
//! The server has no checkpoints for us: an import that was cut starts over, and finds what it wrote unchanged.

mod turn;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use mastoc_client::{BatchAnswer, BatchOptions, Client, ClientError, ItemWord, PictureOwner as Owner};
use mastoc_domain::import::{ImportClimb, ItemProblem};
use mastoc_domain::sync_state::EntityKind;
use mastoc_domain::{RunId, StoktHoldId, StoktId, Timestamp};
use mastoc_media::{Sha256Hex, kind_of_whole};
use serde_json::Value;

use crate::decision::{Decided, Decision};
use crate::ending::Ending;
use crate::error::EngineError;
use crate::plan::{Batch, PictureOwner, PicturePlan};
use crate::report::{Issue, Tally, Written};
use crate::target::{
    Cause, KINDS, Kept, PictureError, Start, Started, Target, bad_picture, written_from_refused,
};

use turn::Turn;

/// Batches in flight: enough to keep the server busy while answers travel, few enough for its pool.
const IN_FLIGHT: usize = 4;

/// A mastoc server as the target of an import.
pub struct ServerTarget {
    client: Arc<Client>,
    dry_run: bool,
    account: OnceLock<Option<StoktId>>,
    /// None before it begins, and in a dry run. Taken out to give it back.
    turn: Mutex<Option<Turn>>,
    run: OnceLock<RunId>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: HashSet<StoktId>,
    /// What a dry run would have created, so that the server's "unknown parent" is understood.
    assumed: HashSet<(EntityKind, StoktId)>,
    assumed_holds: HashMap<StoktHoldId, StoktId>,
    pictures: Vec<PicturePlan>,
}

impl ServerTarget {
    /// Imports through `client`; with `dry_run` the server only tells what it would do.
    #[must_use]
    pub fn new(client: Client, dry_run: bool) -> Self {
        let client = Arc::new(client);
        let (account, run) = (OnceLock::new(), OnceLock::new());
        Self { client, dry_run, account, turn: Mutex::default(), run, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn options(&self) -> BatchOptions {
        let account = self.account.get().copied().flatten();
        BatchOptions { account, dry_run: self.dry_run, run: self.run.get().copied() }
    }

    fn send(&self, kind: EntityKind, batch: &Batch) -> Result<Option<BatchAnswer>, ClientError> {
        let options = self.options();
        Ok(Some(match kind {
            EntityKind::Gym if !batch.gyms.is_empty() => self.client.import_gyms(&batch.gyms, &options)?,
            EntityKind::Wall if !batch.walls.is_empty() => {
                self.client.import_walls(&batch.walls, &options)?
            }
            EntityKind::Face if !batch.faces.is_empty() => {
                self.client.import_faces(&batch.faces, &options)?
            }
            EntityKind::Hold if !batch.holds.is_empty() => {
                self.client.import_holds(&batch.holds, &options)?
            }
            EntityKind::User if !batch.users.is_empty() => {
                self.client.import_users(&batch.users, &options)?
            }
            EntityKind::Climb if !batch.climbs.is_empty() => {
                self.client.import_climbs(&batch.climbs, &options)?
            }
            _ => return Ok(None),
        }))
    }
}

impl Target for ServerTarget {
    fn describe(&self) -> String {
        self.client.address().to_owned()
    }

    fn writers(&self) -> usize {
        // A dry run assumes what came before, and so goes in order.
        if self.dry_run { 1 } else { IN_FLIGHT }
    }

    fn begin(&self, start: &Start) -> Result<Started, EngineError> {
        // Tells at once whether the server is there and takes the key.
        self.client.stats()?;
        let _ = self.account.set(start.account);
        if self.dry_run {
            return Ok(Started::default());
        }
        let turn = Turn::take(&self.client, &start.origin)?;
        let run = *self.run.get_or_init(|| turn.run);
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(turn);
        Ok(Started { run: Some(run), ..Started::default() })
    }

    fn write(&self, _: StoktId, batch: &Batch) -> Result<Vec<Written>, EngineError> {
        let mut all = Vec::new();
        for kind in KINDS {
            let Some(mut answer) = self.send(kind, batch)? else { continue };
            if self.dry_run {
                self.state().assume(kind, batch, &mut answer);
            }
            all.push(written(kind, &ids(kind, batch), answer));
        }
        self.state().seen.extend(batch.seen.iter().copied());
        all.extend(written_from_refused(&batch.refused));
        Ok(all)
    }

    fn seen(&self, _: StoktId) -> Result<u64, EngineError> {
        Ok(u64::try_from(self.state().seen.len()).unwrap_or(u64::MAX))
    }

    fn restart_listing(&self, _: StoktId) -> Result<(), EngineError> {
        self.state().seen.clear();
        Ok(())
    }

    fn wanted(&self, gym: StoktId) -> Result<Vec<PicturePlan>, EngineError> {
        let mut plans = self.state().pictures.clone();
        if self.dry_run && self.state().assumed.contains(&(EntityKind::Gym, gym)) {
            // The server does not know this gym yet, and so wants nothing for it.
            return Ok(plans);
        }
        plans.extend(self.client.wanted_pictures(gym)?.into_iter().filter_map(|wanted| {
            let owner = match wanted.owner.as_str() {
                "face" => PictureOwner::Face(wanted.stokt_id),
                "avatar" => PictureOwner::Avatar(wanted.stokt_id),
                _ => return None,
            };
            Some(PicturePlan { owner, path: wanted.path, size: wanted.width.zip(wanted.height) })
        }));
        Ok(plans)
    }

    fn keep_picture(&self, picture: &PicturePlan, bytes: &[u8]) -> Result<Kept, PictureError> {
        let owner = match picture.owner {
            PictureOwner::Face(id) => Owner::Face(id),
            PictureOwner::Avatar(id) => Owner::Avatar(id),
        };
        // The server would refuse these too, but cannot tell us that fetching them again may help.
        kind_of_whole(bytes).map_err(|error| bad_picture(picture, &error))?;
        let sha256 = Sha256Hex::of(bytes).to_string();
        match self.client.put_picture(owner, &picture.path, &sha256, bytes, self.run.get().copied()) {
            Ok(kept) => Ok(Kept { size_bytes: kept.size_bytes }),
            Err(error) if error.is_refusal() => {
                Err(PictureError::Bad { detail: error.to_string(), cause: Cause::Picture })
            }
            Err(error) => Err(PictureError::Target(error.into())),
        }
    }

    fn gym_done(&self, gym: StoktId, _: Option<Timestamp>) -> Result<(), EngineError> {
        self.state().pictures.clear();
        self.restart_listing(gym)
    }

    fn finish(&self, ending: Ending, report: &Value) -> Result<(), EngineError> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(turn.map_or(Ok(()), |turn| turn.give_back(ending, report))?)
    }
}

/// Stokt's ids of the batch's records of one kind, in order.
fn ids(kind: EntityKind, batch: &Batch) -> Vec<String> {
    fn texts<T>(rows: &[T], id: impl Fn(&T) -> String) -> Vec<String> {
        rows.iter().map(id).collect()
    }
    match kind {
        EntityKind::Gym => texts(&batch.gyms, |row| row.stokt_id.to_string()),
        EntityKind::Wall => texts(&batch.walls, |row| row.stokt_id.to_string()),
        EntityKind::Face => texts(&batch.faces, |row| row.stokt_id.to_string()),
        EntityKind::Hold => texts(&batch.holds, |row| row.stokt_id.to_string()),
        EntityKind::User => texts(&batch.users, |row| row.stokt_id.to_string()),
        EntityKind::Climb => texts(&batch.climbs, |row| row.stokt_id.to_string()),
        EntityKind::List => Vec::new(),
    }
}

fn decided(word: ItemWord) -> Option<Decided> {
    match word {
        ItemWord::Created => Some(Decided::Created),
        ItemWord::Updated => Some(Decided::Updated),
        ItemWord::KeptLocal => Some(Decided::KeptLocal),
        ItemWord::Failed => Some(Decided::Quarantined),
        ItemWord::Exists | ItemWord::Other => None,
    }
}

fn written(kind: EntityKind, ids: &[String], answer: BatchAnswer) -> Written {
    let tally = Tally {
        created: answer.created,
        updated: answer.updated,
        unchanged: answer.unchanged(),
        quarantined: answer.errors,
    };
    let issues = |items: Vec<mastoc_client::ItemReport>| {
        let issue = |item: mastoc_client::ItemReport| Issue {
            kind: kind.as_str().to_owned(),
            stokt_id: item.stokt_id,
            code: item.code,
            detail: item.detail,
        };
        items.into_iter().map(issue).collect()
    };
    let decisions = ids
        .iter()
        .zip(&answer.statuses)
        .filter_map(|(id, word)| Some(Decision::new(kind, id.as_str(), decided(*word)?)))
        .collect();
    Written { kind, tally, decisions, problems: issues(answer.failures), notes: issues(answer.notes) }
}

impl State {
    /// In a dry run the server misses parents that the import would have written before. Records that lack nothing
    /// else would be created: they are counted so, and assumed in their turn.
    fn assume(&mut self, kind: EntityKind, batch: &Batch, answer: &mut BatchAnswer) {
        let failures = std::mem::take(&mut answer.failures);
        let (excused, failures): (Vec<_>, Vec<_>) = failures.into_iter().partition(|failure| {
            let problem = ItemProblem { code: failure.code.clone(), detail: failure.detail.clone() };
            self.excuses(kind, batch, failure.index, &problem)
        });
        let forgiven = u64::try_from(excused.len()).unwrap_or(0);
        answer.failures = failures;
        answer.errors = answer.errors.saturating_sub(forgiven);
        answer.created += forgiven;
        let failed: HashSet<usize> = answer.failures.iter().map(|failure| failure.index).collect();
        let excused: HashSet<usize> = excused.iter().map(|failure| failure.index).collect();
        for (index, word) in answer.statuses.iter_mut().enumerate() {
            if excused.contains(&index) {
                *word = ItemWord::Created;
            }
        }
        let everything_is_new = answer.updated == 0 && answer.unchanged() == 0;
        let mut add = |index: usize, id: StoktId| {
            if !failed.contains(&index) {
                self.assumed.insert((kind, id));
            }
        };
        match kind {
            EntityKind::Gym if everything_is_new => {
                batch.gyms.iter().enumerate().for_each(|(index, row)| add(index, row.stokt_id));
            }
            EntityKind::Wall => {
                batch.walls.iter().enumerate().for_each(|(index, row)| add(index, row.stokt_id))
            }
            EntityKind::Face => {
                batch.faces.iter().enumerate().for_each(|(index, row)| add(index, row.stokt_id));
                let new = batch.faces.iter().enumerate().filter(|(index, _)| excused.contains(index));
                self.pictures.extend(new.filter_map(|(_, face)| PicturePlan::of_face(face)));
            }
            EntityKind::User => {
                batch.users.iter().enumerate().for_each(|(index, row)| add(index, row.stokt_id));
                if everything_is_new {
                    self.pictures.extend(batch.users.iter().filter_map(PicturePlan::of_user));
                }
            }
            EntityKind::Hold => {
                let rows = batch.holds.iter().enumerate().filter(|(index, _)| !failed.contains(index));
                self.assumed_holds.extend(rows.map(|(_, row)| (row.stokt_id, row.face_stokt_id)));
            }
            EntityKind::Gym | EntityKind::Climb | EntityKind::List => {}
        }
    }

    /// Whether a refusal only says that a parent is not there yet.
    fn excuses(&self, kind: EntityKind, batch: &Batch, index: usize, problem: &ItemProblem) -> bool {
        if !problem.code.starts_with("unknown_") {
            return false;
        }
        let has = |kind: EntityKind, id: StoktId| self.assumed.contains(&(kind, id));
        match kind {
            EntityKind::Wall => {
                batch.walls.get(index).is_some_and(|row| has(EntityKind::Gym, row.gym_stokt_id))
            }
            EntityKind::Face => batch.faces.get(index).is_some_and(|row| {
                has(EntityKind::Gym, row.gym_stokt_id)
                    || row.wall_stokt_id.is_some_and(|wall| has(EntityKind::Wall, wall))
            }),
            EntityKind::Hold => {
                batch.holds.get(index).is_some_and(|row| has(EntityKind::Face, row.face_stokt_id))
            }
            EntityKind::Climb => batch.climbs.get(index).is_some_and(|climb| self.knows_all_of(climb)),
            EntityKind::Gym | EntityKind::User | EntityKind::List => false,
        }
    }

    fn knows_all_of(&self, climb: &ImportClimb) -> bool {
        let setter = climb.setter_stokt_id.is_none_or(|id| self.assumed.contains(&(EntityKind::User, id)));
        let face = self.assumed.contains(&(EntityKind::Face, climb.face_stokt_id));
        let holds = climb.holds_list.split_whitespace().all(|token| {
            let mut letters = token.chars();
            letters.next();
            let id = letters.as_str().parse().ok().and_then(StoktHoldId::new);
            id.is_some_and(|id| self.assumed_holds.get(&id) == Some(&climb.face_stokt_id))
        });
        setter && face && holds
    }
}

#[cfg(test)]
mod tests {
    use mastoc_client::ItemReport;
    use mastoc_domain::import::{Extra, ImportGym, ImportWall};

    use super::*;

    fn id(number: u128) -> StoktId {
        StoktId(uuid::Uuid::from_u128(number))
    }

    fn wall(number: u128, gym: u128) -> ImportWall {
        ImportWall {
            stokt_id: id(number),
            gym_stokt_id: id(gym),
            name: String::new(),
            is_angle_adjustable: false,
            is_active: true,
            feet_rules: vec![],
            extra: Extra::new(),
        }
    }

    fn refused(index: usize, code: &str) -> ItemReport {
        ItemReport { index, stokt_id: String::new(), code: code.to_owned(), detail: String::new() }
    }

    #[test]
    fn a_dry_run_excuses_only_what_lacks_a_parent_that_would_be_there() {
        let mut state = State::default();
        let gym = ImportGym {
            stokt_id: id(1),
            display_name: "G".to_owned(),
            location: None,
            description: None,
            extra: Extra::new(),
        };
        let gyms = Batch { gyms: vec![gym], ..Batch::default() };
        let mut answer = BatchAnswer { created: 1, total: 1, ..BatchAnswer::default() };
        state.assume(EntityKind::Gym, &gyms, &mut answer);

        let walls = Batch { walls: vec![wall(2, 1), wall(3, 9), wall(4, 1)], ..Batch::default() };
        let failures = vec![refused(0, "unknown_gym"), refused(1, "unknown_gym"), refused(2, "bad_text")];
        let statuses = vec![ItemWord::Failed; 3];
        let mut answer = BatchAnswer { errors: 3, total: 3, statuses, failures, ..BatchAnswer::default() };
        state.assume(EntityKind::Wall, &walls, &mut answer);
        assert_eq!(answer.statuses, [ItemWord::Created, ItemWord::Failed, ItemWord::Failed]);
        assert_eq!((answer.created, answer.errors), (1, 2));
        assert_eq!(answer.failures.iter().map(|failure| failure.index).collect::<Vec<_>>(), [1, 2]);
        assert!(state.assumed.contains(&(EntityKind::Wall, id(2))));
        assert!(!state.assumed.contains(&(EntityKind::Wall, id(4))));
    }
}
