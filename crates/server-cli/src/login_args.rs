//! What `serve` is told about accounts: who may make one, how long logins hold, how often one may try, and how e-mails
//! leave.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use mastoc_http_api::{
    MailLanguage, MailSettings, MailSettingsError, Network, RateLimit, Settings, read_public_url,
};
use mastoc_runtime::Failure;

use crate::args::{given, number, secret};

/// The longest that a token may hold: a year.
const LONGEST_LIFE_SECONDS: u64 = 365 * 24 * 60 * 60;

#[derive(Debug, Args)]
#[command(next_help_heading = "Accounts")]
pub(crate) struct LoginArgs {
    /// Who may make an account: open (everybody) or closed (nobody) [default: open]
    #[arg(long, value_name = "WHO", env = "MASTOC_REGISTRATION")]
    registration: Option<String>,
    /// Seconds that an access token holds [default: 900]
    #[arg(long, value_name = "SECONDS", env = "MASTOC_ACCESS_TOKEN_LIFE")]
    access_token_life: Option<String>,
    /// Seconds that a login holds unless it is renewed [default: 604800]
    #[arg(long, value_name = "SECONDS", env = "MASTOC_REFRESH_TOKEN_LIFE")]
    refresh_token_life: Option<String>,
    /// Logins from one address, as COUNT/SECONDS [default: 30/60]
    #[arg(long, value_name = "LIMIT", env = "MASTOC_LOGIN_LIMIT")]
    login_limit: Option<String>,
    /// Guesses at one account's password [default: 10/300]
    #[arg(long, value_name = "LIMIT", env = "MASTOC_LOGIN_ACCOUNT_LIMIT")]
    login_account_limit: Option<String>,
    /// New accounts from one address [default: 20/3600]
    #[arg(long, value_name = "LIMIT", env = "MASTOC_REGISTER_LIMIT")]
    register_limit: Option<String>,
    /// New accounts for one e-mail address [default: 5/3600]
    #[arg(long, value_name = "LIMIT", env = "MASTOC_REGISTER_ACCOUNT_LIMIT")]
    register_account_limit: Option<String>,
    /// Forgotten passwords from one address [default: 20/3600]
    #[arg(long, value_name = "LIMIT", env = "MASTOC_RESET_LIMIT")]
    reset_limit: Option<String>,
    /// Forgotten passwords of one account [default: 5/3600]
    #[arg(long, value_name = "LIMIT", env = "MASTOC_RESET_ACCOUNT_LIMIT")]
    reset_account_limit: Option<String>,
    /// Proxies whose X-Forwarded-For and Forwarded are believed: addresses or ranges, comma-separated [default: none]
    #[arg(long, value_name = "NETWORKS", env = "MASTOC_TRUSTED_PROXIES")]
    trusted_proxies: Option<String>,
    /// A file (mode 0600) with the mail server, as in `smtps://USER:PASSWORD@HOST`; the variable MASTOC_SMTP_URL may
    /// hold it instead [default: no e-mail is sent]
    #[arg(long, value_name = "FILE", env = "MASTOC_SMTP_URL_FILE")]
    smtp_url_file: Option<String>,
    /// The sender of e-mails, as in `Board <board@example.org>`
    #[arg(long, value_name = "ADDRESS", env = "MASTOC_MAIL_FROM")]
    mail_from: Option<String>,
    /// Where people reach this server, for links in e-mails, as in `https://board.example`
    #[arg(long, value_name = "URL", env = "MASTOC_PUBLIC_URL")]
    public_url: Option<String>,
    /// The language of e-mails to people whose program names none of ours: en or fr [default: en]
    #[arg(long, value_name = "LANGUAGE", env = "MASTOC_MAIL_LANGUAGE")]
    mail_language: Option<String>,
}

