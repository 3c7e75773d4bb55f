//! Lists of climbs.

use std::fmt::Display;

use serde_json::json;

use crate::{
    client::Client,
    endpoints::{Answered, add_query},
    error::Error,
    paging::Pages,
    source::Method,
    types::{ClimbList, ListItem, ListItemsQuery, ListPatch, ListsQuery},
};

impl Client {
    /// `GET api/users/lists/{user}/personal`: a user's own lists, the last changed first.
    ///
    /// # Errors
    /// When `user` cannot be an id; each page has its own errors.
    pub fn personal_lists(&self, user: impl Display) -> Result<Pages<ClimbList>, Error> {
        let mut url = self.url(&[&"api", &"users", &"lists", &user, &"personal"])?;
        add_query(&mut url, &[("ordering", Some("-dateModified".to_owned()))]);
        Ok(Pages::new(self.clone(), url))
    }

    /// `GET api/lists`: lists that match the filters.
    ///
    /// # Errors
    /// Each page has its own errors.
    pub fn lists(&self, query: &ListsQuery) -> Result<Pages<ClimbList>, Error> {
        let mut url = self.url(&[&"api", &"lists"])?;
        add_query(
            &mut url,
            &[
                ("filter_for", query.filter_for.map(|filter| filter.as_str().to_owned())),
                ("owner_id", query.owner_id.clone()),
                ("gym_id", query.gym_id.clone()),
                ("climbs_count_gte", query.climbs_count_gte.map(|count| count.to_string())),
            ],
        );
        Ok(Pages::new(self.clone(), url))
    }

    /// `GET api/gyms/{gym}/lists`: a gym's lists.
    ///
    /// # Errors
    /// When `gym` cannot be an id; each page has its own errors.
    pub fn gym_lists(&self, gym: impl Display, page_size: Option<u32>) -> Result<Pages<ClimbList>, Error> {
        let mut url = self.url(&[&"api", &"gyms", &gym, &"lists"])?;
        add_query(&mut url, &[("page_size", page_size.map(|size| size.to_string()))]);
        Ok(Pages::new(self.clone(), url))
    }

    /// `GET api/lists/{list}`.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown list.
    pub fn list(&self, list: impl Display) -> Result<Answered<ClimbList>, Error> {
        self.get_record(self.url(&[&"api", &"lists", &list])?)
    }

    /// `GET api/lists/{list}/items`: the list's climbs, whether Stokt answers with pages or with a plain list.
    ///
    /// # Errors
    /// When `list` cannot be an id; each page has its own errors.
    pub fn list_items(&self, list: impl Display, query: &ListItemsQuery) -> Result<Pages<ListItem>, Error> {
        let mut url = self.url(&[&"api", &"lists", &list, &"items"])?;
        add_query(
            &mut url,
            &[
                ("page_size", query.page_size.map(|size| size.to_string())),
                ("ordering", query.ordering.clone()),
                ("search", query.search.clone()),
                ("grade_from", query.grade_from.clone()),
                ("grade_to", query.grade_to.clone()),
                ("tags", query.tags.clone()),
                ("exclude_mine", query.exclude_mine.map(|mine| mine.to_string())),
            ],
        );
        Ok(Pages::new(self.clone(), url))
    }

    /// `POST api/users/{user}/lists`: creates a list.
    ///
    /// # Errors
    /// Never repeated: read [`Error::outcome`] before creating it again.
    pub fn create_list(&self, user: impl Display, name: &str) -> Result<Answered<ClimbList>, Error> {
        self.change_record(
            Method::Post,
            self.url(&[&"api", &"users", &user, &"lists"])?,
            &json!({ "name": name }),
        )
    }

    /// `PATCH api/lists/{list}`.
    ///
    /// # Errors
    /// [`Error::is_forbidden`] for another person's list.
    pub fn patch_list(&self, list: impl Display, patch: &ListPatch) -> Result<Answered<ClimbList>, Error> {
        self.change_record(Method::Patch, self.url(&[&"api", &"lists", &list])?, patch)
    }

    /// `DELETE api/lists/{list}`.
    ///
    /// # Errors
    /// [`Error::is_not_found`] when it is gone already.
    pub fn delete_list(&self, list: impl Display) -> Result<(), Error> {
        self.delete(self.url(&[&"api", &"lists", &list])?)
    }

    /// `POST api/lists/{list}/items`: adds a climb.
    ///
    /// # Errors
    /// Never repeated: read [`Error::outcome`] before adding it again.
    pub fn add_to_list(&self, list: impl Display, climb: impl Display) -> Result<Answered<ListItem>, Error> {
        let url = self.url(&[&"api", &"lists", &list, &"items"])?;
        self.change_record(Method::Post, url, &json!({ "climbId": climb.to_string() }))
    }

    /// `DELETE api/lists/{list}/items/{item}`: removes an entry, by the entry's own id.
    ///
    /// # Errors
    /// [`Error::is_not_found`] when it is gone already.
    pub fn remove_from_list(&self, list: impl Display, item: impl Display) -> Result<(), Error> {
        self.delete(self.url(&[&"api", &"lists", &list, &"items", &item])?)
    }

    /// `POST api/lists/{list}/follow`.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown list.
    pub fn follow_list(&self, list: impl Display) -> Result<(), Error> {
        self.change(Method::Post, self.url(&[&"api", &"lists", &list, &"follow"])?, None::<&()>)
    }

    /// `DELETE api/lists/{list}/follow`.
    ///
    /// # Errors
    /// [`Error::is_not_found`] for an unknown list.
    pub fn unfollow_list(&self, list: impl Display) -> Result<(), Error> {
        self.delete(self.url(&[&"api", &"lists", &list, &"follow"])?)
    }
}
