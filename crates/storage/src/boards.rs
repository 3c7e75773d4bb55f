//! Gyms, walls and faces that are made here, and whose they are.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use mastoc_domain::board::FeetRuleOption;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::sync_state::Source;
use mastoc_domain::{FaceId, GymId, HoldId, UserId, WallId};
use serde_json::json;

use crate::changes::PendingChange;
use crate::climbs::Word;
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::fragment::Fragment;
use crate::schema::{face_versions, faces, gyms, hold_annotations, hold_shapes, holds, walls};
use crate::types::{DbUuid, Id, Time};

/// Something of a board, as far as changing it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belonging {
    /// Who owns the gym that it is in: nobody, where that came from outside.
    pub owner: Option<UserId>,
    /// Where it was born itself: what comes from outside is changed there.
    pub source: Source,
}

fn belonging(conn: &mut ReadConn<'_>, sql: Fragment) -> Result<Belonging, StoreError> {
    let statement = sql.selecting::<(Nullable<DbUuid>, Text)>();
    let (owner, source): (Option<Id>, Word<Source>) = on_backend!(conn, |c| statement.get_result(c))?;
    Ok(Belonging { owner: owner.map(|id| UserId(id.0)), source: source.0 })
}

/// Whose a gym is.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such gym.
pub fn of_gym(conn: &mut ReadConn<'_>, id: GymId) -> Result<Belonging, StoreError> {
    let mut sql = Fragment::new("SELECT g.owner_id, g.source FROM gyms g WHERE g.id = ");
    sql.id(id.0);
    belonging(conn, sql)
}

/// Whose a wall is.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such wall.
pub fn of_wall(conn: &mut ReadConn<'_>, id: WallId) -> Result<Belonging, StoreError> {
    let mut sql = Fragment::new(
        "SELECT g.owner_id, w.source FROM walls w JOIN gyms g ON g.id = w.gym_id WHERE w.id = ",
    );
    sql.id(id.0);
    belonging(conn, sql)
}

/// Whose a face is.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such face.
pub fn of_face(conn: &mut ReadConn<'_>, id: FaceId) -> Result<Belonging, StoreError> {
    let mut sql = Fragment::new(
        "SELECT g.owner_id, f.source FROM faces f JOIN gyms g ON g.id = f.gym_id WHERE f.id = ",
    );
    sql.id(id.0);
    belonging(conn, sql)
}

/// Whose a hold is.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such hold.
pub fn of_hold(conn: &mut ReadConn<'_>, id: HoldId) -> Result<Belonging, StoreError> {
    let mut sql = Fragment::new(
        "SELECT g.owner_id, h.source FROM holds h JOIN faces f ON f.id = h.face_id \
         JOIN gyms g ON g.id = f.gym_id WHERE h.id = ",
    );
    sql.big(id.0);
    belonging(conn, sql)
}

/// Notes a change of something that everybody sees.
pub(crate) fn note(conn: &mut WriteConn<'_>, entity: Changed, id: impl ToString, kind: ChangeKind) {
    conn.note(PendingChange { entity, id: id.to_string(), kind, is_public: true, owner: None });
}

/// What a gym says about itself; its texts were checked before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GymPatch {
    /// The name people know; needed for a new gym.
    pub display_name: Option<String>,
    /// Where it is; `Some(None)` clears.
    pub location: Option<Option<String>>,
    /// Free text; `Some(None)` clears.
    pub description: Option<Option<String>>,
}

/// Makes a gym.
///
/// # Errors
/// When the database fails.
pub fn create_gym(
    conn: &mut WriteConn<'_>,
    owner: Option<UserId>,
    gym: &GymPatch,
) -> Result<GymId, StoreError> {
    let (id, now) = (GymId::generate(), Time(conn.now()));
    on_backend!(conn, |c| diesel::insert_into(gyms::table)
        .values((
            gyms::id.eq(Id(id.0)),
            gyms::display_name.eq(gym.display_name.as_deref().unwrap_or_default()),
            gyms::location.eq(gym.location.clone().flatten()),
            gyms::description.eq(gym.description.clone().flatten()),
            gyms::owner_id.eq(owner.map(|owner| Id(owner.0))),
            gyms::source.eq(Source::Mastoc.as_str()),
            gyms::created_at.eq(now),
            gyms::updated_at.eq(now),
        ))
        .execute(c))?;
    note(conn, Changed::Gym, id, ChangeKind::Created);
    Ok(id)
}

