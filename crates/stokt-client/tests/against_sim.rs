//! Every call against the stand-in for Stokt that the rest of mastoc is tested with.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

use mastoc_stokt_client::{Client, MyClimbs, WireRecord, secrecy::SecretString, types::*};
use mastoc_stokt_sim::Sim;

fn stokt(climbs: usize) -> (Sim, Client) {
    let sim = Sim::builder().climbs(climbs).start().unwrap();
    let client = Client::builder(&sim.base_url())
        .login(sim.username(), SecretString::from(sim.password()))
        .build()
        .unwrap();
    (sim, client)
}

#[test]
fn a_board_is_read_from_end_to_end() {
    let (sim, client) = stokt(60);
    assert_eq!(client.version().unwrap().version.as_deref(), Some("1.3.0"));
    let gym = client.me().unwrap().home_gym.clone().unwrap().id;
    assert_eq!(gym.as_uuid(), Some(sim.gym_id()));
    let summary = client.gym_summary(&gym).unwrap();
    assert_eq!(summary.unknown_fields().count() + summary.retyped_fields().count(), 0, "{:?}", summary.extra);
    assert_eq!(summary.number_of_climbs, Some(60));
    let wall = client.walls(&gym).unwrap().remove(0).parsed.unwrap();
    let face = wall.faces.unwrap().remove(0).parsed.unwrap();
    let setup = client.face_setup(&face.id).unwrap();
    assert_eq!(setup.to_value(), setup.raw);
    assert!(setup.holds.as_ref().unwrap().iter().all(|hold| hold.parsed.is_ok()));
    let picture = setup.picture.clone().unwrap().name.unwrap();
    let (bytes, answer) = client.fetch_media(&picture, || Ok(Vec::new())).unwrap();
    assert_eq!((&bytes[..2], answer.bytes), (&[0xff, 0xd8][..], bytes.len() as u64));
    let mut climbs = client.climbs(&gym, 9999).unwrap().distinct();
    for record in climbs.by_ref() {
        let record = record.unwrap();
        assert_eq!(record.parsed.unwrap().to_value(), record.raw);
    }
    assert!(climbs.proof().complete && climbs.proof().distinct_ids == 60);
    assert!(client.gym_summary("9b2e1f3c-0000-4000-8000-000000000000").unwrap_err().is_not_found());
    assert!(client.remote_time().is_some());
}

#[test]
fn an_account_does_what_an_account_does() {
    let (sim, client) = stokt(20);
    let gym = sim.gym_id();
    let me = client.me().unwrap().id.clone();
    let wall = client.walls(gym).unwrap().remove(0).parsed.unwrap();
    let face = wall.faces.unwrap().remove(0).parsed.unwrap().id;
    let holds = client.face_setup(&face).unwrap().holds.clone().unwrap();
    let hold = |index: usize| vec![holds[index].id().unwrap().to_string()];
    let new = NewClimb {
        name: "Traversée".into(),
        holds_list: NewHolds { start: hold(0), others: hold(1), top: hold(2), feet_only: hold(3) },
        grade: Some(NewGrade { grading_system: "font".into(), value: "6a+".into() }),
        description: String::new(),
        is_private: false,
        feet_rule: "Tous pieds".into(),
    };
    let climb = client.create_climb(&face, &new).unwrap().value;
    assert_eq!(climb.name.as_deref(), Some("Traversée"));
    let patch = ClimbPatch { name: Some("Retour".into()), ..Default::default() };
    assert_eq!(client.patch_climb(&face, &climb.id, &patch).unwrap().name.as_deref(), Some("Retour"));
    client.set_private(&climb.id, true).unwrap();
    let mine = || client.my_climbs(gym, MyClimbs::Set).unwrap().collect_all().unwrap();
    let ours = |records: Vec<mastoc_stokt_client::Record<Climb>>| {
        records.into_iter().filter_map(|record| record.parsed.ok()).find(|found| found.id == climb.id)
    };
    assert_eq!(ours(mine()).unwrap().is_private, Some(true));
    assert_eq!(client.permissions(&climb.id).unwrap().can_delete, Some(true));
    client.crowd_grades(&climb.id).unwrap();
    client.latest_sends(&climb.id, 5).unwrap();

    let comment =
        client.create_comment(&climb.id, &NewComment { text: "beau".into(), replied_to_id: None }).unwrap();
    let answer = NewComment { text: "oui".into(), replied_to_id: Some(comment.id.to_string()) };
    assert_eq!(client.create_comment(&climb.id, &answer).unwrap().replied_to_id, Some(comment.id.clone()));
    assert_eq!(client.comments(&climb.id, 10).unwrap().len(), 2);
    client.delete_comment(&climb.id, &comment.id).unwrap();
    client.like(&climb.id).unwrap();
    let likes = client.likes(&climb.id).unwrap().collect_all().unwrap();
    assert_eq!(likes[0].parsed.as_ref().unwrap().who().unwrap().id, me);
    client.unlike(&climb.id).unwrap();
    for bookmarked in [true, false] {
        client.set_bookmarked(&climb.id, bookmarked).unwrap();
        let found = client.my_climbs(gym, MyClimbs::Bookmarked).unwrap().collect_all().unwrap();
        assert_eq!(ours(found).is_some(), bookmarked);
    }

    let list = client.create_list(&me, "Projets").unwrap();
    let item = client.add_to_list(&list.id, &climb.id).unwrap();
    let items = || client.list_items(&list.id, &ListItemsQuery::default()).unwrap().collect_all().unwrap();
    assert_eq!(items()[0].parsed.as_ref().unwrap().climb.as_ref().unwrap().id, climb.id);
    client.remove_from_list(&list.id, &item.id).unwrap();
    assert!(items().is_empty());
    client.patch_list(&list.id, &ListPatch { name: Some("Faits".into()) }).unwrap();
    assert_eq!(client.list(&list.id).unwrap().name.as_deref(), Some("Faits"));
    client.follow_list(&list.id).unwrap();
    client.unfollow_list(&list.id).unwrap();
    assert!(!client.personal_lists(&me).unwrap().collect_all().unwrap().is_empty());
    client
        .lists(&ListsQuery { filter_for: Some(ListsFilter::User), ..Default::default() })
        .unwrap()
        .collect_all()
        .unwrap();
    client.gym_lists(gym, Some(5)).unwrap().collect_all().unwrap();
    client.delete_list(&list.id).unwrap();
    assert!(client.list(&list.id).unwrap_err().is_not_found());

    client.delete_climb(&climb.id).unwrap();
    assert!(client.delete_climb(&climb.id).unwrap_err().is_not_found());
    assert!(ours(mine()).is_none());
}

#[test]
fn wrong_credentials_are_told_as_such() {
    let (sim, _) = stokt(1);
    let wrong =
        Client::builder(&sim.base_url()).login(sim.username(), SecretString::from("wrong")).build().unwrap();
    let error = wrong.log_in().unwrap_err();
    assert!(error.is_auth() && error.status() == Some(400), "{error}");
    let stale = Client::builder(&sim.base_url()).token(SecretString::from("0".repeat(40))).build().unwrap();
    assert!(stale.me().unwrap_err().is_auth());
}
