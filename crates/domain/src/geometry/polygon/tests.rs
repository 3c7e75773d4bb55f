//! Tests of polygons, by example and by property.

use proptest::prelude::*;

use super::*;

fn point(x: f64, y: f64) -> Point {
    Point::new(x, y).unwrap()
}

fn polygon(text: &str) -> Polygon {
    Polygon::parse(text).unwrap()
}

const SQUARE: &str = "0,0 10,0 10,10 0,10";
/// An L: convex it is not.
const ELL: &str = "0,0 30,0 30,10 10,10 10,30 0,30";

#[test]
fn reads_and_prints_back() {
    let text = "559.96,2358.89 536.00,2382.86  -1.50,+2.00";
    assert_eq!(polygon(text).to_string(), text);
    assert_eq!(polygon(text).points()[1], point(536.0, 2382.86));
}

#[test]
fn refuses_what_is_no_polygon() {
    for text in [
        "",
        "1,2",
        "1,2 3,4",
        "1,2 3,4 5",
        "1,2 3,4 5,6,7",
        "1,2 3,4 x,6",
        "1,2 3,4 5,NaN",
        "1,2 3,4 5,1e7",
        "1, 2 3, 4 5, 6",
    ] {
        assert!(Polygon::parse(text).is_err(), "{text:?}");
    }
    let many = "1,1 ".repeat(MAX_POINTS + 1);
    assert_eq!(Polygon::parse(&many), Err(GeometryError::TooManyPoints));
    assert_eq!(Polygon::parse(&"1,1 ".repeat(30_000)), Err(GeometryError::TooLong(120_000)));
}

#[test]
fn measures_known_shapes() {
    let square = polygon(SQUARE);
    assert_eq!(square.area(), 100.0);
    assert_eq!(square.perimeter(), 40.0);
    assert_eq!(square.centroid(), point(5.0, 5.0));
    assert!(square.is_convex());
    let ell = polygon(ELL);
    assert_eq!(ell.area(), 500.0);
    assert_eq!(ell.centroid(), point(11.0, 11.0));
    assert!(!ell.is_convex());
    let bounds = ell.bounding_box();
    assert_eq!((bounds.top_left, bounds.bottom_right), (point(0.0, 0.0), point(30.0, 30.0)));
    assert_eq!((bounds.width(), bounds.height()), (30.0, 30.0));
}

#[test]
fn a_polygon_without_area_has_a_centre_all_the_same() {
    assert_eq!(polygon("0,0 10,0 20,0").centroid(), point(10.0, 0.0));
    assert_eq!(polygon("7,7 7,7 7,7").centroid(), point(7.0, 7.0));
    // A bow tie, whose two halves cancel.
    assert_eq!(polygon("0,0 10,10 10,0 0,10").centroid(), point(5.0, 5.0));
}

#[test]
fn the_border_belongs_to_the_polygon() {
    let ell = polygon(ELL);
    for (x, y) in [(0.0, 0.0), (15.0, 0.0), (30.0, 10.0), (10.0, 10.0), (10.0, 20.0), (0.0, 30.0)] {
        assert!(ell.contains(point(x, y)), "{x},{y} is on the border");
    }
    for (x, y) in [(5.0, 5.0), (29.9, 9.9), (9.9, 29.9)] {
        assert!(ell.contains(point(x, y)), "{x},{y} is inside");
    }
    for (x, y) in [(10.01, 10.01), (20.0, 20.0), (-0.01, 5.0), (40.0, 0.0), (-40.0, 10.0), (5.0, 30.01)] {
        assert!(!ell.contains(point(x, y)), "{x},{y} is outside");
    }
}

#[test]
fn a_star_is_not_convex() {
    assert!(!polygon("0,-10 5.88,8.09 -9.51,-3.09 9.51,-3.09 -5.88,8.09").is_convex());
}

#[test]
fn moves_edges_outwards_and_inwards() {
    let square = polygon(SQUARE);
    assert_eq!(square.offset(2.0).unwrap().as_str(), "-2.00,-2.00 12.00,-2.00 12.00,12.00 -2.00,12.00");
    let turned = polygon("0,10 10,10 10,0 0,0");
    assert_eq!(turned.offset(2.0).unwrap().area(), 196.0);
    assert_eq!(
        polygon(ELL).offset(-1.0).unwrap().as_str(),
        "1.00,1.00 29.00,1.00 29.00,9.00 9.00,9.00 9.00,29.00 1.00,29.00"
    );
    // Points written twice make no corner of their own.
    assert_eq!(polygon("0,0 10,0 10,0 10,10 0,10 0,0").offset(1.0).unwrap().area(), 144.0);
}

#[test]
fn an_offset_that_is_no_polygon_is_none() {
    assert!(polygon(SQUARE).offset(-5.0).is_none());
    assert!(polygon(SQUARE).offset(-20.0).is_none());
    assert!(polygon(SQUARE).offset(f64::NAN).is_none());
    assert!(polygon(SQUARE).offset(2e6).is_none());
    assert!(polygon("0,0 10,0 20,0").offset(1.0).is_none());
    assert!(polygon("0,0 10,0 10,10 10,0 0,10").offset(1.0).is_none());
}

