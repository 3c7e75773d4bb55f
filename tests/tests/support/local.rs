//! What people do to climbs here, through the storage crate, and how the climbs stand then.

use mastoc_domain::board::{Climb, ClimbGrade};
use mastoc_domain::climb_edit::ClimbContent;
use mastoc_domain::{ClimbId, FaceId};
use mastoc_storage::climb_edits::Author;
use mastoc_storage::climbs::{self, ClimbFilter, ClimbSort};
use mastoc_storage::{ReadConn, Store, StoreError, Viewer, WriteConn, climb_writes};

/// Who edits here.
fn author() -> Author {
    Author::Key("tests".to_owned())
}

/// All climbs, in the order of their names.
pub(crate) fn all(store: &Store) -> Vec<Climb> {
    let page = |conn: &mut ReadConn<'_>| {
        climbs::page(conn, Viewer::Service, &ClimbFilter::default(), ClimbSort::Name, 0, 1_000_000)
    };
    store.read(page).unwrap()
}

/// The one climb of a name.
#[track_caller]
pub(crate) fn named(store: &Store, name: &str) -> Climb {
    let mut found: Vec<Climb> = all(store).into_iter().filter(|climb| climb.name == name).collect();
    assert_eq!(found.len(), 1, "climbs here named {name:?}");
    found.remove(0)
}

/// A public climb without a grade.
pub(crate) fn content(name: &str, holds: &str) -> ClimbContent {
    ClimbContent {
        name: name.to_owned(),
        holds_list: holds.to_owned(),
        grade: ClimbGrade::default(),
        feet_rule: None,
        description: None,
        is_private: false,
    }
}

/// Somebody sets a climb here.
pub(crate) fn create(store: &Store, face: FaceId, content: &ClimbContent) -> ClimbId {
    create_by(store, &author(), face, content)
}

/// This person sets a climb here.
pub(crate) fn create_by(store: &Store, author: &Author, face: FaceId, content: &ClimbContent) -> ClimbId {
    let create = |conn: &mut WriteConn<'_>| {
        let version = climb_writes::current_version(conn, face)?.ok_or(StoreError::NotFound)?;
        climb_writes::create(conn, author, face, version, content)
    };
    store.write(create).unwrap()
}

/// Somebody edits a climb here; false if there is none any more.
pub(crate) fn edit(store: &Store, id: ClimbId, change: impl Fn(&mut ClimbContent)) -> bool {
    let edit = |conn: &mut WriteConn<'_>| -> Result<bool, StoreError> {
        let Some(standing) = climb_writes::take(conn, Viewer::Service, id)? else { return Ok(false) };
        let mut content = standing.content.clone();
        change(&mut content);
        climb_writes::update(conn, &author(), &standing, &content)?;
        Ok(true)
    };
    store.write(edit).unwrap()
}

/// Somebody deletes a climb here; false if there is none any more.
pub(crate) fn delete(store: &Store, id: ClimbId) -> bool {
    let delete = |conn: &mut WriteConn<'_>| -> Result<bool, StoreError> {
        let Some(standing) = climb_writes::take(conn, Viewer::Service, id)? else { return Ok(false) };
        climb_writes::delete(conn, &author(), &standing)?;
        Ok(true)
    };
    store.write(delete).unwrap()
}
