//! What both sides last agreed on for each linked row, and the hashes that both use.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::upsert::excluded;
use mastoc_domain::RunId;
use mastoc_domain::sync_state::EntityKind;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::conn::{ReadConn, WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::{sync_links, tombstones};
use crate::sql::{chunks, keys};
use crate::types::{Id, Time};

pub(crate) use crate::mappings::linked as record_mappings;

/// SHA-256 as lower-case hex of a JSON value written compactly with its objects' keys in order, so that neither
/// spacing nor the order of fields counts.
#[must_use]
pub fn json_hash(value: &Value) -> String {
    struct Hasher(Sha256);
    impl std::io::Write for Hasher {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut writer = std::io::BufWriter::with_capacity(4096, Hasher(Sha256::new()));
    // A value with text keys cannot fail to print, and the hasher takes every byte.
    let printed = serde_json::to_writer(&mut writer, &Ordered(value));
    debug_assert!(printed.is_ok(), "JSON values always print");
    let digest = writer.into_inner().map(|hasher| hasher.0.finalize()).unwrap_or_default();
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        for nibble in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        hex
    })
}

/// Prints a value with the keys of its objects in order.
struct Ordered<'v>(&'v Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(object) => {
                let mut entries: Vec<(&String, &Value)> = object.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, &Ordered(value))?;
                }
                map.end()
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Ordered)),
            scalar => scalar.serialize(serializer),
        }
    }
}

/// The state of one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Our id as text.
    pub local_id: String,
    /// Hash of the editable content both sides last agreed on; `None` for kinds that are not edited on both sides.
    pub base_hash: Option<String>,
    /// Hash of the last record that was written.
    pub observed_hash: String,
    /// How often the row changed here.
    pub local_rev: i32,
    /// How often it had changed when both sides last agreed.
    pub base_rev: i32,
    /// Whether the row was deleted here.
    pub is_deleted: bool,
}

impl Link {
    /// Whether the row has changes made here that wait to be synchronised.
    #[must_use]
    pub fn has_local_changes(&self) -> bool {
        self.local_rev > self.base_rev
    }
}

type LinkColumns = (String, String, Option<String>, String, i32, i32, Option<Time>);

/// The links of the given Stokt ids, by Stokt id.
///
/// # Errors
/// When the database fails.
pub fn load(
    conn: &mut ReadConn<'_>,
    entity: EntityKind,
    stokt_ids: &[String],
) -> Result<HashMap<String, Link>, StoreError> {
    let mut links = HashMap::with_capacity(stokt_ids.len());
    for ids in keys(stokt_ids) {
        let rows: Vec<LinkColumns> = on_backend!(conn, |c| sync_links::table
            .filter(sync_links::entity.eq(entity.as_str()))
            .filter(sync_links::stokt_id.eq_any(ids))
            .select((
                sync_links::stokt_id,
                sync_links::local_id,
                sync_links::base_hash,
                sync_links::observed_hash,
                sync_links::local_rev,
                sync_links::base_rev,
                sync_links::tombstone_at,
            ))
            .load(c))?;
        links.extend(rows.into_iter().map(
            |(stokt_id, local_id, base_hash, observed_hash, local_rev, base_rev, gone)| {
                let is_deleted = gone.is_some();
                (stokt_id, Link { local_id, base_hash, observed_hash, local_rev, base_rev, is_deleted })
            },
        ));
    }
    Ok(links)
}

/// What Stokt sent beside our columns for the given rows, by our id as text.
///
/// # Errors
/// When the database fails.
pub fn extras(
    conn: &mut ReadConn<'_>,
    entity: EntityKind,
    stokt_ids: &[String],
) -> Result<HashMap<String, Value>, StoreError> {
    let mut extras = HashMap::with_capacity(stokt_ids.len());
    for ids in keys(stokt_ids) {
        let rows: Vec<(String, Value)> = on_backend!(conn, |c| sync_links::table
            .filter(sync_links::entity.eq(entity.as_str()))
            .filter(sync_links::stokt_id.eq_any(ids))
            .select((sync_links::local_id, sync_links::extra))
            .load(c))?;
        extras.extend(rows);
    }
    Ok(extras)
}

