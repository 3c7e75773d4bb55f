//! Importing faces, and deciding when a new picture makes a new version of one.
//!
//! Hold geometry is in pixels of one picture. So a new picture of a face that has holds becomes a new version beside
//! the old one; it is shown only when its picture is verified (see `pictures`), and climbs keep the version they were
//! set on.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::board::PictureRef;
use mastoc_domain::import::{BatchOutcome, ImportFace, ItemProblem};
use mastoc_domain::import_plan::Decision;
use mastoc_domain::sync_state::{EntityKind, Source};
use mastoc_domain::{FaceId, StoktId};
use serde_json::Value;
use uuid::Uuid;

use super::batch::{self, RowState, Written};
use super::{ImportContext, check, parents};
use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::{face_versions, faces as t, hold_shapes};
use crate::sql::{chunks, keys};
use crate::types::{Id, Time};

#[derive(Insertable)]
#[diesel(table_name = t, treat_none_as_default_value = false)]
struct Row<'a> {
    id: Id,
    stokt_id: Option<Id>,
    gym_id: Id,
    wall_id: Option<Id>,
    is_active: bool,
    current_version: i32,
    feet_rules_options: Value,
    has_symmetry: bool,
    source: &'a str,
    created_at: Time,
    updated_at: Time,
}

#[derive(Insertable)]
#[diesel(table_name = face_versions, treat_none_as_default_value = false)]
struct VersionRow<'a> {
    face_id: Id,
    version: i32,
    picture_path: Option<&'a str>,
    picture_width: Option<i32>,
    picture_height: Option<i32>,
    small_path: Option<&'a str>,
    small_width: Option<i32>,
    small_height: Option<i32>,
    picture_sha256: Option<&'a str>,
    created_at: Time,
}

/// A face that exists, with its newest version.
struct Existing {
    id: Uuid,
    current_version: i32,
    latest: Latest,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Latest {
    version: i32,
    picture_path: Option<String>,
    picture_sha256: Option<String>,
    has_holds: bool,
}

type VersionColumns = (Option<Id>, Id, i32, i32, Option<String>, Option<String>);

fn existing(
    conn: &mut ReadConn<'_>,
    records: &[ImportFace],
) -> Result<HashMap<StoktId, Existing>, StoreError> {
    let ids = Id::all(parents::distinct(records.iter().map(|record| record.stokt_id.0)));
    let mut found: HashMap<StoktId, Existing> = HashMap::with_capacity(ids.len());
    for ids in keys(&ids) {
        let rows: Vec<VersionColumns> = on_backend!(conn, |c| t::table
            .inner_join(face_versions::table.on(face_versions::face_id.eq(t::id)))
            .filter(t::stokt_id.eq_any(ids))
            .order(face_versions::version.asc())
            .select((
                t::stokt_id,
                t::id,
                t::current_version,
                face_versions::version,
                face_versions::picture_path,
                face_versions::picture_sha256,
            ))
            .load(c))?;
        let with_holds: Vec<(Id, i32)> = on_backend!(conn, |c| hold_shapes::table
            .inner_join(t::table.on(t::id.eq(hold_shapes::face_id)))
            .filter(t::stokt_id.eq_any(ids))
            .select((hold_shapes::face_id, hold_shapes::version))
            .distinct()
            .load(c))?;
        let with_holds: HashSet<(Id, i32)> = with_holds.into_iter().collect();
        // In order of versions: what is inserted last is the newest.
        for (stokt_id, id, current_version, version, picture_path, picture_sha256) in rows {
            let Some(stokt_id) = stokt_id else { continue };
            let has_holds = with_holds.contains(&(id, version));
            let latest = Latest { version, picture_path, picture_sha256, has_holds };
            found.insert(StoktId(stokt_id.0), Existing { id: id.0, current_version, latest });
        }
    }
    Ok(found)
}

/// Which version of the face a picture belongs to, and the verified copy it keeps.
fn version_for<'l>(latest: Option<&'l Latest>, picture: Option<&PictureRef>) -> (i32, Option<&'l str>) {
    let Some(latest) = latest else {
        return (1, None);
    };
    let same = latest.picture_path.as_deref() == picture.map(|picture| picture.path.as_str());
    if same {
        (latest.version, latest.picture_sha256.as_deref())
    } else if latest.has_holds && latest.picture_path.is_some() {
        (latest.version + 1, None)
    } else {
        // No polygons belong to the picture that goes.
        (latest.version, None)
    }
}