/// Points round an ellipse in the order of their angles: convex by construction.
fn convex() -> impl Strategy<Value = Polygon> {
    (proptest::collection::btree_set(0u32..3_600, 3..20), 20.0..400.0_f64, 20.0..400.0_f64, 0.0..3_000.0_f64)
        .prop_filter("wide enough to have an inside", |(angles, ..)| {
            let angles: Vec<u32> = angles.iter().copied().collect();
            let gap = angles.last().unwrap() - angles[0];
            angles.windows(2).all(|pair| (60..1_700).contains(&(pair[1] - pair[0])))
                && (1_900..3_540).contains(&gap)
        })
        .prop_map(|(angles, a, b, at)| {
            let points: Vec<Point> = angles
                .iter()
                .map(|angle| f64::from(*angle).to_radians() / 10.0)
                .map(|angle| point(at + a * angle.cos(), at + b * angle.sin()))
                .collect();
            Polygon::checked(String::new(), points).unwrap()
        })
}

fn any_points() -> impl Strategy<Value = Vec<Point>> {
    proptest::collection::vec((-300_000i32..300_000, -300_000i32..300_000), 3..30).prop_map(|points| {
        points.into_iter().map(|(x, y)| point(f64::from(x) / 100.0, f64::from(y) / 100.0)).collect()
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[0-9,. eE+-]{0,60}") {
        if let Ok(polygon) = Polygon::parse(&text) {
            prop_assert!(polygon.points().len() >= 3);
            prop_assert_eq!(polygon.to_string(), text);
        }
    }

    #[test]
    fn points_go_round_by_text(points in any_points()) {
        let polygon = Polygon::from_points(&points).unwrap();
        prop_assert_eq!(polygon.points(), &points[..]);
        prop_assert_eq!(&Polygon::parse(polygon.as_str()).unwrap(), &polygon);
    }

    #[test]
    fn area_and_centre_do_not_depend_on_where_the_points_begin(points in any_points(), by in 0usize..30, flip: bool) {
        let polygon = Polygon::from_points(&points).unwrap();
        let mut turned = points.clone();
        turned.rotate_left(by % points.len());
        if flip {
            turned.reverse();
        }
        let turned = Polygon::from_points(&turned).unwrap();
        let extent = polygon.bounding_box().width().max(polygon.bounding_box().height());
        prop_assert!((polygon.area() - turned.area()).abs() <= 1e-9 * extent * extent);
        // The centre of nearly nothing is ill-defined; there the two may fall on either side of the fallback.
        if polygon.area() > 1e-3 * extent * extent {
            prop_assert!(polygon.centroid().distance(turned.centroid()) < 1e-3);
        }
    }

    #[test]
    fn area_does_not_depend_on_the_place(points in any_points(), x in -1_000.0..1_000.0_f64, y in -1_000.0..1_000.0_f64) {
        let here = Polygon::checked(String::new(), points.clone()).unwrap();
        let there = points.iter().map(|p| point(p.x() + x, p.y() + y)).collect();
        let there = Polygon::checked(String::new(), there).unwrap();
        prop_assert!((here.area() - there.area()).abs() < 1e-3);
    }

    #[test]
    fn the_centre_of_a_convex_polygon_is_inside(polygon in convex()) {
        prop_assert!(polygon.is_convex());
        prop_assert!(polygon.contains(polygon.centroid()));
        prop_assert!(polygon.bounding_box().contains(polygon.centroid()));
    }

    #[test]
    fn a_mix_of_corners_is_inside_a_convex_polygon(polygon in convex(), weights in proptest::collection::vec(0.01..1.0_f64, 20)) {
        let total: f64 = polygon.points().iter().zip(&weights).map(|(_, w)| w).sum();
        let mix = |of: fn(Point) -> f64| {
            polygon.points().iter().zip(&weights).map(|(p, w)| of(*p) * w).sum::<f64>() / total
        };
        prop_assert!(polygon.contains(point(mix(Point::x), mix(Point::y))));
    }

    #[test]
    fn corners_and_middles_of_edges_are_inside_and_what_is_out_of_the_box_is_not(points in any_points(), away in 0.01..100.0_f64) {
        let polygon = Polygon::from_points(&points).unwrap();
        for (a, b) in polygon.edges() {
            prop_assert!(polygon.contains(a));
            prop_assert!(polygon.contains(point(f64::midpoint(a.x(), b.x()), f64::midpoint(a.y(), b.y()))));
        }
        let bounds = polygon.bounding_box();
        for outside in [
            point(bounds.bottom_right.x() + away, bounds.top_left.y()),
            point(bounds.top_left.x() - away, bounds.bottom_right.y()),
            point(bounds.top_left.x(), bounds.top_left.y() - away),
            point(bounds.top_left.x(), bounds.bottom_right.y() + away),
        ] {
            prop_assert!(!polygon.contains(outside));
        }
    }

    #[test]
    fn wider_and_back_is_the_same_and_wider_is_around(polygon in convex(), by in 0.5..30.0_f64) {
        let wider = Polygon::checked(String::new(), polygon.offset_points(by).unwrap()).unwrap();
        prop_assert!(wider.area() >= polygon.area() + by * polygon.perimeter());
        for corner in polygon.points() {
            prop_assert!(wider.contains(*corner));
        }
        let back = wider.offset_points(-by).unwrap();
        for (a, b) in back.iter().zip(polygon.points()) {
            prop_assert!(a.distance(*b) < 1e-6 * (1.0 + wider.perimeter()), "{:?} {:?}", a, b);
        }
    }
}
