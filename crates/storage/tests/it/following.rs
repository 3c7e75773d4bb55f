//! A copy of the board that follows the change log has, after every import, what a full read has.

use std::collections::BTreeMap;

use crate::support::{FACE, climb, face, hold, import_board, import_climbs, migrate, open, sid, user};
use mastoc_domain::board::{Climb, Face, Gym, Hold, PictureRef, Setter, Wall};
use mastoc_domain::change::Changed;
use mastoc_domain::import::{ImportClimb, ImportHold, ImportUser};
use mastoc_storage::climbs::{ClimbFilter, ClimbSort};
use mastoc_storage::feed::{self, FeedRows};
use mastoc_storage::import::pictures::{self, PictureOwner, VerifiedImage};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{Store, Viewer, climbs, faces, gyms, holds, setters, walls};

/// The rows of a board by their ids as text.
#[derive(Debug, Default)]
struct Board {
    gyms: BTreeMap<String, Gym>,
    walls: BTreeMap<String, Wall>,
    faces: BTreeMap<String, Face>,
    holds: BTreeMap<String, Hold>,
    users: BTreeMap<String, Setter>,
    climbs: BTreeMap<String, Climb>,
}

impl Board {
    fn put(&mut self, rows: FeedRows) {
        self.gyms.extend(rows.gyms.into_iter().map(|row| (row.id.to_string(), row)));
        self.walls.extend(rows.walls.into_iter().map(|row| (row.id.to_string(), row)));
        self.faces.extend(rows.faces.into_iter().map(|row| (row.id.to_string(), row)));
        self.holds.extend(rows.holds.into_iter().map(|row| (row.id.to_string(), row)));
        self.users.extend(rows.users.into_iter().map(|row| (row.id.to_string(), row)));
        self.climbs.extend(rows.climbs.into_iter().map(|row| (row.id.to_string(), row)));
    }

    fn drop(&mut self, kind: Changed, id: &str) {
        let dropped = match kind {
            Changed::Hold => self.holds.remove(id).is_some(),
            Changed::Climb => self.climbs.remove(id).is_some(),
            Changed::User => self.users.remove(id).is_some(),
            Changed::Social => false,
            other => panic!("nothing here deletes a {other}"),
        };
        println!("{kind} {id} is gone; it was here: {dropped}");
    }

    /// Everything that `viewer` may read.
    fn read(store: &Store, viewer: Viewer) -> Self {
        let mut board = Self::default();
        let rows = store.snapshot(|conn| -> Result<FeedRows, mastoc_storage::StoreError> {
            let all = ClimbFilter::default();
            let faces = faces::list(conn, viewer, None)?;
            let mut drawn = Vec::new();
            for face in &faces {
                drawn.extend(holds::by_face(conn, face.id)?);
            }
            Ok(FeedRows {
                gyms: gyms::list(conn)?,
                walls: walls::list(conn, None)?,
                holds: drawn,
                users: setters::list(conn, viewer, None, 0, 500)?,
                climbs: climbs::page(conn, viewer, &all, ClimbSort::Newest, 0, 500)?,
                faces,
                ..FeedRows::default()
            })
        });
        board.put(rows.unwrap());
        board
    }
}

/// A reader with their copy.
struct Copy {
    viewer: Viewer,
    cursor: i64,
    board: Board,
}

impl Copy {
    fn of(viewer: Viewer) -> Self {
        Self { viewer, cursor: 0, board: Board::default() }
    }

    /// Follows to the end of the log, in small steps, and compares.
    fn follow(&mut self, store: &Store, after: &str) {
        loop {
            let page = store.snapshot(|conn| feed::page(conn, self.viewer, self.cursor, 7)).unwrap();
            self.board.put(page.created);
            self.board.put(page.updated);
            for gone in page.deleted {
                self.board.drop(gone.kind, &gone.id);
            }
            self.cursor = page.next;
            if !page.has_more {
                break;
            }
        }
        let copy = &self.board;
        let full = Board::read(store, self.viewer);
        assert!(!full.climbs.is_empty() && !full.holds.is_empty() && !full.users.is_empty());
        let viewer = self.viewer;
        assert_eq!(copy.faces, full.faces, "{after}, as {viewer:?}");
        assert_eq!(copy.holds, full.holds, "{after}, as {viewer:?}");
        assert_eq!(copy.users, full.users, "{after}, as {viewer:?}");
        assert_eq!(copy.climbs, full.climbs, "{after}, as {viewer:?}");
        assert_eq!((&copy.gyms, &copy.walls), (&full.gyms, &full.walls), "{after}, as {viewer:?}");
    }
}

fn import_holds(store: &Store, records: &[ImportHold]) {
    let outcome = store.write(|conn| import::holds(conn, &ImportContext::default(), records)).unwrap();
    assert_eq!(outcome.failed(), 0);
}

