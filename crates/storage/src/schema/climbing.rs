//! The tables of climbs, and of what people keep of climbs and holds.

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
