//! Listings: pages that are read one by one, safe against loops, foreign addresses and repeats.

use std::{collections::HashSet, collections::VecDeque, marker::PhantomData};

use serde_json::Value;
use url::Url;

use crate::{
    client::{Ask, Client},
    error::{Error, ErrorKind},
    id::{Id, IdKey},
    record::{Record, WireRecord},
    source::Method,
};

/// So many pages in a row without one new record, and yet another `next`, end a listing.
const MAX_IDLE_PAGES: u32 = 10;

/// One page of a listing as it came.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The page's own address.
    pub url: String,
    /// How many records the whole listing has, by Stokt's count; `None` in a plain list.
    pub count: Option<u64>,
    /// Address of the next page, on the same origin and not yet read; what a checkpoint should keep. A `next` that
    /// is refused is not here: the iterator answers with an error after this page.
    pub next: Option<String>,
    /// The records, repeated ones included.
    pub records: Vec<Record<T>>,
    fresh: Vec<bool>,
}

impl<T> Page<T> {
    /// The records whose id did not come earlier in this listing; those without a readable id always.
    pub fn into_distinct(self) -> impl Iterator<Item = Record<T>> {
        self.records.into_iter().zip(self.fresh).filter(|(_, fresh)| *fresh).map(|(record, _)| record)
    }

    /// How many records of this page came earlier in this listing.
    #[must_use]
    pub fn repeats(&self) -> usize {
        self.fresh.iter().filter(|fresh| !**fresh).count()
    }
}

/// What is known of a listing: whether it showed everything there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ListingProof {
    /// Stokt's count on the first page; of a plain list its length.
    pub count_first: Option<u64>,
    /// Stokt's count on the last page read.
    pub count_last: Option<u64>,
    /// Different ids seen.
    pub distinct_ids: u64,
    /// Records without a readable id.
    pub without_id: u64,
    /// Pages read.
    pub pages: u64,
    /// Read to its end, the count never changed, and as many different ids as counted. Only then does a missing
    /// record mean anything.
    pub complete: bool,
}

/// A listing, page by page; nothing is asked before the first `next()`.
///
/// After an error it is over; [`Client::climbs_from`] goes on from the last page's `next`.
#[derive(Debug)]
pub struct Pages<T> {
    client: Client,
    next: Option<Url>,
    /// An error found in the last page, told after that page was handed out.
    refused: Option<Error>,
    read: HashSet<String>,
    ids: HashSet<IdKey>,
    proof: ListingProof,
    count_changed: bool,
    /// Begun in the middle: it can prove nothing unless it is told what came before.
    headless: bool,
    idle_pages: u32,
    finished: bool,
    records: PhantomData<fn() -> T>,
}

impl<T: WireRecord> Pages<T> {
    pub(crate) fn new(client: Client, first: Url) -> Self {
        Self {
            client,
            next: Some(first),
            refused: None,
            read: HashSet::new(),
            ids: HashSet::new(),
            proof: ListingProof::default(),
            count_changed: false,
            headless: false,
            idle_pages: 0,
            finished: false,
            records: PhantomData,
        }
    }

    pub(crate) fn resumed(client: Client, from: Url) -> Self {
        Self { headless: true, ..Self::new(client, from) }
    }

    /// Tells a resumed listing what the part before it saw, so that repeats are known and the whole can be proved
    /// complete.
    #[must_use]
    pub fn after(mut self, earlier: &ListingProof, ids: impl IntoIterator<Item = Id>) -> Self {
        self.ids.extend(ids.into_iter().map(|id| id.key()));
        self.count_changed |= earlier.count_first != earlier.count_last;
        self.proof = ListingProof { distinct_ids: self.ids.len() as u64, complete: false, ..*earlier };
        // What was counted before has to be what is known now.
        self.headless = earlier.count_first.is_none() || earlier.distinct_ids != self.proof.distinct_ids;
        self
    }

    /// What is known of the listing so far; `complete` only after its end.
    #[must_use]
    pub fn proof(&self) -> ListingProof {
        ListingProof {
            complete: self.finished
                && !self.headless
                && !self.count_changed
                && self.proof.count_first == Some(self.proof.distinct_ids),
            ..self.proof
        }
    }

    /// The records of all pages, each id once, and the proof at any time.
    #[must_use]
    pub fn distinct(self) -> DistinctRecords<T> {
        DistinctRecords { pages: self, ready: VecDeque::new() }
    }

    /// Reads the listing to its end into memory, each id once.
    ///
    /// # Errors
    /// The first error of any page.
    pub fn collect_all(self) -> Result<Vec<Record<T>>, Error> {
        self.distinct().collect()
    }

