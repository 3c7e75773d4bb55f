//! Everything looked at again: the database with itself, pictures with their hashes, and, where Stokt may be asked, links
//! with what Stokt lists. Nothing is changed.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use mastoc_domain::StoktId;
use mastoc_domain::sync_state::SyncState;
use mastoc_media::{ImageKind, MediaError, MediaStore, Sha256Hex, StoredImage};
use mastoc_stokt_client::types::Climb as WireClimb;
use mastoc_stokt_client::{Client, Record};
use mastoc_storage::import::pictures::VerifiedImage;
use mastoc_storage::verify::{Check, Finding, Level};
use mastoc_storage::{DatabaseTarget, Store, StoreError, images, sync_climbs};
use serde::Serialize;

use super::super::survey::Hash;
use super::open;
use crate::convert::{Setters, climb_from_stokt};
use crate::decision::clean;
use crate::error::EngineError;

/// How far back a listing reaches that shows everything, in days.
const EVERYTHING: u32 = 9_999;
/// How many links are read at once.
const LINKS: i64 = 5_000;

const MISSING: Check =
    fault("picture_missing", "a picture's file is not there", "a full pull fetches it again");
const DAMAGED: Check = fault(
    "picture_damaged",
    "a picture's file is not what its name says",
    "remove the file; a full pull fetches it again",
);
const ODD: Check =
    fault("picture_odd", "a picture's row says what no picture is", "a full pull writes it again");
const NOBODYS: Check = Check {
    level: Level::Note,
    ..fault("picture_nobodys", "a file that no row names lies among the pictures", "it can be removed")
};
const INCOMPLETE: Check = Check {
    level: Level::Note,
    ..fault("listing_incomplete", "Stokt's listing was not complete, so it proves nothing", "verify again")
};
const ABSENT: Check = Check {
    level: Level::Note,
    ..fault(
        "absent_at_stokt",
        "a link leads to a climb that Stokt does not list",
        "full pulls archive it once it has been missing long enough",
    )
};
const CHANGED: Check = Check {
    level: Level::Note,
    ..fault(
        "changed_at_stokt",
        "a climb is not at Stokt as both sides last agreed on it",
        "a full pull compares it; what was changed on both sides waits for a person",
    )
};
const UNREADABLE: Check = Check {
    level: Level::Note,
    ..fault(
        "unreadable_at_stokt",
        "Stokt's record of a linked climb cannot be read",
        "a full pull says what is odd about it",
    )
};
const NEW: Check = Check {
    level: Level::Note,
    ..fault("new_at_stokt", "Stokt lists a climb that is not linked here", "a full pull brings it")
};

const fn fault(code: &'static str, what: &'static str, mend: &'static str) -> Check {
    Check { code, level: Level::Fault, what, mend }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingJson {
    /// A stable word.
    pub code: &'static str,
    /// `fault` or `note`.
    pub level: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// How to mend it.
    pub mend: &'static str,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub named: Vec<String>,
}

impl From<Finding> for FindingJson {
    fn from(Finding { check, count, named }: Finding) -> Self {
        let Check { code, level, what, mend } = check;
        let level = match level {
            Level::Fault => "fault",
            Level::Note => "note",
        };
        Self { code, level, what, mend, count, named }
    }
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The database, without its password.
    pub database: String,
    /// Whether nothing is wrong; notes do not count.
    pub ok: bool,
    /// How many kinds of things were looked for.
    pub checks: usize,
    /// How many pictures were hashed again.
    pub pictures: u64,
    /// How many climbs Stokt listed; null where it was not asked.
    pub listed: Option<u64>,
    /// How many rows of each kind there are, by table.
    pub counts: serde_json::Map<String, serde_json::Value>,
    /// What was found, faults first.
    pub findings: Vec<FindingJson>,
}

impl Verified {
    /// The exit code of the process: 0 when nothing is wrong, 1 otherwise.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.ok)
    }

    fn take_in(&mut self, found: impl IntoIterator<Item = Finding>) {
        for finding in found {
            self.checks += 1;
            if finding.count > 0 {
                self.ok &= finding.check.level != Level::Fault;
                self.findings.push(finding.into());
            }
        }
    }

    /// A table for people. It ends with a line break.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        // Writing to a text never fails.
        for finding in &self.findings {
            let _ = writeln!(out, "{} {}: {} ({})", finding.level, finding.code, finding.what, finding.count);
            for name in &finding.named {
                let _ = writeln!(out, "    {}", clean(name, 200));
            }
            if finding.count > u64::try_from(finding.named.len()).unwrap_or(u64::MAX) {
                let _ = writeln!(out, "    ...");
            }
            let _ = writeln!(out, "    to mend it: {}", finding.mend);
        }
        let climbs = self.counts.get("climbs").and_then(serde_json::Value::as_i64).unwrap_or(0);
        let _ = write!(out, "looked for {} kinds of faults in {climbs} climbs", self.checks);
        let _ = write!(out, " and {} pictures", self.pictures);
        if let Some(listed) = self.listed {
            let _ = write!(out, ", and at {listed} climbs of Stokt");
        }
        let _ = writeln!(out, ": {}", if self.ok { "nothing is wrong" } else { "see above" });
        out
    }
}

