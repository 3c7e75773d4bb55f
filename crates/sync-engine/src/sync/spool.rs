//! Stokt's records as they came, in a temporary file without a name: what was planned is what is written later, and
//! very many climbs take no memory.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};

use mastoc_storage::StoreError;
use serde_json::Value;

use crate::error::EngineError;

/// Where a record is in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    offset: u64,
    bytes: u32,
}

/// The file. It is gone with the process, however that ends.
#[derive(Debug)]
pub(super) struct Spool {
    file: BufWriter<File>,
    end: u64,
}

fn failed(why: std::io::Error) -> EngineError {
    let message = format!("cannot keep what Stokt answered in the temporary folder: {why}");
    let is_full = why.kind() == std::io::ErrorKind::StorageFull;
    EngineError::Store(if is_full { StoreError::Unavailable(message) } else { StoreError::Unusable(message) })
}

impl Spool {
    /// An empty one.
    pub(super) fn new() -> Result<Self, EngineError> {
        let file = tempfile::tempfile().map_err(failed)?;
        Ok(Self { file: BufWriter::with_capacity(256 * 1024, file), end: 0 })
    }

    /// Adds a record.
    pub(super) fn add(&mut self, record: &Value) -> Result<Place, EngineError> {
        let bytes = serde_json::to_vec(record).map_err(|why| failed(why.into()))?;
        self.file.write_all(&bytes).map_err(failed)?;
        // Answers are capped far below 4 GB.
        let place = Place { offset: self.end, bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX) };
        self.end += u64::from(place.bytes);
        Ok(place)
    }

    /// Everything is in: reading may begin.
    pub(super) fn seal(&mut self) -> Result<(), EngineError> {
        self.file.flush().map_err(failed)
    }

    /// A record of a sealed spool.
    pub(super) fn read(&self, place: Place) -> Result<Value, EngineError> {
        let mut file = self.file.get_ref();
        let mut bytes = vec![0; usize::try_from(place.bytes).unwrap_or_default()];
        file.seek(SeekFrom::Start(place.offset)).map_err(failed)?;
        file.read_exact(&mut bytes).map_err(failed)?;
        serde_json::from_slice(&bytes).map_err(|why| failed(why.into()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_come_back_as_they_were_in_any_order() {
        let mut spool = Spool::new().unwrap();
        let records = [json!({"name": "é", "n": 1.5}), json!([]), json!({"name": "x".repeat(300_000)})];
        let places: Vec<Place> = records.iter().map(|record| spool.add(record).unwrap()).collect();
        spool.seal().unwrap();
        for at in [2, 0, 1, 0] {
            assert_eq!(spool.read(places[at]).unwrap(), records[at]);
        }
        assert!(places.is_sorted());
    }
}
