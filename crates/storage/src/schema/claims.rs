//! The table of the migration `claims`.

use super::users;

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    setter_claims (id) {
        id -> DbUuid,
        user_id -> DbUuid,
        setter_id -> DbUuid,
        stokt_id -> DbUuid,
        setter_name -> Text,
        message -> Nullable<Text>,
        state -> Text,
        decided_by -> Nullable<DbUuid>,
        decided_at -> Nullable<DbTime>,
        created_at -> DbTime,
    }
}

diesel::joinable!(setter_claims -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(setter_claims, users);
