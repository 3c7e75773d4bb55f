//! Conflicts as runs find them: opened, told anew when either side changed again, closed when both came to agree.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::climb_edit::FieldChange;
use mastoc_domain::conflict::Settlement;
use mastoc_domain::sync_merge::{ConflictKind, Field};
use mastoc_domain::sync_state::{EntityKind, SyncState};
use mastoc_domain::{ClimbId, StoktId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Columns, Conflict, columns, settle, t, to_conflict};
use crate::changes::PendingChange;
use crate::climb_edits::{self, Author, NewEdit};
use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::echoes;
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::import::echoes::{CountsFor, Recounted};
use crate::links::run_id;
use crate::schema::{climbs, sync_links};
use crate::sql::{chunks, keys};
use crate::sync_writes::AUTHOR;
use crate::types::{Id, Time};

/// A conflict as a run finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConflict {
    /// Our id of the climb.
    pub climb: ClimbId,
    /// Stokt's id of it.
    pub stokt_id: StoktId,
    /// What is to be decided.
    pub kind: ConflictKind,
    /// The fields that were changed on both sides.
    pub fields: Vec<Field>,
    /// What both sides last agreed on.
    pub base: Option<CanonicalClimb>,
    /// What it is here; `None` when it was deleted.
    pub ours: Option<CanonicalClimb>,
    /// What it is at Stokt; `None` when it is gone.
    pub theirs: Option<CanonicalClimb>,
}

impl NewConflict {
    fn says_the_same_as(&self, known: &Conflict) -> bool {
        known.kind == self.kind
            && known.fields == self.fields
            && known.stokt_id == Some(self.stokt_id)
            && known.base == self.base
            && known.ours == self.ours
            && known.theirs == self.theirs
    }

    /// Whether the climb must be hidden until somebody decides: Stokt hides it, and that is news.
    fn hides(&self) -> bool {
        let was_private = self.base.as_ref().is_some_and(|base| base.is_private);
        !was_private && self.theirs.as_ref().is_some_and(|theirs| theirs.is_private)
    }
}

#[derive(Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row {
    id: Id,
    entity: &'static str,
    local_id: String,
    stokt_id: Option<String>,
    kind: &'static str,
    fields: Value,
    base: Option<Value>,
    ours: Option<Value>,
    theirs: Option<Value>,
    run_id: Option<Id>,
    created_at: Time,
    updated_at: Time,
}

/// Opens a conflict, or tells an open one anew. Its id stays the same as long as it is open.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn open(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    conflict: &NewConflict,
) -> Result<Uuid, StoreError> {
    let ids = open_all(conn, ctx, std::slice::from_ref(conflict))?;
    ids.first().copied().ok_or(StoreError::NotFound)
}

/// Opens conflicts about climbs, or tells open ones anew, and answers their ids in the same order. The climbs are in
/// conflict then; one that Stokt has hidden is hidden here too, whatever the conflict is about. What is known already
/// writes nothing. A fixed number of statements, beside those that tell followers of hidden climbs.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn open_all(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    found: &[NewConflict],
) -> Result<Vec<Uuid>, StoreError> {
    ctx.check_fence(conn)?;
    let texts: Vec<String> = found.iter().map(|conflict| conflict.climb.to_string()).collect();
    let known = open_ones(conn, &texts)?;
    let now = Time(conn.now());
    let version = |climb: &Option<CanonicalClimb>| climb.as_ref().map(CanonicalClimb::to_json);
    let mut ids = Vec::with_capacity(found.len());
    let mut rows: Vec<Row> = Vec::new();
    for conflict in found {
        let before = known.get(&conflict.climb);
        let id = before.map_or_else(Uuid::now_v7, |known| known.id);
        ids.push(id);
        if before.is_none_or(|known| !conflict.says_the_same_as(known)) {
            rows.push(Row {
                id: Id(id),
                entity: EntityKind::Climb.as_str(),
                local_id: conflict.climb.to_string(),
                stokt_id: Some(conflict.stokt_id.to_string()),
                kind: conflict.kind.as_str(),
                fields: json!(conflict.fields),
                base: version(&conflict.base),
                ours: version(&conflict.ours),
                theirs: version(&conflict.theirs),
                run_id: run_id(ctx.run),
                created_at: now,
                updated_at: now,
            });
        }
    }
    for rows in chunks(&rows, 12) {
        on_backend!(conn, |c| diesel::insert_into(t::table)
            .values(rows)
            .on_conflict(t::id)
            .do_update()
            .set((
                t::stokt_id.eq(excluded(t::stokt_id)),
                t::kind.eq(excluded(t::kind)),
                t::fields.eq(excluded(t::fields)),
                t::base.eq(excluded(t::base)),
                t::ours.eq(excluded(t::ours)),
                t::theirs.eq(excluded(t::theirs)),
                t::run_id.eq(excluded(t::run_id)),
                t::updated_at.eq(excluded(t::updated_at)),
            ))
            .execute(c))?;
    }
    mark(conn, found)?;
    Ok(ids)
}

