//! The engine inside the test: for clocks that run as one likes, short deadlines, and very many runs.

use std::path::Path;
use std::time::Duration;

use mastoc_domain::StoktId;
use mastoc_media::MediaStore;
use mastoc_stokt_client::secrecy::SecretString;
use mastoc_stokt_client::{Client, ClientBuilder};
use mastoc_storage::Store;
use mastoc_storage::runs::RunDirection;
use mastoc_sync_engine::sync::{Clock, Opened, Points, Selection, SyncOptions, sync};
use mastoc_sync_engine::{Report, Silent};

use crate::support::Source;

/// A client that loses no time: it waits neither for a throttling service nor between repetitions.
pub(crate) fn client(source: &Source, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    let builder = Client::builder(&source.url)
        .token(SecretString::from(source.token.clone()))
        .backoff(Duration::from_millis(1), Duration::from_millis(3))
        .longest_wait(Duration::from_millis(20));
    change(builder).build().unwrap()
}

/// Everything both ways, however it was before.
pub(crate) fn everything(source: &Source) -> SyncOptions {
    SyncOptions {
        direction: RunDirection::Both,
        full: true,
        gyms: vec![StoktId(source.gym)],
        selection: Selection::AllLocal,
        allow_delete: true,
        batch_size: 4,
        ..SyncOptions::default()
    }
}

/// One run on an open database.
pub(crate) fn run(
    client: &Client,
    store: &Store,
    data: &Path,
    options: &SyncOptions,
    clock: &dyn Clock,
    points: &dyn Points,
) -> Report {
    let open = || Opened::over(store.clone(), Some(MediaStore::open(data)?), "a test");
    sync(client, open, options, clock, points, &Silent)
}