    fn read_page(&mut self, url: &Url) -> Result<Page<T>, Error> {
        let ask = Ask::get(url.clone());
        let client = self.client.clone();
        let value = client.run(&ask, &mut |success| client.read_json(&ask, success))?;
        let (rows, count, next) = split(value)?;
        let plain = next.is_none() && count == Count::Plain;
        let count = match count {
            Count::Plain => Some(rows.len() as u64),
            Count::Said(count) => count,
        };
        let records: Vec<Record<T>> = rows.into_iter().map(Record::new).collect();
        let fresh: Vec<bool> = records
            .iter()
            .map(|record| match record.id() {
                Some(id) => self.ids.insert(id.key()),
                None => {
                    self.proof.without_id += 1;
                    true
                }
            })
            .collect();
        let news = self.ids.len() as u64 > self.proof.distinct_ids;
        self.idle_pages = if news { 0 } else { self.idle_pages + 1 };
        self.proof.distinct_ids = self.ids.len() as u64;
        self.count_changed |= self.proof.pages > 0 && (self.proof.count_last != count || count.is_none());
        if self.proof.pages == 0 {
            self.proof.count_first = count;
        }
        self.proof.count_last = count;
        self.proof.pages += 1;
        self.read.insert(url.as_str().to_owned());
        match next.map(|next| self.follow(url, &next)).transpose() {
            Ok(next) => {
                self.finished = next.is_none();
                self.next = next;
            }
            Err(error) => self.refused = Some(error),
        }
        Ok(Page {
            url: url.as_str().to_owned(),
            count: count.filter(|_| !plain),
            next: self.next.as_ref().map(|next| next.as_str().to_owned()),
            records,
            fresh,
        })
    }

    /// Checks a `next`: the same origin, not read before, and going somewhere.
    fn follow(&self, from: &Url, next: &str) -> Result<Url, Error> {
        let origin = self.client.origin();
        let refused = |kind: ErrorKind| Error::new(kind).in_call(Method::Get, &origin.target(from));
        let wrong = |what: String| refused(ErrorKind::Paging(what));
        let url = origin.resolve(from, next).map_err(|other| refused(ErrorKind::Elsewhere(other)))?;
        if self.read.contains(url.as_str()) {
            return Err(wrong("its next page was read already".to_owned()));
        }
        if self.idle_pages >= MAX_IDLE_PAGES {
            return Err(wrong(format!("{MAX_IDLE_PAGES} pages in a row without one new record")));
        }
        Ok(url)
    }
}

impl<T: WireRecord> Iterator for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.refused.take() {
            return Some(Err(error));
        }
        let url = self.next.take()?;
        let target = self.client.origin().target(&url);
        Some(self.read_page(&url).map_err(|error| error.in_call(Method::Get, &target)))
    }
}

/// The distinct records of a listing, from [`Pages::distinct`].
#[derive(Debug)]
pub struct DistinctRecords<T> {
    pages: Pages<T>,
    ready: VecDeque<Record<T>>,
}

impl<T: WireRecord> DistinctRecords<T> {
    /// What is known of the listing so far.
    #[must_use]
    pub fn proof(&self) -> ListingProof {
        self.pages.proof()
    }
}

impl<T: WireRecord> Iterator for DistinctRecords<T> {
    type Item = Result<Record<T>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Some(Ok(record));
            }
            match self.pages.next()? {
                Ok(page) => self.ready.extend(page.into_distinct()),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// How many records a listing has, by the listing itself.
#[derive(Debug, PartialEq, Eq)]
enum Count {
    Plain,
    Said(Option<u64>),
}

/// Takes a listing's answer apart: a page, or a plain list.
fn split(value: Value) -> Result<(Vec<Value>, Count, Option<String>), Error> {
    let shape = |what: &str| Error::new(ErrorKind::Shape(what.to_owned()));
    match value {
        Value::Array(rows) => Ok((rows, Count::Plain, None)),
        Value::Object(mut page) => {
            let Some(Value::Array(rows)) = page.remove("results") else {
                return Err(shape("a page without a list of results"));
            };
            let next = match page.remove("next") {
                None | Some(Value::Null) => None,
                Some(Value::String(next)) => Some(next),
                Some(_) => return Err(shape("a page whose next is no address")),
            };
            Ok((rows, Count::Said(page.get("count").and_then(Value::as_u64)), next))
        }
        _ => Err(shape("neither a page nor a list")),
    }
}

/// The rows of an answer that is asked for with a limit: the first page is all that was wanted.
pub(crate) fn rows<T: WireRecord>(value: Value) -> Result<Vec<Record<T>>, Error> {
    Ok(split(value)?.0.into_iter().map(Record::new).collect())
}
