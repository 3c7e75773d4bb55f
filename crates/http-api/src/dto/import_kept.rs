//! Records that leave fields out. Existing clients do not send every field of a row; what they leave out of a row that
//! is here stays as it is, and `null` empties it. Whatever hangs on a field that did change goes with it.

use std::collections::HashMap;
use std::hash::Hash;

use mastoc_domain::board::{ClimbGrade, HoldShape};
use mastoc_domain::import::{ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall};
use mastoc_domain::{StoktHoldId, StoktId};
use mastoc_storage::export::single;
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{ReadConn, StoreError, WriteConn};

/// A field that may be left out: its name, and how a record takes it over from the row that is here.
pub(crate) type Field<R> = (&'static str, fn(&mut R, &R));

/// A record that can be completed from the row that is here.
pub(crate) trait Kept: Sized + 'static {
    /// What names it at Stokt.
    type Key: Copy + Eq + Hash;

    /// The fields that may be left out. One that hangs on another comes after it.
    const FIELDS: &'static [Field<Self>];

    /// Its name at Stokt.
    fn key(&self) -> Self::Key;

    /// Those of these rows that are here, as they are now.
    fn here(conn: &mut ReadConn<'_>, keys: &[Self::Key]) -> Result<Vec<Self>, StoreError>;
}

/// Completes the records from what is here, in the transaction that writes them. `left_out`: for each record, the fields
/// that it does not have, in the order of [`Kept::FIELDS`].
///
/// # Errors
/// When another run has taken over, or the database fails.
pub(crate) fn complete<R: Kept>(
    conn: &mut WriteConn<'_>,
    context: &ImportContext<'_>,
    records: &mut [R],
    left_out: &[Vec<Field<R>>],
) -> Result<(), StoreError> {
    let some = records.iter().zip(left_out).filter(|(_, fields)| !fields.is_empty());
    let keys: Vec<R::Key> = some.map(|(record, _)| record.key()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    // Nobody else's import changes what is looked up here before it is written.
    import::begin(conn, context)?;
    let here: HashMap<R::Key, R> =
        R::here(conn, &keys)?.into_iter().map(|record| (record.key(), record)).collect();
    for (record, fields) in records.iter_mut().zip(left_out) {
        if let Some(here) = here.get(&record.key()) {
            fields.iter().for_each(|(_, keep)| keep(record, here));
        }
    }
    Ok(())
}

impl Kept for ImportGym {
    type Key = StoktId;

    const FIELDS: &'static [Field<Self>] = &[
        ("location_string", |gym, here| gym.location.clone_from(&here.location)),
        ("description", |gym, here| gym.description.clone_from(&here.description)),
        ("stokt_extra", |gym, here| gym.extra.clone_from(&here.extra)),
    ];

    fn key(&self) -> StoktId {
        self.stokt_id
    }

    fn here(conn: &mut ReadConn<'_>, keys: &[StoktId]) -> Result<Vec<Self>, StoreError> {
        single::gyms(conn, keys)
    }
}

/// Only our own importer sends walls, and whole ones.
impl Kept for ImportWall {
    type Key = StoktId;

    const FIELDS: &'static [Field<Self>] = &[];

    fn key(&self) -> StoktId {
        self.stokt_id
    }

    fn here(_: &mut ReadConn<'_>, _: &[StoktId]) -> Result<Vec<Self>, StoreError> {
        Ok(Vec::new())
    }
}

impl Kept for ImportFace {
    type Key = StoktId;

    const FIELDS: &'static [Field<Self>] = &[
        ("wall_stokt_id", |face, here| {
            if face.gym_stokt_id == here.gym_stokt_id {
                face.wall_stokt_id = here.wall_stokt_id;
            }
        }),
        ("is_active", |face, here| face.is_active = here.is_active),
        ("picture_path", |face, here| face.picture.clone_from(&here.picture)),
        ("small_picture_path", |face, here| {
            // A smaller rendering is one of its picture.
            if face.picture == here.picture {
                face.small_picture.clone_from(&here.small_picture);
            }
        }),
        ("feet_rules_options", |face, here| face.feet_rules_options.clone_from(&here.feet_rules_options)),
        ("has_symmetry", |face, here| face.has_symmetry = here.has_symmetry),
        ("stokt_extra", |face, here| face.extra.clone_from(&here.extra)),
    ];

    fn key(&self) -> StoktId {
        self.stokt_id
    }

    fn here(conn: &mut ReadConn<'_>, keys: &[StoktId]) -> Result<Vec<Self>, StoreError> {
        single::faces(conn, keys)
    }
}

/// Lines and areas of another outline, as on another picture, say nothing of this one: they stay only where it does.
fn keep_of_outline(hold: &mut ImportHold, here: &ImportHold, keep: fn(&mut HoldShape, &HoldShape)) {
    if hold.shape.polygon_str == here.shape.polygon_str {
        keep(&mut hold.shape, &here.shape);
    }
}