/// The open conflicts about these climbs, by climb.
fn open_ones(conn: &mut ReadConn<'_>, texts: &[String]) -> Result<HashMap<ClimbId, Conflict>, StoreError> {
    let mut found = HashMap::with_capacity(texts.len());
    for texts in keys(texts) {
        let rows: Vec<Columns> = on_backend!(conn, |c| t::table
            .filter(t::entity.eq(EntityKind::Climb.as_str()))
            .filter(t::local_id.eq_any(texts))
            .filter(t::resolved_at.is_null())
            .select(columns!())
            .load(c))?;
        for row in rows {
            let conflict = to_conflict(row)?;
            found.insert(conflict.climb, conflict);
        }
    }
    Ok(found)
}

/// A climb that a conflict is about, as far as followers are concerned.
struct Concerned {
    id: Id,
    face: Id,
    setter: Option<Id>,
    is_private: bool,
    state: SyncState,
}

impl Concerned {
    fn note(&self, conn: &mut WriteConn<'_>) {
        conn.note(PendingChange {
            entity: Changed::Climb,
            id: self.id.0.to_string(),
            kind: ChangeKind::Updated,
            is_public: !self.is_private,
            owner: self.setter.map(|setter| UserId(setter.0)),
        });
    }
}

/// Id, face, setter, whether it is private, and how a climb stands.
type Standing = (Id, Id, Option<Id>, bool, Word<SyncState>);

fn concerned(conn: &mut ReadConn<'_>, ids: &[Id]) -> Result<Vec<Concerned>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in keys(ids) {
        let rows: Vec<Standing> = on_backend!(conn, |c| climbs::table
            .filter(climbs::id.eq_any(ids))
            .order(climbs::id.asc())
            .select((climbs::id, climbs::face_id, climbs::setter_id, climbs::is_private, climbs::sync_state))
            .load(c))?;
        found.extend(rows.into_iter().map(|(id, face, setter, is_private, state)| Concerned {
            id,
            face,
            setter,
            is_private,
            state: state.0,
        }));
    }
    Ok(found)
}

/// Puts the climbs in conflict, and hides those that Stokt hides.
fn mark(conn: &mut WriteConn<'_>, found: &[NewConflict]) -> Result<(), StoreError> {
    let hidden: HashSet<Id> =
        found.iter().filter(|conflict| conflict.hides()).map(|conflict| Id(conflict.climb.0)).collect();
    let ids = Id::sorted(found.iter().map(|conflict| conflict.climb.0));
    let climbs = concerned(conn, &ids)?;
    let to_hide: Vec<&Concerned> =
        climbs.iter().filter(|climb| !climb.is_private && hidden.contains(&climb.id)).collect();
    hide(conn, &to_hide)?;
    let to_mark: Vec<&Concerned> = climbs.iter().filter(|climb| climb.state != SyncState::Conflict).collect();
    set_state(conn, &to_mark, SyncState::Conflict)
}

