//! Every route with what it takes to use it, one file for each area. A new route without an entry fails a test.

pub mod accounts;
pub mod annotations;
pub mod board;
pub mod boards;
pub mod bodies;
pub mod community;
pub mod document;
pub mod objects;
pub mod people;
pub mod world;
pub mod writing;

use mastoc_domain::access::{AccountRole, Scope};

/// What it takes to use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing.
    Public,
    /// Any credentials; none on a board that anybody may read.
    Read,
    /// A person, or a key that writes.
    Write,
    /// A person.
    Person,
    /// A key that synchronises, or an admin.
    Sync,
    /// An admin, or an admin's key.
    Admin,
}

impl Needs {
    /// The code of the refusal of a key of this scope; `None` if it is let in.
    pub fn refuses_key(self, scope: Scope) -> Option<&'static str> {
        let needed = match self {
            Self::Public | Self::Read => Scope::Read,
            Self::Write => Scope::Write,
            Self::Person => return Some("person_needed"),
            Self::Sync => Scope::Sync,
            Self::Admin => Scope::Admin,
        };
        (!scope.allows(needed)).then_some("scope_too_small")
    }

    /// The same for a person of this role.
    pub fn refuses_person(self, role: AccountRole) -> Option<&'static str> {
        (matches!(self, Self::Sync | Self::Admin) && role == AccountRole::User).then_some("forbidden")
    }
}

/// All routes: "METHOD path" and what it takes.
pub fn all() -> Vec<(&'static str, Needs)> {
    [
        board::ROUTES,
        accounts::ROUTES,
        people::ROUTES,
        writing::ROUTES,
        annotations::ROUTES,
        boards::ROUTES,
        community::ROUTES,
    ]
    .concat()
}

/// A path with something plausible in every place.
pub fn filled(path: &str) -> String {
    let uuid = "00000000-0000-4000-8000-000000000000";
    let number = path.contains("/holds/{");
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a closed placeholder");
        filled.push_str(before);
        filled.push_str(match name {
            "path" => "a/b.jpg",
            "sha256" => "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "file" => "index.html",
            "id" | "stokt_id" | "hold_id" if number => "1",
            _ => uuid,
        });
        rest = after;
    }
    filled + rest
}
