//! The tables of people, pictures, gyms, walls, faces and holds.

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