/// A field of a hold's shape that hangs on its outline.
macro_rules! of_outline {
    ($field:ident) => {
        (stringify!($field), |hold, here| {
            keep_of_outline(hold, here, |shape, known| shape.$field.clone_from(&known.$field));
        })
    };
}

impl Kept for ImportHold {
    type Key = StoktHoldId;

    const FIELDS: &'static [Field<Self>] = &[
        ("polygon_str", |hold, here| hold.shape.polygon_str.clone_from(&here.shape.polygon_str)),
        of_outline!(area),
        of_outline!(path_str),
        of_outline!(touch_polygon_str),
        of_outline!(centroid_str),
        of_outline!(top_polygon_str),
        of_outline!(center_tape_str),
        of_outline!(left_tape_str),
        of_outline!(right_tape_str),
        ("stokt_extra", |hold, here| hold.extra.clone_from(&here.extra)),
    ];

    fn key(&self) -> StoktHoldId {
        self.stokt_id
    }

    fn here(conn: &mut ReadConn<'_>, keys: &[StoktHoldId]) -> Result<Vec<Self>, StoreError> {
        single::holds(conn, keys)
    }
}

impl Kept for ImportUser {
    type Key = StoktId;

    const FIELDS: &'static [Field<Self>] = &[
        ("avatar_path", |user, here| user.avatar_path.clone_from(&here.avatar_path)),
        ("stokt_extra", |user, here| user.extra.clone_from(&here.extra)),
    ];

    fn key(&self) -> StoktId {
        self.stokt_id
    }

    fn here(conn: &mut ReadConn<'_>, keys: &[StoktId]) -> Result<Vec<Self>, StoreError> {
        single::users(conn, keys)
    }
}

/// The same grade on other scales: where the Font grade changed, they are unknown.
fn keep_of_grade(climb: &mut ImportClimb, here: &ImportClimb, keep: fn(&mut ClimbGrade, &ClimbGrade)) {
    if climb.grade.font == here.grade.font {
        keep(&mut climb.grade, &here.grade);
    }
}

impl Kept for ImportClimb {
    type Key = StoktId;

    const FIELDS: &'static [Field<Self>] = &[
        ("setter_stokt_id", |climb, here| climb.setter_stokt_id = here.setter_stokt_id),
        ("mirror_holds_list", |climb, here| {
            // The mirror image of other holds is another one.
            if climb.holds_list == here.holds_list {
                climb.mirror_holds_list.clone_from(&here.mirror_holds_list);
            }
        }),
        ("grade_font", |climb, here| climb.grade.font.clone_from(&here.grade.font)),
        ("grade_ircra", |climb, here| keep_of_grade(climb, here, |grade, known| grade.ircra = known.ircra)),
        ("grade_hueco", |climb, here| {
            keep_of_grade(climb, here, |grade, known| grade.hueco.clone_from(&known.hueco));
        }),
        ("grade_dankyu", |climb, here| {
            keep_of_grade(climb, here, |grade, known| grade.dankyu.clone_from(&known.dankyu));
        }),
        ("feet_rule", |climb, here| climb.feet_rule.clone_from(&here.feet_rule)),
        ("description", |climb, here| climb.description.clone_from(&here.description)),
        ("is_private", |climb, here| climb.is_private = here.is_private),
        ("is_benchmark", |climb, here| climb.is_benchmark = here.is_benchmark),
        ("climbed_by", |climb, here| climb.climbed_by = here.climbed_by),
        ("total_likes", |climb, here| climb.total_likes = here.total_likes),
        ("total_comments", |climb, here| climb.total_comments = here.total_comments),
        ("tags", |climb, here| climb.tags.clone_from(&here.tags)),
        ("circuit", |climb, here| climb.circuit.clone_from(&here.circuit)),
        ("angle", |climb, here| climb.angle.clone_from(&here.angle)),
        ("date_created", |climb, here| climb.created_at = here.created_at),
        ("stokt_extra", |climb, here| climb.extra.clone_from(&here.extra)),
    ];

    fn key(&self) -> StoktId {
        self.stokt_id
    }

    fn here(conn: &mut ReadConn<'_>, keys: &[StoktId]) -> Result<Vec<Self>, StoreError> {
        single::climbs(conn, keys)
    }
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::super::import::Importable;
    use super::super::import_items::{ClimbItem, FaceItem, GymItem, HoldItem, UserItem};
    use super::*;

    /// A misspelt name would count as left out in every record.
    #[test]
    fn the_fields_that_may_be_left_out_are_fields() {
        fn check<T: Importable + PartialSchema>() {
            let schema = serde_json::to_value(T::schema()).unwrap();
            assert!(!T::Record::FIELDS.is_empty());
            for (field, _) in T::Record::FIELDS {
                assert!(schema["properties"].get(field).is_some(), "{field}");
                let required = schema["required"].as_array().unwrap();
                assert!(!required.contains(&(*field).into()), "{field} may not be left out");
            }
        }
        check::<GymItem>();
        check::<FaceItem>();
        check::<HoldItem>();
        check::<UserItem>();
        check::<ClimbItem>();
    }
}
