//! The tables of the migration `logbook`.

use super::climbs;

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    ascents (id) {
        id -> DbUuid,
        user_id -> DbUuid,
        climb_id -> DbUuid,
        climbed_at -> DbTime,
        attempts -> Integer,
        is_flash -> Bool,
        grade_feel -> Nullable<SmallInt>,
        rating -> Nullable<SmallInt>,
        notes -> Nullable<Text>,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    climb_likes (climb_id, user_id) {
        climb_id -> DbUuid,
        user_id -> DbUuid,
        created_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    climb_bookmarks (user_id, climb_id) {
        user_id -> DbUuid,
        climb_id -> DbUuid,
        created_at -> DbTime,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::types::{DbTime, DbUuid};

    comments (id) {
        id -> DbUuid,
        climb_id -> DbUuid,
        user_id -> DbUuid,
        text -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}
diesel::joinable!(comments -> climbs (climb_id));
diesel::joinable!(ascents -> climbs (climb_id));
diesel::allow_tables_to_appear_in_same_query!(comments, climbs);
diesel::allow_tables_to_appear_in_same_query!(ascents, climbs);
