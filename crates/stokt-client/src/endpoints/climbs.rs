//! Climbs: listing them, creating, changing and deleting one.

use std::fmt::Display;

use serde_json::json;

use crate::{
    client::Client,
    endpoints::{Answered, add_query},
    error::Error,
    paging::Pages,
    source::Method,
    types::{Climb, ClimbPatch, CrowdGrade, NewClimb, Permissions},
};

/// Which of the account's climbs in a gym.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MyClimbs {
    /// Those it has sent.
    Sent,
    /// Those it likes.
    Liked,
    /// Those it bookmarked.
    Bookmarked,
    /// Those it set, private ones included.
    Set,
}

impl MyClimbs {
    fn segment(self) -> &'static str {
        match self {
            Self::Sent => "my-sent-climbs",
            Self::Liked => "my-liked-climbs",
            Self::Bookmarked => "my-bookmarked-climbs",
            Self::Set => "my-set-climbs",
        }
    }
}

impl Client {
    /// `GET api/gyms/{gym}/climbs?max_age={days}`: climbs created in the last `days` days; 9999 means all.
    ///
    /// There is no filter on the time of modification, and no way to ask for deletions.
    ///
    /// # Errors
    /// When `gym` cannot be an id; each page has its own errors.
    pub fn climbs(&self, gym: impl Display, days: u32) -> Result<Pages<Climb>, Error> {
        let mut url = self.url(&[&"api", &"gyms", &gym, &"climbs"])?;
        add_query(&mut url, &[("max_age", Some(days.to_string()))]);
        Ok(Pages::new(self.clone(), url))
    }

    /// Goes on with a listing of climbs from a kept [`Page::next`](crate::Page::next).
    ///
    /// # Errors
    /// [`ErrorKind::Paging`](crate::ErrorKind::Paging) when the address is not the configured service's.
    pub fn climbs_from(&self, next: &str) -> Result<Pages<Climb>, Error> {
        Ok(Pages::resumed(self.clone(), self.origin().page(next)?))
    }

    /// `GET api/gyms/{gym}/my-...-climbs`: the account's climbs of one kind.
    ///
    /// # Errors
    /// When `gym` cannot be an id; each page has its own errors.
    pub fn my_climbs(&self, gym: impl Display, which: MyClimbs) -> Result<Pages<Climb>, Error> {
        Ok(Pages::new(self.clone(), self.url(&[&"api", &"gyms", &gym, &which.segment()])?))
    }

    /// `POST api/faces/{face}/climbs`: creates a climb. **Never repeated**, since Stokt cannot recognise a repetition.
    ///
    /// # Errors
    /// Read [`Error::outcome`] before sending the same climb again; [`Outcome::Unknown`](crate::Outcome::Unknown)
    /// also stands for a success whose answer cannot be read.
    pub fn create_climb(&self, face: impl Display, climb: &NewClimb) -> Result<Answered<Climb>, Error> {
        self.change_record(Method::Post, self.url(&[&"api", &"faces", &face, &"climbs"])?, climb)
    }

    /// `PATCH api/faces/{face}/climbs/{climb}`: changes what is set in `patch`.
    ///
    /// # Errors
    /// [`Error::is_forbidden`] for another setter's climb.
    pub fn patch_climb(
        &self,
        face: impl Display,
        climb: impl Display,
        patch: &ClimbPatch,
    ) -> Result<Answered<Climb>, Error> {
        self.change_record(Method::Patch, self.url(&[&"api", &"faces", &face, &"climbs", &climb])?, patch)
    }

    /// `DELETE api/climbs/{climb}`.
    ///
    /// # Errors
    /// [`Error::is_not_found`] when it is gone already, [`Error::is_forbidden`] for another setter's climb.
    pub fn delete_climb(&self, climb: impl Display) -> Result<(), Error> {
        self.delete(self.url(&[&"api", &"climbs", &climb])?)
    }

    /// `PATCH api/climbs/{climb}/privacy-status`. Answers whether the climb is private now, where Stokt says so.
    ///
    /// # Errors
    /// [`Error::is_forbidden`] for another setter's climb.
    pub fn set_private(&self, climb: impl Display, private: bool) -> Result<Option<bool>, Error> {
        let url = self.url(&[&"api", &"climbs", &climb, &"privacy-status"])?;
        let answer = self.change_and_hear(Method::Patch, url, &json!({ "is_private": private }))?;
        Ok(answer.and_then(|climb| climb.get("isPrivate").and_then(serde_json::Value::as_bool)))
    }

    /// `GET api/climbs/{climb}/permissions-to-modify`: what this account may do to the climb.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown climb.
    pub fn permissions(&self, climb: impl Display) -> Result<Answered<Permissions>, Error> {
        self.get_record(self.url(&[&"api", &"climbs", &climb, &"permissions-to-modify"])?)
    }

    /// `GET api/climbs/{climb}/crowd-grades`: the climbers' common grade.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown climb.
    pub fn crowd_grades(&self, climb: impl Display) -> Result<Answered<CrowdGrade>, Error> {
        self.get_record(self.url(&[&"api", &"climbs", &climb, &"crowd-grades"])?)
    }
}
