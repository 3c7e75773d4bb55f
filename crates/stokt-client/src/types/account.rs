//! The service's version and the account that asks.

use serde_json::Value;

use crate::{id::Id, record::wire_record};

wire_record! {
    /// Answer of `GET api/version`.
    pub struct Version as "version" {
        required {}
        optional {
            /// The API's version, `1.3.0` when this crate was written.
            version: String = "version",
        }
    }
}

wire_record! {
    /// A gym as other records refer to it.
    pub struct GymRef as "gym" {
        required {
            /// The gym's uuid.
            id: Id = "id",
        }
        optional {
            /// The gym's name, where it is called so.
            display_name: String = "displayName",
            /// The gym's name, where it is called so (in lists).
            name: String = "name",
        }
    }
}

wire_record! {
    /// Answer of `GET api/users/me`: the account whose token is used.
    pub struct Me as "account" {
        required {
            /// The user's id, which is also the setter's id of the climbs this account sets.
            id: Id = "id",
        }
        optional {
            /// The login name, usually an e-mail address: never log it.
            username: String = "username",
            /// The e-mail address: never log it.
            email: String = "email",
            /// First name.
            first_name: String = "firstName",
            /// Last name.
            last_name: String = "lastName",
            /// The name others see.
            full_name: String = "fullName",
            /// Path of the picture below `media/`.
            avatar: String = "avatar",
            /// The gym this account climbs at; what an import takes when no gym is named.
            home_gym: GymRef = "homeGym",
            /// State of the subscription.
            subscription_status: Value = "subscriptionStatus",
            /// Whether the account belongs to Stokt's staff.
            is_staff: bool = "isStaff",
            /// Grading system shown, for instance `font`.
            grade_preference: String = "gradePreference",
            /// How this climber tends to feel grades; shape not known.
            grade_feel: Value = "gradeFeel",
        }
    }
}
