//! Writing climbs.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[];
