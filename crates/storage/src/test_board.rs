//! A small board written straight into the tables, for tests of reading: everything in it is known.

use diesel::prelude::*;
use mastoc_domain::board::{Climb, ClimbGrade, PersonalFields};
use mastoc_domain::fold::fold_name;
use mastoc_domain::grade::FontGrade;
use mastoc_domain::holds_list::Role;
use mastoc_domain::sync_state::{Source, SyncState};
use mastoc_domain::{ClimbId, FaceId, GymId, HoldId, ListId, StoktId, Timestamp, UserId};
use serde_json::json;
use uuid::Uuid;

use crate::conn::{WriteConn, on_backend};
use crate::schema::{
    ascents, climb_holds, climb_likes, climb_lists, climb_personal, climbs, face_versions, faces, gyms,
    hold_shapes, holds, images, list_items, users, walls,
};
use crate::types::{Id, Time};
use crate::{Store, StoreError, StoreOptions};

/// Which gym each face is in.
pub(crate) const FACES: [usize; 4] = [0, 0, 1, 2];
/// How many setters there are.
pub(crate) const SETTERS: usize = 4;
/// How many holds each face has.
pub(crate) const HOLDS: i64 = 6;
/// The hash of the one verified picture.
pub(crate) const PICTURE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Unequal ids in no order: `kind` keeps kinds of rows apart.
pub(crate) fn scrambled(kind: u128, index: usize) -> Uuid {
    let number = (kind << 64) | (index as u128 + 1);
    Uuid::from_u128(number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

pub(crate) fn gym(index: usize) -> GymId {
    GymId(scrambled(1, index))
}

pub(crate) fn face(index: usize) -> FaceId {
    FaceId(scrambled(2, index))
}

pub(crate) fn setter(index: usize) -> UserId {
    UserId(scrambled(3, index))
}

pub(crate) fn climb_id(index: usize) -> ClimbId {
    ClimbId(scrambled(4, index))
}

/// The one list, of the setter 0.
pub(crate) fn list() -> ListId {
    ListId(scrambled(9, 0))
}

pub(crate) fn hold(face: usize, index: i64) -> HoldId {
    HoldId(face as i64 * 100 + index + 1)
}

/// A point in time, `step` minutes and as many microseconds into 2025.
pub(crate) fn time(step: i64) -> Timestamp {
    let start = Timestamp::parse("2025-01-01T00:00:00Z").unwrap().as_utc();
    Timestamp::from_utc(start + chrono::TimeDelta::microseconds(step * 60_000_001))
}

/// What a climb of the board is made from.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) face: usize,
    pub(crate) setter: Option<usize>,
    pub(crate) name: &'static str,
    pub(crate) created: i64,
    pub(crate) synced: Option<i64>,
    pub(crate) grade: Option<FontGrade>,
    pub(crate) ircra: Option<f64>,
    pub(crate) feet_rule: Option<&'static str>,
    pub(crate) is_private: bool,
    pub(crate) is_benchmark: bool,
    pub(crate) climbed_by: i32,
    pub(crate) total_likes: i32,
    pub(crate) tags: &'static str,
    pub(crate) source: Source,
    pub(crate) is_local: bool,
    pub(crate) holds: Vec<(i64, Role)>,
    pub(crate) personal: Option<PersonalFields>,
    /// How many ascents the setter 0 logged.
    pub(crate) ascents: usize,
    /// Whether the setter 0 likes it.
    pub(crate) is_liked: bool,
    /// Whether it is in the list.
    pub(crate) is_listed: bool,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            face: 0,
            setter: Some(0),
            name: "Dalle",
            created: 0,
            synced: Some(0),
            grade: None,
            ircra: None,
            feet_rule: None,
            is_private: false,
            is_benchmark: false,
            climbed_by: 0,
            total_likes: 0,
            tags: "",
            source: Source::Stokt,
            is_local: false,
            holds: vec![(0, Role::Start), (1, Role::Top)],
            personal: None,
            ascents: 0,
            is_liked: false,
            is_listed: false,
        }
    }
}

