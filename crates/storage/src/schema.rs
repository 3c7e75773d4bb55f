//! The tables as diesel sees them: one description for both databases (a test holds it against their schemas).
//! The tables of later migrations stand in files of their own beside this one.

mod claims;
mod edits;
mod logbook;
mod logins;
mod sharing;
mod upkeep;

pub(crate) use claims::setter_claims;
pub(crate) use edits::climb_edits;
pub(crate) use logbook::{ascents, climb_bookmarks, climb_likes, comments};
pub(crate) use logins::{idempotency_keys, password_resets, sessions};
pub(crate) use sharing::{list_follows, list_shares};
pub(crate) use upkeep::maintenance_closings;

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    users (id) {
        id -> DbUuid,
        stokt_id -> Nullable<DbUuid>,
        full_name -> Text,
        full_name_folded -> Text,
        avatar_path -> Nullable<Text>,
        avatar_sha256 -> Nullable<Text>,
        email -> Nullable<Text>,
        email_folded -> Nullable<Text>,
        username -> Nullable<Text>,
        username_folded -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        role -> Text,
        is_active -> Bool,
        source -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
        deleted_at -> Nullable<DbTime>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    images (sha256) {
        sha256 -> Text,
        media_type -> Text,
        width -> Integer,
        height -> Integer,
        size_bytes -> BigInt,
        verified_at -> DbTime,
        created_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    gyms (id) {
        id -> DbUuid,
        stokt_id -> Nullable<DbUuid>,
        display_name -> Text,
        location -> Nullable<Text>,
        description -> Nullable<Text>,
        source -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
        owner_id -> Nullable<DbUuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    walls (id) {
        id -> DbUuid,
        stokt_id -> Nullable<DbUuid>,
        gym_id -> DbUuid,
        name -> Text,
        is_angle_adjustable -> Bool,
        is_active -> Bool,
        feet_rules -> Json,
        source -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    faces (id) {
        id -> DbUuid,
        stokt_id -> Nullable<DbUuid>,
        gym_id -> DbUuid,
        wall_id -> Nullable<DbUuid>,
        is_active -> Bool,
        current_version -> Integer,
        feet_rules_options -> Json,
        has_symmetry -> Bool,
        source -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    face_versions (face_id, version) {
        face_id -> DbUuid,
        version -> Integer,
        picture_path -> Nullable<Text>,
        picture_width -> Nullable<Integer>,
        picture_height -> Nullable<Integer>,
        small_path -> Nullable<Text>,
        small_width -> Nullable<Integer>,
        small_height -> Nullable<Integer>,
        picture_sha256 -> Nullable<Text>,
        created_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    holds (id) {
        id -> BigInt,
        stokt_id -> Nullable<BigInt>,
        face_id -> DbUuid,
        source -> Text,
        retired_at -> Nullable<DbTime>,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    hold_shapes (face_id, version, hold_id) {
        face_id -> DbUuid,
        version -> Integer,
        hold_id -> BigInt,
        centroid_x -> Double,
        centroid_y -> Double,
        area -> Text,
        polygon_str -> Text,
        touch_polygon_str -> Text,
        path_str -> Text,
        centroid_str -> Text,
        top_polygon_str -> Text,
        center_tape_str -> Text,
        left_tape_str -> Text,
        right_tape_str -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    climbs (id) {
        id -> DbUuid,
        stokt_id -> Nullable<DbUuid>,
        face_id -> DbUuid,
        face_version -> Integer,
        setter_id -> Nullable<DbUuid>,
        name -> Text,
        name_folded -> Text,
        holds_list -> Text,
        mirror_holds_list -> Text,
        holds_count -> Integer,
        grade_font -> Nullable<Text>,
        grade_ircra -> Nullable<Double>,
        grade_hueco -> Nullable<Text>,
        grade_dankyu -> Nullable<Text>,
        grade_rank -> Integer,
        feet_rule -> Nullable<Text>,
        description -> Nullable<Text>,
        is_private -> Bool,
        is_benchmark -> Bool,
        climbed_by -> Integer,
        total_likes -> Integer,
        total_comments -> Integer,
        tags -> Text,
        circuit -> Text,
        angle -> Text,
        rev -> Integer,
        source -> Text,
        sync_state -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
        synced_at -> Nullable<DbTime>,
        has_own_grade -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    climb_holds (climb_id, hold_id, role) {
        climb_id -> DbUuid,
        hold_id -> BigInt,
        role -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    climb_personal (user_id, climb_id) {
        user_id -> DbUuid,
        climb_id -> DbUuid,
        notes -> Nullable<Text>,
        rating -> Nullable<SmallInt>,
        is_project -> Bool,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    climb_lists (id) {
        id -> DbUuid,
        stokt_id -> Nullable<DbUuid>,
        owner_id -> Nullable<DbUuid>,
        gym_id -> Nullable<DbUuid>,
        name -> Text,
        description -> Nullable<Text>,
        list_type -> Text,
        is_public -> Bool,
        source -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    list_items (list_id, climb_id) {
        list_id -> DbUuid,
        climb_id -> DbUuid,
        position -> Integer,
        notes -> Nullable<Text>,
        status -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    hold_annotations (hold_id, user_id) {
        hold_id -> BigInt,
        user_id -> DbUuid,
        grip_type -> Nullable<Text>,
        condition -> Nullable<Text>,
        difficulty -> Nullable<Text>,
        notes -> Nullable<Text>,
        created_at -> DbTime,
        updated_at -> DbTime,
        condition_at -> Nullable<DbTime>,
        is_condition_closed -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    id_mappings (id) {
        id -> BigInt,
        entity -> Text,
        local_id -> Text,
        stokt_id -> Text,
        event -> Text,
        direction -> Text,
        created_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    sync_links (entity, stokt_id) {
        entity -> Text,
        local_id -> Text,
        stokt_id -> Text,
        base -> Nullable<Json>,
        base_hash -> Nullable<Text>,
        observed_hash -> Text,
        extra -> Json,
        local_rev -> Integer,
        base_rev -> Integer,
        first_seen_run -> Nullable<DbUuid>,
        last_seen_run -> Nullable<DbUuid>,
        missing_runs -> Integer,
        missing_since -> Nullable<DbTime>,
        tombstone_at -> Nullable<DbTime>,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    climb_viewer_facts (climb_id, account) {
        climb_id -> DbUuid,
        account -> Text,
        facts -> Json,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    sync_runs (id) {
        id -> DbUuid,
        direction -> Text,
        mode -> Text,
        origin -> Text,
        status -> Text,
        report -> Nullable<Json>,
        started_at -> DbTime,
        finished_at -> Nullable<DbTime>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    sync_watermarks (origin, gym_stokt_id) {
        origin -> Text,
        gym_stokt_id -> DbUuid,
        watermark -> DbTime,
        run_id -> DbUuid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    import_checkpoints (origin, gym_stokt_id) {
        origin -> Text,
        gym_stokt_id -> DbUuid,
        run_id -> DbUuid,
        step -> Text,
        next_url -> Nullable<Text>,
        listing -> Nullable<Json>,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    sync_seen (run_id, stokt_id) {
        run_id -> DbUuid,
        stokt_id -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    quarantined (entity, stokt_id) {
        entity -> Text,
        stokt_id -> Text,
        code -> Text,
        detail -> Text,
        record -> Nullable<Json>,
        first_seen_at -> DbTime,
        last_seen_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    outbox (id) {
        id -> DbUuid,
        entity -> Text,
        local_id -> Text,
        action -> Text,
        stokt_id -> Nullable<Text>,
        account -> Text,
        payload -> Json,
        fingerprint -> Text,
        local_rev -> Integer,
        state -> Text,
        fence -> BigInt,
        lease_until -> Nullable<DbTime>,
        known_twins -> Nullable<Json>,
        listings -> Integer,
        attempts -> Integer,
        not_before -> Nullable<DbTime>,
        sent_at -> Nullable<DbTime>,
        last_error -> Nullable<Text>,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    conflicts (id) {
        id -> DbUuid,
        entity -> Text,
        local_id -> Text,
        stokt_id -> Nullable<Text>,
        kind -> Text,
        fields -> Json,
        base -> Nullable<Json>,
        ours -> Nullable<Json>,
        theirs -> Nullable<Json>,
        run_id -> Nullable<DbUuid>,
        resolution -> Nullable<Text>,
        created_at -> DbTime,
        updated_at -> DbTime,
        resolved_at -> Nullable<DbTime>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    sync_locks (name) {
        name -> Text,
        owner -> Text,
        fence -> BigInt,
        acquired_at -> DbTime,
        released_at -> Nullable<DbTime>,
        broken_at -> Nullable<DbTime>,
        breaker -> Nullable<Text>,
        broken_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    change_log (seq) {
        seq -> BigInt,
        entity -> Text,
        entity_id -> Text,
        kind -> Text,
        is_public -> Bool,
        owner_id -> Nullable<DbUuid>,
        at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    tombstones (entity, entity_id) {
        entity -> Text,
        entity_id -> Text,
        stokt_id -> Nullable<Text>,
        reason -> Text,
        row -> Nullable<Json>,
        deleted_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    api_keys (id) {
        id -> DbUuid,
        name -> Text,
        scope -> Text,
        prefix -> Text,
        secret_hash -> Text,
        created_at -> DbTime,
        last_used_at -> Nullable<DbTime>,
        revoked_at -> Nullable<DbTime>,
    }
}

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
