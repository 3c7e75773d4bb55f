//! The cluster itself: found or created, shared by processes, stopped by a watchdog.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How to get PostgreSQL, or do without.
const ADVICE: &str = "install it (Debian: apt-get install postgresql), or name a server in MASTOC_TEST_DATABASE_URL, \
                      or do without by MASTOC_TEST_NO_POSTGRES=1";

/// Seconds without any test process before the cluster is stopped, and between two looks.
const PATIENCE: (u32, u32) = (120, 5);

/// A folder in memory, where Linux has one. Each database is several hundred files that live for seconds; to make and
/// remove them on a disk's file system takes more time than what tests do in them.
const MEMORY: &str = "/dev/shm";

/// So much memory must be free for that, in KiB: far more than the cluster takes, which shares it with the tests.
const ROOM_KIB: u64 = 4 << 20;

/// The longest path that a Unix socket may have everywhere, in bytes.
const MAX_SOCKET_PATH: usize = 100;

/// Speed instead of safety: nothing here has to survive a power cut. Shared memory lies in files of the cluster's folder,
/// so that it goes with the folder however the server ends.
const SETTINGS: &str = "
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 200
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
min_wal_size = 32MB
max_wal_size = 128MB
wal_level = minimal
max_wal_senders = 0
dynamic_shared_memory_type = mmap
autovacuum = off
jit = off
log_timezone = 'UTC'
timezone = 'UTC'
";

/// A running cluster that this process holds a lease of.
pub(crate) struct Cluster {
    folder: PathBuf,
}

/// The cluster of this user and workspace, created and started where it is not running.
pub(crate) fn shared() -> Cluster {
    let mut hasher = DefaultHasher::new();
    (crate::workspace_root(), tool("initdb"), SETTINGS).hash(&mut hasher);
    let name = format!("mastoc-pg-{}-{:08x}", own_uid(), hasher.finish() >> 32);
    let temp = std::env::temp_dir();
    let fits = temp.join(&name).join(".s.PGSQL.5432").as_os_str().len() <= MAX_SOCKET_PATH;
    let on_disk = if fits { temp } else { PathBuf::from("/tmp") }.join(&name);
    let in_memory = Path::new(MEMORY).join(&name);
    // Where one is already, it stays: how much memory is free changes from one test process to the next.
    let in_memory = in_memory.exists() || (!on_disk.exists() && has_room(Path::new(MEMORY)));
    Cluster::acquire(&if in_memory { Path::new(MEMORY).join(&name) } else { on_disk }, PATIENCE)
}

