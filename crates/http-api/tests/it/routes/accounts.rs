//! Accounts and logins.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[
    ("POST /api/auth/register", Needs::Public),
    ("POST /api/auth/login", Needs::Public),
    ("POST /api/auth/refresh", Needs::Public),
    ("POST /api/auth/logout", Needs::Person),
    ("POST /api/auth/reset-password", Needs::Public),
    ("POST /api/auth/reset-password/confirm", Needs::Public),
    ("GET /api/auth/sessions", Needs::Person),
    ("DELETE /api/auth/sessions", Needs::Person),
    ("DELETE /api/auth/sessions/{id}", Needs::Person),
    ("POST /api/users/me/password", Needs::Person),
];
