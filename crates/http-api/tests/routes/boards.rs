//! Boards that are made here.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[];
