//! The shapes of Stokt's records as we know them: which fields are checked, what they hold, and whether they matter.

use std::fmt;

use mastoc_stokt_client::WireRecord;
use mastoc_stokt_client::types::{Climb, CrowdGrade, FaceRef, FaceSetup, GymSummary, Hold, Me, Setter, Wall};
use serde_json::Value;

use super::Kind;

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expects {
    /// For a person.
    words: &'static str,
    types: &'static [&'static str],
    /// Whether it may be null, or the field missing.
    optional: bool,
}

impl fmt::Display for Expects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words)
    }
}

/// The words of [`type_of`].
const NUMBER: &str = "a number";
const FLAG: &str = "true or false";
const A_TEXT: &str = "text";
const A_LIST: &str = "a list";
const AN_OBJECT: &str = "an object";
const NULL: &str = "null";
const NOTHING: &str = "nothing";

const TEXT: Expects = Expects { words: A_TEXT, types: &[A_TEXT], optional: false };
const TEXT_OR_NULL: Expects = Expects { words: "text or null", types: &[A_TEXT, NULL], optional: false };
const YES_OR_NO: Expects = Expects { words: FLAG, types: &[FLAG], optional: false };
const COUNT: Expects = Expects { words: NUMBER, types: &[NUMBER], optional: false };
const LIST: Expects = Expects { words: A_LIST, types: &[A_LIST], optional: false };
const OBJECT: Expects = Expects { words: AN_OBJECT, types: &[AN_OBJECT], optional: false };
const OBJECT_OR_NULL: Expects =
    Expects { words: "an object or null", types: &[AN_OBJECT, NULL], optional: false };
/// A text, or a number that is kept as its text.
const PLAIN: Expects =
    Expects { words: "text, a number or null", types: &[A_TEXT, NUMBER, NULL], optional: false };
const NEXT: Expects = Expects { words: "an address or null", types: &[A_TEXT, NULL], optional: true };

/// What a value is, in words; `None` stands for a field that is missing.
pub(super) fn type_of(value: Option<&Value>) -> &'static str {
    match value {
        None => NOTHING,
        Some(Value::Null) => NULL,
        Some(Value::Bool(_)) => FLAG,
        Some(Value::Number(_)) => NUMBER,
        Some(Value::String(_)) => A_TEXT,
        Some(Value::Array(_)) => A_LIST,
        Some(Value::Object(_)) => AN_OBJECT,
    }
}

/// One field that is checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checked {
    pub(super) field: &'static str,
    pub(super) expects: Expects,
    /// Whether synchronising cannot go on without it.
    pub(super) matters: bool,
}

impl Checked {
    pub(super) fn fits(&self, found: Option<&Value>) -> bool {
        let found = type_of(found);
        self.expects.types.contains(&found) || (self.expects.optional && found == NOTHING)
    }
}

const fn vital(field: &'static str, expects: Expects) -> Checked {
    Checked { field, expects, matters: true }
}

const fn usual(field: &'static str, expects: Expects) -> Checked {
    Checked { field, expects, matters: false }
}

/// The shape of one kind of record.
#[derive(Debug)]
pub(super) struct Shape {
    /// All fields that we know.
    known: &'static [&'static str],
    /// Those whose type is looked at.
    pub(super) checked: &'static [Checked],
    /// Fields that hold records of other kinds.
    pub(super) inner: &'static [Inner],
}

/// A field that holds records of another kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inner {
    pub(super) field: &'static str,
    pub(super) kind: Kind,
    pub(super) is_list: bool,
}

const fn list_of(field: &'static str, kind: Kind) -> Inner {
    Inner { field, kind, is_list: true }
}

const fn one(field: &'static str, kind: Kind) -> Inner {
    Inner { field, kind, is_list: false }
}

impl Shape {
    pub(super) fn knows(&self, field: &str) -> bool {
        self.known.contains(&field)
    }
}

static ACCOUNT: Shape =
    Shape { known: Me::FIELDS, checked: &[vital("id", TEXT), usual("homeGym", OBJECT_OR_NULL)], inner: &[] };