/// Which of the given Stokt ids belong to rows that were deleted here.
pub(crate) fn deleted(
    conn: &mut ReadConn<'_>,
    entity: EntityKind,
    stokt_ids: &[String],
) -> Result<HashSet<String>, StoreError> {
    let mut found = HashSet::new();
    for ids in keys(stokt_ids) {
        let rows: Vec<Option<String>> = on_backend!(conn, |c| tombstones::table
            .filter(tombstones::entity.eq(entity.as_str()))
            .filter(tombstones::stokt_id.eq_any(ids))
            .select(tombstones::stokt_id)
            .load(c))?;
        found.extend(rows.into_iter().flatten());
    }
    Ok(found)
}

/// A link as it is written; `base` only where the kind of row has one.
#[derive(Insertable)]
#[diesel(table_name = sync_links, treat_none_as_default_value = false)]
pub(crate) struct LinkRow<'a> {
    pub(crate) entity: &'a str,
    pub(crate) local_id: String,
    pub(crate) stokt_id: &'a str,
    pub(crate) base: Option<Value>,
    pub(crate) base_hash: Option<&'a str>,
    pub(crate) observed_hash: &'a str,
    pub(crate) extra: Value,
    pub(crate) first_seen_run: Option<Id>,
    pub(crate) last_seen_run: Option<Id>,
    pub(crate) updated_at: Time,
}

/// Writes links. With `keep_base` what both sides agreed on stays, and only what was observed is refreshed.
pub(crate) fn save(
    conn: &mut WriteConn<'_>,
    rows: &[LinkRow<'_>],
    keep_base: bool,
) -> Result<(), StoreError> {
    use sync_links as l;
    for rows in chunks(rows, 10) {
        if keep_base {
            on_backend!(conn, |c| diesel::insert_into(l::table)
                .values(rows)
                .on_conflict((l::entity, l::stokt_id))
                .do_update()
                .set((
                    l::observed_hash.eq(excluded(l::observed_hash)),
                    l::extra.eq(excluded(l::extra)),
                    l::last_seen_run.eq(excluded(l::last_seen_run)),
                    l::missing_runs.eq(excluded(l::missing_runs)),
                    l::missing_since.eq(excluded(l::missing_since)),
                    l::updated_at.eq(excluded(l::updated_at)),
                ))
                .execute(c))?;
        } else {
            on_backend!(conn, |c| diesel::insert_into(l::table)
                .values(rows)
                .on_conflict((l::entity, l::stokt_id))
                .do_update()
                .set((
                    l::local_id.eq(excluded(l::local_id)),
                    l::base.eq(excluded(l::base)),
                    l::base_hash.eq(excluded(l::base_hash)),
                    l::observed_hash.eq(excluded(l::observed_hash)),
                    l::extra.eq(excluded(l::extra)),
                    l::last_seen_run.eq(excluded(l::last_seen_run)),
                    l::missing_runs.eq(excluded(l::missing_runs)),
                    l::missing_since.eq(excluded(l::missing_since)),
                    l::updated_at.eq(excluded(l::updated_at)),
                ))
                .execute(c))?;
        }
    }
    Ok(())
}

/// The run's id as the tables keep it.
pub(crate) fn run_id(run: Option<RunId>) -> Option<Id> {
    run.map(|run| Id(run.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_hash_ignores_the_order_of_fields_and_nothing_else() {
        let one = json!({"a": 1, "b": {"c": [1, 2], "d": null}});
        let same: Value = serde_json::from_str(r#"{"b": {"d": null, "c": [1, 2]}, "a": 1}"#).unwrap();
        assert_eq!(json_hash(&one), json_hash(&same));
        for other in [
            json!({"a": 1, "b": {"c": [2, 1], "d": null}}),
            json!({"a": 1.0, "b": {"c": [1, 2], "d": null}}),
            json!({"a": 1, "b": {"c": [1, 2]}}),
        ] {
            assert_ne!(json_hash(&one), json_hash(&other), "{other}");
        }
        // The SHA-256 of `null`, from sha256sum.
        assert_eq!(
            json_hash(&Value::Null),
            "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"
        );
    }
}