impl Spec {
    /// The climb as a reader without personal fields gets it.
    pub(crate) fn climb(&self, index: usize) -> Climb {
        let tokens: Vec<String> =
            self.holds.iter().map(|(h, role)| format!("{}{}", role.letter(), hold(self.face, *h))).collect();
        Climb {
            id: climb_id(index),
            stokt_id: (!self.is_local).then(|| StoktId(scrambled(5, index))),
            face_id: face(self.face),
            face_version: 1,
            setter_id: self.setter.map(setter),
            setter_name: self.setter.map(|setter| format!("Setter {setter}")),
            name: self.name.into(),
            holds_list: tokens.join(" "),
            mirror_holds_list: "mirror".into(),
            grade: ClimbGrade {
                font: self.grade.map(|grade| grade.as_str().into()),
                ircra: self.ircra,
                hueco: Some("V3".into()),
                dankyu: None,
            },
            feet_rule: self.feet_rule.map(Into::into),
            description: Some("à droite".into()),
            is_private: self.is_private,
            is_benchmark: self.is_benchmark,
            climbed_by: self.climbed_by,
            total_likes: self.total_likes,
            total_comments: 9,
            tags: self.tags.into(),
            circuit: "{}".into(),
            angle: "40".into(),
            source: self.source,
            sync_state: SyncState::Modified,
            created_at: time(self.created),
            updated_at: time(500),
            synced_at: self.synced.map(time),
            personal: PersonalFields::default(),
        }
    }

    /// How many different holds it uses.
    pub(crate) fn holds_count(&self) -> i32 {
        let mut different: Vec<i64> = self.holds.iter().map(|(hold, _)| *hold).collect();
        different.sort_unstable();
        different.dedup();
        i32::try_from(different.len()).unwrap()
    }
}

/// Opens the database behind a URL.
pub(crate) fn open(url: &str) -> Store {
    Store::open(&url.parse().unwrap(), &StoreOptions { connections: 2, ..StoreOptions::default() }).unwrap()
}

/// Runs the migrations; for the template of each test's database.
pub(crate) fn migrate(url: &str) {
    drop(open(url));
}

/// Writes gyms, walls, faces, holds and setters.
pub(crate) fn furnish(store: &Store) {
    store.write(|conn| furniture(conn).map_err(StoreError::from)).unwrap();
}