/// Changes what a gym says about itself.
///
/// # Errors
/// When the database fails.
pub fn update_gym(conn: &mut WriteConn<'_>, id: GymId, patch: &GymPatch) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(gyms::table.find(Id(id.0)))
        .set((
            patch.display_name.as_ref().map(|name| gyms::display_name.eq(name)),
            patch.location.as_ref().map(|location| gyms::location.eq(location)),
            patch.description.as_ref().map(|text| gyms::description.eq(text)),
            gyms::updated_at.eq(now),
        ))
        .execute(c))?;
    note(conn, Changed::Gym, id, ChangeKind::Updated);
    Ok(())
}

/// Removes a gym that has nothing in it; tells whether it had nothing.
///
/// # Errors
/// When the database fails.
pub fn delete_gym(conn: &mut WriteConn<'_>, id: GymId) -> Result<bool, StoreError> {
    let mut sql = Fragment::new("SELECT (SELECT count(*) FROM walls WHERE gym_id = ");
    sql.id(id.0).sql(") + (SELECT count(*) FROM faces WHERE gym_id = ").id(id.0);
    sql.sql(") + (SELECT count(*) FROM climb_lists WHERE gym_id = ").id(id.0).sql(")");
    if !is_none(conn, sql)? {
        return Ok(false);
    }
    on_backend!(conn, |c| diesel::delete(gyms::table.find(Id(id.0))).execute(c))?;
    note(conn, Changed::Gym, id, ChangeKind::Deleted);
    Ok(true)
}

fn is_none(conn: &mut ReadConn<'_>, counting: Fragment) -> Result<bool, StoreError> {
    let statement = counting.selecting::<BigInt>();
    let count: i64 = on_backend!(conn, |c| statement.get_result(c))?;
    Ok(count == 0)
}

/// What a wall says about itself; its texts were checked before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WallPatch {
    /// Its name; needed for a new wall.
    pub name: Option<String>,
    /// Whether its inclination can be changed.
    pub is_angle_adjustable: Option<bool>,
    /// Whether it is in use.
    pub is_active: Option<bool>,
    /// The feet rules offered on it.
    pub feet_rules: Option<Vec<FeetRuleOption>>,
}

/// Makes a wall in a gym that exists.
///
/// # Errors
/// When the database fails.
pub fn create_wall(conn: &mut WriteConn<'_>, gym: GymId, wall: &WallPatch) -> Result<WallId, StoreError> {
    let (id, now) = (WallId::generate(), Time(conn.now()));
    on_backend!(conn, |c| diesel::insert_into(walls::table)
        .values((
            walls::id.eq(Id(id.0)),
            walls::gym_id.eq(Id(gym.0)),
            walls::name.eq(wall.name.as_deref().unwrap_or_default()),
            walls::is_angle_adjustable.eq(wall.is_angle_adjustable.unwrap_or(false)),
            walls::is_active.eq(wall.is_active.unwrap_or(true)),
            walls::feet_rules.eq(json!(wall.feet_rules.clone().unwrap_or_default())),
            walls::source.eq(Source::Mastoc.as_str()),
            walls::created_at.eq(now),
            walls::updated_at.eq(now),
        ))
        .execute(c))?;
    note(conn, Changed::Wall, id, ChangeKind::Created);
    Ok(id)
}

/// Changes what a wall says about itself.
///
/// # Errors
/// When the database fails.
pub fn update_wall(conn: &mut WriteConn<'_>, id: WallId, patch: &WallPatch) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(walls::table.find(Id(id.0)))
        .set((
            patch.name.as_ref().map(|name| walls::name.eq(name)),
            patch.is_angle_adjustable.map(|adjustable| walls::is_angle_adjustable.eq(adjustable)),
            patch.is_active.map(|active| walls::is_active.eq(active)),
            patch.feet_rules.as_ref().map(|rules| walls::feet_rules.eq(json!(rules))),
            walls::updated_at.eq(now),
        ))
        .execute(c))?;
    note(conn, Changed::Wall, id, ChangeKind::Updated);
    Ok(())
}

/// Removes a wall that no face shows; tells whether none did.
///
/// # Errors
/// When the database fails.
pub fn delete_wall(conn: &mut WriteConn<'_>, id: WallId) -> Result<bool, StoreError> {
    let mut sql = Fragment::new("SELECT count(*) FROM faces WHERE wall_id = ");
    sql.id(id.0);
    if !is_none(conn, sql)? {
        return Ok(false);
    }
    on_backend!(conn, |c| diesel::delete(walls::table.find(Id(id.0))).execute(c))?;
    note(conn, Changed::Wall, id, ChangeKind::Deleted);
    Ok(true)
}

