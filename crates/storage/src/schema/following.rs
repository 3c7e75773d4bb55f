//! The tables that followers read, and those of the service's keys.

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
