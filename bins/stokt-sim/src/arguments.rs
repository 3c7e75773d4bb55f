//! What may be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use mastoc_stokt_sim::{FAULT_HELP, Rule, Sim, SimBuilder};
use uuid::Uuid;

/// A stand-in for Stokt: the same REST API over an invented climbing board, or the board of a folder.
#[derive(Parser)]
#[command(version, after_help = "Stops on SIGINT and SIGTERM. State lives in memory.")]
pub(crate) struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "HOST:PORT")]
    bind: SocketAddr,
    /// Port, in place of the one in --bind
    #[arg(long)]
    port: Option<u16>,
    /// What the board and the faults are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Holds per face
    #[arg(long, default_value_t = 776)]
    holds: usize,
    /// Climbs in all
    #[arg(long, default_value_t = 1017)]
    climbs: usize,
    /// Setters
    #[arg(long, default_value_t = 79)]
    setters: usize,
    /// Faces, two on a wall
    #[arg(long, default_value_t = 1)]
    faces: usize,
    /// Size of the wall pictures in pixels
    #[arg(long, default_value = "2263x3000", value_name = "WIDTHxHEIGHT", value_parser = parse_size)]
    picture_size: (u32, u32),
    /// Serve the board of a folder with setup.json, climbs.json and wall.jpg
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The id of that board's gym, which is in none of the files
    #[arg(long, value_name = "UUID", requires = "data")]
    gym: Option<Uuid>,
    /// Records on a page
    #[arg(long, default_value_t = 50)]
    page_size: usize,
    /// Something that goes wrong; may be given several times
    #[arg(long, value_name = "FAULT", long_help = FAULT_HELP)]
    fault: Vec<Rule>,
    /// Probability with which each request fails in one of the usual ways
    #[arg(long, default_value_t = 0.0, value_name = "PROBABILITY")]
    chaos: f64,
    /// The account's name
    #[arg(long, default_value = "demo@example.org")]
    username: String,
    /// The account's password
    #[arg(long, default_value = "demo-password")]
    password: String,
    /// The account's token; drawn from the seed if not given
    #[arg(long)]
    token: Option<String>,
    /// One more person who may log in: a setter of the board by that name, or somebody new; may be given several times
    #[arg(long, value_name = "USER:PASSWORD:NAME", value_parser = parse_account)]
    account: Vec<(String, String, String)>,
    /// Write base_url, username, password, token, gym_id and all accounts to this file, as JSON, once requests are
    /// answered
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let parsed = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    parsed.ok_or_else(|| format!("`{text}` is no size such as 2263x3000"))
}

fn parse_account(text: &str) -> Result<(String, String, String), String> {
    let mut parts = text.splitn(3, ':').map(str::to_owned).filter(|part| !part.is_empty());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(username), Some(password), Some(name)) => Ok((username, password, name)),
        _ => Err(format!("`{text}` is no account such as ada@example.org:secret:Ada Lovelace")),
    }
}

impl Arguments {
    /// The service that was asked for.
    pub(crate) fn into_builder(self) -> SimBuilder {
        let mut address = self.bind;
        address.set_port(self.port.unwrap_or(address.port()));
        let (width, height) = self.picture_size;
        let mut sim = Sim::builder().bind(address).seed(self.seed).holds(self.holds).climbs(self.climbs);
        sim =
            sim.setters(self.setters).faces(self.faces).picture_size(width, height).page_size(self.page_size);
        sim = sim.username(self.username).password(self.password).chaos(self.chaos);
        let accounts = self.account.into_iter();
        sim = accounts.fold(sim, |sim, (username, password, name)| sim.account(username, password, name));
        sim = self.fault.into_iter().fold(sim, SimBuilder::fault);
        sim = self.data.into_iter().fold(sim, SimBuilder::data);
        sim = self.gym.into_iter().fold(sim, SimBuilder::gym_id);
        self.token.into_iter().fold(sim, SimBuilder::token)
    }
}
