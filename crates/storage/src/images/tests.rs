//! Pictures by every name they have, on both databases.

use super::*;
use crate::test_board::{self, PICTURE};

mastoc_test_support::both_backends! {
    prepare: test_board::migrate;

    fn a_picture_is_found_by_each_of_its_names_once_it_is_verified(url: &str) {
        let store = test_board::open(url);
        test_board::furnish(&store);
        let by_path = |path: &str| store.read(|conn| by_path(conn, path)).unwrap();
        let full = ServedImage {
            sha256: PICTURE.into(),
            media_type: "image/jpeg".into(),
            width: 2263,
            height: 3000,
            size_bytes: 400_000,
            small: None,
        };
        assert_eq!(by_path("CACHE/0-2.jpg").as_ref(), Some(&full));
        assert_eq!(by_path("AVATARS/0.jpg").as_ref(), Some(&full));
        let small = by_path("CACHE/0-1-small.jpg");
        assert_eq!(small, Some(ServedImage { small: Some((226, 300)), ..full.clone() }));
        for unknown in ["CACHE/1-1.jpg", "AVATARS/1.jpg", "CACHE", "", "CACHE/0-2.jpg\0", "%"] {
            assert_eq!(by_path(unknown), None, "{unknown:?}");
        }
        assert_eq!(store.read(|conn| by_sha(conn, PICTURE)).unwrap(), Some(full));
        assert_eq!(store.read(|conn| by_sha(conn, "a\0")).unwrap(), None);
        assert_eq!(store.read(|conn| by_sha(conn, &PICTURE.replace('a', "b"))).unwrap(), None);
    }
}
