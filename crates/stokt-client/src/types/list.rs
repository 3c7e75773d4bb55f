//! Lists of climbs and their items.

use serde_json::Value;

use crate::{
    id::{Id, Timestamp},
    record::wire_record,
    types::{Climb, GymRef, Person},
};

wire_record! {
    /// A list of climbs.
    pub struct ClimbList as "list" {
        required {
            /// The list's id.
            id: Id = "id",
        }
        optional {
            /// The list's name.
            name: String = "name",
            /// What kind of list it is.
            list_type: Value = "listType",
            /// The gym it belongs to; absent for a personal list.
            gym: GymRef = "gym",
            /// Who made it.
            user: Person = "user",
            /// How many climbs it has.
            climbs_count: u64 = "climbsCount",
            /// Whether the asking account follows it.
            is_following: bool = "isFollowing",
            /// Path of a picture below `media/`.
            image: String = "image",
            /// Path of a small picture below `media/`.
            image_thumbnail: String = "imageThumbnail",
            /// When it was last changed, where Stokt says so.
            date_modified: Timestamp = "dateModified",
        }
    }
}

wire_record! {
    /// One entry of a list.
    pub struct ListItem as "list item" {
        required {
            /// The entry's own id, which removing it asks for.
            id: Id = "id",
        }
        optional {
            /// The climb.
            climb: Climb = "climb",
            /// Its place in the list.
            order: i64 = "order",
        }
    }
}
