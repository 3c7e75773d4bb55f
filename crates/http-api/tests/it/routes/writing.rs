//! Writing climbs.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[
    ("POST /api/climbs", Needs::Write),
    ("PATCH /api/climbs/{id}", Needs::Write),
    ("DELETE /api/climbs/{id}", Needs::Write),
    ("GET /api/climbs/{id}/history", Needs::Read),
    ("PATCH /api/climbs/{id}/stokt-id", Needs::Sync),
    ("PATCH /api/climbs/{id}/date", Needs::Sync),
    ("PATCH /api/climbs/bulk/dates", Needs::Sync),
];
