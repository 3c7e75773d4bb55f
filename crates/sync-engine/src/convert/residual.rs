//! The lossless rest: what has to be kept beside a rendered record so that the source can be written back.
//!
//! `rest(rendered, source)` is laid over the rendered record by [`overlay`]: for all JSON objects `r` and `s`,
//! `overlay(r, rest(r, s)) == s`, field by field (the order of fields in an object means nothing in JSON).

use mastoc_domain::import::Extra;
use serde_json::Value;

/// Fields whose value in the source differs from the rendered one, or that were not rendered at all.
const SET: &str = "set";
/// Names of fields that were rendered though the source has none of them.
const ABSENT: &str = "absent";

/// What has to be kept beside `rendered` to get `source` back; empty when they are equal.
#[must_use]
pub fn rest(rendered: &Extra, source: Extra) -> Extra {
    let absent: Vec<Value> =
        rendered.keys().filter(|name| !source.contains_key(*name)).cloned().map(Value::String).collect();
    let set: Extra = source.into_iter().filter(|(name, value)| rendered.get(name) != Some(value)).collect();
    let mut rest = Extra::new();
    if !set.is_empty() {
        rest.insert(SET.to_owned(), Value::Object(set));
    }
    if !absent.is_empty() {
        rest.insert(ABSENT.to_owned(), Value::Array(absent));
    }
    rest
}

/// Lays a rest over a rendered record.
#[must_use]
pub fn overlay(mut rendered: Extra, rest: &Extra) -> Extra {
    if let Some(Value::Array(absent)) = rest.get(ABSENT) {
        for name in absent.iter().filter_map(Value::as_str) {
            rendered.shift_remove(name);
        }
    }
    if let Some(Value::Object(set)) = rest.get(SET) {
        for (name, value) in set {
            rendered.insert(name.clone(), value.clone());
        }
    }
    rendered
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use serde_json::{Number, json};

    use super::*;

    /// Any JSON that survives being written and read.
    pub(crate) fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e12..1e12_f64).prop_map(|n| Number::from_f64(n).map_or(Value::Null, Value::Number)),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                proptest::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn any_object() -> impl Strategy<Value = Extra> {
        // Few names, so that both sides often share one.
        proptest::collection::vec(("[a-e]|set|absent", any_json()), 0..8)
            .prop_map(|fields| fields.into_iter().collect())
    }

    #[test]
    fn only_what_differs_is_kept() {
        let rendered = fields(json!({"a": 1, "b": "x", "c": null}));
        let source = fields(json!({"b": "x", "c": 0, "d": [1.0]}));
        let kept = rest(&rendered, source.clone());
        assert_eq!(Value::Object(kept.clone()), json!({"set": {"c": 0, "d": [1.0]}, "absent": ["a"]}));
        assert_eq!(overlay(rendered, &kept), source);
        assert!(rest(&source, source.clone()).is_empty());
    }

    #[test]
    fn whole_numbers_and_decimals_are_not_the_same() {
        let kept = rest(&fields(json!({"n": 20})), fields(json!({"n": 20.0})));
        assert_eq!(Value::Object(kept), json!({"set": {"n": 20.0}}));
    }

    fn fields(value: Value) -> Extra {
        super::super::fields(value)
    }

    proptest! {
        #[test]
        fn overlay_gives_the_source_back(rendered in any_object(), source in any_object()) {
            let kept = rest(&rendered, source.clone());
            prop_assert_eq!(overlay(rendered.clone(), &kept), source.clone());
            // Also after the rest went through a database as text.
            let text = serde_json::to_string(&kept).unwrap();
            let read: Extra = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(overlay(rendered, &read), source);
        }
    }
}