impl LoginArgs {
    /// Puts what was told into the settings.
    ///
    /// # Errors
    /// A one-line [`Failure`] about the first setting that is wrong.
    pub(crate) fn apply(&self, settings: &mut Settings) -> Result<(), Failure> {
        set("--registration", self.registration.as_ref(), &mut settings.registration)?;
        for (flag, value, life) in [
            ("--access-token-life", &self.access_token_life, &mut settings.access_token_life),
            ("--refresh-token-life", &self.refresh_token_life, &mut settings.refresh_token_life),
        ] {
            if let Some(seconds) = number(flag, value.as_ref(), 1, LONGEST_LIFE_SECONDS)? {
                *life = Duration::from_secs(seconds);
            }
        }
        let limits = &mut settings.limits;
        let given_limits: [(&str, &Option<String>, &mut RateLimit); 6] = [
            ("--login-limit", &self.login_limit, &mut limits.login_by_address),
            ("--login-account-limit", &self.login_account_limit, &mut limits.login_by_account),
            ("--register-limit", &self.register_limit, &mut limits.register_by_address),
            ("--register-account-limit", &self.register_account_limit, &mut limits.register_by_account),
            ("--reset-limit", &self.reset_limit, &mut limits.reset_by_address),
            ("--reset-account-limit", &self.reset_account_limit, &mut limits.reset_by_account),
        ];
        for (flag, value, limit) in given_limits {
            set(flag, value.as_ref(), limit)?;
        }
        settings.trusted_proxies = networks(given(self.trusted_proxies.as_ref()).unwrap_or_default())?;
        settings.mail = self.mail()?;
        Ok(())
    }

    /// How e-mails leave, if they do.
    fn mail(&self) -> Result<Option<MailSettings>, Failure> {
        let wrong = |error: MailSettingsError| Failure::usage(error.to_string());
        let Some(url) = secret("MASTOC_SMTP_URL", self.smtp_url_file.as_ref())? else {
            // Unused without e-mails; a mistake in it is better told today than on the day they are set up.
            given(self.public_url.as_ref()).map(read_public_url).transpose().map_err(wrong)?;
            return Ok(None);
        };
        let needed = |flag: &str, value: Option<&String>| {
            given(value).map(str::to_owned).ok_or_else(|| {
                Failure::usage(format!("{flag} is missing"))
                    .hint("e-mails need a sender and a link to this server")
            })
        };
        let from = needed("--mail-from", self.mail_from.as_ref())?;
        let public_url = needed("--public-url", self.public_url.as_ref())?;
        let mut language = MailLanguage::default();
        set("--mail-language", self.mail_language.as_ref(), &mut language)?;
        MailSettings::new(&url, &from, &public_url, language).map(Some).map_err(wrong)
    }
}

/// Reads a value into its place, if it is given.
fn set<T>(flag: &str, value: Option<&String>, place: &mut T) -> Result<(), Failure>
where
    T: FromStr,
    T::Err: Display,
{
    if let Some(text) = given(value) {
        *place = text.parse().map_err(|error| Failure::usage(format!("{flag}: {error}")))?;
    }
    Ok(())
}

fn networks(text: &str) -> Result<Vec<Network>, Failure> {
    let networks = text.split(',').map(str::trim).filter(|network| !network.is_empty());
    networks
        .map(|network| network.parse().map_err(|error| Failure::usage(format!("--trusted-proxies: {error}"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        login: LoginArgs,
    }

    #[test]
    fn a_public_address_is_read_even_where_no_e_mail_is_sent() {
        let apply = |address: &str| {
            let cli = Cli::try_parse_from(["test", "--public-url", address]).unwrap();
            cli.login.apply(&mut Settings::new(Vec::new(), "x".into()))
        };
        assert!(apply("https://board.example").is_ok());
        assert!(apply("board.example").unwrap_err().to_string().contains("board.example"));
    }

    #[test]
    fn s07_proxies_are_listed_one_by_one() {
        assert_eq!(networks("").unwrap(), []);
        assert_eq!(networks("10.0.0.0/8, ::1,").unwrap().len(), 2);
        for bad in ["*", "10.0.0.0/8 ::1", "proxy.example", "10.0.0.0/99"] {
            assert!(networks(bad).is_err(), "{bad}");
        }
    }
}
