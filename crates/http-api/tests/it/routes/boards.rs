//! Boards that are made here.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[
    ("POST /api/gyms", Needs::Write),
    ("PATCH /api/gyms/{id}", Needs::Write),
    ("DELETE /api/gyms/{id}", Needs::Write),
    ("POST /api/gyms/{id}/walls", Needs::Write),
    ("PATCH /api/walls/{id}", Needs::Write),
    ("DELETE /api/walls/{id}", Needs::Write),
    ("POST /api/faces", Needs::Write),
    ("PATCH /api/faces/{id}", Needs::Write),
    ("DELETE /api/faces/{id}", Needs::Write),
    ("PUT /api/faces/{id}/picture", Needs::Write),
    ("GET /api/faces/{id}/versions", Needs::Read),
    ("POST /api/faces/{id}/holds", Needs::Write),
    ("PATCH /api/holds/{id}", Needs::Write),
    ("POST /api/holds/{id}/retire", Needs::Write),
    ("POST /api/holds/{id}/restore", Needs::Write),
    ("GET /api/holds/{id}/climbs", Needs::Read),
];
