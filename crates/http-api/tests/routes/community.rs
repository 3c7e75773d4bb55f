//! Lists, logbook, likes and comments.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[];