/// Whether the machine has memory to spare for a cluster in this folder of memory, and lets us write there.
fn has_room(memory: &Path) -> bool {
    if tempfile::tempfile_in(memory).is_err() {
        return false;
    }
    let Ok(output) = Command::new("df").args(["-Pk"]).arg(memory).stderr(Stdio::null()).output() else {
        return false;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let folder = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    let machine = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = machine.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let available = available.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    // A container or a service may have less than the machine; the files count as its memory.
    let group = |file: &str| {
        fs::read_to_string(Path::new("/sys/fs/cgroup").join(file)).ok()?.trim().parse::<u64>().ok()
    };
    let limit =
        group("memory.max").map(|most| most.saturating_sub(group("memory.current").unwrap_or(0)) >> 10);
    folder.is_some_and(|free| free >= ROOM_KIB)
        && available.is_some_and(|free| free >= ROOM_KIB)
        && limit.is_none_or(|free| free >= ROOM_KIB)
}

impl Cluster {
    /// Finds or makes the cluster in `folder`, and takes a lease of it for this process.
    fn acquire(folder: &Path, patience: (u32, u32)) -> Self {
        let lock_path = folder.with_extension("lock");
        let lock = File::options().create(true).append(true).open(&lock_path);
        let lock = lock.unwrap_or_else(|error| panic!("cannot write {}: {error}", lock_path.display()));
        lock.lock().expect("a lock on a file of our own");
        let cluster = Self { folder: folder.to_path_buf() };
        if !cluster.answers() {
            cluster.create();
        }
        let lease = folder.join("leases").join(std::process::id().to_string());
        File::create(&lease).unwrap_or_else(|error| panic!("cannot write {}: {error}", lease.display()));
        if !cluster.is_watched() {
            cluster.watch(&lock_path, patience);
        }
        cluster
    }

    /// A database to run statements in.
    pub(crate) fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user=postgres", self.folder.display())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn answers(&self) -> bool {
        self.folder.join("leases").is_dir() && UnixStream::connect(self.folder.join(".s.PGSQL.5432")).is_ok()
    }

    fn create(&self) {
        let folder = &self.folder;
        // What a crash left; a postmaster without its folder stops by itself.
        drop(fs::remove_dir_all(folder));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(folder)
            .unwrap_or_else(|error| panic!("cannot create {}: {error}", folder.display()));
        if let Some((uid, gid)) = server_user() {
            chown(folder, Some(uid), Some(gid)).expect("root may give a folder away");
        }
        self.init();
        self.start();
        // Comes last: its presence says that the cluster is complete.
        fs::create_dir(folder.join("leases")).expect("a folder inside our own");
    }

    fn init(&self) {
        let data = self.folder.join("data");
        let initdb = |locale: &[&str]| {
            let mut command = self.server_command("initdb");
            command.arg("-D").arg(&data).args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]);
            command.args(locale).output().expect("initdb runs")
        };
        let linguistic = ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
        let mut output = initdb(&linguistic);
        if !output.status.success() {
            // Before version 15, or built without ICU.
            drop(fs::remove_dir_all(&data));
            output = initdb(&["--locale=C"]);
        }
        assert!(output.status.success(), "initdb fails: {}", String::from_utf8_lossy(&output.stderr).trim());
        let socket = self.folder.display().to_string().replace('\'', "''");
        let mut conf =
            File::options().append(true).open(data.join("postgresql.conf")).expect("initdb wrote it");
        writeln!(conf, "{SETTINGS}unix_socket_directories = '{socket}'").expect("settings are written");
    }

    fn start(&self) {
        let log = self.folder.join("log");
        let mut command = self.server_command("pg_ctl");
        command.arg("-D").arg(self.folder.join("data")).arg("-l").arg(&log).args(["-w", "-t", "60", "start"]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).status();
        if !status.expect("pg_ctl runs").success() {
            let log = fs::read_to_string(&log).unwrap_or_default();
            panic!("PostgreSQL does not start: {}", log.trim());
        }
    }

    /// A program of the server, as the user it runs as: PostgreSQL refuses to run as root.
    fn server_command(&self, name: &str) -> Command {
        let mut command = Command::new(tool(name));
        command.current_dir(&self.folder).stdin(Stdio::null()).env("LC_ALL", "C");
        if let Some((uid, gid)) = server_user() {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn is_watched(&self) -> bool {
        let pid = fs::read_to_string(self.folder.join("watchdog.pid")).unwrap_or_default();
        !pid.is_empty() && is_alive(pid.trim())
    }

    /// Starts the watchdog, detached: a child of nobody, in a process group of its own, holding none of our files.
    fn watch(&self, lock: &Path, (patience, pause): (u32, u32)) {
        let launch = r#"/bin/sh -c "$0" mastoc-test-watchdog "$@" & echo $! >"$1/watchdog.pid""#;
        let status = Command::new("/bin/sh")
            .args(["-c", launch, include_str!("watchdog.sh")])
            .arg(&self.folder)
            .arg(lock)
            .args([patience.to_string(), pause.to_string()])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .status();
        assert!(status.expect("a shell starts").success(), "the watchdog of the test cluster does not start");
    }
}

fn is_alive(pid: &str) -> bool {
    let status = Command::new("kill").args(["-0", pid]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The path of a PostgreSQL program: in PATH, else of the newest version where distributions put them. What stands in
/// PATH may be Debian's wrapper, which takes ten times as long to find that program as the program takes to run.
pub(crate) fn tool(name: &str) -> PathBuf {
    let in_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    });
    let is_wrapper = |file: &PathBuf| file.canonicalize().is_ok_and(|real| real.ends_with("pg_wrapper"));
    in_path
        .clone()
        .filter(|file| !is_wrapper(file))
        .or_else(|| newest_installed(name))
        .or(in_path)
        .unwrap_or_else(|| panic!("no {name} of PostgreSQL found: {ADVICE}"))
}

fn newest_installed(name: &str) -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let file = entry.path().join("bin").join(name);
            file.is_file().then_some((version, file))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, file)| file)
}

fn own_uid() -> u32 {
    static UID: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *UID.get_or_init(|| {
        // The owner of a file that we just made: std has no other way to ask.
        let file = tempfile::tempfile().expect("a temporary file");
        file.metadata().expect("metadata of an open file").uid()
    })
}

/// User and group to run the server as, where we are root.
fn server_user() -> Option<(u32, u32)> {
    if own_uid() != 0 {
        return None;
    }
    let id = |flag: &str| -> Option<u32> {
        let output = Command::new("id").args([flag, "postgres"]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    let user = id("-u").zip(id("-g"));
    assert!(user.is_some(), "PostgreSQL refuses to run as root and there is no user `postgres`: {ADVICE}");
    user
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const ROLE: &str = "MASTOC_TEST_CLUSTER_FOLDER";

    /// The child's side of the test below: takes a cluster and dies without a word.
    #[test]
    fn child() {
        if let Some(folder) = std::env::var_os(ROLE) {
            let cluster = Cluster::acquire(Path::new(&folder), (2, 1));
            assert!(cluster.answers());
            std::process::abort();
        }
    }

    #[test]
    fn a_cluster_outlives_its_killed_maker_and_is_removed_when_nobody_comes() {
        if crate::postgres::opted_out() {
            println!("skipped on PostgreSQL: MASTOC_TEST_NO_POSTGRES=1");
            return;
        }
        let temp = std::env::temp_dir();
        let folder = temp.join(format!("mastoc-pg-test-{}", std::process::id()));
        let mut maker = Command::new(std::env::current_exe().unwrap());
        maker.args(["postgres::cluster::tests::child", "--exact"]).env(ROLE, &folder);
        let output = maker.output().unwrap();
        assert!(!output.status.success(), "the child aborts");
        assert!(folder.join("data/postmaster.pid").is_file(), "{}", String::from_utf8_lossy(&output.stderr));

        let postmaster = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
        let postmaster = postmaster.lines().next().unwrap().to_owned();
        assert!(is_alive(&postmaster));
        let begun = Instant::now();
        while folder.exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the watchdog does nothing");
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(!is_alive(&postmaster));
        fs::remove_file(folder.with_extension("lock")).unwrap();
    }
}
