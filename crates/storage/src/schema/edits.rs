//! The table of the migration `climb_edits`.

use super::users;

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    climb_edits (id) {
        id -> DbUuid,
        climb_id -> DbUuid,
        action -> Text,
        user_id -> Nullable<DbUuid>,
        api_key -> Nullable<Text>,
        owner_id -> Nullable<DbUuid>,
        is_private -> Bool,
        changes -> Json,
        at -> DbTime,
    }
}

diesel::joinable!(climb_edits -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(climb_edits, users);
