//! Nothing is lost: whatever is imported comes back the same, arbitrary texts and unknown fields included.

use crate::support::{account, migrate, open};
use mastoc_domain::board::{ClimbGrade, FeetRuleOption, HoldShape, PictureRef};
use mastoc_domain::import::{Extra, ImportClimb, ImportFace, ImportGym, ImportHold, ImportUser, ImportWall};
use mastoc_domain::{StoktHoldId, StoktId, Timestamp};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{Store, StoreError, export};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use uuid::Uuid;

/// Any text that can be kept: everything but NUL.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,12}",
        2 => proptest::collection::vec(any::<char>().prop_filter("NUL cannot be kept", |c| *c != '\0'), 0..8)
            .prop_map(|chars| chars.into_iter().collect()),
        1 => Just("\u{202e}e\u{301}🧗🏽‍♀️ 'quoted' \"twice\" \\u0000 %_\\ \r\n\t".to_owned()),
        1 => Just(String::new()),
    ]
}

/// Any name or path that can be kept: as a text, but without control characters.
fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.chars().filter(|letter| !letter.is_control()).collect())
}

fn option_text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(text())
}

fn number() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        number().prop_map(Value::from),
        "(\\PC|\0){0,8}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::hash_map("(\\PC|\0){0,6}", inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn extra() -> impl Strategy<Value = Extra> {
    proptest::collection::hash_map("\\PC{0,8}", json(), 0..4)
        .prop_map(|entries| entries.into_iter().collect())
}

fn picture() -> impl Strategy<Value = Option<PictureRef>> {
    proptest::option::of(
        (name(), 0..=2_147_483_647_u32, 0..=2_147_483_647_u32).prop_map(|(path, width, height)| PictureRef {
            path,
            width,
            height,
        }),
    )
}

fn stokt_id() -> impl Strategy<Value = StoktId> {
    any::<u128>().prop_map(|id| StoktId(Uuid::from_u128(id)))
}

fn time() -> impl Strategy<Value = Timestamp> {
    // From the year 1 to the year 9999, in microseconds.
    (-62_135_596_800_000_000_i64..253_402_300_799_999_999)
        .prop_map(|at| Timestamp::from_utc(chrono::DateTime::from_timestamp_micros(at).unwrap()))
}

/// A whole board of arbitrary content.
#[derive(Debug, Clone)]
struct Board {
    gym: ImportGym,
    wall: ImportWall,
    face: ImportFace,
    users: Vec<ImportUser>,
    holds: Vec<ImportHold>,
    climbs: Vec<ImportClimb>,
}

fn gym() -> impl Strategy<Value = ImportGym> {
    (stokt_id(), name(), option_text(), option_text(), extra()).prop_map(
        |(stokt_id, display_name, location, description, extra)| ImportGym {
            stokt_id,
            display_name,
            location,
            description,
            extra,
        },
    )
}

fn wall(gym: StoktId) -> impl Strategy<Value = ImportWall> {
    let rules = proptest::collection::vec(
        (text(), any::<bool>()).prop_map(|(name, is_default)| FeetRuleOption { name, is_default }),
        0..4,
    );
    (stokt_id(), name(), any::<bool>(), any::<bool>(), rules, extra()).prop_map(
        move |(stokt_id, name, is_angle_adjustable, is_active, feet_rules, extra)| ImportWall {
            stokt_id,
            gym_stokt_id: gym,
            name,
            is_angle_adjustable,
            is_active,
            feet_rules,
            extra,
        },
    )
}

fn face(gym: StoktId, wall: StoktId) -> impl Strategy<Value = ImportFace> {
    let rules = proptest::collection::vec(text(), 0..4);
    (stokt_id(), any::<bool>(), any::<bool>(), picture(), picture(), rules, any::<bool>(), extra()).prop_map(
        move |(
            stokt_id,
            on_wall,
            is_active,
            picture,
            small_picture,
            feet_rules_options,
            has_symmetry,
            extra,
        )| {
            ImportFace {
                stokt_id,
                gym_stokt_id: gym,
                wall_stokt_id: on_wall.then_some(wall),
                is_active,
                picture,
                small_picture,
                feet_rules_options,
                has_symmetry,
                extra,
            }
        },
    )
}

fn user() -> impl Strategy<Value = ImportUser> {
    let avatar = proptest::option::of(name());
    (stokt_id(), name(), avatar, extra()).prop_map(|(stokt_id, full_name, avatar_path, extra)| ImportUser {
        stokt_id,
        full_name,
        avatar_path,
        extra,
    })
}

fn hold(face: StoktId) -> impl Strategy<Value = ImportHold> {
    let shape = ((text(), text(), text()), (text(), text(), text()), (text(), text(), text())).prop_map(
        |(a, b, c)| HoldShape {
            area: a.0,
            polygon_str: a.1,
            touch_polygon_str: a.2,
            path_str: b.0,
            centroid_str: b.1,
            top_polygon_str: b.2,
            center_tape_str: c.0,
            left_tape_str: c.1,
            right_tape_str: c.2,
        },
    );
    (1..1_000_000_000_i64, number(), number(), shape, extra()).prop_map(
        move |(id, centroid_x, centroid_y, shape, extra)| ImportHold {
            stokt_id: StoktHoldId::new(id).unwrap(),
            face_stokt_id: face,
            centroid_x,
            centroid_y,
            shape,
            extra,
        },
    )
}

