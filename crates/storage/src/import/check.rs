//! What a record must be to be stored at all: texts without NUL and of bearable length, finite numbers, sane times.

use mastoc_domain::Timestamp;
use mastoc_domain::import::{Extra, ItemProblem};
use mastoc_domain::text::{check_imported_name, check_imported_path, check_imported_text};
use serde_json::Value;

/// How much of a text is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// That of names.
    Name,
    /// That of addresses, which stand in requests and headers: as texts, without control characters.
    Path,
    /// That of all other texts.
    Text,
}
pub(super) use Limit::{Name, Path, Text};

/// How deep unknown JSON may nest; what is read back must stay below the parser's own limit of 128.
const DEPTH: usize = 100;
/// How many values unknown JSON may hold, and how many bytes its texts and names may have together.
const VALUES: usize = 20_000;
const TEXT_BYTES: usize = 1_000_000;
/// Most bytes of a record that is kept in quarantine.
const KEPT: usize = 64 * 1024;

pub(super) fn problem(code: &str, detail: impl Into<String>) -> ItemProblem {
    ItemProblem { code: code.into(), detail: detail.into() }
}

/// The first of these texts that cannot be stored: field, text, limit.
pub(super) fn texts<'t>(
    fields: impl IntoIterator<Item = (&'static str, &'t str, Limit)>,
) -> Option<ItemProblem> {
    fields.into_iter().find_map(|(field, value, limit)| {
        let checked = match limit {
            Name => check_imported_name(value),
            Path => check_imported_path(value),
            Text => check_imported_text(value),
        };
        checked.err().map(|error| problem("bad_text", format!("{field} {error}")))
    })
}

/// An optional text as [`texts`] takes it.
pub(super) fn optional(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

/// The first of these numbers that is none.
pub(super) fn numbers(fields: impl IntoIterator<Item = (&'static str, Option<f64>)>) -> Option<ItemProblem> {
    fields.into_iter().find_map(|(field, number)| {
        number
            .filter(|number| !number.is_finite())
            .map(|_| problem("bad_number", format!("{field} is not a number")))
    })
}

/// Whether a time can be stored: years 0001 to 9999, which have a text of fixed width.
pub(super) fn time(field: &str, time: Timestamp) -> Option<ItemProblem> {
    (time.to_string().len() != 27)
        .then(|| problem("bad_number", format!("{field} is outside the years 0001 to 9999")))
}

/// Whether a size in pixels fits its column.
pub(super) fn pixels(field: &str, size: u32) -> Option<ItemProblem> {
    i32::try_from(size).is_err().then(|| problem("bad_number", format!("{field} is too large for a picture")))
}

/// Whether the fields without a place of their own can be stored and read back.
pub(super) fn extra(extra: &Extra) -> Option<ItemProblem> {
    /// Counts values and bytes; `None` where it nests too deep.
    fn weigh(value: &Value, left: usize, weight: &mut (usize, usize)) -> Option<()> {
        weight.0 += 1;
        match value {
            Value::Array(_) | Value::Object(_) if left == 0 => None,
            Value::Array(items) => items.iter().try_for_each(|item| weigh(item, left - 1, weight)),
            Value::Object(object) => object.iter().try_for_each(|(name, item)| {
                weight.1 += name.len();
                weigh(item, left - 1, weight)
            }),
            Value::String(text) => {
                weight.1 += text.len();
                Some(())
            }
            _ => Some(()),
        }
    }
    let mut weight = (0, 0);
    for (name, value) in extra {
        weight.1 += name.len();
        if weigh(value, DEPTH, &mut weight).is_none() {
            let detail = format!("its unknown fields nest deeper than {DEPTH} levels");
            return Some(problem("bad_text", detail));
        }
    }
    let (values, bytes) = weight;
    (values > VALUES || bytes > TEXT_BYTES).then(|| {
        let detail = format!("its unknown fields hold {values} values and {bytes} bytes of text; at most {VALUES} and {TEXT_BYTES} are kept");
        problem("bad_text", detail)
    })
}

/// A refused record in a size that can be kept: whole, or its largest texts cut.
pub(super) fn shortened(record: Value) -> Value {
    fn cut(value: &mut Value, depth: usize) {
        match value {
            Value::String(text) if text.len() > 1_000 => {
                let bytes = text.len();
                *text = text.chars().take(200).collect();
                text.push_str(&format!("... ({bytes} bytes)"));
            }
            Value::Array(items) if depth == 0 || items.len() > 1_000 => *value = Value::Null,
            Value::Object(object) if depth == 0 || object.len() > 1_000 => *value = Value::Null,
            Value::Array(items) => items.iter_mut().for_each(|item| cut(item, depth - 1)),
            Value::Object(object) => object.values_mut().for_each(|item| cut(item, depth - 1)),
            _ => {}
        }
    }
    let mut record = record;
    let small = serde_json::to_vec(&record).is_ok_and(|bytes| bytes.len() <= KEPT);
    if !small || extra_depth_is_odd(&record) {
        cut(&mut record, 8);
    }
    record
}

fn extra_depth_is_odd(record: &Value) -> bool {
    record.as_object().is_some_and(|object| {
        object.values().filter_map(Value::as_object).any(|inner| extra(inner).is_some())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refused_text_names_its_field() {
        assert_eq!(texts([("name", "é", Name), ("description", "x", Text)]), None);
        let refused = texts([("name", "fine", Name), ("description", "a\0b", Text)]).unwrap();
        assert_eq!(refused.code, "bad_text");
        assert!(refused.detail.starts_with("description "), "{}", refused.detail);
        assert_eq!(texts([("description", "two\nlines", Text), ("path", "walls/é.jpg", Path)]), None);
        assert!(texts([("path", "walls/a\n.jpg", Path)]).is_some());
    }

    #[test]
    fn unknown_fields_are_bounded() {
        let with = |value: Value| extra(&[("new".to_owned(), value)].into_iter().collect());
        assert_eq!(with(json!({"a": [1, "x", null]})), None);
        assert_eq!(with(json!(vec![0; VALUES - 1])), None);
        assert_eq!(with(json!(vec![0; VALUES])).unwrap().code, "bad_text");
        assert_eq!(with(json!("x".repeat(TEXT_BYTES - 3))), None);
        assert_eq!(with(json!("x".repeat(TEXT_BYTES))).unwrap().code, "bad_text");
        assert_eq!(with(json!({"x".repeat(TEXT_BYTES): 1})).unwrap().code, "bad_text");
    }

    #[test]
    fn deep_and_huge_records_are_cut_before_they_are_kept() {
        let mut deep = json!(1);
        for _ in 0..120 {
            deep = json!([deep]);
        }
        let map: Extra = [("deep".to_owned(), deep)].into_iter().collect();
        assert_eq!(extra(&map).unwrap().code, "bad_text");
        let kept = shortened(json!({"name": "x".repeat(10_000_000), "extra": map}));
        let text = serde_json::to_string(&kept).unwrap();
        assert!(text.len() < 1_000, "{} bytes", text.len());
        assert!(serde_json::from_str::<Value>(&text).is_ok());
    }
}
