//! Who may do what to which thing: for every route whose path names one, each kind of thing with what each caller gets.
//! A new route without an entry fails a test.

use super::world::Thing::{self, *};

/// A status for each of [`super::world::CALLERS`]: owner, other, admin; keys that read, write, sync and administer;
/// nobody, on a private and on a public board. 2 is any success.
pub type Row = [u16; 9];

/// A thing, and what each caller gets who asks for it.
pub type Entry = (Thing, Row);

const EVERYBODY: Row = [2; 9];
const READ: Row = [2, 2, 2, 2, 2, 2, 2, 401, 2];
/// It does not exist for others, admins included.
const READ_HIDDEN: Row = [2, 404, 404, 404, 404, 2, 2, 401, 404];
const NOWHERE: Row = [404, 404, 404, 404, 404, 404, 404, 401, 404];
/// Whose owner nobody is.
const READ_NOBODYS: Row = [404, 404, 404, 404, 404, 2, 2, 401, 404];
/// What any person does for themselves, to what they see.
const PERSONS: Row = [2, 2, 2, 403, 403, 403, 403, 401, 401];
const PERSONS_HIDDEN: Row = [2, 404, 404, 403, 403, 403, 403, 401, 401];
/// What only the owner does.
const OWNERS: Row = [2, 403, 403, 403, 403, 403, 403, 401, 401];
/// What the owner does, and admins who moderate.
const MODERATED: Row = [2, 403, 2, 403, 403, 403, 403, 401, 401];
/// What the owner does, admins, and keys that write and see it.
const WRITE: Row = [2, 403, 2, 403, 2, 403, 2, 401, 401];
const WRITE_HIDDEN: Row = [2, 404, 404, 403, 404, 403, 2, 401, 401];
/// What came from outside, where nobody is the owner.
const WRITE_IMPORTED: Row = [403, 403, 2, 403, 2, 403, 2, 401, 401];
/// The same, where it is for Stokt to change.
const STOKTS: Row = [403, 403, 409, 403, 409, 403, 409, 401, 401];
const SYNC: Row = [403, 403, 2, 403, 403, 2, 2, 401, 401];
const SYNC_HIDDEN: Row = [403, 403, 404, 403, 403, 2, 2, 401, 401];
const ADMIN: Row = [403, 403, 2, 403, 403, 403, 2, 401, 401];

