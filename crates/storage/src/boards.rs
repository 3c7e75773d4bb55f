//! Gyms, walls and faces that are made here, and whose they are.

use diesel::prelude::*;
use mastoc_domain::{HoldId, UserId};

use crate::conn::{ReadConn, on_backend};
use crate::error::StoreError;
use crate::schema::{faces, gyms, holds};
use crate::types::Id;

/// Who owns the gym that a hold is in: nobody, where it came from outside.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such hold.
pub fn owner_of_hold(conn: &mut ReadConn<'_>, hold: HoldId) -> Result<Option<UserId>, StoreError> {
    let owner: Option<Id> = on_backend!(conn, |c| holds::table
        .inner_join(faces::table.on(faces::id.eq(holds::face_id)))
        .inner_join(gyms::table.on(gyms::id.eq(faces::gym_id)))
        .filter(holds::id.eq(hold.0))
        .select(gyms::owner_id)
        .first(c))?;
    Ok(owner.map(|id| UserId(id.0)))
}
