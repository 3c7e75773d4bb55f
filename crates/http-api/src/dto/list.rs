//! Lists of climbs as JSON, and the bodies that make and change them.

use mastoc_domain::lists::{ListItemStatus, ListType};
use mastoc_domain::text::ListName;
use mastoc_domain::{ClimbId, GymId, ListId, StoktId, Timestamp, UserId};
use mastoc_storage::list_items::{ItemChange, LAST_POSITION, ListItem, NewItem};
use mastoc_storage::lists::{ClimbList, FullList, ListChange, NewList};
use serde::Serialize;
use utoipa::ToSchema;

use super::climb::ClimbJson;
use crate::fields::Fields;

/// The longest description, and the longest notes, in characters.
const LONGEST_TEXT: usize = 2_000;

/// A list of climbs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = List)]
pub(crate) struct ListJson<'a> {
    /// Our id.
    #[schema(value_type = Uuid)]
    id: ListId,
    /// Stokt's id; null for a list that was made here.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// Whose it is.
    #[schema(value_type = Option<Uuid>)]
    owner_id: Option<UserId>,
    /// The owner's name.
    owner_name: Option<&'a str>,
    /// The gym it is about.
    #[schema(value_type = Option<Uuid>)]
    gym_id: Option<GymId>,
    /// Its name.
    name: &'a str,
    /// Free text.
    description: Option<&'a str>,
    /// `personal`, `circuit` or `project`.
    list_type: &'static str,
    /// Whether everybody may see it.
    is_public: bool,
    /// Where it was born: `mastoc` or `stokt`.
    source: &'static str,
    /// How many of its climbs the caller may see.
    items_count: i64,
    /// Whether the caller follows it.
    is_followed: bool,
    /// Whether there is a link to it; null for everybody but its owner.
    is_shared: Option<bool>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it or its items last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a ClimbList> for ListJson<'a> {
    fn from(list: &'a ClimbList) -> Self {
        Self {
            id: list.id,
            stokt_id: list.stokt_id,
            owner_id: list.owner_id,
            owner_name: list.owner_name.as_deref(),
            gym_id: list.gym_id,
            name: &list.name,
            description: list.description.as_deref(),
            list_type: list.list_type.as_str(),
            is_public: list.is_public,
            source: list.source.as_str(),
            items_count: list.items_count,
            is_followed: list.is_followed,
            is_shared: list.is_shared,
            created_at: list.created_at,
            updated_at: list.updated_at,
        }
    }
}

/// A page of lists.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListPage<'a> {
    /// The lists of this page.
    pub(crate) results: Vec<ListJson<'a>>,
    /// How many lists there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many lists a page has.
    pub(crate) page_size: i64,
}

/// A climb in a list, by its id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListItemRow)]
pub(crate) struct ItemRowJson<'a> {
    /// The climb.
    #[schema(value_type = Uuid)]
    climb_id: ClimbId,
    /// Its place; climbs of one place follow each other by id.
    position: i32,
    /// The owner's notes; null for everybody else.
    notes: Option<&'a str>,
    /// `todo`, `in_progress` or `done`: how far the owner has come; null for everybody else.
    status: Option<&'static str>,
    /// When it was put into the list.
    #[schema(value_type = String, format = DateTime)]
    added_at: Timestamp,
}

impl<'a> From<&'a ListItem> for ItemRowJson<'a> {
    fn from(item: &'a ListItem) -> Self {
        Self {
            climb_id: item.climb_id,
            position: item.position,
            notes: item.notes.as_deref(),
            status: item.status.map(ListItemStatus::as_str),
            added_at: item.created_at,
        }
    }
}

/// A climb in a list, as the climb that it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListItem)]
pub(crate) struct ItemJson<'a> {
    #[serde(flatten)]
    item: ItemRowJson<'a>,
    /// The climb.
    climb: ClimbJson<'a>,
}

impl<'a> ItemJson<'a> {
    pub(crate) fn new(item: &'a ListItem, climb: &'a mastoc_domain::board::Climb) -> Self {
        Self { item: item.into(), climb: climb.into() }
    }
}

/// A page of a list's items.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListItemPage)]
pub(crate) struct ItemPage<'a> {
    /// The items of this page.
    pub(crate) results: Vec<ItemJson<'a>>,
    /// How many items there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many items a page has.
    pub(crate) page_size: i64,
}

/// A list with all of its items that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListWithItems)]
pub(crate) struct FullListJson<'a> {
    #[serde(flatten)]
    list: ListJson<'a>,
    /// Its items in their order.
    items: Vec<ItemRowJson<'a>>,
}

impl<'a> From<&'a FullList> for FullListJson<'a> {
    fn from(full: &'a FullList) -> Self {
        Self { list: (&full.list).into(), items: full.items.iter().map(ItemRowJson::from).collect() }
    }
}

/// A link to a list. It is told this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListShare)]
pub(crate) struct ShareJson<'a> {
    /// Whoever has it may read the list, and follow it.
    pub(crate) token: &'a str,
    /// Where the list is read with it.
    pub(crate) path: &'a str,
}

/// A list to be made.
#[derive(ToSchema)]
#[schema(as = NewList)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct NewListInput {
    /// Its name, on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// Free text.
    #[schema(required = false, max_length = 2000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    description: Option<String>,
    /// `personal` (default), `circuit` or `project`.
    #[schema(required = false, pattern = "^(personal|circuit|project)$")]
    list_type: Option<String>,
    /// Whether everybody may see it; false by default.
    #[schema(required = false)]
    is_public: Option<bool>,
    /// The gym it is about.
    #[schema(required = false, value_type = Option<Uuid>)]
    gym_id: Option<GymId>,
}

