//! Profiles, other people, and claims.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[];
