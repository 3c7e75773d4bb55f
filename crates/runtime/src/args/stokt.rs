//! Arguments about Stokt: where it is, who asks, for which gyms, how politely.

use std::io::BufRead;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;
use url::{Host, Url};
use uuid::Uuid;

use crate::exit::Failure;
use crate::secrets::{optional_secret, secret_from_line};
use crate::settings::{TimeUnit, given, parse_duration};

/// The address of Stokt itself.
pub const DEFAULT_STOKT_URL: &str = "https://www.sostokt.com";

/// The longest pause between requests that makes sense.
const MAX_INTERVAL: Duration = Duration::from_secs(3600);

/// Where Stokt is and how to ask it. A token or a password never has to stand on the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct StoktArgs {
    /// The address of Stokt
    #[arg(long, value_name = "URL", env = "STOKT_URL", default_value = DEFAULT_STOKT_URL, global = true)]
    stokt_url: Option<String>,
    /// A file (mode 0600) with the token; the variable STOKT_TOKEN may hold the token itself instead
    #[arg(long, value_name = "FILE", env = "STOKT_TOKEN_FILE", global = true)]
    token_file: Option<String>,
    /// The account to log in with; the password comes from STOKT_PASSWORD or --password-stdin
    #[arg(long, value_name = "NAME", env = "STOKT_USERNAME", global = true)]
    username: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long, global = true)]
    password_stdin: bool,
    /// A gym to work on, by its id; may be repeated [default: the home gym of the account]
    #[arg(long = "gym", value_name = "UUID", env = "STOKT_GYM", value_delimiter = ',', global = true)]
    gyms: Vec<String>,
    /// The pause between requests, in seconds or as 500ms [default: 1, and 0 on this machine]
    #[arg(long, value_name = "DURATION", env = "STOKT_MIN_INTERVAL", global = true)]
    min_interval: Option<String>,
}

/// Who asks Stokt.
#[derive(Debug, Clone)]
pub enum StoktCredentials {
    /// A token that was obtained before.
    Token(SecretString),
    /// An account to log in with.
    Password {
        /// The name or e-mail address of the account.
        username: String,
        /// Its password.
        password: SecretString,
    },
}

/// What [`StoktArgs`] come to.
#[derive(Debug, Clone)]
pub struct StoktSettings {
    /// The address: HTTPS, or HTTP on this machine.
    pub url: Url,
    /// Who asks; `None` if nothing was given.
    pub credentials: Option<StoktCredentials>,
    /// The gyms to work on, without repeats; empty for the account's home gym.
    pub gyms: Vec<Uuid>,
    /// The pause between requests; by default one second, and none on this machine.
    pub min_interval: Duration,
}

impl StoktSettings {
    /// The credentials.
    ///
    /// # Errors
    /// A [`Failure`] that says how to give some.
    pub fn require_credentials(&self) -> Result<&StoktCredentials, Failure> {
        self.credentials.as_ref().ok_or_else(|| {
            Failure::usage("no credentials for Stokt")
                .hint("set STOKT_TOKEN, or give --token-file FILE, or --username NAME with --password-stdin")
        })
    }
}

impl StoktArgs {
    /// Reads what the arguments point to: the environment, the token file, standard input.
    ///
    /// # Errors
    /// A one-line [`Failure`] about the first argument that is wrong.
    pub fn resolve(&self) -> Result<StoktSettings, Failure> {
        self.resolve_with(&crate::settings::env, &mut std::io::stdin().lock())
    }

    fn resolve_with(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
        stdin: &mut dyn BufRead,
    ) -> Result<StoktSettings, Failure> {
        let url = parse_url(given(self.stokt_url.as_ref()).unwrap_or(DEFAULT_STOKT_URL))?;
        let min_interval = match given(self.min_interval.as_ref()) {
            Some(text) => parse_interval(text)?,
            None if is_loopback(&url) => Duration::ZERO,
            None => Duration::from_secs(1),
        };
        Ok(StoktSettings {
            url,
            credentials: self.credentials(env, stdin)?,
            gyms: self.gym_ids()?,
            min_interval,
        })
    }

