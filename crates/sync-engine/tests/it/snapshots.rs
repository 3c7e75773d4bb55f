//! Snapshots answer as Stokt did; a dry run tells what would be done and does nothing.

use std::path::Path;

use mastoc_stokt_client::Client;
use mastoc_stokt_client::secrecy::SecretString;
use mastoc_storage::changes;
use mastoc_sync_engine::{Ending, ImportOptions, Silent, StoreTarget, import};
use mastoc_test_support::both_backends;

use crate::world::*;

fn saving(sim: &mastoc_stokt_sim::Sim, folder: &Path) -> Client {
    let token = SecretString::from(sim.token());
    Client::builder(&sim.base_url()).token(token).save_snapshot(folder).build().unwrap()
}

both_backends! {
    prepare: prepare;

    fn an_import_from_a_snapshot_equals_the_direct_one(url: &str) {
        let sim = small().start().unwrap();
        let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        run(&sim, url, data.path());
        let direct = stored(url, &sim);
        // Saved although everything is here already: the snapshot is whole, pictures included.
        let everything = ImportOptions { everything: true, ..options() };
        let report = import(&saving(&sim, folder.path()), &target(url, data.path()), &everything, &Silent);
        assert_eq!(report.ending, Ending::Done, "{}", report.summary());
        assert_eq!((report.counts.sum().created, report.counts.sum().updated), (0, 0));

        let place = mastoc_test_support::sqlite::fresh_path();
        let asked = sim.requests().len();
        let client = Client::from_snapshot(folder.path()).unwrap();
        let copy = import(&client, &target(place.url(), place.folder()), &options(), &Silent);
        assert_eq!(copy.ending, Ending::Done, "{}", copy.summary());
        assert_eq!(sim.requests().len(), asked, "no network");
        assert_eq!(stored(place.url(), &sim), direct);
        assert_eq!(copy.images.missing_wall_pictures + copy.images.missing_avatars, 0);
    }

    fn a_dry_run_tells_it_all_and_writes_nothing(url: &str) {
        let sim = small().start().unwrap();
        let dry = ImportOptions { dry_run: true, ..options() };
        let told = import(&client(&sim), &StoreTarget::dry_run(open(url)), &dry, &Silent);
        assert_eq!(told.ending, Ending::Done, "{}", told.summary());
        assert_eq!(stored(url, &sim).gyms.len(), 0);
        assert_eq!(open(url).read(changes::latest).unwrap(), 0);
        assert!(told.run.is_none());

        let data = tempfile::tempdir().unwrap();
        let done = run(&sim, url, data.path());
        assert_eq!(told.counts, done.counts, "what was told is what was done");
        assert_eq!(told.images.wanted, done.images.copied, "avatars included");
        assert_eq!(told.decisions, done.decisions);

        let nothing = import(&client(&sim), &StoreTarget::dry_run(open(url)), &dry, &Silent);
        assert_eq!((nothing.counts.sum().created, nothing.counts.sum().updated), (0, 0), "{}", nothing.summary());
        assert_eq!(nothing.images.wanted, 0);
    }
}
