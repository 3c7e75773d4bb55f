//! The boards that are measured: a stand-in of Stokt at the real board's size, imported by the real importer.

use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::process::{Server, program, run};

/// A running stand-in for Stokt.
pub(crate) struct Stokt {
    _server: Server,
    pub(crate) url: String,
    pub(crate) address: String,
    pub(crate) token: String,
    pub(crate) gym: String,
}

impl Stokt {
    /// Starts one with `climbs` climbs; everything else is the default, the size of the real board.
    pub(crate) fn start(folder: &Path, climbs: u32) -> io::Result<Self> {
        Self::start_with(folder, |command| command.args(["--climbs", &climbs.to_string()]))
    }

    /// Starts one that serves the board in `data`.
    pub(crate) fn start_on(folder: &Path, data: &Path) -> io::Result<Self> {
        Self::start_with(folder, |command| command.arg("--data").arg(data))
    }

    fn start_with(folder: &Path, set: impl FnOnce(&mut Command) -> &mut Command) -> io::Result<Self> {
        let ready = folder.join("stokt.json");
        let mut command = Command::new(program("stokt-sim")?);
        set(&mut command).args(["--port", "0", "--ready-file"]).arg(&ready);
        let server = Server::start(command)?;
        // The line that says it listens may come before the file.
        let mut waited = 0;
        while !ready.exists() && waited < 500 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            waited += 1;
        }
        let facts: Value = serde_json::from_slice(&std::fs::read(&ready)?).map_err(io::Error::other)?;
        let text = |name: &str| facts.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self {
            address: server.address.clone(),
            _server: server,
            url: text("base_url"),
            token: text("token"),
            gym: text("gym_id"),
        })
    }

    /// The importer, aimed at a database and a folder for pictures.
    pub(crate) fn importer(&self, database_url: &str, data_dir: &Path) -> io::Result<Command> {
        let mut command = Command::new(program("mastoc-import")?);
        command
            .args([
                "--stokt-url",
                &self.url,
                "--gym",
                &self.gym,
                "--database-url",
                database_url,
                "--data-dir",
            ])
            .arg(data_dir)
            .env("STOKT_TOKEN", &self.token)
            .env_remove("DATABASE_URL")
            .env_remove("MASTOC_DATA_DIR");
        Ok(command)
    }

    /// Imports into a new database.
    pub(crate) fn import_into(&self, database_url: &str, data_dir: &Path) -> io::Result<()> {
        run(self.importer(database_url, data_dir)?, false).map(drop)
    }
}

/// Serves a database whose reading is open, with two workers.
pub(crate) fn serve(database_url: &str, data_dir: &Path) -> io::Result<Server> {
    Server::start(server(database_url, data_dir)?)
}

/// The same, with an admin's key.
pub(crate) fn serve_with_key(database_url: &str, data_dir: &Path, key: &str) -> io::Result<Server> {
    let mut command = server(database_url, data_dir)?;
    command.env("API_KEY", key);
    Server::start(command)
}

/// The command of such a server, for further settings.
pub(crate) fn server(database_url: &str, data_dir: &Path) -> io::Result<Command> {
    let mut command = Command::new(program("mastoc-server")?);
    command
        .args(["serve", "--data-dir"])
        .arg(data_dir)
        .env("DATABASE_URL", database_url)
        .env("MASTOC_BIND", "127.0.0.1:0")
        .env("MASTOC_ACCESS", "public-read")
        .env("MASTOC_WORKERS", "2")
        .env("MASTOC_LOG", "error")
        .env_remove("PORT")
        .env_remove("MASTOC_DATA_DIR");
    Ok(command)
}