fn import_user(store: &Store, record: ImportUser) {
    store.write(|conn| import::users(conn, &ImportContext::default(), &[record])).unwrap();
}

fn show_picture(store: &Store, path: &str, letter: &str) {
    let image = VerifiedImage {
        sha256: letter.repeat(64),
        media_type: "image/jpeg".into(),
        width: 2263,
        height: 3000,
        size_bytes: 1_421_158,
    };
    let (ctx, owner) = (ImportContext::default(), PictureOwner::Face(sid(FACE)));
    store.write(|conn| pictures::attach(conn, &ctx, owner, path, &image)).unwrap();
}

/// Imports one climb, and has both readers follow.
fn step(store: &Store, readers: &mut [Copy; 2], what: &str, record: &ImportClimb) {
    let outcome = import_climbs(store, std::slice::from_ref(record));
    assert_eq!(outcome.created() + outcome.updated(), 1, "{what}");
    for reader in readers {
        reader.follow(store, what);
    }
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn counts_and_names_that_are_served_elsewhere_follow(url: &str) {
        let store = open(url);
        import_board(&store);
        let mut readers = [Copy::of(Viewer::Public), Copy::of(Viewer::Service)];
        let mut record = climb(0);
        step(&store, &mut readers, "the first climb", &record);
        let mut hidden = climb(1);
        hidden.is_private = true;
        step(&store, &mut readers, "a private climb", &hidden);
        record.is_private = true;
        step(&store, &mut readers, "another climb so that something is seen", &climb(2));
        step(&store, &mut readers, "made private", &record);
        record.is_private = false;
        step(&store, &mut readers, "made public", &record);
        record.setter_stokt_id = Some(user(1).stokt_id);
        step(&store, &mut readers, "another setter", &record);
        import_user(&store, ImportUser { full_name: "Zoé Neu".into(), ..user(1) });
        for reader in &mut readers {
            reader.follow(&store, "a setter renamed");
        }
        // What nobody counts differently is told as one row.
        let before = readers[1].cursor;
        record.name = "Autrement".into();
        step(&store, &mut readers, "a climb renamed", &record);
        assert_eq!(readers[1].cursor, before + 1);
    }

    fn the_private_is_not_told_to_the_public(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &[climb(0)]);
        let mut public = Copy::of(Viewer::Public);
        public.follow(&store, "the start");
        let mut hidden = climb(1);
        hidden.is_private = true;
        import_climbs(&store, &[hidden]);
        let page = store.snapshot(|conn| feed::page(conn, Viewer::Public, public.cursor, 100)).unwrap();
        assert_eq!((page.created, page.updated, page.deleted.len()), (FeedRows::default(), FeedRows::default(), 0));
    }

    fn holds_follow_when_a_new_version_of_their_face_is_shown(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &[climb(0)]);
        show_picture(&store, "walls/a.jpg", "a");
        let mut reader = Copy::of(Viewer::Public);
        reader.follow(&store, "the start");

        let mut changed = face();
        changed.picture = Some(PictureRef { path: "walls/b.jpg".into(), width: 2263, height: 3000 });
        store.write(|conn| import::faces(conn, &ImportContext::default(), &[changed])).unwrap();
        // One hold fewer, one more, and all in other places.
        let moved: Vec<ImportHold> =
            (1..21).map(|n| ImportHold { centroid_x: 9.0, ..hold(n) }).collect();
        import_holds(&store, &moved);
        reader.follow(&store, "while the picture is awaited");
        let old = reader.board.holds.keys().cloned().collect::<Vec<_>>();

        show_picture(&store, "walls/b.jpg", "b");
        reader.follow(&store, "shown by its picture");
        assert_ne!(reader.board.holds.keys().cloned().collect::<Vec<_>>(), old);
        assert!(reader.board.holds.values().all(|hold| hold.centroid_x == 9.0));
    }

    fn holds_follow_when_they_are_what_a_new_version_waited_for(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &[climb(0)]);
        show_picture(&store, "walls/a.jpg", "a");
        let mut reader = Copy::of(Viewer::Service);
        reader.follow(&store, "the start");
        let mut changed = face();
        changed.picture = Some(PictureRef { path: "walls/b.jpg".into(), width: 2263, height: 3000 });
        store.write(|conn| import::faces(conn, &ImportContext::default(), &[changed])).unwrap();
        show_picture(&store, "walls/b.jpg", "b");
        reader.follow(&store, "while the holds are awaited");
        // In two batches, of which the first brings the version to be shown.
        import_holds(&store, &(0..5).map(hold).collect::<Vec<_>>());
        reader.follow(&store, "some holds");
        assert_eq!(reader.board.holds.len(), 5);
        import_holds(&store, &(5..20).map(hold).collect::<Vec<_>>());
        reader.follow(&store, "all holds");
        assert_eq!(reader.board.holds.len(), 20);
    }
}
