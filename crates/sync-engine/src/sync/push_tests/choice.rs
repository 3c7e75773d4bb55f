//! Which climbs are sent, and that what cannot be sent is told.

use mastoc_domain::lists::ListType;
use mastoc_domain::sync_state::Direction;
use mastoc_domain::{ClimbId, ListId, StoktId, UserId};
use mastoc_storage::import::ImportContext;
use mastoc_storage::list_items::{self, NewItem};
use mastoc_storage::lists::{self, NewList};
use mastoc_storage::sync_climbs::Known;
use mastoc_storage::{StoreError, unlinking};

use super::{World, decided, prepare, why};
use crate::decision::Decided;
use crate::sync::decide::Local;
use crate::sync::options::{Selection, SyncOptions};
use crate::sync::planning::local_side;

impl World {
    /// Makes a list of these climbs and chooses it.
    fn choosing_list(self, owner: UserId, climbs: &[ClimbId]) -> Self {
        let made: Result<ListId, StoreError> = self.store.write(|conn| {
            let new = NewList {
                name: "A list".into(),
                description: None,
                list_type: ListType::Personal,
                is_public: false,
                gym_id: None,
            };
            let list = lists::create(conn, owner, &new)?;
            for climb in climbs {
                list_items::add(conn, list, *climb, &NewItem::default())?;
            }
            Ok(list)
        });
        self.choosing(Selection::List(made.unwrap()))
    }

    fn choosing(self, selection: Selection) -> Self {
        World { options: SyncOptions { selection, ..self.options.clone() }, ..self }
    }

    fn secret(&self, name: &str, number: usize) -> ClimbId {
        let mut content = self.content(name, number);
        content.is_private = true;
        self.make(&content)
    }

    fn unlink(&self, id: ClimbId) {
        let ctx = ImportContext::default();
        self.store.write(|conn| unlinking::unlink(conn, &ctx, id, Direction::MastocToStokt)).unwrap();
    }
}

mastoc_test_support::both_backends! {
    prepare: prepare;

    fn private_climbs_of_anybody_are_sent_only_by_whoever_names_them(url: &str) {
        let world = World::new(url);
        let owner = world.own().setter_id.unwrap();
        let secret = world.secret("Nobody's business", 1);
        let open = world.local("For all", 2);
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Skipped, Decided::Sent]);
        let skipped = &report.decisions.listed[0];
        assert_eq!((skipped.stokt_id.clone(), skipped.name.as_deref()), (secret.to_string(), None));
        assert!(why(skipped).contains("--climb-ids"), "{skipped:?}");
        assert_eq!((world.there("Nobody's business"), world.there("For all")), (0, 1));
        assert!(!serde_json::to_string(&report).unwrap().contains("business"), "{report:?}");

        let world = world.choosing_list(owner, &[secret, open]);
        world.run();
        assert_eq!(world.there("Nobody's business"), 0);

        let world = world.choosing(Selection::Climbs(vec![secret]));
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        let there = world.here(secret).stokt_id.unwrap();
        assert_eq!(world.show(there)["isPrivate"], true);
    }

    fn private_climbs_of_the_account_are_its_own_to_send(url: &str) {
        let world = World::new(url);
        let own = world.own().setter_id.unwrap();
        let face = StoktId(world.sim.face_ids()[0]);
        let mut content = world.content("My business", 1);
        content.is_private = true;
        let made: Result<ClimbId, StoreError> = world.store.write(|conn| {
            let face = mastoc_storage::faces::by_stokt_id(conn, mastoc_storage::Viewer::Service, face)?.unwrap().id;
            mastoc_storage::climb_writes::create(conn, &mastoc_storage::climb_edits::Author::Person(own), face, 1, &content)
        });
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        assert_eq!(world.show(world.here(made.unwrap()).stokt_id.unwrap())["isPrivate"], true);
    }

    fn a_private_climb_that_was_named_and_waits_is_sent_by_the_next_run(url: &str) {
        let world = World::new(url);
        let secret = world.secret("Named once", 1);
        let public = world.local("Hidden since", 2);
        let world = world.choosing(Selection::Climbs(vec![secret, public]));
        assert!(world.try_run(&crate::sync::points::StopAt::new(1)).is_err());
        // Whoever waited in public, and became private since, was not chosen as a private climb.
        world.edit(public, |climb| climb.is_private = true);
        let world = world.choosing(Selection::Nothing);
        world.run();
        assert_eq!((world.there("Named once"), world.there("Hidden since")), (1, 0));
    }

    fn an_unlinked_climb_is_sent_again_only_by_whoever_names_it(url: &str) {
        let world = World::new(url);
        let owner = world.own().setter_id.unwrap();
        let climb = world.local("Once there", 1);
        world.run();
        world.unlink(climb);
        assert_eq!(decided(&world.run()), []);
        let world = world.choosing_list(owner, &[climb]);
        let report = world.run();
        assert_eq!(decided(&report)[0], Decided::Skipped, "{report:?}");
        assert!(why(&report.decisions.listed[0]).contains("--climb-ids"), "{report:?}");
        assert_eq!(world.there("Once there"), 1);
        let world = world.choosing(Selection::Climbs(vec![climb]));
        assert_eq!(decided(&world.run()), [Decided::Sent]);
        assert_eq!(world.there("Once there"), 2);
    }

    fn what_stokt_would_refuse_is_a_failed_item(url: &str) {
        let world = World::new(url);
        let local = world.local("Xy", 1);
        let own = world.own();
        world.edit(own.id, |climb| climb.name = "Z".into());
        let report = world.run();
        assert_eq!(decided(&report), [Decided::Rejected, Decided::Rejected]);
        let mut told: Vec<&str> = report.problems.iter().map(|problem| problem.stokt_id.as_str()).collect();
        let (local, own) = (local.to_string(), own.stokt_id.unwrap().to_string());
        let mut failed = [local.as_str(), own.as_str()];
        told.sort_unstable();
        failed.sort_unstable();
        assert_eq!(told, failed);
        assert!(report.problems.iter().all(|problem| problem.code == "rejected" && problem.detail.contains('3')));
        assert_eq!(world.changes(), Vec::<String>::new());
    }
}

#[test]
fn a_link_whose_climb_is_not_here_is_no_deletion() {
    let link = |is_deleted| mastoc_storage::sync_climbs::LinkSide {
        local_id: String::new(),
        stokt_id: StoktId(uuid::Uuid::nil()),
        base: None,
        base_hash: None,
        observed_hash: String::new(),
        local_rev: 0,
        base_rev: 0,
        missing_runs: 0,
        missing_since: None,
        is_deleted,
    };
    let side = |is_deleted| Known { link: link(is_deleted), climb: None, conflict: None };
    assert_eq!(local_side(Some(&side(true))), Local::Deleted);
    assert_eq!(local_side(Some(&side(false))), Local::Never);
    assert_eq!(local_side(None), Local::Never);
}
