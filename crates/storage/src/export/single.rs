//! Single rows as an import would bring them: what a record is completed from that leaves fields out.

use mastoc_domain::{StoktHoldId, StoktId};

use super::*;

fn ids(stokt_ids: &[StoktId]) -> Vec<Id> {
    stokt_ids.iter().map(|id| Id(id.0)).collect()
}

/// Those of the gyms that are here.
///
/// # Errors
/// When the database fails.
pub fn gyms(conn: &mut ReadConn<'_>, some: &[StoktId]) -> Result<Vec<ImportGym>, StoreError> {
    let mut found = Vec::new();
    for ids in keys(&ids(some)) {
        let rows: Vec<GymColumns> = on_backend!(conn, |c| g_::table
            .filter(g_::stokt_id.eq_any(ids))
            .select((g_::id, g_::stokt_id, g_::display_name, g_::location, g_::description))
            .load(c))?;
        found.extend(gyms_of(conn, rows)?);
    }
    Ok(found)
}

/// Those of the faces that are here, as [`super::faces`] shows them.
///
/// # Errors
/// When the database fails.
pub fn faces(conn: &mut ReadConn<'_>, some: &[StoktId]) -> Result<Vec<ImportFace>, StoreError> {
    let mut found = Vec::new();
    for ids in keys(&ids(some)) {
        let rows = face_rows!(conn, f_::stokt_id.eq_any(ids));
        found.extend(faces_of(conn, rows)?);
    }
    Ok(found)
}

/// Those of the holds that are here, as [`super::holds`] shows them.
///
/// # Errors
/// When the database fails.
pub fn holds(conn: &mut ReadConn<'_>, some: &[StoktHoldId]) -> Result<Vec<ImportHold>, StoreError> {
    let some: Vec<i64> = some.iter().map(|id| id.get()).collect();
    let mut found = Vec::new();
    for ids in keys(&some) {
        let rows = hold_rows!(conn, h_::stokt_id.eq_any(ids));
        found.extend(holds_of(conn, rows)?);
    }
    Ok(found)
}

/// Those of the people that are here.
///
/// # Errors
/// When the database fails.
pub fn users(conn: &mut ReadConn<'_>, some: &[StoktId]) -> Result<Vec<ImportUser>, StoreError> {
    let mut found = Vec::new();
    for ids in keys(&ids(some)) {
        let rows: Vec<UserColumns> = on_backend!(conn, |c| u_::table
            .filter(u_::stokt_id.eq_any(ids))
            .select((u_::id, u_::stokt_id, u_::full_name, u_::avatar_path))
            .load(c))?;
        found.extend(people(conn, rows)?);
    }
    Ok(found)
}

/// Those of the climbs that are here, without what Stokt said for any account.
///
/// # Errors
/// When the database fails.
pub fn climbs(conn: &mut ReadConn<'_>, some: &[StoktId]) -> Result<Vec<ImportClimb>, StoreError> {
    let mut found = Vec::new();
    for ids in keys(&ids(some)) {
        let rows = climb_rows!(conn, c_::stokt_id.eq_any(ids));
        found.extend(climbs_of(conn, rows, None)?);
    }
    Ok(found)
}
