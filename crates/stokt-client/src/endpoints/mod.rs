//! The calls, one method per endpoint, one file per family.

mod board;
mod climbs;
mod lists;
mod media;
mod social;

use std::{fmt::Display, ops::Deref};

use serde::Serialize;
use serde_json::Value;
use url::Url;

pub use climbs::MyClimbs;
pub use media::MediaAnswer;

use crate::{
    client::{Ask, Client, Purpose},
    error::{Error, ErrorKind},
    network::Payload,
    record::WireRecord,
    source::Method,
};

/// A single record as it came, and typed; dereferences to the typed one.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    /// The JSON exactly as Stokt answered it.
    pub raw: Value,
    /// The typed record.
    pub value: T,
}

impl<T> Deref for Answered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl Client {
    pub(crate) fn url(&self, segments: &[&dyn Display]) -> Result<Url, Error> {
        self.origin().endpoint(segments)
    }

    pub(crate) fn get_value(&self, url: Url) -> Result<Value, Error> {
        let ask = Ask::get(url);
        self.run(&ask, &mut |success| self.read_json(&ask, success))
    }

    pub(crate) fn get_record<T: WireRecord>(&self, url: Url) -> Result<Answered<T>, Error> {
        let target = self.origin().target(&url);
        typed(self.get_value(url)?).map_err(|error| error.in_call(Method::Get, &target))
    }

    /// Sends a change, once, and reads the record it answers.
    pub(crate) fn change_record<T: WireRecord>(
        &self,
        method: Method,
        url: Url,
        body: &impl Serialize,
    ) -> Result<Answered<T>, Error> {
        let ask = change(method, url, Some(body))?;
        self.run(&ask, &mut |success| typed(self.read_json(&ask, success)?))
    }

    /// Sends a change, once, whose answer says nothing.
    pub(crate) fn change(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<(), Error> {
        let ask = change(method, url, body)?;
        self.run(&ask, &mut |success| self.read_nothing(&ask, success))
    }

    /// Sends a change, once, whose answer may say something.
    pub(crate) fn change_and_hear(
        &self,
        method: Method,
        url: Url,
        body: &impl Serialize,
    ) -> Result<Option<Value>, Error> {
        let ask = change(method, url, Some(body))?;
        self.run(&ask, &mut |success| self.read_maybe(&ask, success))
    }

    pub(crate) fn delete(&self, url: Url) -> Result<(), Error> {
        self.change(Method::Delete, url, None::<&()>)
    }
}

fn change(method: Method, url: Url, body: Option<&impl Serialize>) -> Result<Ask, Error> {
    let payload = match body {
        Some(body) => Payload::Json(
            serde_json::to_vec(body)
                .map_err(|why| Error::argument(format!("cannot be written as JSON: {why}")))?,
        ),
        None => Payload::None,
    };
    Ok(Ask { method, url, payload, purpose: Purpose::Change, media: false })
}

fn typed<T: WireRecord>(raw: Value) -> Result<Answered<T>, Error> {
    match T::parse_ref(&raw) {
        Ok(value) => Ok(Answered { raw, value }),
        Err(why) => Err(Error::new(ErrorKind::Shape(why.to_string()))),
    }
}

/// Adds the filters that are set.
pub(crate) fn add_query(url: &mut Url, pairs: &[(&str, Option<String>)]) {
    for (name, value) in pairs {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
}
