//! The tables of the migration `lists`.

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    list_shares (list_id) {
        list_id -> DbUuid,
        token_hash -> Text,
        created_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    list_follows (list_id, user_id) {
        list_id -> DbUuid,
        user_id -> DbUuid,
        token_hash -> Nullable<Text>,
        created_at -> DbTime,
    }
}
