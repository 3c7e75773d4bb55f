//! The tables of imports and of synchronisation with Stokt.

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
