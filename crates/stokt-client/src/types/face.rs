//! A face's picture and holds. All coordinates are pixels of the full-size picture, origin top left.

use crate::{
    id::Id,
    record::{Record, wire_record},
    types::Picture,
};

wire_record! {
    /// Answer of `GET api/faces/{face}/setup`.
    pub struct FaceSetup as "face" {
        required {
            /// The face's uuid.
            id: Id = "id",
        }
        optional {
            /// The gym's name.
            gym: String = "gym",
            /// The wall's name.
            wall: String = "wall",
            /// The full-size picture that the holds' coordinates belong to.
            picture: Picture = "picture",
            /// What feet may stand on: the texts a climb may carry.
            feet_rules_options: Vec<String> = "feetRulesOptions",
            /// Whether the board is symmetric, so that climbs can be mirrored.
            has_symmetry: bool = "hasSymmetry",
            /// The holds; an odd one keeps its JSON and says what is wrong.
            holds: Vec<Record<Hold>> = "holds",
        }
    }
}

wire_record! {
    /// A hold's geometry, as text in pixels of the full-size picture.
    pub struct Hold as "hold" {
        required {
            /// The hold's id, a whole number unique in all of Stokt.
            id: Id = "id",
        }
        optional {
            /// Area in square pixels, a decimal text such as `2226.00`.
            area: String = "area",
            /// Outline: `x,y x,y ...`.
            polygon: String = "polygonStr",
            /// Wider zone that answers to a touch: `x,y x,y ...`.
            touch_polygon: String = "touchPolygonStr",
            /// The outline as an SVG path.
            path: String = "pathStr",
            /// Centre: `x y`.
            centroid: String = "centroidStr",
            /// Wider outline, drawn round a top hold.
            top_polygon: String = "topPolygonStr",
            /// Tape line in the middle: `x1 y1 x2 y2`.
            center_tape: String = "centerTapeStr",
            /// Tape line on the left, the first of a start with both hands.
            left_tape: String = "leftTapeStr",
            /// Tape line on the right.
            right_tape: String = "rightTapeStr",
        }
    }
}
