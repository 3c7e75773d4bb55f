//! Climbs as Stokt answers them.

use serde_json::{Number, Value};

use crate::{
    id::{Id, Timestamp},
    record::wire_record,
};

wire_record! {
    /// A climb. Only its id is required: whoever needs the face or the holds finds out what lacks.
    pub struct Climb as "climb" {
        required {
            /// The climb's uuid.
            id: Id = "id",
        }
        optional {
            /// The climb's name.
            name: String = "name",
            /// The holds with their roles: `S400166 O399938 T400602` (Start, Other, Feet only, Top).
            holds_list: String = "holdsList",
            /// The same for the mirrored climb; empty on a board without symmetry.
            mirror_holds_list: String = "mirrorHoldsList",
            /// What feet may stand on.
            feet_rule: String = "feetRule",
            /// When the climb was created.
            date_created: Timestamp = "dateCreated",
            /// Whether only its setter sees it.
            is_private: bool = "isPrivate",
            /// Whether the gym marked it as exemplary for its grade.
            is_benchmark: bool = "isBenchmark",
            /// The climbers' common grade; absent for some ungraded climbs.
            crowd_grade: CrowdGrade = "crowdGrade",
            /// The single votes; only ever seen empty.
            crowd_grades: Value = "crowdGrades",
            /// The face it is on.
            face_id: Id = "faceId",
            /// The wall it is on.
            wall_id: Id = "wallId",
            /// That wall's name.
            wall_name: String = "wallName",
            /// Whether that wall's angle can be changed.
            is_angle_adjustable: bool = "isAngleAdjustable",
            /// The angle it is set for; an empty text where the wall has only one.
            angle: Value = "angle",
            /// How many climbers have sent it.
            climbed_by: i64 = "climbedBy",
            /// How many like it.
            total_likes: i64 = "totalLikes",
            /// How many comments it has.
            total_comments: i64 = "totalComments",
            /// Whether the asking account likes it.
            liked_by_user: bool = "likedByUser",
            /// Whether the asking account bookmarked it.
            bookmarked_by_user: bool = "bookmarkedByUser",
            /// Whether a mirrored twin exists.
            has_symmetric: bool = "hasSymmetric",
            /// The circuit's numbered holds, JSON inside a text; empty for an ordinary climb.
            circuit: String = "circuit",
            /// Tags, separated by commas; often empty.
            tags: String = "tags",
            /// The asking account's attempts.
            attempts_to_send_original: i64 = "attemptsToSendOriginal",
            /// The asking account's attempts at the mirrored climb.
            attempts_to_send_mirror: i64 = "attemptsToSendMirror",
            /// The asking account's last attempt.
            last_attempt_date: Timestamp = "lastAttemptDate",
            /// The asking account's last send.
            last_effort_date: Timestamp = "lastEffortDate",
            /// Whether that send was a flash.
            last_effort_is_flashed: bool = "lastEffortIsFlashed",
            /// Who set it: one person, in spite of Stokt's plural; absent when unknown.
            setter: Setter = "climbSetters",
        }
    }
}

wire_record! {
    /// Who set a climb.
    pub struct Setter as "setter" {
        required {
            /// The setter's uuid.
            id: Id = "id",
        }
        optional {
            /// The name others see.
            full_name: String = "fullName",
            /// Path of the picture below `media/`.
            avatar: String = "avatar",
        }
    }
}

wire_record! {
    /// A grade in the four scales; an ungraded climb has `?` in each text.
    pub struct CrowdGrade as "grade" {
        required {}
        optional {
            /// On the IRCRA reporting scale (a number such as 20.5).
            ircra: Number = "ircra",
            /// On Hueco's V scale, `V6`.
            hueco: String = "hueco",
            /// On Fontainebleau's scale, `7A`.
            font: String = "font",
            /// On the Japanese dankyu scale, `1Q`.
            dankyu: String = "dankyu",
        }
    }
}

wire_record! {
    /// Answer of `GET api/climbs/{climb}/permissions-to-modify`, for the asking account.
    pub struct Permissions as "permissions" {
        required {}
        optional {
            /// May delete the climb.
            can_delete: bool = "canDelete",
            /// May change its holds.
            can_edit_holds: bool = "canEditHolds",
            /// May change its name and grade.
            can_edit_name_and_grade: bool = "canEditNameAndGrade",
            /// May hide it.
            can_hide: bool = "canHide",
            /// May make it private.
            can_set_private: bool = "canSetPrivate",
            /// May make it public.
            can_set_public: bool = "canSetPublic",
        }
    }
}
