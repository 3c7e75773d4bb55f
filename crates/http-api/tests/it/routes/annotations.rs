//! Annotations and maintenance.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[
    ("POST /api/holds/annotations/batch", Needs::Read),
    ("GET /api/holds/{id}/annotations", Needs::Read),
    ("PUT /api/holds/{id}/annotations", Needs::Person),
    ("DELETE /api/holds/{id}/annotations", Needs::Person),
    ("GET /api/maintenance", Needs::Read),
    ("GET /api/holds/{id}/maintenance", Needs::Read),
    ("POST /api/holds/{id}/maintenance/close", Needs::Write),
];
