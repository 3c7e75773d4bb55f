//! The service, the account, gyms, walls and faces.

use std::fmt::Display;

use crate::{
    client::Client,
    endpoints::Answered,
    error::Error,
    paging::rows,
    record::Record,
    source::Method,
    types::{FaceSetup, GymSummary, Me, Version, Wall},
};

impl Client {
    /// `GET api/version`: the API's version.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn version(&self) -> Result<Answered<Version>, Error> {
        self.get_record(self.url(&[&"api", &"version"])?)
    }

    /// `GET api/users/me`: the account that asks.
    ///
    /// # Errors
    /// [`Error::is_auth`] when the token is refused.
    pub fn me(&self) -> Result<Answered<Me>, Error> {
        self.get_record(self.url(&[&"api", &"users", &"me"])?)
    }

    /// `GET api/gyms/{gym}/summary`.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown gym.
    pub fn gym_summary(&self, gym: impl Display) -> Result<Answered<GymSummary>, Error> {
        self.get_record(self.url(&[&"api", &"gyms", &gym, &"summary"])?)
    }

    /// `GET api/gyms/{gym}/walls`: the gym's walls with their faces.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown gym.
    pub fn walls(&self, gym: impl Display) -> Result<Vec<Record<Wall>>, Error> {
        let url = self.url(&[&"api", &"gyms", &gym, &"walls"])?;
        let target = self.origin().target(&url);
        rows(self.get_value(url)?).map_err(|error| error.in_call(Method::Get, &target))
    }

    /// `GET api/faces/{face}/setup`: the face's picture and holds.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown face.
    pub fn face_setup(&self, face: impl Display) -> Result<Answered<FaceSetup>, Error> {
        self.get_record(self.url(&[&"api", &"faces", &face, &"setup"])?)
    }
}