/// What a face says about itself; its texts were checked before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FacePatch {
    /// The wall it shows, which is in the same gym; `Some(None)` clears.
    pub wall_id: Option<Option<WallId>>,
    /// Whether it is in use.
    pub is_active: Option<bool>,
    /// The feet rules that a climb of this face may name.
    pub feet_rules_options: Option<Vec<String>>,
    /// Whether the arrangement is mirror-symmetric.
    pub has_symmetry: Option<bool>,
}

/// Makes a face, without a picture yet, in a gym that exists.
///
/// # Errors
/// When the database fails.
pub fn create_face(conn: &mut WriteConn<'_>, gym: GymId, face: &FacePatch) -> Result<FaceId, StoreError> {
    let (id, now) = (FaceId::generate(), Time(conn.now()));
    on_backend!(conn, |c| {
        diesel::insert_into(faces::table)
            .values((
                faces::id.eq(Id(id.0)),
                faces::gym_id.eq(Id(gym.0)),
                faces::wall_id.eq(face.wall_id.flatten().map(|wall| Id(wall.0))),
                faces::is_active.eq(face.is_active.unwrap_or(true)),
                faces::current_version.eq(1),
                faces::feet_rules_options.eq(json!(face.feet_rules_options.clone().unwrap_or_default())),
                faces::has_symmetry.eq(face.has_symmetry.unwrap_or(false)),
                faces::source.eq(Source::Mastoc.as_str()),
                faces::created_at.eq(now),
                faces::updated_at.eq(now),
            ))
            .execute(c)?;
        diesel::insert_into(face_versions::table)
            .values((
                face_versions::face_id.eq(Id(id.0)),
                face_versions::version.eq(1),
                face_versions::created_at.eq(now),
            ))
            .execute(c)
    })?;
    note(conn, Changed::Face, id, ChangeKind::Created);
    Ok(id)
}

/// Changes what a face says about itself.
///
/// # Errors
/// When the database fails.
pub fn update_face(conn: &mut WriteConn<'_>, id: FaceId, patch: &FacePatch) -> Result<(), StoreError> {
    let now = Time(conn.now());
    on_backend!(conn, |c| diesel::update(faces::table.find(Id(id.0)))
        .set((
            patch.wall_id.map(|wall| faces::wall_id.eq(wall.map(|wall| Id(wall.0)))),
            patch.is_active.map(|active| faces::is_active.eq(active)),
            patch.feet_rules_options.as_ref().map(|rules| faces::feet_rules_options.eq(json!(rules))),
            patch.has_symmetry.map(|symmetry| faces::has_symmetry.eq(symmetry)),
            faces::updated_at.eq(now),
        ))
        .execute(c))?;
    note(conn, Changed::Face, id, ChangeKind::Updated);
    Ok(())
}

/// Removes a face with its versions and holds, unless there are climbs on it; tells whether there were none. What
/// people said about its holds goes too; its pictures stay on disk.
///
/// # Errors
/// When the database fails.
pub fn delete_face(conn: &mut WriteConn<'_>, id: FaceId) -> Result<bool, StoreError> {
    let face = Id(id.0);
    let mut sql = Fragment::new("SELECT count(*) FROM climbs WHERE face_id = ");
    sql.id(id.0);
    if !is_none(conn, sql)? {
        return Ok(false);
    }
    let gone: Vec<i64> = on_backend!(conn, |c| holds::table
        .filter(holds::face_id.eq(face))
        .select(holds::id)
        .order(holds::id.asc())
        .load(c))?;
    on_backend!(conn, |c| {
        let on_it = holds::table.filter(holds::face_id.eq(face)).select(holds::id);
        diesel::delete(hold_annotations::table.filter(hold_annotations::hold_id.eq_any(on_it))).execute(c)?;
        diesel::delete(hold_shapes::table.filter(hold_shapes::face_id.eq(face))).execute(c)?;
        diesel::delete(holds::table.filter(holds::face_id.eq(face))).execute(c)?;
        diesel::delete(face_versions::table.filter(face_versions::face_id.eq(face))).execute(c)?;
        diesel::delete(faces::table.find(face)).execute(c)
    })?;
    for hold in gone {
        note(conn, Changed::Annotation, hold, ChangeKind::Deleted);
        note(conn, Changed::Hold, hold, ChangeKind::Deleted);
    }
    note(conn, Changed::Face, id, ChangeKind::Deleted);
    Ok(true)
}
