//! Pictures, versions of faces, and the geometry that belongs to them.

use crate::support::{
    FACE, GYM, Raw, climbs, counts, face, holds, import_board, import_climbs, migrate, open, sid, user,
};
use mastoc_domain::board::PictureRef;
use mastoc_storage::import::pictures::{self, PictureOwner, VerifiedImage};
use mastoc_storage::import::{self, ImportContext};
use mastoc_storage::{Store, StoreError, changes, export};

fn image(letter: char) -> VerifiedImage {
    VerifiedImage {
        sha256: letter.to_string().repeat(64),
        media_type: "image/jpeg".into(),
        width: 2263,
        height: 3000,
        size_bytes: 1_421_158,
    }
}

fn attach(store: &Store, owner: PictureOwner, path: &str, letter: char) -> Result<(), StoreError> {
    store.write(|conn| pictures::attach(conn, &ImportContext::default(), owner, path, &image(letter)))
}

fn owner() -> PictureOwner {
    PictureOwner::Face(sid(FACE))
}

fn import_face(store: &Store, path: Option<&str>) -> (usize, usize, usize, usize) {
    let mut face = face();
    face.picture = path.map(|path| PictureRef { path: path.into(), width: 2263, height: 3000 });
    counts(&store.write(|conn| import::faces(conn, &ImportContext::default(), &[face])).unwrap())
}

fn import_holds(store: &Store) -> (usize, usize, usize, usize) {
    counts(&store.write(|conn| import::holds(conn, &ImportContext::default(), &holds(20))).unwrap())
}