/// Looks at everything. `data_dir`: the folder of pictures, if they are to be looked at. `client`: Stokt, if it may be
/// asked. `tell` hears what is looked at next.
///
/// # Errors
/// When the database, the folder or Stokt cannot be used; what is found wrong is no error.
pub fn verify(
    database: &DatabaseTarget,
    data_dir: Option<&Path>,
    client: Option<&Client>,
    tell: &mut dyn FnMut(&str),
) -> Result<Verified, EngineError> {
    let store = open(database)?;
    let found = store.snapshot(|conn| mastoc_storage::verify::verify(conn, &mut |what| tell(what)))?;
    let mut verified = Verified {
        database: database.to_string(),
        ok: true,
        checks: found.checks,
        pictures: 0,
        listed: None,
        counts: found.counts.iter().map(|(table, count)| ((*table).to_owned(), (*count).into())).collect(),
        findings: Vec::new(),
    };
    verified.ok = found.findings.iter().all(|finding| finding.check.level != Level::Fault);
    verified.findings = found.findings.into_iter().map(Into::into).collect();
    if let Some(folder) = data_dir {
        tell("pictures");
        pictures(&store, &MediaStore::open(folder)?, &mut verified)?;
    }
    if let Some(client) = client {
        tell("Stokt's listings");
        listings(&store, client, &mut verified)?;
    }
    // Stable: faults first, otherwise in the order of looking.
    verified.findings.sort_by_key(|finding| finding.level != "fault");
    Ok(verified)
}

/// Hashes every picture again, and looks for files that are nobody's.
fn pictures(store: &Store, media: &MediaStore, verified: &mut Verified) -> Result<(), EngineError> {
    let rows = store.read(images::all)?;
    let (mut missing, mut damaged) = (Finding::none_of(MISSING), Finding::none_of(DAMAGED));
    let mut odd = Finding::none_of(ODD);
    let mut known: HashSet<PathBuf> = HashSet::with_capacity(rows.len());
    for row in &rows {
        let Some(image) = stored(row) else {
            odd.add(|| row.sha256.clone());
            continue;
        };
        known.insert(media.path_of(image.sha256, image.kind));
        match media.verify(&image) {
            Ok(()) => {}
            Err(MediaError::Missing { .. }) => missing.add(|| row.sha256.clone()),
            Err(MediaError::Corrupt { .. }) => damaged.add(|| row.sha256.clone()),
            Err(error) => return Err(error.into()),
        }
        verified.pictures += 1;
    }
    let mut nobodys = Finding::none_of(NOBODYS);
    let unreadable =
        |error: io::Error| StoreError::Unusable(format!("cannot read {}: {error}", media.root().display()));
    for file in files(media.root()).map_err(unreadable)? {
        if !known.contains(&file) {
            let name = file.strip_prefix(media.root()).unwrap_or(&file);
            nobodys.add(|| name.display().to_string());
        }
    }
    verified.take_in([missing, damaged, odd, nobodys]);
    Ok(())
}

