//! Annotations and maintenance.

use super::Needs;

pub const ROUTES: &[(&str, Needs)] = &[];
