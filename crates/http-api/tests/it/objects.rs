//! User x object x verb: what each caller gets for each kind of thing, on every route whose path names one.

mod hidden;

use std::collections::{BTreeMap, BTreeSet};

use crate::routes::bodies::{body_for, query_for};
use crate::routes::document::{Operation, operations};
use crate::routes::objects::OBJECTS;
use crate::routes::world::{CALLERS, Caller, Named, Thing, World};
use crate::support::{TestApp, migrate};

#[test]
fn s11_s12_every_route_that_names_a_thing_says_who_may_do_what_to_it() {
    let documented: BTreeSet<String> =
        operations().iter().filter(|op| op.path.contains('{')).map(Operation::route).collect();
    let listed: BTreeSet<String> = OBJECTS.iter().map(|(route, _)| (*route).to_owned()).collect();
    let missing: Vec<_> = documented.difference(&listed).collect();
    assert!(missing.is_empty(), "say in tests/it/routes/objects.rs who may do what: {missing:#?}");
    let gone: Vec<_> = listed.difference(&documented).collect();
    assert!(gone.is_empty(), "these are gone: {gone:#?}");
    assert_eq!(listed.len(), OBJECTS.len(), "each route once");
}

/// The same names, but for the innermost one, which nothing has.
fn nothing(op: &Operation, named: &Named) -> Named {
    let innermost = *op.placeholders().last().unwrap();
    let like = |value: &str| match value {
        number if number.parse::<u64>().is_ok() => "1999999999".to_owned(),
        id if uuid::Uuid::try_parse(id).is_ok() => uuid::Uuid::now_v7().to_string(),
        token => token.chars().rev().collect(),
    };
    let swapped = named
        .iter()
        .map(|(name, value)| (*name, if *name == innermost { like(value) } else { value.clone() }));
    swapped.collect()
}

/// Whether two refusals cannot be told apart.
fn assert_same_refusal(route: &str, of_hidden: &crate::support::Reply, of_nothing: &crate::support::Reply) {
    assert_eq!(of_hidden.status, of_nothing.status, "{route}");
    assert_eq!(
        String::from_utf8_lossy(&of_hidden.body),
        String::from_utf8_lossy(&of_nothing.body),
        "{route}: what is hidden answers otherwise than what is not there"
    );
    let names = |reply: &crate::support::Reply| -> BTreeSet<String> {
        reply.headers.keys().map(|name| name.as_str().to_owned()).collect()
    };
    assert_eq!(names(of_hidden), names(of_nothing), "{route}");
}

mastoc_test_support::both_backends! {
    prepare: migrate;

    fn s11_each_caller_gets_for_each_thing_what_the_table_says(url: &str) {
        let (app, open) = (TestApp::start(url).with_board(), TestApp::public(url));
        let world = World::new(&app, &open);
        let operations: BTreeMap<String, Operation> =
            operations().into_iter().map(|op| (op.route(), op)).collect();
        let mut made: BTreeMap<Thing, Named> = BTreeMap::new();
        let mut wrong: Vec<String> = Vec::new();
        for (route, entries) in OBJECTS {
            let op = &operations[*route];
            for (thing, row) in *entries {
                for (caller, expected) in CALLERS.into_iter().zip(row) {
                    // What is only read can be read again; what is written is new each time.
                    let named = if op.method == "GET" {
                        made.entry(*thing).or_insert_with(|| world.make(*thing)).clone()
                    } else {
                        world.make(*thing)
                    };
                    let ask = |named: &Named| {
                        let path = op.at(named) + &query_for(route);
                        let (kind, body) = body_for(route, &world, named);
                        let hash = mastoc_media::Sha256Hex::of(&body).to_string();
                        let headers = [("content-type", kind.as_str()), ("x-content-sha256", hash.as_str())];
                        let headers = if body.is_empty() { &[][..] } else { &headers[..] };
                        world.ask(caller, &op.method, &path, headers, &body)
                    };
                    let before = world.version();
                    let reply = ask(&named);
                    let what = format!("{caller:?} {route} {thing:?}");
                    let fits = if *expected == 2 { reply.status / 100 == 2 } else { reply.status == *expected };
                    if !fits {
                        let text = String::from_utf8_lossy(&reply.body).chars().take(300).collect::<String>();
                        wrong.push(format!("{what}: expected {expected}, got {} {text}", reply.status));
                        continue;
                    }
                    if reply.status >= 400 {
                        assert_eq!(reply.problem().0, reply.status);
                        if world.version() != before {
                            wrong.push(format!("{what}: refused, and yet something changed"));
                        }
                    }
                    if reply.status == 404 {
                        assert_same_refusal(&what, &reply, &ask(&nothing(op, &named)));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(world.get(Caller::Owner, "/api/users/me").ok()["role"], "user");
    }
}
