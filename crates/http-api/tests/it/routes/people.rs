//! Profiles, other people, and claims.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[
    ("GET /api/users/me", Needs::Person),
    ("PATCH /api/users/me", Needs::Person),
    ("DELETE /api/users/me", Needs::Person),
    ("GET /api/users/me/export", Needs::Person),
    ("POST /api/users/me/avatar", Needs::Person),
    ("DELETE /api/users/me/avatar", Needs::Person),
    ("GET /api/users", Needs::Admin),
    ("GET /api/users/{id}", Needs::Read),
    ("GET /api/users/{id}/avatar", Needs::Read),
    ("PATCH /api/users/{id}", Needs::Admin),
    ("POST /api/users/{id}/claim", Needs::Person),
    ("GET /api/claims", Needs::Person),
    ("POST /api/claims/{id}/confirm", Needs::Admin),
    ("POST /api/claims/{id}/reject", Needs::Admin),
    ("DELETE /api/claims/{id}", Needs::Person),
];
