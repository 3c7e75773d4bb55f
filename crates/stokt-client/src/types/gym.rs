//! Gyms, walls and what they say of their faces.

use serde_json::Value;

use crate::{
    id::{Id, Timestamp},
    record::{Record, wire_record},
};

wire_record! {
    /// Answer of `GET api/gyms/{gym}/summary`.
    pub struct GymSummary as "gym" {
        required {
            /// The gym's uuid.
            id: Id = "id",
        }
        optional {
            /// The gym's name.
            display_name: String = "displayName",
            /// Unit of lengths the gym uses.
            unit: Value = "unit",
            /// Climbs in the gym, as Stokt counts them.
            number_of_climbs: u64 = "numberOfClimbs",
            /// Climbers of the gym.
            number_of_climbers: u64 = "numberOfClimbers",
            /// Sends in the gym.
            number_of_sends: u64 = "numberOfSends",
            /// The gym's walls, with their feet rules but without faces.
            walls: Vec<Record<Wall>> = "walls",
            /// Pictures shown for the gym; shape not known.
            default_pictures: Value = "defaultPictures",
            /// Kind of gym.
            gym_type: Value = "gymType",
            /// Who manages the gym; shape not known.
            gym_managers: Value = "gymManagers",
            /// Where it is, as text.
            location: String = "locationString",
            /// Kind of wall.
            wall_type: Value = "wallType",
            /// Free text.
            description: String = "description",
            /// Whether the asking account marked it as favourite.
            is_favorite: bool = "isFavorite",
            /// Whether the asking account may edit it.
            is_editable: bool = "isEditable",
        }
    }
}

wire_record! {
    /// What feet may stand on, as a wall offers it.
    pub struct FeetRule as "feet rule" {
        required {}
        optional {
            /// The rule, a free text of the gym.
            name: String = "name",
            /// Whether new climbs start with it.
            is_default: bool = "isDefault",
        }
    }
}

wire_record! {
    /// A wall, from `GET api/gyms/{gym}/walls` (with faces) or from a gym's summary (with feet rules).
    pub struct Wall as "wall" {
        required {
            /// The wall's uuid.
            id: Id = "id",
        }
        optional {
            /// The wall's name.
            name: String = "name",
            /// Present angle in degrees; number, text or nothing.
            angle: Value = "angle",
            /// Angles in degrees that it can be set to.
            angles: Value = "angles",
            /// Angle in degrees that it usually has.
            default_angle: Value = "defaultAngle",
            /// Whether the angle can be changed.
            is_angle_adjustable: bool = "isAngleAdjustable",
            /// Whether the wall is in use.
            is_active: bool = "isActive",
            /// The wall's faces.
            faces: Vec<Record<FaceRef>> = "faces",
            /// What feet may stand on.
            feet_rules: Vec<Record<FeetRule>> = "feetRules",
        }
    }
}

wire_record! {
    /// A face as its wall lists it; [`FaceSetup`](crate::types::FaceSetup) has the holds.
    pub struct FaceRef as "face" {
        required {
            /// The face's uuid.
            id: Id = "id",
        }
        optional {
            /// Whether the face is in use.
            is_active: bool = "isActive",
            /// When the face was last changed.
            date_modified: Timestamp = "dateModified",
            /// A reduced picture of the face.
            small_picture: Picture = "smallPicture",
            /// Climbs on the face, as Stokt counts them.
            total_climbs: u64 = "totalClimbs",
        }
    }
}

wire_record! {
    /// A picture: where it lies and how large it is.
    pub struct Picture as "picture" {
        required {}
        optional {
            /// Path below `media/`, for [`Client::download_media`](crate::Client::download_media).
            name: String = "name",
            /// Width in pixels.
            width: u64 = "width",
            /// Height in pixels.
            height: u64 = "height",
        }
    }
}
