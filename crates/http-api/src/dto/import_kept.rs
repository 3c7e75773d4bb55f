//! Records that leave fields out. Existing clients do not send every field of a row; what they leave out of a row that
//! is here stays as it is, and `null` empties it. Whatever hangs on a field that did change goes with it.

use std::collections::HashMap;

use mastoc_domain::import::{ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall};
use mastoc_storage::export::single;
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{ReadConn, StoreError, WriteConn};

/// A record that can be completed from the row that is here.
pub(crate) trait Kept: Sized {
    /// The fields that may be left out.
    const FIELDS: &'static [&'static str];

    /// Stokt's id as text.
    fn key(&self) -> String;

    /// Those of these records that are here, as they are now.
    fn here(conn: &mut ReadConn<'_>, some: &[&Self]) -> Result<Vec<Self>, StoreError>;

    /// Takes a field over that was left out.
    fn keep(&mut self, field: &str, here: &Self);
}

/// Completes the records from what is here, in the transaction that writes them. `left_out`: for each record, the fields
/// that it does not have.
///
/// # Errors
/// When another run has taken over, or the database fails.
pub(crate) fn complete<R: Kept>(
    conn: &mut WriteConn<'_>,
    context: &ImportContext<'_>,
    records: &mut [R],
    left_out: &[Vec<&'static str>],
) -> Result<(), StoreError> {
    let some = records.iter().zip(left_out).filter(|(_, fields)| !fields.is_empty());
    let some: Vec<&R> = some.map(|(record, _)| record).collect();
    if some.is_empty() {
        return Ok(());
    }
    // Nobody else's import changes what is looked up here before it is written.
    import::begin(conn, context)?;
    let here: HashMap<String, R> =
        R::here(conn, &some)?.into_iter().map(|record| (record.key(), record)).collect();
    for (record, fields) in records.iter_mut().zip(left_out) {
        if let Some(here) = here.get(&record.key()) {
            fields.iter().for_each(|field| record.keep(field, here));
        }
    }
    Ok(())
}

impl Kept for ImportGym {
    const FIELDS: &'static [&'static str] = &["location_string", "description", "stokt_extra"];

    fn key(&self) -> String {
        self.stokt_id.to_string()
    }

    fn here(conn: &mut ReadConn<'_>, some: &[&Self]) -> Result<Vec<Self>, StoreError> {
        single::gyms(conn, &some.iter().map(|gym| gym.stokt_id).collect::<Vec<_>>())
    }

    fn keep(&mut self, field: &str, here: &Self) {
        match field {
            "location_string" => self.location.clone_from(&here.location),
            "description" => self.description.clone_from(&here.description),
            "stokt_extra" => self.extra.clone_from(&here.extra),
            _ => {}
        }
    }
}

/// Only our own importer sends walls, and whole ones.
impl Kept for ImportWall {
    const FIELDS: &'static [&'static str] = &[];

    fn key(&self) -> String {
        self.stokt_id.to_string()
    }

    fn here(_: &mut ReadConn<'_>, _: &[&Self]) -> Result<Vec<Self>, StoreError> {
        Ok(Vec::new())
    }

    fn keep(&mut self, _: &str, _: &Self) {}
}

impl Kept for ImportFace {
    const FIELDS: &'static [&'static str] = &[
        "wall_stokt_id",
        "is_active",
        "picture_path",
        "small_picture_path",
        "feet_rules_options",
        "has_symmetry",
        "stokt_extra",
    ];

    fn key(&self) -> String {
        self.stokt_id.to_string()
    }

    fn here(conn: &mut ReadConn<'_>, some: &[&Self]) -> Result<Vec<Self>, StoreError> {
        single::faces(conn, &some.iter().map(|face| face.stokt_id).collect::<Vec<_>>())
    }

    fn keep(&mut self, field: &str, here: &Self) {
        match field {
            "wall_stokt_id" if self.gym_stokt_id == here.gym_stokt_id => {
                self.wall_stokt_id = here.wall_stokt_id
            }
            "is_active" => self.is_active = here.is_active,
            "picture_path" => self.picture.clone_from(&here.picture),
            // A smaller rendering is one of its picture.
            "small_picture_path" if self.picture == here.picture => {
                self.small_picture.clone_from(&here.small_picture);
            }
            "feet_rules_options" => self.feet_rules_options.clone_from(&here.feet_rules_options),
            "has_symmetry" => self.has_symmetry = here.has_symmetry,
            "stokt_extra" => self.extra.clone_from(&here.extra),
            _ => {}
        }
    }
}

