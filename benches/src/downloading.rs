//! Merely downloading what an import asks for: a process of its own, through the client that the importer uses. It
//! lets itself in the same way, asks for the same answers in the same order, reads records where the next request
//! hangs on them, and writes pictures to files; nothing is converted, verified, stored or made safe.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use mastoc_stokt_client::Client;
use mastoc_stokt_client::secrecy::SecretString;

use crate::boards::Stokt;

/// The first argument of such a process.
pub(crate) const DOWNLOADER: &str = "downloader";

/// Such a process, aimed at a folder for the pictures.
pub(crate) fn downloader(stokt: &Stokt, folder: &Path) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([DOWNLOADER, &stokt.url, &stokt.gym]).arg(folder).env("STOKT_TOKEN", &stokt.token);
    Ok(command)
}

/// What such a process does. `arguments`: the service's address, the gym, and the folder, which it creates.
pub(crate) fn download(arguments: &[String]) -> io::Result<()> {
    let [url, gym, folder] = arguments else {
        return Err(io::Error::other("downloader URL GYM FOLDER, with STOKT_TOKEN"));
    };
    download_all(url, gym, &PathBuf::from(folder)).map_err(|error| io::Error::other(error.to_string()))
}

fn download_all(url: &str, gym: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let token = SecretString::from(std::env::var("STOKT_TOKEN")?);
    let client = Client::builder(url).token(token).build()?;
    std::fs::create_dir_all(folder)?;
    let mut pictures = 0;
    let mut fetch = |path: &str| -> Result<(), Box<dyn Error>> {
        pictures += 1;
        client.fetch_media(path, || File::create(folder.join(pictures.to_string())))?;
        Ok(())
    };

    client.me()?;
    client.gym_summary(gym)?;
    let walls = client.walls(gym)?;
    let faces = walls.iter().filter_map(|wall| wall.parsed.as_ref().ok()?.faces.as_ref()).flatten();
    let mut of_walls = Vec::new();
    for face in faces.filter_map(|face| face.id()) {
        let setup = client.face_setup(face)?;
        of_walls.extend(setup.picture.as_ref().and_then(|picture| picture.name.clone()));
    }
    for path in &of_walls {
        fetch(path)?;
    }
    let mut avatars = BTreeSet::new();
    for page in client.climbs(gym, 9999)? {
        let climbs = page?.into_distinct().filter_map(|record| record.parsed.ok());
        avatars.extend(climbs.filter_map(|climb| climb.setter?.avatar));
    }
    for path in avatars.iter().filter(|path| !path.is_empty()) {
        fetch(path)?;
    }
    Ok(())
}
