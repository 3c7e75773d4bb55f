//! Holds: geometry texts are kept to the letter, and the centre is read as numbers.

use mastoc_domain::board::HoldShape;
use mastoc_domain::import::{Extra, ImportHold};
use mastoc_domain::{StoktHoldId, StoktId};
use mastoc_stokt_client::{WireRecord as _, types::Hold};
use serde_json::Value;

use super::{Refused, blank, fields, residual, shown};

/// Reads a hold of a face.
///
/// # Errors
/// [`Refused`] when the id is outside the range of Stokt's hold ids, or no centre (in pixels) can be read.
pub fn hold_from_stokt(hold: &Hold, face: StoktId) -> Result<ImportHold, Refused> {
    let id = hold.id.as_i64().and_then(StoktHoldId::new);
    let id = id.ok_or_else(|| {
        Refused::new(
            "bad_id",
            format!("the hold's id, {}, is no whole number from 1 to 999999999", shown(&hold.id)),
        )
    })?;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let shape = HoldShape {
        area: text(&hold.area),
        polygon_str: text(&hold.polygon),
        touch_polygon_str: text(&hold.touch_polygon),
        path_str: text(&hold.path),
        centroid_str: text(&hold.centroid),
        top_polygon_str: text(&hold.top_polygon),
        center_tape_str: text(&hold.center_tape),
        left_tape_str: text(&hold.left_tape),
        right_tape_str: text(&hold.right_tape),
    };
    let (centroid_x, centroid_y) = centre(&shape).ok_or_else(|| {
        Refused::new(
            "bad_number",
            format!("the centre of hold {id} cannot be read, from its own field or its outline"),
        )
    })?;
    let mut record =
        ImportHold { stokt_id: id, face_stokt_id: face, centroid_x, centroid_y, shape, extra: Extra::new() };
    record.extra = residual::rest(&fields(rendered(&record)?.to_value()), fields(hold.to_value()));
    Ok(record)
}

/// A hold as Stokt writes it.
///
/// # Errors
/// [`Refused`] when the kept rest does not fit a hold.
pub fn hold_to_stokt(hold: &ImportHold) -> Result<Value, Refused> {
    Ok(Value::Object(residual::overlay(fields(rendered(hold)?.to_value()), &hold.extra)))
}

fn rendered(record: &ImportHold) -> Result<Hold, Refused> {
    let mut hold: Hold = blank(record.stokt_id.get())?;
    let shape = record.shape.clone();
    hold.area = Some(shape.area);
    hold.polygon = Some(shape.polygon_str);
    hold.touch_polygon = Some(shape.touch_polygon_str);
    hold.path = Some(shape.path_str);
    hold.centroid = Some(shape.centroid_str);
    hold.top_polygon = Some(shape.top_polygon_str);
    hold.center_tape = Some(shape.center_tape_str);
    hold.left_tape = Some(shape.left_tape_str);
    hold.right_tape = Some(shape.right_tape_str);
    Ok(hold)
}

/// The stated centre, or the mean of the outline's corners where none is stated. Pixels.
fn centre(shape: &HoldShape) -> Option<(f64, f64)> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let mut stated = shape.centroid_str.split_whitespace().map(number);
    if let (Some(Some(x)), Some(Some(y)), None) = (stated.next(), stated.next(), stated.next()) {
        return Some((x, y));
    }
    let corners: Option<Vec<(f64, f64)>> = shape
        .polygon_str
        .split_whitespace()
        .map(|corner| corner.split_once(',').and_then(|(x, y)| Some((number(x)?, number(y)?))))
        .collect();
    let corners = corners.filter(|corners| !corners.is_empty())?;
    let count = f64::from(u32::try_from(corners.len()).ok()?);
    let (x, y) = corners.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    Some((x / count, y / count))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn face() -> StoktId {
        "5fa7e1c0-3b52-4d86-9e14-7a20c6d81f35".parse().unwrap()
    }

    #[test]
    fn the_centre_is_read_or_taken_from_the_outline() {
        let read = |source: Value| hold_from_stokt(&Hold::parse(source).unwrap(), face());
        let hold = read(json!({"id": 1, "centroidStr": "572.53 2397.11"})).unwrap();
        assert_eq!((hold.centroid_x, hold.centroid_y), (572.53, 2397.11));
        let hold = read(json!({"id": "2", "centroidStr": null, "polygonStr": "0,0 2,0 2,4 0,4"})).unwrap();
        assert_eq!((hold.centroid_x, hold.centroid_y), (1.0, 2.0));
        for (source, code) in [
            (json!({"id": 1}), "bad_number"),
            (json!({"id": 1, "centroidStr": "NaN 1"}), "bad_number"),
            (json!({"id": 0, "centroidStr": "1 1"}), "bad_id"),
            (json!({"id": 1_000_000_000, "centroidStr": "1 1"}), "bad_id"),
            (json!({"id": "x", "centroidStr": "1 1"}), "bad_id"),
        ] {
            assert_eq!(read(source.clone()).unwrap_err().code, code, "{source}");
        }
    }

    #[test]
    fn holds_come_back_as_they_were() {
        for source in [
            json!({"id": 399_902, "area": "2226.00", "centroidStr": "1 2"}),
            json!({"id": "399902", "area": 2226.0, "centroidStr": "1 2", "leftTapeStr": null, "new": {"a": 1}}),
        ] {
            let hold = hold_from_stokt(&Hold::parse(source.clone()).unwrap(), face()).unwrap();
            assert_eq!(hold_to_stokt(&hold).unwrap(), source);
        }
    }
}