impl Kept for ImportHold {
    const FIELDS: &'static [&'static str] = &[
        "polygon_str",
        "area",
        "path_str",
        "touch_polygon_str",
        "centroid_str",
        "top_polygon_str",
        "center_tape_str",
        "left_tape_str",
        "right_tape_str",
        "stokt_extra",
    ];

    fn key(&self) -> String {
        self.stokt_id.to_string()
    }

    fn here(conn: &mut ReadConn<'_>, some: &[&Self]) -> Result<Vec<Self>, StoreError> {
        single::holds(conn, &some.iter().map(|hold| hold.stokt_id).collect::<Vec<_>>())
    }

    fn keep(&mut self, field: &str, here: &Self) {
        let (shape, known) = (&mut self.shape, &here.shape);
        // Lines and areas of another outline, as on another picture, say nothing of this one.
        let is_the_same = shape.polygon_str == known.polygon_str;
        match field {
            "polygon_str" => shape.polygon_str.clone_from(&known.polygon_str),
            "stokt_extra" => self.extra.clone_from(&here.extra),
            _ if !is_the_same => {}
            "area" => shape.area.clone_from(&known.area),
            "path_str" => shape.path_str.clone_from(&known.path_str),
            "touch_polygon_str" => shape.touch_polygon_str.clone_from(&known.touch_polygon_str),
            "centroid_str" => shape.centroid_str.clone_from(&known.centroid_str),
            "top_polygon_str" => shape.top_polygon_str.clone_from(&known.top_polygon_str),
            "center_tape_str" => shape.center_tape_str.clone_from(&known.center_tape_str),
            "left_tape_str" => shape.left_tape_str.clone_from(&known.left_tape_str),
            "right_tape_str" => shape.right_tape_str.clone_from(&known.right_tape_str),
            _ => {}
        }
    }
}

impl Kept for ImportUser {
    const FIELDS: &'static [&'static str] = &["avatar_path", "stokt_extra"];

    fn key(&self) -> String {
        self.stokt_id.to_string()
    }

    fn here(conn: &mut ReadConn<'_>, some: &[&Self]) -> Result<Vec<Self>, StoreError> {
        single::users(conn, &some.iter().map(|user| user.stokt_id).collect::<Vec<_>>())
    }

    fn keep(&mut self, field: &str, here: &Self) {
        match field {
            "avatar_path" => self.avatar_path.clone_from(&here.avatar_path),
            "stokt_extra" => self.extra.clone_from(&here.extra),
            _ => {}
        }
    }
}

impl Kept for ImportClimb {
    const FIELDS: &'static [&'static str] = &[
        "setter_stokt_id",
        "mirror_holds_list",
        "grade_font",
        "grade_ircra",
        "grade_hueco",
        "grade_dankyu",
        "feet_rule",
        "description",
        "is_private",
        "is_benchmark",
        "climbed_by",
        "total_likes",
        "total_comments",
        "tags",
        "circuit",
        "angle",
        "date_created",
        "stokt_extra",
    ];

    fn key(&self) -> String {
        self.stokt_id.to_string()
    }

    fn here(conn: &mut ReadConn<'_>, some: &[&Self]) -> Result<Vec<Self>, StoreError> {
        single::climbs(conn, &some.iter().map(|climb| climb.stokt_id).collect::<Vec<_>>())
    }

    fn keep(&mut self, field: &str, here: &Self) {
        let (grade, known) = (&mut self.grade, &here.grade);
        match field {
            "setter_stokt_id" => self.setter_stokt_id = here.setter_stokt_id,
            // The mirror image of other holds is another one.
            "mirror_holds_list" if self.holds_list == here.holds_list => {
                self.mirror_holds_list.clone_from(&here.mirror_holds_list);
            }
            "grade_font" => grade.font.clone_from(&known.font),
            // The same grade on other scales: where that changed, they are unknown.
            "grade_ircra" if grade.font == known.font => grade.ircra = known.ircra,
            "grade_hueco" if grade.font == known.font => grade.hueco.clone_from(&known.hueco),
            "grade_dankyu" if grade.font == known.font => grade.dankyu.clone_from(&known.dankyu),
            "feet_rule" => self.feet_rule.clone_from(&here.feet_rule),
            "description" => self.description.clone_from(&here.description),
            "is_private" => self.is_private = here.is_private,
            "is_benchmark" => self.is_benchmark = here.is_benchmark,
            "climbed_by" => self.climbed_by = here.climbed_by,
            "total_likes" => self.total_likes = here.total_likes,
            "total_comments" => self.total_comments = here.total_comments,
            "tags" => self.tags.clone_from(&here.tags),
            "circuit" => self.circuit.clone_from(&here.circuit),
            "angle" => self.angle.clone_from(&here.angle),
            "date_created" => self.created_at = here.created_at,
            "stokt_extra" => self.extra.clone_from(&here.extra),
            _ => {}
        }
    }
}