fn stored(row: &VerifiedImage) -> Option<StoredImage> {
    Some(StoredImage {
        sha256: row.sha256.parse::<Sha256Hex>().ok()?,
        kind: ImageKind::from_mime(&row.media_type)?,
        width: row.width,
        height: row.height,
        size_bytes: row.size_bytes,
    })
}

/// The files of kept pictures: in folders of folders whose names are two digits of the hash each.
fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let is_part = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let inside = |folder: &Path| -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut found = Vec::new();
    for first in inside(root)?.into_iter().filter(|path| path.is_dir() && is_part(path)) {
        for second in inside(&first)?.into_iter().filter(|path| path.is_dir() && is_part(path)) {
            found.extend(inside(&second)?);
        }
    }
    found.sort();
    Ok(found)
}

/// What both sides can edit of a climb, as Stokt tells it, in short; nothing when it cannot be read.
fn content(record: &Record<WireClimb>, setters: &mut Setters) -> Option<Hash> {
    let import = climb_from_stokt(record, setters).ok()?;
    Some(Hash::of(&sync_climbs::base_hash(&sync_climbs::canonical(&import))))
}

/// Compares the links of every gym with what Stokt lists. Of each gym only ids and hashes are kept in memory.
fn listings(store: &Store, client: &Client, verified: &mut Verified) -> Result<(), EngineError> {
    let (mut incomplete, mut absent) = (Finding::none_of(INCOMPLETE), Finding::none_of(ABSENT));
    let (mut changed, mut unreadable) = (Finding::none_of(CHANGED), Finding::none_of(UNREADABLE));
    let mut new = Finding::none_of(NEW);
    let mut listed = 0;
    let mut setters = Setters::new();
    for gym in store.read(mastoc_storage::verify::linked_gyms)? {
        let mut records = client.climbs(gym, EVERYTHING)?.distinct();
        let mut seen: HashMap<StoktId, Option<Hash>> = HashMap::new();
        for record in &mut records {
            let record = record?;
            if let Some(id) = record.id().and_then(|id| id.as_uuid()).map(StoktId) {
                seen.insert(id, content(&record, &mut setters));
            }
        }
        listed += u64::try_from(seen.len()).unwrap_or(u64::MAX);
        let proves = records.proof().complete;
        if !proves {
            incomplete.add(|| gym.to_string());
        }
        let mut after = None;
        loop {
            let links = store.read(|conn| sync_climbs::links_of_gym(conn, gym, after, LINKS))?;
            let Some(last) = links.last() else { break };
            after = Some(last.stokt_id);
            for link in links {
                let name = || link.stokt_id.to_string();
                let agreed = link.base_hash.as_deref().map(Hash::of);
                match (seen.remove(&link.stokt_id), link.sync_state) {
                    // That the sides differ is known, and waits for a person.
                    (_, Some(SyncState::Conflict)) => {}
                    (None, Some(SyncState::Synced | SyncState::Modified)) if proves => absent.add(name),
                    // One that is archived is known to be absent.
                    (None, _) => {}
                    (Some(None), _) => unreadable.add(name),
                    (Some(there), Some(state)) if there != agreed || state == SyncState::Archived => {
                        changed.add(name);
                    }
                    (Some(_), _) => {}
                }
            }
        }
        for link in store.read(|conn| sync_climbs::deleted_of_gym(conn, gym))? {
            seen.remove(&link.stokt_id);
        }
        let mut left: Vec<StoktId> = seen.into_keys().collect();
        left.sort_unstable();
        for id in left {
            new.add(|| id.to_string());
        }
    }
    verified.listed = Some(listed);
    verified.take_in([incomplete, absent, changed, unreadable, new]);
    Ok(())
}
