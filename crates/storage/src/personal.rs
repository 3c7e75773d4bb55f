//! What people keep to themselves about climbs. It is each one's own, and has nothing to do with Stokt: neither the
//! climb's time of change nor its state of synchronisation is touched here.

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::board::PersonalFields;
use mastoc_domain::change::{ChangeKind, Changed};
use mastoc_domain::{ClimbId, UserId};

use crate::changes::PendingChange;
use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::climb_personal as t;
use crate::types::{Id, Time};

/// Keeps what `person` notes about a climb that they see; nothing at all is kept as no row. One statement.
///
/// # Errors
/// [`StoreError::Conflict`] when the climb is not there; or when the database fails.
pub fn set(
    conn: &mut WriteConn<'_>,
    person: UserId,
    climb: ClimbId,
    fields: &PersonalFields,
) -> Result<(), StoreError> {
    let (user_id, climb_id) = (Id(person.0), Id(climb.0));
    if *fields == PersonalFields::default() {
        on_backend!(conn, |c| diesel::delete(t::table.find((user_id, climb_id))).execute(c))?;
    } else {
        let now = Time(conn.now());
        on_backend!(conn, |c| diesel::insert_into(t::table)
            .values((
                t::user_id.eq(user_id),
                t::climb_id.eq(climb_id),
                t::notes.eq(&fields.notes),
                t::rating.eq(fields.rating),
                t::is_project.eq(fields.is_project),
                t::updated_at.eq(now),
            ))
            .on_conflict((t::user_id, t::climb_id))
            .do_update()
            .set((
                t::notes.eq(excluded(t::notes)),
                t::rating.eq(excluded(t::rating)),
                t::is_project.eq(excluded(t::is_project)),
                t::updated_at.eq(excluded(t::updated_at)),
            ))
            .execute(c))?;
    }
    conn.note(PendingChange {
        entity: Changed::Climb,
        id: climb.to_string(),
        kind: ChangeKind::Updated,
        is_public: false,
        owner: Some(person),
    });
    Ok(())
}