/// Current version, versions, and how many shapes each has.
fn versions(raw: &mut Raw) -> (String, Vec<String>) {
    let current = raw.text("SELECT CAST(current_version AS TEXT) AS v FROM faces");
    let all = raw.texts(
        "SELECT CAST(v.version AS TEXT) || ' ' || coalesce(v.picture_path, '-') || ' '
                || coalesce(substr(v.picture_sha256, 1, 1), '-') || ' '
                || CAST((SELECT count(*) FROM hold_shapes s
                         WHERE s.face_id = v.face_id AND s.version = v.version) AS TEXT) AS v
         FROM face_versions v ORDER BY v.version",
    );
    (current, all)
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn an_import_is_complete_when_its_wall_pictures_are_verified(url: &str) {
        let store = open(url);
        import_board(&store);
        let gyms = [sid(GYM)];
        let wanted = store.read(|conn| pictures::wanted(conn, &gyms)).unwrap();
        assert_eq!(wanted.len(), 1 + 3);
        assert_eq!(wanted[0].owner, owner());
        assert_eq!((wanted[0].width, wanted[0].height), (Some(2263), Some(3000)));
        assert!(!store.read(|conn| pictures::complete(conn, &gyms)).unwrap());
        attach(&store, owner(), "walls/a.jpg", 'a').unwrap();
        assert!(store.read(|conn| pictures::complete(conn, &gyms)).unwrap());
        attach(&store, PictureOwner::Avatar(user(0).stokt_id), "avatars/0.png", 'b').unwrap();
        let wanted = store.read(|conn| pictures::wanted(conn, &gyms)).unwrap();
        assert!(wanted.iter().all(|w| matches!(w.owner, PictureOwner::Avatar(_))));
        assert_eq!(wanted.len(), 2);
        // Nobody else's pictures are wanted.
        assert!(store.read(|conn| pictures::complete(conn, &[sid(55)])).unwrap());
        // A second time changes nothing that readers see.
        let latest = store.read(changes::latest).unwrap();
        attach(&store, owner(), "walls/a.jpg", 'a').unwrap();
        assert_eq!(store.read(changes::latest).unwrap(), latest);
        // A picture that nobody has (any more) is refused.
        let refused = attach(&store, owner(), "walls/gone.jpg", 'c');
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }

    fn a_new_picture_waits_as_a_version_until_it_is_verified(url: &str) {
        let store = open(url);
        import_board(&store);
        import_climbs(&store, &climbs(5));
        attach(&store, owner(), "walls/a.jpg", 'a').unwrap();
        let mut raw = Raw::open(url);
        assert_eq!(versions(&mut raw), ("1".into(), vec!["1 walls/a.jpg a 20".into()]));

        assert_eq!(import_face(&store, Some("walls/b.jpg")), (0, 1, 0, 0));
        assert_eq!(import_face(&store, Some("walls/b.jpg")), (0, 0, 1, 0));
        let waiting = vec!["1 walls/a.jpg a 20".to_owned(), "2 walls/b.jpg - 0".into()];
        assert_eq!(versions(&mut raw), ("1".into(), waiting));
        let wanted = store.read(|conn| pictures::wanted(conn, &[sid(GYM)])).unwrap();
        assert_eq!(wanted[0].path, "walls/b.jpg");

        // The same holds are written again, for the new version has no geometry yet.
        assert_eq!(import_holds(&store), (0, 20, 0, 0));
        assert_eq!(import_holds(&store), (0, 0, 20, 0));
        let (current, all) = versions(&mut raw);
        assert_eq!((current.as_str(), all[0].as_str(), all[1].as_str()), ("1", "1 walls/a.jpg a 20", "2 walls/b.jpg - 20"));

        attach(&store, owner(), "walls/b.jpg", 'b').unwrap();
        let (current, all) = versions(&mut raw);
        assert_eq!((current.as_str(), all[0].as_str(), all[1].as_str()), ("2", "1 walls/a.jpg a 20", "2 walls/b.jpg b 20"));
        // Old climbs keep their version, new ones get the new one.
        import_climbs(&store, &climbs(6));
        assert_eq!(
            raw.texts("SELECT CAST(face_version AS TEXT) AS v FROM climbs ORDER BY stokt_id"),
            ["1", "1", "1", "1", "1", "2"]
        );
        let mut changed = climbs(1);
        changed[0].name = "Renamed".into();
        import_climbs(&store, &changed);
        assert_eq!(raw.text("SELECT CAST(face_version AS TEXT) AS v FROM climbs WHERE name = 'Renamed'"), "1");
    }

    fn a_verified_picture_is_shown_once_its_holds_are_there(url: &str) {
        let store = open(url);
        import_board(&store);
        attach(&store, owner(), "walls/a.jpg", 'a').unwrap();
        import_face(&store, Some("walls/b.jpg"));
        attach(&store, owner(), "walls/b.jpg", 'b').unwrap();
        let mut raw = Raw::open(url);
        assert_eq!(versions(&mut raw).0, "1", "a picture without holds is shown");
        import_holds(&store);
        assert_eq!(versions(&mut raw).0, "2");
    }

    fn a_picture_without_polygons_is_replaced_in_place(url: &str) {
        let store = open(url);
        let ctx = ImportContext::default();
        store
            .write(|conn| {
                import::gyms(conn, &ctx, &[crate::support::gym()])?;
                import::walls(conn, &ctx, &[crate::support::wall()])
            })
            .unwrap();
        assert_eq!(import_face(&store, None), (1, 0, 0, 0));
        let mut raw = Raw::open(url);
        assert_eq!(versions(&mut raw), ("1".into(), vec!["1 - - 0".into()]));
        import_face(&store, Some("walls/a.jpg"));
        attach(&store, owner(), "walls/a.jpg", 'a').unwrap();
        assert_eq!(import_face(&store, Some("walls/b.jpg")), (0, 1, 0, 0));
        // The verified copy belonged to the other picture.
        assert_eq!(versions(&mut raw), ("1".into(), vec!["1 walls/b.jpg - 0".into()]));
        import_holds(&store);
        import_face(&store, None);
        let exported = store.read(|conn| export::faces(conn, sid(GYM))).unwrap();
        assert_eq!(exported[0].picture, None);
    }

    fn a_changed_avatar_is_wanted_again(url: &str) {
        let store = open(url);
        import_board(&store);
        attach(&store, PictureOwner::Avatar(user(0).stokt_id), "avatars/0.png", 'b').unwrap();
        let mut person = user(0);
        let import = |person: &mastoc_domain::import::ImportUser| {
            let ctx = ImportContext::default();
            counts(&store.write(|conn| import::users(conn, &ctx, std::slice::from_ref(person))).unwrap())
        };
        person.full_name = "Zoé Neu".into();
        assert_eq!(import(&person), (0, 1, 0, 0));
        let mut raw = Raw::open(url);
        assert_eq!(raw.texts("SELECT full_name_folded AS v FROM users WHERE avatar_sha256 IS NOT NULL"), ["zoe neu"]);
        person.avatar_path = Some("avatars/new.png".into());
        assert_eq!(import(&person), (0, 1, 0, 0));
        assert!(raw.texts("SELECT full_name_folded AS v FROM users WHERE avatar_sha256 IS NOT NULL").is_empty());
        let wanted = store.read(|conn| pictures::wanted(conn, &[])).unwrap();
        assert!(wanted.iter().any(|w| w.path == "avatars/new.png"));
    }
}