fn furniture(conn: &mut WriteConn<'_>) -> QueryResult<()> {
    let now = Time(time(0));
    let names = ["Zinal", "arkose", "Éclat"];
    on_backend!(conn, |c| {
        diesel::insert_into(images::table)
            .values((
                images::sha256.eq(PICTURE),
                images::media_type.eq("image/jpeg"),
                images::width.eq(2263),
                images::height.eq(3000),
                images::size_bytes.eq(400_000_i64),
                images::verified_at.eq(now),
                images::created_at.eq(now),
            ))
            .execute(c)?;
        for (index, name) in names.into_iter().enumerate() {
            diesel::insert_into(gyms::table)
                .values((
                    gyms::id.eq(Id(gym(index).0)),
                    gyms::stokt_id.eq(Id(scrambled(6, index))),
                    gyms::display_name.eq(name),
                    gyms::source.eq("stokt"),
                    gyms::created_at.eq(now),
                    gyms::updated_at.eq(now),
                ))
                .execute(c)?;
            diesel::insert_into(walls::table)
                .values((
                    walls::id.eq(Id(scrambled(7, index))),
                    walls::gym_id.eq(Id(gym(index).0)),
                    walls::name.eq(name),
                    walls::is_angle_adjustable.eq(false),
                    walls::is_active.eq(true),
                    walls::feet_rules.eq(json!([{"name": "Tous pieds", "is_default": true}])),
                    walls::source.eq("stokt"),
                    walls::created_at.eq(now),
                    walls::updated_at.eq(now),
                ))
                .execute(c)?;
        }
        for index in 0..SETTERS {
            diesel::insert_into(users::table)
                .values((
                    users::id.eq(Id(setter(index).0)),
                    users::full_name.eq(format!("Setter {index}")),
                    users::full_name_folded.eq(format!("setter {index}")),
                    users::avatar_path.eq(format!("AVATARS/{index}.jpg")),
                    users::avatar_sha256.eq((index == 0).then_some(PICTURE)),
                    users::role.eq("user"),
                    users::is_active.eq(true),
                    users::source.eq("stokt"),
                    users::created_at.eq(now),
                    users::updated_at.eq(now),
                ))
                .execute(c)?;
        }
        diesel::insert_into(climb_lists::table)
            .values((
                climb_lists::id.eq(Id(list().0)),
                climb_lists::owner_id.eq(Id(setter(0).0)),
                climb_lists::name.eq("Liste"),
                climb_lists::list_type.eq("circuit"),
                climb_lists::is_public.eq(true),
                climb_lists::source.eq("mastoc"),
                climb_lists::created_at.eq(now),
                climb_lists::updated_at.eq(now),
            ))
            .execute(c)?;
        for (index, place) in FACES.into_iter().enumerate() {
            let id = Id(face(index).0);
            diesel::insert_into(faces::table)
                .values((
                    faces::id.eq(id),
                    faces::stokt_id.eq(Id(scrambled(8, index))),
                    faces::gym_id.eq(Id(gym(place).0)),
                    faces::is_active.eq(true),
                    faces::current_version.eq(2),
                    faces::feet_rules_options.eq(json!(["Tous pieds", "No foot"])),
                    faces::has_symmetry.eq(index == 1),
                    faces::source.eq("stokt"),
                    faces::created_at.eq(now),
                    faces::updated_at.eq(now),
                ))
                .execute(c)?;
            for version in 1..=2 {
                diesel::insert_into(face_versions::table)
                    .values((
                        face_versions::face_id.eq(id),
                        face_versions::version.eq(version),
                        face_versions::picture_path.eq(format!("CACHE/{index}-{version}.jpg")),
                        face_versions::picture_width.eq(2263),
                        face_versions::picture_height.eq(3000),
                        face_versions::small_path.eq(format!("CACHE/{index}-{version}-small.jpg")),
                        face_versions::small_width.eq(226),
                        face_versions::small_height.eq(300),
                        face_versions::picture_sha256.eq((index == 0).then_some(PICTURE)),
                        face_versions::created_at.eq(now),
                    ))
                    .execute(c)?;
            }
            for number in 0..HOLDS {
                let hold_id = hold(index, number).0;
                diesel::insert_into(holds::table)
                    .values((
                        holds::id.eq(hold_id),
                        holds::stokt_id.eq(hold_id),
                        holds::face_id.eq(id),
                        holds::source.eq("stokt"),
                        holds::created_at.eq(now),
                        holds::updated_at.eq(now),
                    ))
                    .execute(c)?;
                // The last hold is not on the wall any more in the current version.
                for version in 1..=(if number + 1 == HOLDS { 1 } else { 2 }) {
                    diesel::insert_into(hold_shapes::table)
                        .values((
                            hold_shapes::face_id.eq(id),
                            hold_shapes::version.eq(version),
                            hold_shapes::hold_id.eq(hold_id),
                            hold_shapes::centroid_x.eq(f64::from(version) + 0.5),
                            hold_shapes::centroid_y.eq(0.1),
                            hold_shapes::area.eq("12.50"),
                            hold_shapes::polygon_str.eq("0,0 1,0 1,1"),
                            hold_shapes::touch_polygon_str.eq("touch"),
                            hold_shapes::path_str.eq("path"),
                            hold_shapes::centroid_str.eq("1 2"),
                            hold_shapes::top_polygon_str.eq("top"),
                            hold_shapes::center_tape_str.eq("center"),
                            hold_shapes::left_tape_str.eq("left"),
                            hold_shapes::right_tape_str.eq("right"),
                        ))
                        .execute(c)?;
                }
            }
        }
        Ok(())
    })
}

/// Replaces the climbs of the board. Personal fields, ascents and likes are those of the setter 0.
pub(crate) fn set(store: &Store, specs: &[Spec]) {
    store
        .write(|conn| {
            on_backend!(conn, |c| diesel::delete(climbs::table).execute(c))?;
            specs.iter().enumerate().try_for_each(|(index, spec)| add(conn, index, spec))
        })
        .unwrap();
}

