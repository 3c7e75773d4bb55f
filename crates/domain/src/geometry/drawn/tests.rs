//! Any outline becomes a whole hold, or is refused.

use proptest::prelude::*;

use super::*;
use crate::geometry::HoldGeometry;

#[test]
fn a_square_gets_all_that_a_hold_has() {
    let hold = DrawnHold::parse("100,100 100,200 200,200 200,100 100,100", 2263, 3000).unwrap();
    let shape = &hold.shape;
    assert_eq!(shape.polygon_str, "100.00,100.00 100.00,200.00 200.00,200.00 200.00,100.00");
    assert_eq!(shape.area, "6400.00");
    assert_eq!(shape.centroid_str, "150.00 150.00");
    assert_eq!(shape.top_polygon_str, "75.00,75.00 75.00,225.00 225.00,225.00 225.00,75.00");
    assert_eq!(shape.touch_polygon_str, "88.00,88.00 88.00,212.00 212.00,212.00 212.00,88.00");
    assert_eq!(shape.center_tape_str, "150.00 200.00 150.00 300.00");
    let geometry = HoldGeometry::parse(shape).unwrap();
    let (left, right) = (&geometry.left_tape, &geometry.right_tape);
    assert_eq!((left.from().y(), right.from().y()), (200.0, 200.0));
    assert!(left.to().x() < left.from().x() && right.to().x() > right.from().x());
    assert!((left.length() - 100.0).abs() < 0.02 && (right.length() - 100.0).abs() < 0.02);
}

#[test]
fn what_is_no_hold_is_refused() {
    let refused = |text: &str| DrawnHold::parse(text, 640, 480).unwrap_err();
    assert_eq!(refused("0,0 10,10 10,0 0,10"), DrawingError::CrossesItself);
    assert_eq!(refused("0,0 10,0 10,10 5,0 0,10"), DrawingError::CrossesItself);
    assert_eq!(refused("0,0 10,0 20,0 5,0"), DrawingError::CrossesItself);
    assert_eq!(refused("0,0 10,0 0,0.1"), DrawingError::TooSmall);
    assert!(matches!(refused("0,0 641,0 0,10"), DrawingError::Outside { .. }));
    assert!(matches!(refused("0,0 10,-1 0,10"), DrawingError::Outside { .. }));
    assert!(matches!(refused("1,1 1,1 2,2 1,1"), DrawingError::Polygon(_)));
    assert!(matches!(refused("1,1 nan,1 2,2"), DrawingError::Polygon(_)));
    let many: Vec<String> = (0..301).map(|n| format!("{n},{}", n % 2)).collect();
    assert!(matches!(refused(&many.join(" ")), DrawingError::TooManyCorners(301)));
    assert!(DrawnHold::parse("0,0 640,0 640,480 0,480", 640, 480).is_ok());
}

#[test]
fn small_holds_and_splinters_are_holds_too() {
    let small = DrawnHold::parse("10,10 14,10 14,14 10,14", 640, 480).unwrap();
    assert_eq!(small.shape.area, "16.00");
    // A splinter would grow a spike far out of the picture; its hull's or its rectangle's border will do.
    let splinter = DrawnHold::parse("10,10 200,10.5 10,11", 640, 480).unwrap();
    let top = HoldGeometry::parse(&splinter.shape).unwrap().top_polygon.bounding_box();
    assert!(top.bottom_right.x() <= 300.0 && top.top_left.x() >= -90.0, "{top:?}");
}

proptest! {
    #[test]
    fn any_outline_becomes_a_whole_hold_or_is_refused(
        points in proptest::collection::vec((-5_i32..105, -5_i32..105), 0..12),
    ) {
        let text: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
        if let Ok(hold) = DrawnHold::parse(&text.join(" "), 100, 100) {
            let geometry = HoldGeometry::parse(&hold.shape).unwrap();
            prop_assert_eq!(geometry.centroid.point(), hold.centroid);
            prop_assert!(geometry.area > 0.0 && geometry.area <= geometry.polygon.area() + 0.01);
            let (inner, wider) = (geometry.polygon.bounding_box(), geometry.top_polygon.bounding_box());
            prop_assert!(wider.contains(inner.top_left) && wider.contains(inner.bottom_right));
            prop_assert!(geometry.polygon.points().iter().all(|point| inner.contains(*point)));
            // Drawing it again changes nothing.
            prop_assert_eq!(&DrawnHold::parse(&hold.shape.polygon_str, 100, 100).unwrap(), &hold);
        }
    }

    #[test]
    fn round_holds_are_never_refused(
        radii in proptest::collection::vec(5.0_f64..40.0, 3..20),
    ) {
        let corners: Vec<Point> = radii.iter().enumerate().map(|(n, radius)| {
            let angle = n as f64 / radii.len() as f64 * std::f64::consts::TAU;
            Point::new(50.0 + radius * angle.cos(), 50.0 + radius * angle.sin()).unwrap()
        }).collect();
        prop_assert!(DrawnHold::of(&corners, 100, 100).is_ok());
    }
}
