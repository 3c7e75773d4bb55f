//! The commands about accounts: what an operator does without logging in.

use clap::{Args, Subcommand};
use mastoc_domain::access::AccountRole;
use mastoc_domain::email::Email;
use mastoc_domain::text::{PersonName, Username};
use mastoc_http_api::passwords;
use mastoc_runtime::args::DatabaseArgs;
use mastoc_runtime::{Exit, ExposeSecret as _, Failure, SecretString, secrets};
use mastoc_storage::accounts::{self, Account, NewAccount};
use mastoc_storage::people::{self, AccountFilter, Administered};
use mastoc_storage::{Store, StoreError, StoreOptions};

use crate::commands::{open, open_existing, say, store_failure};

/// The variable that may hold the password of an account.
const PASSWORD: &str = "MASTOC_PASSWORD";
/// The letters of passwords that are made here: none that are taken for another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
/// How many letters such a password has: 120 bits.
const LENGTH: usize = 24;
/// More accounts than any board has.
const EVERYBODY: i64 = 1_000_000;

#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    action: UserAction,
}

#[derive(Debug, Subcommand)]
enum UserAction {
    /// Make an account for an admin; without a given password, one is made and printed once
    CreateAdmin {
        /// The e-mail address
        #[arg(long)]
        email: String,
        /// The name to log in with
        #[arg(long)]
        username: String,
        /// The name that others see [default: the user name]
        #[arg(long, value_name = "NAME")]
        full_name: Option<String>,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// List all accounts, by name
    List,
    /// Make somebody an admin, or a user again
    SetRole {
        /// The account's user name or e-mail address
        #[arg(value_name = "USERNAME|EMAIL")]
        login: String,
        /// user or admin
        role: AccountRole,
    },
    /// Give an account another password, and end its logins; without a given password, one is made and printed once
    ResetPassword {
        /// The account's user name or e-mail address
        #[arg(value_name = "USERNAME|EMAIL")]
        login: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
}

#[derive(Debug, Args)]
struct PasswordArgs {
    /// Read the password from the first line of standard input; the variable MASTOC_PASSWORD may hold it instead
    #[arg(long)]
    password_stdin: bool,
}

/// The password that was given, or one that was made.
struct Password {
    secret: SecretString,
    is_made: bool,
}

impl PasswordArgs {
    fn resolve(&self) -> Result<Password, Failure> {
        let given = match (self.password_stdin, secrets::secret_from_env(PASSWORD)) {
            (true, Some(_)) => {
                return Err(Failure::usage(format!("both --password-stdin and {PASSWORD} are given"))
                    .hint("give one of them"));
            }
            (true, None) => Some(secrets::secret_from_stdin()?),
            (false, given) => given,
        };
        let made = || {
            let letters = rand::random::<[u8; LENGTH]>();
            let letters = letters.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
            SecretString::from(letters.map(|letter| char::from(*letter)).collect::<String>())
        };
        let is_made = given.is_none();
        Ok(Password { secret: given.unwrap_or_else(made), is_made })
    }
}

impl Password {
    fn hash(&self) -> Result<String, Failure> {
        passwords::hash(self.secret.expose_secret())
            .map_err(|error| Failure::usage(format!("the password {}", reason(&error.to_string()))))
    }

    /// Prints the password if nobody knows it yet, and what was done otherwise.
    fn say(&self, done: &str) -> Result<Exit, Failure> {
        say(if self.is_made { self.secret.expose_secret() } else { done })
    }
}

/// A reason without its own subject.
fn reason(text: &str) -> &str {
    text.strip_prefix("the password ").unwrap_or(text)
}

pub(crate) fn user(args: &UserArgs) -> Result<Exit, Failure> {
    match &args.action {
        UserAction::CreateAdmin { email, username, full_name, password } => {
            let wrong = |flag: &str, why: String| Failure::usage(format!("{flag} {why}"));
            let email = Email::parse(email).map_err(|error| wrong("--email", error.to_string()))?;
            let username =
                Username::parse(username).map_err(|error| wrong("--username", error.to_string()))?;
            let full_name = PersonName::parse(full_name.as_deref().unwrap_or(username.as_str()))
                .map_err(|error| wrong("--full-name", error.to_string()))?;
            let password = password.resolve()?;
            let hash = password.hash()?;
            let account = NewAccount {
                email: email.as_str(),
                username: username.as_str(),
                full_name: full_name.as_str(),
                password_hash: &hash,
                role: AccountRole::Admin,
            };
            let store = open(&args.database, &StoreOptions::default())?;
            store.write(|conn| accounts::create(conn, &account)).map_err(|error| match error {
                StoreError::Conflict { .. } => Failure::usage(format!(
                    "there is an account named {:?} or with that address already",
                    username.as_str()
                ))
                .hint("make it an admin with mastoc-server user set-role, or give another name and address"),
                error => store_failure(error),
            })?;
            password.say(&format!("made {} an admin", username.as_str()))
        }
        UserAction::List => list(&open_existing(&args.database)?),
        UserAction::SetRole { login, role } => {
            let store = open_existing(&args.database)?;
            let account = find(&store, login)?;
            let done = store
                .write(|conn| people::administer(conn, account.id, Some(*role), None))
                .map_err(store_failure)?;
            match done {
                Administered::Done => say(&format!("{} is {} now", account.username, with_article(*role))),
                Administered::LastAdmin => {
                    Err(Failure::usage(format!("{} is the last active admin", account.username))
                        .hint("make somebody else an admin first"))
                }
            }
        }
        UserAction::ResetPassword { login, password } => {
            let store = open_existing(&args.database)?;
            let account = find(&store, login)?;
            let password = password.resolve()?;
            let hash = password.hash()?;
            store.write(|conn| accounts::set_password(conn, account.id, &hash)).map_err(store_failure)?;
            password.say(&format!("{} has another password, and is logged out everywhere", account.username))
        }
    }
}

fn with_article(role: AccountRole) -> &'static str {
    match role {
        AccountRole::Admin => "an admin",
        AccountRole::User => "a user",
    }
}

fn find(store: &Store, login: &str) -> Result<Account, Failure> {
    let nobody =
        || Failure::usage(format!("there is no account {login:?}")).hint("mastoc-server user list shows all");
    if login.contains('\0') {
        return Err(nobody());
    }
    store.read(|conn| accounts::by_login(conn, login)).map_err(store_failure)?.ok_or_else(nobody)
}

fn list(store: &Store) -> Result<Exit, Failure> {
    let accounts = store
        .read(|conn| people::list(conn, &AccountFilter::default(), 0, EVERYBODY))
        .map_err(store_failure)?;
    let width =
        |heading: &str, texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0).max(heading.len());
    let length = |text: &Option<String>| text.as_deref().unwrap_or_default().chars().count();
    let names = width("USERNAME", &mut accounts.iter().map(|account| length(&account.username)));
    let emails = width("EMAIL", &mut accounts.iter().map(|account| length(&account.email)));
    let mut text = format!(
        "{:<names$}  {:<emails$}  {:<5}  {:<8}  {:<27}  NAME",
        "USERNAME", "EMAIL", "ROLE", "STATE", "LAST LOGIN"
    );
    for account in accounts {
        let state = if account.is_active { "active" } else { "inactive" };
        let login = account.last_login_at.map_or_else(|| "never".to_owned(), |time| time.to_string());
        let (username, email) = (account.username.unwrap_or_default(), account.email.unwrap_or_default());
        text.push_str(&format!(
            "\n{username:<names$}  {email:<emails$}  {:<5}  {state:<8}  {login:<27}  {}",
            account.role.as_str(),
            account.full_name
        ));
    }
    say(&text)
}