/// Adds one climb to the board.
pub(crate) fn add(conn: &mut WriteConn<'_>, index: usize, spec: &Spec) -> Result<(), StoreError> {
    let climb = spec.climb(index);
    let id = Id(climb.id.0);
    on_backend!(conn, |c| {
        diesel::insert_into(climbs::table)
            .values((
                (
                    climbs::id.eq(id),
                    climbs::stokt_id.eq(climb.stokt_id.map(|id| Id(id.0))),
                    climbs::face_id.eq(Id(climb.face_id.0)),
                    climbs::face_version.eq(climb.face_version),
                    climbs::setter_id.eq(climb.setter_id.map(|id| Id(id.0))),
                    climbs::name.eq(&climb.name),
                    climbs::name_folded.eq(fold_name(&climb.name)),
                    climbs::holds_list.eq(&climb.holds_list),
                    climbs::mirror_holds_list.eq(&climb.mirror_holds_list),
                    climbs::holds_count.eq(spec.holds_count()),
                    climbs::grade_font.eq(&climb.grade.font),
                    climbs::grade_ircra.eq(climb.grade.ircra),
                    climbs::grade_hueco.eq(&climb.grade.hueco),
                    climbs::grade_rank.eq(spec.grade.map_or(0, FontGrade::rank)),
                    climbs::feet_rule.eq(&climb.feet_rule),
                    climbs::description.eq(&climb.description),
                ),
                (
                    climbs::is_private.eq(climb.is_private),
                    climbs::is_benchmark.eq(climb.is_benchmark),
                    climbs::climbed_by.eq(climb.climbed_by),
                    climbs::total_likes.eq(climb.total_likes),
                    climbs::total_comments.eq(climb.total_comments),
                    climbs::tags.eq(&climb.tags),
                    climbs::circuit.eq(&climb.circuit),
                    climbs::angle.eq(&climb.angle),
                    climbs::source.eq(climb.source.as_str()),
                    climbs::sync_state.eq(climb.sync_state.as_str()),
                    climbs::created_at.eq(Time(climb.created_at)),
                    climbs::updated_at.eq(Time(climb.updated_at)),
                    climbs::synced_at.eq(climb.synced_at.map(Time)),
                ),
            ))
            .execute(c)?;
        for (number, role) in &spec.holds {
            diesel::insert_into(climb_holds::table)
                .values((
                    climb_holds::climb_id.eq(id),
                    climb_holds::hold_id.eq(hold(spec.face, *number).0),
                    climb_holds::role.eq(role.as_str()),
                ))
                .execute(c)?;
        }
        let now = Time(time(0));
        for number in 0..spec.ascents {
            diesel::insert_into(ascents::table)
                .values((
                    ascents::id.eq(Id(scrambled(10, index * 100 + number))),
                    ascents::user_id.eq(Id(setter(0).0)),
                    ascents::climb_id.eq(id),
                    ascents::climbed_at.eq(now),
                    ascents::attempts.eq(1),
                    ascents::is_flash.eq(number == 0),
                    ascents::created_at.eq(now),
                    ascents::updated_at.eq(now),
                ))
                .execute(c)?;
        }
        if spec.is_liked {
            diesel::insert_into(climb_likes::table)
                .values((
                    climb_likes::climb_id.eq(id),
                    climb_likes::user_id.eq(Id(setter(0).0)),
                    climb_likes::created_at.eq(now),
                ))
                .execute(c)?;
        }
        if spec.is_listed {
            diesel::insert_into(list_items::table)
                .values((
                    list_items::list_id.eq(Id(list().0)),
                    list_items::climb_id.eq(id),
                    list_items::position.eq(i32::try_from(index).unwrap_or_default()),
                    list_items::status.eq("todo"),
                    list_items::created_at.eq(now),
                    list_items::updated_at.eq(now),
                ))
                .execute(c)?;
        }
        if let Some(personal) = &spec.personal {
            diesel::insert_into(climb_personal::table)
                .values((
                    climb_personal::user_id.eq(Id(setter(0).0)),
                    climb_personal::climb_id.eq(id),
                    climb_personal::notes.eq(&personal.notes),
                    climb_personal::rating.eq(personal.rating),
                    climb_personal::is_project.eq(personal.is_project),
                    climb_personal::updated_at.eq(Time(time(0))),
                ))
                .execute(c)?;
        }
        Ok(())
    })
}
