//! What everybody says about the holds of a whole board, in one answer.

use std::io;
use std::process::Command;
use std::time::Duration;

use mastoc_domain::HoldId;
use mastoc_domain::access::AccountRole;
use mastoc_domain::annotation::{Condition, Difficulty, GripType};
use mastoc_storage::accounts::{self, NewAccount};
use mastoc_storage::annotations::{self, AnnotationPatch};
use mastoc_storage::{Store, StoreError, StoreOptions, Viewer, faces, holds};

use crate::boards::{Stokt, serve};
use crate::load::{Connection, hammer, hammer_with};
use crate::process::Server;
use crate::report::Report;

const CONNECTIONS: usize = 8;
const TIME: Duration = Duration::from_secs(3);
/// Repetitions of each pair of measurements; the best of each is compared.
const ROUNDS: usize = 3;
/// How many people say something about every hold.
const PEOPLE: usize = 5;

pub(crate) fn measure(report: &mut Report) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let stokt = Stokt::start(folder.path(), 100)?;
    let ceiling = {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("ceiling-server");
        Server::start(command)?
    };
    let url = format!("sqlite://{}", folder.path().join("board.sqlite3").display());
    let data = folder.path().join("data");
    stokt.import_into(&url, &data)?;
    let ids = annotate(&url)?;
    let server = serve(&url, &data)?;

    let numbers: Vec<String> = ids.iter().map(|id| id.0.to_string()).collect();
    let body = format!("{{\"hold_ids\": [{}]}}", numbers.join(","));
    let path = "/api/holds/annotations/batch";
    let size = Connection::open(&server.address)?.post(path, "", &body)?.body.len();
    report
        .section(&format!("Annotations of a board by {PEOPLE} people, SQLite, {CONNECTIONS} connections"))?;
    let fixed = format!("/bytes/{size}");
    let (mut ours, mut most) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        most = most.max(hammer(&ceiling.address, &fixed, "", 200, CONNECTIONS, TIME)?.rate);
        let ask = |connection: &mut Connection| connection.post(path, "", &body).map(|answer| answer.status);
        ours = ours.max(hammer_with(&server.address, 200, CONNECTIONS, TIME, ask)?.rate);
    }
    report.share(&format!("{} holds in one answer ({size} bytes)", ids.len()), ours, most, 0.10)
}

/// Lets people say something about every hold; tells which holds there are.
fn annotate(url: &str) -> io::Result<Vec<HoldId>> {
    let target = url.parse().map_err(io::Error::other)?;
    let store = Store::open(&target, &StoreOptions::default()).map_err(io::Error::other)?;
    let said = store.write(|conn| {
        let mut ids = Vec::new();
        for face in faces::list(conn, Viewer::Service, None)? {
            ids.extend(holds::by_face(conn, face.id)?.into_iter().map(|hold| hold.id));
        }
        for person in 0..PEOPLE {
            let name = format!("climber{person}");
            let account = NewAccount {
                email: &format!("{name}@example.org"),
                username: &name,
                full_name: &name,
                password_hash: "none",
                role: AccountRole::User,
            };
            let user = accounts::create(conn, &account)?;
            for (index, id) in ids.iter().enumerate() {
                let patch = AnnotationPatch {
                    grip_type: Some(GripType::ALL.get((index + person / 2) % GripType::ALL.len()).copied()),
                    condition: Some(Condition::ALL.get((index + person / 2) % Condition::ALL.len()).copied()),
                    difficulty: Some(Difficulty::ALL.get((index + person) % Difficulty::ALL.len()).copied()),
                    notes: None,
                };
                annotations::put(conn, user, *id, &patch)?;
            }
        }
        Ok::<_, StoreError>(ids)
    });
    said.map_err(io::Error::other)
}
