//! For each route that reads a body, one that is right. A new route without an entry fails a test.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::world::{World, avatar_form, climb_body};

/// A name that nobody else has.
pub fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("fresh-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The password that accounts made through [`json_for`] have.
pub const PASSWORD: &str = "correct horse battery staple";

/// Right JSON for a route; `None` where it reads none, or where no body could be right by itself (tokens).
pub fn json_for(route: &str, world: &World<'_>, named: &[(&'static str, String)]) -> Option<Value> {
    let name = fresh_name();
    let named = |wanted: &str| named.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
    Some(match route {
        "POST /api/auth/register" => {
            json!({"email": format!("{name}@example.org"), "username": name, "full_name": name, "password": PASSWORD})
        }
        "POST /api/auth/login" => json!({"username": "owner", "password": PASSWORD}),
        "POST /api/auth/refresh" => json!({"refresh_token": "none"}),
        "POST /api/auth/reset-password" => json!({"email": format!("{name}@example.org")}),
        "POST /api/auth/reset-password/confirm" => json!({"token": "none", "new_password": PASSWORD}),
        "POST /api/users/me/password" => json!({"current_password": PASSWORD, "new_password": PASSWORD}),
        "PATCH /api/users/me" => json!({"full_name": name}),
        "DELETE /api/users/me" => json!({"password": PASSWORD}),
        "PATCH /api/users/{id}" => json!({"role": "user"}),
        "POST /api/users/{id}/claim" => json!({"message": "It is me"}),
        "POST /api/climbs" => climb_body(&world.face, &name, false),
        "PATCH /api/climbs/{id}" => json!({"name": name, "description": "Another one"}),
        "PATCH /api/climbs/{id}/date" => json!({"created_at": "2023-05-06T07:08:09Z"}),
        "PATCH /api/climbs/bulk/dates" => {
            json!({"updates": [{"stokt_id": crate::support::climb_id(1), "created_at": "2023-05-06T07:08:09Z"}]})
        }
        "POST /api/climbs/{id}/ascents" => json!({"attempts": 2, "notes": "At last"}),
        "PATCH /api/ascents/{id}" => json!({"notes": name}),
        "POST /api/climbs/{id}/comments" | "PATCH /api/comments/{id}" => json!({"text": name}),
        "POST /api/lists" => json!({"name": name, "list_type": "circuit", "is_public": true}),
        "PATCH /api/lists/{id}" => json!({"name": name}),
        "PUT /api/lists/{id}/follow" => json!({}),
        "POST /api/lists/{id}/items" => json!({"climb_id": world.climb, "notes": name}),
        "PATCH /api/lists/{id}/items/{climb_id}" => json!({"notes": name}),
        "PUT /api/lists/{id}/order" => json!({"climb_ids": [named("climb_id")?]}),
        "PUT /api/holds/{id}/annotations" => json!({"notes": name}),
        "POST /api/holds/annotations/batch" => json!({"hold_ids": [crate::support::FIRST_HOLD]}),
        "POST /api/holds/{id}/maintenance/close" => json!({"note": name}),
        "POST /api/gyms" => json!({"display_name": name}),
        "PATCH /api/gyms/{id}" => json!({"display_name": name}),
        "POST /api/gyms/{id}/walls" | "PATCH /api/walls/{id}" => json!({"name": name}),
        "POST /api/faces" => json!({"gym_id": named("id")?}),
        "PATCH /api/faces/{id}" => json!({"has_symmetry": true}),
        "POST /api/faces/{id}/holds" => json!({"holds": [{"polygon_str": "60,10 90,10 90,60 60,60"}]}),
        "PATCH /api/holds/{id}" => json!({"polygon_str": "12,12 52,12 52,62 12,62"}),
        "PUT /api/sync/import/runs/{id}" => json!({"origin": "https://stokt.example", "lease_seconds": 1}),
        "PUT /api/sync/import/runs/{id}/report" => json!({"status": "done", "report": {}}),
        "POST /api/sync/import/gym" => crate::support::gym(),
        "POST /api/sync/import/wall" => crate::support::wall(),
        "POST /api/sync/import/face" => crate::support::face(),
        "POST /api/sync/import/user" => crate::support::user(2),
        "POST /api/sync/import/hold" => crate::support::hold(2),
        "POST /api/sync/import/climb" => crate::support::climb(2),
        "POST /api/sync/import/gyms/batch" => json!({"gyms": [crate::support::gym()]}),
        "POST /api/sync/import/walls/batch" => json!({"walls": [crate::support::wall()]}),
        "POST /api/sync/import/faces/batch" => json!({"faces": [crate::support::face()]}),
        "POST /api/sync/import/users/batch" => json!({"users": [crate::support::user(2)]}),
        "POST /api/sync/import/holds/batch" => json!({"holds": [crate::support::hold(2)]}),
        "POST /api/sync/import/climbs/batch" => json!({"climbs": [crate::support::climb(2)]}),
        _ => return None,
    })
}

/// What a route reads, as it is sent: the type of the body and the body; empty where it reads nothing.
pub fn body_for(route: &str, world: &World<'_>, named: &[(&'static str, String)]) -> (String, Vec<u8>) {
    match route {
        "POST /api/users/me/avatar" => avatar_form(&crate::support::picture(50, 50)),
        "PUT /api/faces/{id}/picture" => {
            ("application/octet-stream".to_owned(), crate::support::picture(320, 200))
        }
        "PUT /api/sync/import/faces/{stokt_id}/picture" | "PUT /api/sync/import/users/{stokt_id}/avatar" => (
            "application/octet-stream".to_owned(),
            crate::support::picture(crate::support::WIDTH, crate::support::HEIGHT),
        ),
        _ => {
            let json = json_for(route, world, named).map(|body| body.to_string().into_bytes());
            ("application/json".to_owned(), json.unwrap_or_default())
        }
    }
}

/// The query that a route insists on.
pub fn query_for(route: &str) -> String {
    match route {
        "PATCH /api/climbs/{id}/stokt-id" => format!("?stokt_id={}", uuid::Uuid::now_v7()),
        "PUT /api/sync/import/faces/{stokt_id}/picture" => format!("?path={}", crate::support::PICTURE),
        "PUT /api/sync/import/users/{stokt_id}/avatar" => "?path=avatars/1.png".to_owned(),
        "GET /api/holds" => format!("?face_id={}", uuid::Uuid::nil()),
        _ => String::new(),
    }
}