/// What becomes different about a list. A field that is not sent stays; null clears what may be empty.
#[derive(ToSchema)]
#[schema(as = ListChange)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct ListChangeInput {
    /// Its name, on one line.
    #[schema(
        required = false,
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// Free text.
    #[schema(required = false, max_length = 2000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    description: Option<String>,
    /// `personal`, `circuit` or `project`.
    #[schema(required = false, pattern = "^(personal|circuit|project)$")]
    list_type: String,
    /// Whether everybody may see it.
    #[schema(required = false)]
    is_public: bool,
    /// The gym it is about.
    #[schema(required = false, value_type = Option<Uuid>)]
    gym_id: Option<GymId>,
}

/// A climb to be put into a list.
#[derive(ToSchema)]
#[schema(as = NewListItem)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct NewItemInput {
    /// The climb.
    #[schema(value_type = Uuid)]
    climb_id: ClimbId,
    /// Its place; behind all others by default.
    #[schema(required = false, minimum = 0, maximum = 1000000000)]
    position: Option<i32>,
    /// The owner's notes.
    #[schema(required = false, max_length = 2000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    notes: Option<String>,
    /// `todo` (default), `in_progress` or `done`.
    #[schema(required = false, pattern = "^(todo|in_progress|done)$")]
    status: Option<String>,
}

/// What becomes different about an item. A field that is not sent stays; null clears the notes.
#[derive(ToSchema)]
#[schema(as = ListItemChange)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct ItemChangeInput {
    /// Its place.
    #[schema(required = false, minimum = 0, maximum = 1000000000)]
    position: i32,
    /// The owner's notes.
    #[schema(required = false, max_length = 2000, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    notes: Option<String>,
    /// `todo`, `in_progress` or `done`.
    #[schema(required = false, pattern = "^(todo|in_progress|done)$")]
    status: String,
}

/// The order that a list's items are put into.
#[derive(ToSchema)]
#[schema(as = ListOrder)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct OrderInput {
    /// Every climb of the list that the caller sees, each once.
    #[schema(value_type = Vec<Uuid>, max_items = 5000)]
    climb_ids: Vec<ClimbId>,
}

/// How somebody comes to follow a list.
#[derive(ToSchema)]
#[schema(as = ListFollow)]
#[expect(dead_code, reason = "documents a body that is read field by field")]
pub(crate) struct FollowInput {
    /// The token of a link; not needed for a public list.
    #[schema(required = false, max_length = 100)]
    token: Option<String>,
}

/// The name of a list, where one is sent.
fn name(fields: &mut Fields) -> Option<Option<String>> {
    // Composing it may make it shorter.
    let text = fields.text("name", 4 * ListName::MAX)?;
    match text.as_deref().map(ListName::parse) {
        None => Some(None),
        Some(Ok(name)) => Some(Some(name.as_str().to_owned())),
        Some(Err(error)) => {
            fields.refuse("name", error);
            None
        }
    }
}

/// Text of several lines that may be empty; nothing but space is nothing.
pub(super) fn free_text(fields: &mut Fields, field: &str) -> Option<Option<String>> {
    let text = fields.long_text(field, LONGEST_TEXT)?;
    Some(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn list_type(fields: &mut Fields) -> Option<Option<ListType>> {
    fields.parsed("list_type", "personal, circuit or project")
}

fn status(fields: &mut Fields) -> Option<Option<ListItemStatus>> {
    fields.parsed("status", "todo, in_progress or done")
}

fn position(fields: &mut Fields) -> Option<Option<i32>> {
    let position = fields.integer("position", 0..=i64::from(LAST_POSITION))?;
    Some(position.and_then(|position| i32::try_from(position).ok()))
}

/// Reads a list to be made; what is wrong is noted in `fields`.
pub(crate) fn new_list(fields: &mut Fields) -> NewList {
    let value = name(fields);
    NewList {
        name: fields.required("name", value).unwrap_or_default(),
        description: free_text(fields, "description").flatten(),
        list_type: list_type(fields).flatten().unwrap_or(ListType::Personal),
        is_public: fields.flag("is_public").flatten().unwrap_or(false),
        gym_id: fields.parsed("gym_id", "a UUID").flatten(),
    }
}

/// Reads a change of a list; what is wrong is noted in `fields`.
pub(crate) fn list_change(fields: &mut Fields) -> ListChange {
    let (name, kind, public) = (name(fields), list_type(fields), fields.flag("is_public"));
    ListChange {
        name: fields.not_null("name", name),
        description: free_text(fields, "description"),
        list_type: fields.not_null("list_type", kind),
        is_public: fields.not_null("is_public", public),
        gym_id: fields.parsed("gym_id", "a UUID"),
    }
}

/// Reads an item to be made; what is wrong is noted in `fields`.
pub(crate) fn new_item(fields: &mut Fields) -> (Option<ClimbId>, NewItem) {
    let climb = fields.parsed("climb_id", "a UUID");
    let item = NewItem {
        position: position(fields).flatten(),
        notes: free_text(fields, "notes").flatten(),
        status: status(fields).flatten(),
    };
    (fields.required("climb_id", climb), item)
}

/// Reads a change of an item; what is wrong is noted in `fields`.
pub(crate) fn item_change(fields: &mut Fields) -> ItemChange {
    let (place, far) = (position(fields), status(fields));
    ItemChange {
        position: fields.not_null("position", place),
        notes: free_text(fields, "notes"),
        status: fields.not_null("status", far),
    }
}