fn climb(face: StoktId, users: Vec<StoktId>, holds: Vec<StoktHoldId>) -> impl Strategy<Value = ImportClimb> {
    let tokens = proptest::collection::vec(
        (proptest::sample::select(vec!['S', 'O', 'F', 'T']), proptest::sample::select(holds)),
        1..12,
    )
    .prop_map(|tokens| {
        tokens.iter().map(|(role, hold)| format!("{role}{hold}")).collect::<Vec<_>>().join(" ")
    });
    let grade = (option_text(), proptest::option::of(number()), option_text(), option_text())
        .prop_map(|(font, ircra, hueco, dankyu)| ClimbGrade { font, ircra, hueco, dankyu });
    (
        (stokt_id(), proptest::option::of(proptest::sample::select(users)), name(), tokens, text(), grade),
        (option_text(), option_text(), any::<bool>(), any::<bool>()),
        (any::<i32>(), any::<i32>(), any::<i32>(), text(), text(), text()),
        (time(), extra(), extra()),
    )
        .prop_map(move |(who, flags, counts, rest)| ImportClimb {
            stokt_id: who.0,
            face_stokt_id: face,
            setter_stokt_id: who.1,
            name: who.2,
            holds_list: who.3,
            mirror_holds_list: who.4,
            grade: who.5,
            feet_rule: flags.0,
            description: flags.1,
            is_private: flags.2,
            is_benchmark: flags.3,
            climbed_by: counts.0,
            total_likes: counts.1,
            total_comments: counts.2,
            tags: counts.3,
            circuit: counts.4,
            angle: counts.5,
            created_at: rest.0,
            extra: rest.1,
            viewer: rest.2,
        })
}

fn board() -> impl Strategy<Value = Board> {
    gym()
        .prop_flat_map(|gym| {
            let id = gym.stokt_id;
            (Just(gym), wall(id))
        })
        .prop_flat_map(|(gym, wall)| {
            let ids = (gym.stokt_id, wall.stokt_id);
            (Just(gym), Just(wall), face(ids.0, ids.1), proptest::collection::vec(user(), 1..4))
        })
        .prop_flat_map(|(gym, wall, face, users)| {
            let id = face.stokt_id;
            (Just(gym), Just(wall), Just(face), Just(users), proptest::collection::vec(hold(id), 1..6))
        })
        .prop_flat_map(|(gym, wall, face, users, holds)| {
            let climb = climb(
                face.stokt_id,
                users.iter().map(|user| user.stokt_id).collect(),
                holds.iter().map(|hold| hold.stokt_id).collect(),
            );
            let parts = (Just(gym), Just(wall), Just(face), Just(users), Just(holds));
            (parts, proptest::collection::vec(climb, 0..6))
        })
        .prop_map(|((gym, wall, face, users, holds), climbs)| Board { gym, wall, face, users, holds, climbs })
}

/// Imports a board and answers whether anything was refused.
fn import(store: &Store, board: &Board) -> usize {
    let ctx = ImportContext { account: Some(account()), ..ImportContext::default() };
    store
        .write(|conn| {
            Ok::<_, StoreError>(
                [
                    import::gyms(conn, &ctx, std::slice::from_ref(&board.gym))?,
                    import::walls(conn, &ctx, std::slice::from_ref(&board.wall))?,
                    import::faces(conn, &ctx, std::slice::from_ref(&board.face))?,
                    import::users(conn, &ctx, &board.users)?,
                    import::holds(conn, &ctx, &board.holds)?,
                    import::climbs(conn, &ctx, &board.climbs)?,
                ]
                .iter()
                .map(|outcome| {
                    assert!(outcome.failed() == 0, "{outcome:?}");
                    outcome.created() + outcome.updated()
                })
                .sum(),
            )
        })
        .unwrap()
}

fn sorted<T, K: Ord>(mut items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    items.sort_by_key(key);
    items
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn whatever_is_imported_comes_back_the_same(url: &str) {
        let store = open(url);
        let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&board(), |board| {
            import(&store, &board);
            let gym = board.gym.stokt_id;
            store.snapshot(|conn| {
                assert_eq!(export::gyms(conn, gym)?, std::slice::from_ref(&board.gym));
                assert_eq!(export::walls(conn, gym)?, std::slice::from_ref(&board.wall));
                assert_eq!(export::faces(conn, gym)?, std::slice::from_ref(&board.face));
                assert_eq!(export::holds(conn, gym)?, sorted(board.holds.clone(), |hold| hold.stokt_id));
                let everybody = export::users(conn)?;
                for user in &board.users {
                    assert!(everybody.contains(user), "{user:?} did not come back");
                }
                let climbs = export::climbs(conn, gym, Some(account()))?;
                assert_eq!(climbs, sorted(board.climbs.clone(), |climb| climb.stokt_id));
                Ok::<_, StoreError>(())
            }).unwrap();
            prop_assert_eq!(import(&store, &board), 0, "the same again was not recognised");
            Ok(())
        });
        outcome.unwrap();
    }
}
