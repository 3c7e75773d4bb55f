//! The tables of the migrations `sessions` and `logins`.

use super::users;

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    sessions (id) {
        id -> DbUuid,
        user_id -> DbUuid,
        device -> Nullable<Text>,
        created_at -> DbTime,
        last_used_at -> DbTime,
        expires_at -> DbTime,
        revoked_at -> Nullable<DbTime>,
        refresh_id -> Nullable<DbUuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::DbTime;

    idempotency_keys (caller, key) {
        caller -> Text,
        key -> Text,
        request_hash -> Text,
        status -> Integer,
        answer -> Text,
        created_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    password_resets (token_hash) {
        token_hash -> Text,
        user_id -> DbUuid,
        created_at -> DbTime,
        expires_at -> DbTime,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(password_resets -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(password_resets, sessions, users);
