//! The tables as diesel sees them: one description for both databases (a test holds it against their schemas), in a file
//! for each subject.

mod board;
mod claims;
mod climbing;
mod edits;
mod following;
mod logbook;
mod logins;
mod sharing;
mod sync;
mod upkeep;

pub(crate) use board::{face_versions, faces, gyms, hold_shapes, holds, images, users, walls};
pub(crate) use claims::setter_claims;
pub(crate) use climbing::{climb_holds, climb_lists, climb_personal, climbs, hold_annotations, list_items};
pub(crate) use edits::climb_edits;
pub(crate) use following::{api_keys, change_log, tombstones};
pub(crate) use logbook::{ascents, climb_bookmarks, climb_likes, comments};
pub(crate) use logins::{idempotency_keys, password_resets, sessions};
pub(crate) use sharing::{list_follows, list_shares};
pub(crate) use sync::{
    climb_viewer_facts, conflicts, id_mappings, import_checkpoints, outbox, quarantined, sync_links,
    sync_locks, sync_runs, sync_seen, sync_watermarks,
};
pub(crate) use upkeep::maintenance_closings;

diesel::joinable!(climbs -> users (setter_id));
diesel::joinable!(hold_shapes -> holds (hold_id));
diesel::joinable!(faces -> walls (wall_id));

diesel::allow_tables_to_appear_in_same_query!(
    api_keys,
    change_log,
    climb_holds,
    climb_lists,
    climb_personal,
    climb_viewer_facts,
    climbs,
    conflicts,
    face_versions,
    faces,
    gyms,
    hold_annotations,
    hold_shapes,
    holds,
    id_mappings,
    images,
    import_checkpoints,
    list_items,
    outbox,
    quarantined,
    sync_links,
    sync_locks,
    sync_runs,
    sync_seen,
    sync_watermarks,
    tombstones,
    users,
    walls,
);