fn problem(
    record: &ImportFace,
    gyms: &HashMap<StoktId, Uuid>,
    walls: &HashMap<StoktId, Uuid>,
) -> Option<ItemProblem> {
    let pictures = [("picture", &record.picture), ("small_picture", &record.small_picture)];
    let paths = pictures.iter().filter_map(|(field, picture)| Some((*field, picture.as_ref()?)));
    check::texts(
        record
            .feet_rules_options
            .iter()
            .map(|rule| ("feet_rules_options", rule.as_str(), check::Text))
            .chain(paths.clone().map(|(field, picture)| (field, picture.path.as_str(), check::Path))),
    )
    .or_else(|| {
        paths.clone().find_map(|(field, picture)| {
            check::pixels(field, picture.width).or_else(|| check::pixels(field, picture.height))
        })
    })
    .or_else(|| {
        (!gyms.contains_key(&record.gym_stokt_id))
            .then(|| check::problem("unknown_gym", format!("there is no gym {} here", record.gym_stokt_id)))
    })
    .or_else(|| {
        let wall = record.wall_stokt_id.filter(|wall| !walls.contains_key(wall))?;
        Some(check::problem("unknown_wall", format!("there is no wall {wall} here")))
    })
}

/// Imports faces of known gyms and walls.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure; a bad record is no error but
/// an outcome.
pub fn faces(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    records: &[ImportFace],
) -> Result<BatchOutcome, StoreError> {
    batch::begin(conn, ctx)?;
    let stokt_ids: Vec<String> = records.iter().map(|record| record.stokt_id.to_string()).collect();
    let known = batch::look_up(conn, EntityKind::Face, &stokt_ids)?;
    let existing = existing(conn, records)?;
    let gyms = parents::gyms(conn, &parents::distinct(records.iter().map(|r| r.gym_stokt_id)), ctx.dry)?;
    let walls =
        parents::walls(conn, &parents::distinct(records.iter().filter_map(|r| r.wall_stokt_id)), ctx.dry)?;
    let items = records
        .iter()
        .map(|record| {
            let problem = problem(record, &gyms, &walls);
            batch::item(record.stokt_id.to_string(), record, &record.extra, None, problem, Vec::new())
        })
        .collect();
    let rows: HashMap<String, RowState> = existing
        .iter()
        .map(|(stokt_id, face)| {
            (stokt_id.to_string(), RowState { local_id: face.id.to_string(), ..RowState::default() })
        })
        .collect();
    let batch = batch::decide(EntityKind::Face, items, known, rows);
    if ctx.dry.is_some() {
        return batch.finish(conn, ctx, Vec::new());
    }
    let now = Time(conn.now());
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut versions: Vec<VersionRow<'_>> = Vec::new();
    let mut written: Vec<Written> = Vec::new();
    for (index, record, decision, _) in batch.decisions(records) {
        let (Decision::Create | Decision::Update, Some(gym)) = (decision, gyms.get(&record.gym_stokt_id))
        else {
            continue;
        };
        let before = existing.get(&record.stokt_id);
        let id = before.map_or_else(|| FaceId::generate().0, |face| face.id);
        let (version, picture_sha256) = version_for(before.map(|face| &face.latest), record.picture.as_ref());
        rows.push(Row {
            id: Id(id),
            stokt_id: Some(Id(record.stokt_id.0)),
            gym_id: Id(*gym),
            wall_id: record.wall_stokt_id.and_then(|wall| walls.get(&wall)).copied().map(Id),
            is_active: record.is_active,
            current_version: before.map_or(1, |face| face.current_version),
            feet_rules_options: serde_json::to_value(&record.feet_rules_options).unwrap_or_default(),
            has_symmetry: record.has_symmetry,
            source: Source::Stokt.as_str(),
            created_at: now,
            updated_at: now,
        });
        versions.push(version_row(Id(id), version, record, picture_sha256, now));
        let extra = Value::Object(record.extra.clone());
        written.push(Written { index, local_id: id.to_string(), extra, is_public: true });
    }
    save(conn, &rows, &versions)?;
    batch.finish(conn, ctx, written)
}

