//! Setters, who come only as part of their climbs.

use std::collections::HashMap;

use mastoc_domain::StoktId;
use mastoc_domain::import::{Extra, ImportUser};
use mastoc_stokt_client::{WireRecord as _, types::Setter};
use serde_json::Value;

use super::{Refused, blank, fields, residual, stokt_id};

/// The setters of a run, each as first seen.
///
/// Every climb repeats its setter. Should two climbs disagree about one, the first is taken for the person's row,
/// and the other climb keeps its own version in its `extra`; so a second run finds nothing to change.
#[derive(Debug, Clone, Default)]
pub struct Setters {
    known: HashMap<StoktId, ImportUser>,
    fresh: Vec<StoktId>,
}

impl Setters {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes people as they were agreed on before: by the part of this run that a stop cut off.
    pub fn remember(&mut self, people: impl IntoIterator<Item = ImportUser>) {
        for user in people {
            self.known.entry(user.stokt_id).or_insert(user);
        }
    }

    /// The person as first seen; `setter` becomes that if there was none.
    ///
    /// # Errors
    /// [`Refused`] when the setter's id is no UUID.
    pub fn agree_on(&mut self, setter: &Setter) -> Result<&ImportUser, Refused> {
        let user = setter_from_stokt(setter)?;
        let id = user.stokt_id;
        Ok(self.known.entry(id).or_insert_with(|| {
            self.fresh.push(id);
            user
        }))
    }

    /// Everybody seen since the last call, in the order of appearance.
    pub fn take_fresh(&mut self) -> Vec<ImportUser> {
        let known = &self.known;
        self.fresh.drain(..).filter_map(|id| known.get(&id).cloned()).collect()
    }

    /// One person.
    #[must_use]
    pub fn get(&self, id: StoktId) -> Option<&ImportUser> {
        self.known.get(&id)
    }

    /// Everybody, in no order.
    pub fn all(&self) -> impl Iterator<Item = &ImportUser> {
        self.known.values()
    }
}

fn setter_from_stokt(setter: &Setter) -> Result<ImportUser, Refused> {
    let mut user = ImportUser {
        stokt_id: stokt_id(&setter.id, "setter")?,
        full_name: setter.full_name.clone().unwrap_or_default(),
        avatar_path: setter.avatar.clone().filter(|path| !path.is_empty()),
        extra: Extra::new(),
    };
    let rendered = fields(rendered(&user)?.to_value());
    user.extra = residual::rest(&rendered, fields(setter.to_value()));
    Ok(user)
}

fn rendered(user: &ImportUser) -> Result<Setter, Refused> {
    let mut setter: Setter = blank(user.stokt_id.to_string())?;
    setter.full_name = Some(user.full_name.clone());
    setter.avatar.clone_from(&user.avatar_path);
    Ok(setter)
}

/// A person as Stokt writes a climb's setter.
///
/// # Errors
/// [`Refused`] when the kept rest does not fit a setter.
pub fn setter_to_stokt(user: &ImportUser) -> Result<Value, Refused> {
    Ok(Value::Object(residual::overlay(fields(rendered(user)?.to_value()), &user.extra)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn setters_come_back_as_they_were() {
        for source in [
            json!({"id": "a40c7d19-58e2-4b6f-93d0-1fe7b2c5860d", "fullName": "Ada", "avatar": null}),
            json!({"id": "a40c7d19-58e2-4b6f-93d0-1fe7b2c5860d", "fullName": null, "avatar": "a/b.jpg", "new": [1]}),
            json!({"id": "A40C7D19-58E2-4B6F-93D0-1FE7B2C5860D"}),
        ] {
            let user = setter_from_stokt(&Setter::parse(source.clone()).unwrap()).unwrap();
            assert_eq!(setter_to_stokt(&user).unwrap(), source);
        }
    }

    #[test]
    fn the_first_version_of_a_person_counts() {
        let setter = |name: &str| {
            Setter::parse(json!({"id": "a40c7d19-58e2-4b6f-93d0-1fe7b2c5860d", "fullName": name})).unwrap()
        };
        let mut setters = Setters::new();
        assert_eq!(setters.agree_on(&setter("Ada")).unwrap().full_name, "Ada");
        assert_eq!(setters.agree_on(&setter("Eve")).unwrap().full_name, "Ada");
        assert_eq!(setters.take_fresh().len(), 1);
        assert_eq!(setters.take_fresh().len(), 0);
        let odd = Setter::parse(json!({"id": 7})).unwrap();
        assert_eq!(setters.agree_on(&odd).unwrap_err().code, "bad_id");
    }
}