/// Every route with a name in its path.
pub const OBJECTS: &[(&str, &[Entry])] = &[
    ("GET /docs/{file}", &[(Page, EVERYBODY)]),
    ("GET /static/{path}", &[(Picture, READ)]),
    ("GET /media/{sha256}", &[(Picture, READ)]),
    // Climbs.
    (
        "GET /api/climbs/{id}",
        &[
            (Climb, READ),
            (PrivateClimb, READ_HIDDEN),
            (ImportedClimb, READ),
            (ImportedPrivateClimb, READ_NOBODYS),
        ],
    ),
    (
        "GET /api/climbs/by-stokt-id/{stokt_id}",
        &[(ImportedClimb, READ), (ImportedPrivateClimb, READ_NOBODYS)],
    ),
    (
        "GET /api/climbs/{id}/history",
        &[(Climb, READ), (PrivateClimb, READ_HIDDEN), (ImportedPrivateClimb, READ_NOBODYS)],
    ),
    (
        "PATCH /api/climbs/{id}",
        &[(Climb, WRITE), (PrivateClimb, WRITE_HIDDEN), (ImportedClimb, WRITE_IMPORTED)],
    ),
    (
        "DELETE /api/climbs/{id}",
        &[(Climb, WRITE), (PrivateClimb, WRITE_HIDDEN), (ImportedClimb, WRITE_IMPORTED)],
    ),
    ("PATCH /api/climbs/{id}/stokt-id", &[(Climb, SYNC), (PrivateClimb, SYNC_HIDDEN)]),
    ("PATCH /api/climbs/{id}/date", &[(Climb, SYNC), (PrivateClimb, SYNC_HIDDEN)]),
    // What people do with climbs.
    ("GET /api/climbs/{id}/ascents", &[(Climb, READ), (PrivateClimb, READ_HIDDEN)]),
    ("POST /api/climbs/{id}/ascents", &[(Climb, PERSONS), (PrivateClimb, PERSONS_HIDDEN)]),
    ("PATCH /api/ascents/{id}", &[(Ascent, OWNERS), (HiddenAscent, PERSONS_HIDDEN)]),
    ("DELETE /api/ascents/{id}", &[(Ascent, MODERATED), (HiddenAscent, PERSONS_HIDDEN)]),
    ("GET /api/climbs/{id}/social", &[(Climb, READ), (PrivateClimb, READ_HIDDEN)]),
    ("PUT /api/climbs/{id}/like", &[(Climb, PERSONS), (PrivateClimb, PERSONS_HIDDEN)]),
    ("DELETE /api/climbs/{id}/like", &[(Climb, PERSONS), (PrivateClimb, PERSONS_HIDDEN)]),
    ("PUT /api/climbs/{id}/bookmark", &[(Climb, PERSONS), (PrivateClimb, PERSONS_HIDDEN)]),
    ("DELETE /api/climbs/{id}/bookmark", &[(Climb, PERSONS), (PrivateClimb, PERSONS_HIDDEN)]),
    ("GET /api/climbs/{id}/comments", &[(Climb, READ), (PrivateClimb, READ_HIDDEN)]),
    ("POST /api/climbs/{id}/comments", &[(Climb, PERSONS), (PrivateClimb, PERSONS_HIDDEN)]),
    ("PATCH /api/comments/{id}", &[(Comment, OWNERS), (HiddenComment, PERSONS_HIDDEN)]),
    ("DELETE /api/comments/{id}", &[(Comment, MODERATED), (HiddenComment, PERSONS_HIDDEN)]),
    // Lists.
    ("GET /api/lists/{id}", &[(List, READ), (PrivateList, READ_HIDDEN)]),
    ("PATCH /api/lists/{id}", &[(List, MODERATED), (PrivateList, PERSONS_HIDDEN)]),
    ("DELETE /api/lists/{id}", &[(List, MODERATED), (PrivateList, PERSONS_HIDDEN)]),
    (
        "PUT /api/lists/{id}/follow",
        &[
            (List, [409, 2, 2, 403, 403, 403, 403, 401, 401]),
            (PrivateList, [409, 404, 404, 403, 403, 403, 403, 401, 401]),
        ],
    ),
    ("DELETE /api/lists/{id}/follow", &[(List, PERSONS), (PrivateList, PERSONS_HIDDEN)]),
    ("POST /api/lists/{id}/share", &[(List, OWNERS), (PrivateList, PERSONS_HIDDEN)]),
    ("DELETE /api/lists/{id}/share", &[(List, OWNERS), (PrivateList, PERSONS_HIDDEN)]),
    ("GET /api/lists/shared/{token}", &[(Link, READ), (RevokedLink, NOWHERE)]),
    ("GET /api/lists/shared/{token}/items", &[(Link, READ), (RevokedLink, NOWHERE)]),
    ("GET /api/lists/{id}/items", &[(List, READ), (ListOfHidden, READ), (PrivateList, READ_HIDDEN)]),
    ("POST /api/lists/{id}/items", &[(List, OWNERS), (PrivateList, PERSONS_HIDDEN)]),
    ("PUT /api/lists/{id}/order", &[(List, OWNERS), (PrivateList, PERSONS_HIDDEN)]),
    (
        "PATCH /api/lists/{id}/items/{climb_id}",
        &[(List, OWNERS), (ListOfHidden, OWNERS), (PrivateList, PERSONS_HIDDEN)],
    ),
    (
        "DELETE /api/lists/{id}/items/{climb_id}",
        &[
            (List, MODERATED),
            // Who moderates a list does not see the private climbs in it.
            (ListOfHidden, [2, 403, 404, 403, 403, 403, 403, 401, 401]),
            (PrivateList, PERSONS_HIDDEN),
        ],
    ),
    // People.
    ("DELETE /api/auth/sessions/{id}", &[(Session, PERSONS_HIDDEN)]),
    ("GET /api/users/{id}", &[(Account, READ), (Setter, READ)]),
    ("GET /api/users/{id}/avatar", &[(Account, READ)]),
    ("PATCH /api/users/{id}", &[(Account, ADMIN)]),
    ("POST /api/users/{id}/claim", &[(Setter, PERSONS)]),
    ("POST /api/claims/{id}/confirm", &[(OthersClaim, ADMIN)]),
    ("POST /api/claims/{id}/reject", &[(OthersClaim, ADMIN)]),
    // Others' claims are for admins to know of.
    ("DELETE /api/claims/{id}", &[(Claim, [2, 404, 2, 403, 403, 403, 403, 401, 401])]),
    // Boards.
    ("GET /api/gyms/{id}", &[(Gym, READ), (OwnGym, READ)]),
    ("GET /api/gyms/{id}/summary", &[(Gym, READ), (OwnGym, READ)]),
    ("PATCH /api/gyms/{id}", &[(OwnGym, WRITE), (Gym, STOKTS)]),
    ("DELETE /api/gyms/{id}", &[(OwnGym, WRITE), (Gym, STOKTS)]),
    ("POST /api/gyms/{id}/walls", &[(OwnGym, WRITE), (Gym, WRITE_IMPORTED)]),
    ("PATCH /api/walls/{id}", &[(OwnWall, WRITE), (Wall, STOKTS)]),
    ("DELETE /api/walls/{id}", &[(OwnWall, WRITE), (Wall, STOKTS)]),
    ("GET /api/faces/{id}", &[(Face, READ), (OwnFace, READ)]),
    ("GET /api/faces/{id}/setup", &[(Face, READ), (OwnFace, READ)]),
    ("GET /api/faces/{id}/versions", &[(Face, READ), (OwnFace, READ)]),
    ("GET /api/faces/by-stokt-id/{stokt_id}/setup", &[(Face, READ)]),
    ("PATCH /api/faces/{id}", &[(OwnFace, WRITE), (Face, STOKTS)]),
    ("DELETE /api/faces/{id}", &[(OwnFace, WRITE), (Face, STOKTS)]),
    ("PUT /api/faces/{id}/picture", &[(OwnFace, WRITE), (Face, STOKTS)]),
    ("POST /api/faces/{id}/holds", &[(OwnFace, WRITE), (Face, STOKTS)]),
    ("GET /api/holds/{id}", &[(Hold, READ), (OwnHold, READ)]),
    ("GET /api/holds/by-stokt-id/{stokt_id}", &[(Hold, READ)]),
    ("GET /api/holds/{id}/climbs", &[(Hold, READ), (OwnHold, READ)]),
    ("PATCH /api/holds/{id}", &[(OwnHold, WRITE), (Hold, STOKTS)]),
    ("POST /api/holds/{id}/retire", &[(OwnHold, WRITE), (Hold, WRITE_IMPORTED)]),
    ("POST /api/holds/{id}/restore", &[(OwnHold, WRITE), (Hold, WRITE_IMPORTED)]),
    ("GET /api/holds/{id}/annotations", &[(Hold, READ), (BrokenHold, READ)]),
    ("PUT /api/holds/{id}/annotations", &[(Hold, PERSONS)]),
    ("DELETE /api/holds/{id}/annotations", &[(BrokenHold, PERSONS)]),
    ("GET /api/holds/{id}/maintenance", &[(Hold, READ), (OwnHold, READ)]),
    ("POST /api/holds/{id}/maintenance/close", &[(OwnBrokenHold, WRITE), (BrokenHold, WRITE_IMPORTED)]),
    // Import.
    ("PUT /api/sync/import/runs/{id}", &[(ImportRun, SYNC)]),
    ("PUT /api/sync/import/runs/{id}/report", &[(ImportRun, SYNC)]),
    ("PUT /api/sync/import/faces/{stokt_id}/picture", &[(Picture, SYNC)]),
    ("PUT /api/sync/import/users/{stokt_id}/avatar", &[(ImportedSetter, SYNC)]),
];
