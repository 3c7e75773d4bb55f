//! A contract that drifts: fields of records that are missing, of another type, or new.

use serde_json::{Map, Value};

use crate::faults::FieldChange;

/// The records of an answer: those of a page, those of a list, or the answer itself.
fn records(value: &mut Value) -> Vec<&mut Map<String, Value>> {
    let is_page = value.get("results").is_some();
    let value = if is_page { &mut value["results"] } else { value };
    match value {
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).collect(),
        Value::Object(record) => vec![record],
        _ => Vec::new(),
    }
}

/// Changes a field of every record; where no record has it, of the records inside them, such as the holds of a setup.
pub(crate) fn change(value: &mut Value, what: FieldChange, field: &str) {
    let mut found = records(value);
    if what == FieldChange::New {
        for record in found {
            record.insert(field.to_owned(), "waning".into());
        }
        return;
    }
    if !found.iter().any(|record| record.contains_key(field)) {
        let inside = found.into_iter().flat_map(|record| record.values_mut());
        inside
            .filter(|value| value.is_object() || value.is_array())
            .for_each(|value| change(value, what, field));
        return;
    }
    for record in &mut found {
        match (what, record.get_mut(field)) {
            (FieldChange::Gone, _) => drop(record.shift_remove(field)),
            (_, Some(Value::String(_))) => drop(record.insert(field.to_owned(), 7.into())),
            (_, Some(_)) => drop(record.insert(field.to_owned(), "retyped".into())),
            (_, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_record_of_whatever_answer_drifts() {
        let page =
            json!({ "count": 2, "results": [{ "name": "a", "setter": { "name": "b" } }, { "name": "c" }] });
        let drifted = |what, field| {
            let mut drifted = page.clone();
            change(&mut drifted, what, field);
            drifted["results"].clone()
        };
        assert_eq!(drifted(FieldChange::Gone, "name"), json!([{ "setter": { "name": "b" } }, {}]));
        let retyped = drifted(FieldChange::Retyped, "name");
        assert_eq!(retyped, json!([{ "name": 7, "setter": { "name": "b" } }, { "name": 7 }]));
        assert_eq!(drifted(FieldChange::New, "moon")[1], json!({ "name": "c", "moon": "waning" }));
        assert_eq!(drifted(FieldChange::Gone, "unknown"), page["results"]);

        let mut setup = json!({ "id": "x", "holds": [{ "id": 1, "area": "2" }] });
        change(&mut setup, FieldChange::Gone, "area");
        change(&mut setup, FieldChange::Retyped, "holds");
        assert_eq!(setup, json!({ "id": "x", "holds": "retyped" }));
        let mut setup = json!({ "id": "x", "holds": [{ "id": 1, "area": "2" }] });
        change(&mut setup, FieldChange::Gone, "area");
        assert_eq!(setup, json!({ "id": "x", "holds": [{ "id": 1 }] }));
    }
}