static GYM: Shape = Shape {
    known: GymSummary::FIELDS,
    checked: &[
        vital("id", TEXT),
        vital("displayName", TEXT),
        usual("walls", LIST),
        usual("locationString", TEXT_OR_NULL),
        usual("numberOfClimbs", COUNT),
    ],
    inner: &[],
};
static WALL: Shape = Shape {
    known: Wall::FIELDS,
    checked: &[
        vital("id", TEXT),
        vital("name", TEXT),
        vital("faces", LIST),
        usual("isActive", YES_OR_NO),
        usual("isAngleAdjustable", YES_OR_NO),
    ],
    inner: &[list_of("faces", Kind::FaceOfWall)],
};
static FACE_OF_WALL: Shape = Shape {
    known: FaceRef::FIELDS,
    checked: &[vital("id", TEXT), usual("isActive", YES_OR_NO), usual("smallPicture", OBJECT_OR_NULL)],
    inner: &[],
};
static FACE: Shape = Shape {
    known: FaceSetup::FIELDS,
    checked: &[
        vital("id", TEXT),
        vital("holds", LIST),
        vital("picture", OBJECT),
        vital("feetRulesOptions", LIST),
        usual("hasSymmetry", YES_OR_NO),
    ],
    inner: &[list_of("holds", Kind::Hold)],
};
static HOLD: Shape = Shape {
    known: Hold::FIELDS,
    checked: &[
        vital("id", COUNT),
        vital("polygonStr", TEXT),
        vital("centroidStr", TEXT),
        usual("area", PLAIN),
        usual("touchPolygonStr", TEXT_OR_NULL),
        usual("pathStr", TEXT_OR_NULL),
        usual("topPolygonStr", TEXT_OR_NULL),
        usual("centerTapeStr", TEXT_OR_NULL),
        usual("leftTapeStr", TEXT_OR_NULL),
        usual("rightTapeStr", TEXT_OR_NULL),
    ],
    inner: &[],
};
static PAGE: Shape = Shape {
    known: &["count", "next", "previous", "results"],
    checked: &[vital("results", LIST), vital("count", COUNT), vital("next", NEXT)],
    inner: &[],
};
static CLIMB: Shape = Shape {
    known: Climb::FIELDS,
    checked: &[
        vital("id", TEXT),
        vital("faceId", TEXT),
        vital("holdsList", TEXT),
        vital("dateCreated", TEXT),
        vital("name", TEXT),
        vital("isPrivate", YES_OR_NO),
        vital("isBenchmark", YES_OR_NO),
        vital("feetRule", TEXT_OR_NULL),
        vital("tags", TEXT_OR_NULL),
        vital("circuit", TEXT_OR_NULL),
        vital("mirrorHoldsList", TEXT_OR_NULL),
        vital("angle", PLAIN),
        vital("climbSetters", OBJECT_OR_NULL),
        usual("crowdGrade", OBJECT_OR_NULL),
        usual("climbedBy", COUNT),
        usual("totalLikes", COUNT),
        usual("totalComments", COUNT),
    ],
    inner: &[one("climbSetters", Kind::Setter), one("crowdGrade", Kind::Grade)],
};
static SETTER: Shape = Shape {
    known: Setter::FIELDS,
    checked: &[vital("id", TEXT), vital("fullName", TEXT), usual("avatar", TEXT_OR_NULL)],
    inner: &[],
};
static GRADE: Shape = Shape {
    known: CrowdGrade::FIELDS,
    checked: &[
        usual("ircra", Expects { words: "a number or null", types: &[NUMBER, NULL], optional: false }),
        usual("font", TEXT_OR_NULL),
        usual("hueco", TEXT_OR_NULL),
        usual("dankyu", TEXT_OR_NULL),
    ],
    inner: &[],
};

/// The shape of a kind's records.
pub(super) fn of(kind: Kind) -> &'static Shape {
    match kind {
        Kind::Account => &ACCOUNT,
        Kind::Gym => &GYM,
        Kind::Wall => &WALL,
        Kind::FaceOfWall => &FACE_OF_WALL,
        Kind::Face => &FACE,
        Kind::Hold => &HOLD,
        Kind::Page => &PAGE,
        Kind::Climb => &CLIMB,
        Kind::Setter => &SETTER,
        Kind::Grade => &GRADE,
    }
}