fn version_row<'a>(
    face_id: Id,
    version: i32,
    record: &'a ImportFace,
    picture_sha256: Option<&'a str>,
    created_at: Time,
) -> VersionRow<'a> {
    // Sizes were checked against their columns before.
    let pixels = |size: u32| i32::try_from(size).ok();
    let (picture, small) = (record.picture.as_ref(), record.small_picture.as_ref());
    VersionRow {
        face_id,
        version,
        picture_path: picture.map(|picture| picture.path.as_str()),
        picture_width: picture.and_then(|picture| pixels(picture.width)),
        picture_height: picture.and_then(|picture| pixels(picture.height)),
        small_path: small.map(|picture| picture.path.as_str()),
        small_width: small.and_then(|picture| pixels(picture.width)),
        small_height: small.and_then(|picture| pixels(picture.height)),
        picture_sha256,
        created_at,
    }
}

fn save(conn: &mut WriteConn<'_>, rows: &[Row<'_>], versions: &[VersionRow<'_>]) -> Result<(), StoreError> {
    use face_versions as v;
    for rows in chunks(rows, 11) {
        on_backend!(conn, |c| diesel::insert_into(t::table)
            .values(rows)
            .on_conflict(t::id)
            .do_update()
            .set((
                t::gym_id.eq(excluded(t::gym_id)),
                t::wall_id.eq(excluded(t::wall_id)),
                t::is_active.eq(excluded(t::is_active)),
                t::feet_rules_options.eq(excluded(t::feet_rules_options)),
                t::has_symmetry.eq(excluded(t::has_symmetry)),
                t::updated_at.eq(excluded(t::updated_at)),
            ))
            .execute(c))?;
    }
    for versions in chunks(versions, 10) {
        on_backend!(conn, |c| diesel::insert_into(v::table)
            .values(versions)
            .on_conflict((v::face_id, v::version))
            .do_update()
            .set((
                v::picture_path.eq(excluded(v::picture_path)),
                v::picture_width.eq(excluded(v::picture_width)),
                v::picture_height.eq(excluded(v::picture_height)),
                v::small_path.eq(excluded(v::small_path)),
                v::small_width.eq(excluded(v::small_width)),
                v::small_height.eq(excluded(v::small_height)),
                v::picture_sha256.eq(excluded(v::picture_sha256)),
            ))
            .execute(c))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(path: &str) -> PictureRef {
        PictureRef { path: path.into(), width: 4, height: 3 }
    }

    #[test]
    fn a_new_picture_makes_a_version_only_where_polygons_belong_to_the_old_one() {
        let latest = |path: Option<&str>, has_holds| Latest {
            version: 2,
            picture_path: path.map(str::to_owned),
            picture_sha256: path.map(|_| "hash".to_owned()),
            has_holds,
        };
        let (old, new) = (picture("a.jpg"), picture("b.jpg"));
        assert_eq!(version_for(None, Some(&new)), (1, None));
        assert_eq!(version_for(Some(&latest(Some("a.jpg"), true)), Some(&old)), (2, Some("hash")));
        assert_eq!(version_for(Some(&latest(Some("a.jpg"), true)), Some(&new)), (3, None));
        assert_eq!(version_for(Some(&latest(Some("a.jpg"), true)), None), (3, None));
        assert_eq!(version_for(Some(&latest(Some("a.jpg"), false)), Some(&new)), (2, None));
        assert_eq!(version_for(Some(&latest(None, true)), Some(&new)), (2, None));
    }
}
