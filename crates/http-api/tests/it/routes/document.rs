//! The operations that the OpenAPI document describes: tests that walk them cover routes that nobody thought of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// One method of one path.
pub struct Operation {
    pub method: String,
    pub path: String,
    spec: Value,
    schemas: Value,
}

/// All operations of the document.
pub fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&mastoc_http_api::openapi_json().unwrap()).unwrap();
    let schemas = document["components"]["schemas"].clone();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(spec) = item.get(method) {
                let (method, path) = (method.to_uppercase(), path.clone());
                found.push(Operation { method, path, spec: spec.clone(), schemas: schemas.clone() });
            }
        }
    }
    assert!(found.len() > 80, "the document is whole");
    found
}

impl Operation {
    /// "METHOD path", as the tables name it.
    pub fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The names in braces.
    pub fn placeholders(&self) -> Vec<&str> {
        self.path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect()
    }

    /// Whether it says that it answers this status.
    pub fn answers(&self, status: u16) -> bool {
        self.spec["responses"].get(status.to_string()).is_some()
    }

    /// The media types that it reads.
    pub fn reads(&self) -> BTreeSet<&str> {
        let content = self.spec["requestBody"]["content"].as_object();
        content.into_iter().flat_map(|content| content.keys().map(String::as_str)).collect()
    }

    /// What it says of the fields of its JSON body; `None` where it reads no JSON.
    pub fn fields(&self) -> Option<BTreeMap<String, Value>> {
        let schema = self.spec["requestBody"]["content"].get("application/json")?.get("schema")?;
        let mut fields = BTreeMap::new();
        self.collect(schema, &mut fields);
        Some(fields)
    }

    fn collect(&self, schema: &Value, fields: &mut BTreeMap<String, Value>) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return self.collect(&self.schemas[name].clone(), fields);
        }
        for part in ["allOf", "oneOf", "anyOf"] {
            for inner in schema[part].as_array().into_iter().flatten() {
                self.collect(inner, fields);
            }
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            fields.insert(name.clone(), field.clone());
        }
    }

    /// The kinds that a field may be of, `null` among them where it may be.
    pub fn kinds(&self, field: &Value) -> BTreeSet<String> {
        if let Some(name) = field["$ref"].as_str() {
            return self.kinds(&self.schemas[name.rsplit('/').next().unwrap()].clone());
        }
        let mut kinds = BTreeSet::new();
        match &field["type"] {
            Value::String(kind) => _ = kinds.insert(kind.clone()),
            Value::Array(several) => {
                kinds.extend(several.iter().map(|kind| kind.as_str().unwrap().to_owned()))
            }
            _ => {}
        }
        for part in ["allOf", "oneOf", "anyOf"] {
            for inner in field[part].as_array().into_iter().flatten() {
                kinds.extend(self.kinds(inner));
            }
        }
        kinds
    }

    /// Its parameters of one place (`query`, `header`, `path`): name and schema.
    pub fn parameters(&self, place: &str) -> Vec<(String, Value)> {
        let all = self.spec["parameters"].as_array().cloned().unwrap_or_default();
        let here = all.into_iter().filter(|parameter| parameter["in"] == place);
        here.map(|parameter| (parameter["name"].as_str().unwrap().to_owned(), parameter["schema"].clone()))
            .collect()
    }

    /// The path with these values in its places.
    pub fn at(&self, values: &[(&str, String)]) -> String {
        let mut path = self.path.clone();
        for (name, value) in values {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        assert!(!path.contains('{'), "{path} has a place that no value is for");
        path
    }
}

/// A value of a kind, of which nothing else is asked.
pub fn of_kind(kind: &str) -> Value {
    match kind {
        "string" => json!("text"),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "array" => json!([]),
        "null" => Value::Null,
        _ => json!({}),
    }
}
