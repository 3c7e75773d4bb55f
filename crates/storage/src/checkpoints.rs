//! How far the import of a gym has come, so that a run that was killed goes on where it stopped.

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::{RunId, StoktId};
use serde_json::Value;

use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::import::ImportContext;
use crate::schema::import_checkpoints;
use crate::types::{Id, Time};

/// A place to go on from; there is one for each origin and gym.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the data comes from.
    pub origin: String,
    /// Stokt's id of the gym.
    pub gym: StoktId,
    /// The run that got here.
    pub run: RunId,
    /// The step that is under way, in the importer's words.
    pub step: String,
    /// The next page of that step's listing.
    pub next_url: Option<String>,
    /// What is known of that listing so far, in the importer's form.
    pub listing: Option<Value>,
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = import_checkpoints, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct Row {
    origin: String,
    gym_stokt_id: Id,
    run_id: Id,
    step: String,
    next_url: Option<String>,
    listing: Option<Value>,
    updated_at: Time,
}

/// The place where the import of this gym stopped, if one did.
///
/// # Errors
/// When the database fails.
pub fn load(conn: &mut ReadConn<'_>, origin: &str, gym: StoktId) -> Result<Option<Checkpoint>, StoreError> {
    let row: Option<Row> = on_backend!(conn, |c| import_checkpoints::table
        .find((origin, Id(gym.0)))
        .select(Row::as_select())
        .first(c)
        .optional())?;
    Ok(row.map(|row| Checkpoint {
        origin: row.origin,
        gym: StoktId(row.gym_stokt_id.0),
        run: RunId(row.run_id.0),
        step: row.step,
        next_url: row.next_url,
        listing: row.listing,
    }))
}

/// Saves the place; call it in the transaction of the batch that it stands behind.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn save(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    checkpoint: Checkpoint,
) -> Result<(), StoreError> {
    use import_checkpoints as p;
    ctx.check_fence(conn)?;
    let row = Row {
        origin: checkpoint.origin,
        gym_stokt_id: Id(checkpoint.gym.0),
        run_id: Id(checkpoint.run.0),
        step: checkpoint.step,
        next_url: checkpoint.next_url,
        listing: checkpoint.listing,
        updated_at: Time(conn.now()),
    };
    on_backend!(conn, |c| diesel::insert_into(p::table)
        .values(&row)
        .on_conflict((p::origin, p::gym_stokt_id))
        .do_update()
        .set((
            p::run_id.eq(excluded(p::run_id)),
            p::step.eq(excluded(p::step)),
            p::next_url.eq(excluded(p::next_url)),
            p::listing.eq(excluded(p::listing)),
            p::updated_at.eq(excluded(p::updated_at)),
        ))
        .execute(c))?;
    Ok(())
}

/// Removes the place: the gym's import is complete, or starts over.
///
/// # Errors
/// [`StoreError::Fenced`] when another run has taken over, or the database's failure.
pub fn clear(
    conn: &mut WriteConn<'_>,
    ctx: &ImportContext<'_>,
    origin: &str,
    gym: StoktId,
) -> Result<(), StoreError> {
    ctx.check_fence(conn)?;
    on_backend!(conn, |c| diesel::delete(import_checkpoints::table.find((origin, Id(gym.0)))).execute(c))?;
    Ok(())
}
