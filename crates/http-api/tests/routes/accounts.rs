//! Accounts, logins, profiles and claims.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[];