fn set_state(conn: &mut WriteConn<'_>, of: &[&Concerned], state: SyncState) -> Result<(), StoreError> {
    let now = Time(conn.now());
    let ids: Vec<Id> = of.iter().map(|climb| climb.id).collect();
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::update(climbs::table.filter(climbs::id.eq_any(ids)))
            .set((climbs::sync_state.eq(state.as_str()), climbs::updated_at.eq(now)))
            .execute(c))?;
    }
    for climb in of {
        climb.note(conn);
    }
    Ok(())
}

fn hide(conn: &mut WriteConn<'_>, of: &[&Concerned]) -> Result<(), StoreError> {
    let uuids: Vec<Uuid> = of.iter().map(|climb| climb.id.0).collect();
    echoes::sight_changed(conn, &uuids, true)?;
    let now = Time(conn.now());
    let ids: Vec<Id> = of.iter().map(|climb| climb.id).collect();
    for ids in keys(&ids) {
        on_backend!(conn, |c| diesel::update(climbs::table.filter(climbs::id.eq_any(ids)))
            .set((climbs::is_private.eq(true), climbs::rev.eq(climbs::rev + 1), climbs::updated_at.eq(now)))
            .execute(c))?;
    }
    let mut recounted = Recounted::default();
    let mut edits = Vec::with_capacity(of.len());
    for climb in of {
        let counts = |is_private| CountsFor {
            face: climb.face.0,
            setter: climb.setter.map(|setter| setter.0),
            is_private,
        };
        recounted.climb(Some(counts(false)), counts(true));
        climb.note(conn);
        let change = FieldChange { field: "is_private".to_owned(), before: json!(false), after: json!(true) };
        edits.push(NewEdit {
            climb: climb.id.0,
            action: ChangeKind::Updated,
            owner: climb.setter,
            is_private: false,
            changes: vec![change],
        });
    }
    recounted.note(conn);
    climb_edits::record(conn, &Author::Key(AUTHOR.to_owned()), edits)
}

/// Closes the open conflicts about these climbs, of which both sides came to say the same, and answers how many there
/// were. A climb that is still marked as in conflict then stands as its link says.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn close(conn: &mut WriteConn<'_>, ctx: &ImportContext<'_>, of: &[ClimbId]) -> Result<usize, StoreError> {
    ctx.check_fence(conn)?;
    let texts: Vec<String> = of.iter().map(ToString::to_string).collect();
    let open = open_ones(conn, &texts)?;
    let conflicts: Vec<Id> = open.values().map(|conflict| Id(conflict.id)).collect();
    settle(conn, &conflicts, Settlement::Agreed)?;
    let ids = Id::sorted(open.keys().map(|climb| climb.0));
    let mut climbs = concerned(conn, &ids)?;
    climbs.retain(|climb| climb.state == SyncState::Conflict);
    let revs = revisions(conn, &climbs)?;
    for state in [SyncState::Local, SyncState::Synced, SyncState::Modified] {
        let of: Vec<&Concerned> = climbs
            .iter()
            .filter(|climb| {
                let link = revs.get(&climb.id.0.to_string());
                let (local_rev, base_rev) = link.copied().unwrap_or_default();
                SyncState::derive(link.is_some(), local_rev, base_rev, false, false) == state
            })
            .collect();
        set_state(conn, &of, state)?;
    }
    Ok(conflicts.len())
}

/// How often the climbs changed here, and how often they had when both sides agreed, by our id as text.
fn revisions(
    conn: &mut ReadConn<'_>,
    climbs: &[Concerned],
) -> Result<HashMap<String, (i32, i32)>, StoreError> {
    let texts: Vec<String> = climbs.iter().map(|climb| climb.id.0.to_string()).collect();
    let mut found = HashMap::with_capacity(texts.len());
    for texts in keys(&texts) {
        let rows: Vec<(String, i32, i32)> = on_backend!(conn, |c| sync_links::table
            .filter(sync_links::entity.eq(EntityKind::Climb.as_str()))
            .filter(sync_links::local_id.eq_any(texts))
            .select((sync_links::local_id, sync_links::local_rev, sync_links::base_rev))
            .load(c))?;
        found.extend(rows.into_iter().map(|(id, local_rev, base_rev)| (id, (local_rev, base_rev))));
    }
    Ok(found)
}
