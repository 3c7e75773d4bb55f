//! Whatever is sent to any route of the OpenAPI document: refused by name, capped, made once, and dressed.

mod forbidden;
mod once;
mod refused;
mod uploads;

use crate::routes::Needs;
use crate::routes::document::Operation;
use crate::routes::objects::OBJECTS;
use crate::routes::world::{CALLERS, Caller, Named, World};
use crate::support::{Reply, TestApp};
use mastoc_domain::access::Scope;
use mastoc_http_api::{RateLimit, Settings};

/// A server that lets one knock as often as one likes: these tests knock a lot.
pub(crate) fn patient(url: &str) -> TestApp {
    let often = RateLimit::new(1_000_000, 1);
    TestApp::with(url, |settings: &mut Settings| {
        settings.limits.login_by_address = often;
        settings.limits.login_by_account = often;
        settings.limits.register_by_address = often;
        settings.limits.register_by_account = often;
        settings.limits.reset_by_address = often;
        settings.limits.reset_by_account = often;
    })
    .with_board()
}

/// Somebody who may do what a route does, to something of theirs.
pub(crate) fn somebody(op: &Operation, world: &World<'_>) -> (Caller, Named) {
    let route = op.route();
    let needs = crate::routes::all()
        .into_iter()
        .find(|(known, _)| *known == route)
        .unwrap_or_else(|| panic!("{route}"))
        .1;
    let caller = match needs {
        Needs::Sync | Needs::Admin => Caller::Key(Scope::Admin),
        Needs::Public | Needs::Read | Needs::Write | Needs::Person => Caller::Owner,
    };
    let entries =
        OBJECTS.iter().find(|(known, _)| *known == route).map(|(_, entries)| *entries).unwrap_or_default();
    // Nobody follows their own list.
    let fitting = [caller, Caller::Other].into_iter().find_map(|caller| {
        let column = CALLERS.iter().position(|known| *known == caller).unwrap();
        entries.iter().find(|(_, row)| row[column] == 2).map(|(thing, _)| (caller, *thing))
    });
    assert!(
        fitting.is_some() || op.placeholders().is_empty(),
        "{route}: the table knows nothing that they may touch"
    );
    let caller = fitting.map_or(caller, |(caller, _)| caller);
    let thing = fitting.map(|(_, thing)| thing);
    let mut named = thing.map(|thing| world.make(thing)).unwrap_or_default();
    if route == "POST /api/faces" {
        named = world.make(crate::routes::world::Thing::OwnGym);
    }
    (caller, named)
}

/// Sends a body to a route.
pub(crate) fn send(
    world: &World<'_>,
    op: &Operation,
    (caller, named): &(Caller, Named),
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let path = op.at(named) + &crate::routes::bodies::query_for(&op.route());
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    world.ask(*caller, &op.method, &path, &all, body)
}