    /// The gyms to work on, without repeats; all that is needed where Stokt itself is not asked.
    ///
    /// # Errors
    /// A one-line [`Failure`] about the first that is no id.
    pub fn gym_ids(&self) -> Result<Vec<Uuid>, Failure> {
        let mut ids = Vec::new();
        for text in self.gyms.iter().filter_map(|text| given(Some(text))) {
            let id = Uuid::parse_str(text).map_err(|_| {
                Failure::usage(format!("--gym {text:?} is not the id of a gym, which is a UUID"))
            })?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// What is said on the command line wins over `STOKT_TOKEN`, which a shell may have kept from another day.
    fn credentials(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
        stdin: &mut dyn BufRead,
    ) -> Result<Option<StoktCredentials>, Failure> {
        let token_file = given(self.token_file.as_ref()).map(PathBuf::from);
        let Some(username) = given(self.username.as_ref()) else {
            if self.password_stdin {
                return Err(Failure::usage("--password-stdin needs --username"));
            }
            let token = optional_secret(token_file.as_ref(), env("STOKT_TOKEN"))?;
            return Ok(token.map(StoktCredentials::Token));
        };
        if token_file.is_some() {
            return Err(Failure::usage("both a token file and a username are given").hint("give one of them"));
        }
        let password = if self.password_stdin {
            secret_from_line(stdin)?
        } else {
            env("STOKT_PASSWORD").map(SecretString::from).ok_or_else(|| {
                Failure::usage("no password for --username")
                    .hint("set STOKT_PASSWORD or give --password-stdin")
            })?
        };
        Ok(Some(StoktCredentials::Password { username: username.to_owned(), password }))
    }
}

fn parse_url(text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!("the address of Stokt {why}")).hint(format!("for example {DEFAULT_STOKT_URL}"))
    };
    let url = Url::parse(text).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold a login"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(wrong("must use https, since the token would travel in the clear")),
        _ => Err(wrong("must begin with https://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn parse_interval(text: &str) -> Result<Duration, Failure> {
    parse_duration(text, TimeUnit::Seconds).filter(|interval| *interval <= MAX_INTERVAL).ok_or_else(|| {
        Failure::usage(format!(
            "--min-interval {text:?} is not a number of seconds from 0 to 3600, nor a time such as 500ms"
        ))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use secrecy::ExposeSecret as _;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        stokt: StoktArgs,
    }

    const GYM: &str = "5a2f3c1e-0000-4000-8000-000000000001";

    fn resolve(args: &[&str], vars: &[(&str, &str)], stdin: &str) -> Result<StoktSettings, Failure> {
        let cli = Cli::try_parse_from(std::iter::once(&"test").chain(args)).unwrap();
        let env =
            |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        cli.stokt.resolve_with(&env, &mut stdin.as_bytes())
    }

    fn refusal(args: &[&str], vars: &[(&str, &str)]) -> String {
        let failure = resolve(args, vars, "").unwrap_err();
        assert_eq!(failure.exit, crate::Exit::Usage);
        failure.to_string()
    }

    #[test]
    fn the_default_is_stokt_itself_once_a_second_with_the_token_of_the_environment() {
        let settings = resolve(&[], &[("STOKT_TOKEN", "abc")], "").unwrap();
        assert_eq!(settings.url.as_str(), "https://www.sostokt.com/");
        assert_eq!(settings.min_interval, Duration::from_secs(1));
        assert!(settings.gyms.is_empty());
        let StoktCredentials::Token(token) = settings.require_credentials().unwrap() else { panic!() };
        assert_eq!(token.expose_secret(), "abc");
        assert!(!format!("{settings:?}").contains("abc"));
    }

    #[test]
    fn this_machine_is_asked_without_pause_unless_told_otherwise() {
        for host in ["127.0.0.1:9", "localhost:9", "[::1]:9"] {
            let url = format!("http://{host}");
            assert_eq!(resolve(&["--stokt-url", &url], &[], "").unwrap().min_interval, Duration::ZERO);
        }
        let args = ["--stokt-url", "http://localhost", "--min-interval", "0.25"];
        assert_eq!(resolve(&args, &[], "").unwrap().min_interval, Duration::from_millis(250));
        for bad in ["-1", "x", "NaN", "1e9", "inf"] {
            assert!(refusal(&[&format!("--min-interval={bad}")], &[]).contains("--min-interval"));
        }
    }

    #[test]
    fn a_login_takes_its_password_from_the_environment_or_standard_input() {
        let vars = [("STOKT_PASSWORD", "from env"), ("STOKT_TOKEN", "old")];
        for (args, wanted) in [
            (&["--username", "anna"][..], "from env"),
            (&["--username", "anna", "--password-stdin"], "from stdin"),
        ] {
            let settings = resolve(args, &vars, "from stdin\n").unwrap();
            let Some(StoktCredentials::Password { username, password }) = settings.credentials else {
                panic!()
            };
            assert_eq!((username.as_str(), password.expose_secret()), ("anna", wanted));
        }
        assert!(refusal(&["--username", "anna"], &[]).contains("STOKT_PASSWORD"));
        assert!(refusal(&["--password-stdin"], &[]).contains("--username"));
        assert!(refusal(&["--username", "a", "--token-file", "/x"], &[]).contains("one of them"));
    }

    #[test]
    fn no_credentials_are_a_matter_of_who_needs_them() {
        let settings = resolve(&[], &[], "").unwrap();
        let line = settings.require_credentials().unwrap_err().to_string();
        assert!(line.contains("STOKT_TOKEN") && line.contains("--token-file"), "{line}");
    }

    #[test]
    fn a_token_file_wins_over_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "from file\n").unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let settings =
            resolve(&["--token-file", path.to_str().unwrap()], &[("STOKT_TOKEN", "old")], "").unwrap();
        let Some(StoktCredentials::Token(token)) = settings.credentials else { panic!() };
        assert_eq!(token.expose_secret(), "from file");
    }

    #[test]
    fn gyms_are_ids_without_repeats() {
        let settings = resolve(&["--gym", GYM, "--gym", GYM], &[], "").unwrap();
        assert_eq!(settings.gyms, [Uuid::parse_str(GYM).unwrap()]);
        assert!(refusal(&["--gym", "monto"], &[]).contains("UUID"));
    }

    #[test]
    fn only_https_or_this_machine_is_asked() {
        for bad in ["http://example.org", "ftp://localhost", "localhost:80", "https://u:p@example.org", "x"] {
            let line = refusal(&["--stokt-url", bad], &[]);
            assert!(line.contains("the address of Stokt"), "{line}");
        }
    }
}
