//! The tables of the migrations `maintenance` and `board_owners`.

use super::users;

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    maintenance_closings (id) {
        id -> DbUuid,
        hold_id -> BigInt,
        closed_by -> Nullable<DbUuid>,
        condition -> Text,
        votes -> Integer,
        votes_cast -> Integer,
        note -> Nullable<Text>,
        closed_at -> DbTime,
    }
}

diesel::table! {
    hold_numbers (id) {
        id -> Integer,
        next_number -> BigInt,
    }
}

diesel::joinable!(maintenance_closings -> users (closed_by));
diesel::allow_tables_to_appear_in_same_query!(maintenance_closings, users);
