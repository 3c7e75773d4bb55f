//! Accounts, tokens and logins as JSON.

use mastoc_domain::Timestamp;
use mastoc_domain::UserId;
use mastoc_domain::access::AccountRole;
use mastoc_domain::{SessionId, email::Email, text::PersonName, text::Username};
use mastoc_storage::accounts::Account;
use mastoc_storage::sessions::Login;
use serde::Serialize;
use utoipa::ToSchema;

/// A person who is logged in now.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenPair)]
pub(crate) struct TokenPairJson<'a> {
    /// Sent with every request as `Authorization: Bearer`.
    pub(crate) access_token: &'a str,
    /// Exchanged once for a new pair.
    pub(crate) refresh_token: &'a str,
    /// Always `bearer`.
    pub(crate) token_type: &'static str,
    /// How long the access token holds, in seconds.
    pub(crate) expires_in: u64,
    /// Who it is.
    #[schema(value_type = Uuid)]
    pub(crate) user_id: UserId,
    /// Their e-mail address.
    pub(crate) email: &'a str,
    /// The name they log in with.
    pub(crate) username: &'a str,
    /// The name that others see.
    pub(crate) full_name: &'a str,
    /// `user` or `admin`.
    #[schema(value_type = String)]
    pub(crate) role: AccountRole,
}

impl<'a> TokenPairJson<'a> {
    pub(crate) fn of(account: &'a Account, access: &'a str, refresh: &'a str, expires_in: u64) -> Self {
        Self {
            access_token: access,
            refresh_token: refresh,
            token_type: "bearer",
            expires_in,
            user_id: account.id,
            email: &account.email,
            username: &account.username,
            full_name: &account.full_name,
            role: account.role,
        }
    }
}

/// An account that was asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = Registered)]
pub(crate) struct RegisteredJson<'a> {
    /// Its id.
    #[schema(value_type = Uuid)]
    pub(crate) id: UserId,
    /// Its e-mail address.
    pub(crate) email: &'a str,
    /// The name to log in with.
    pub(crate) username: &'a str,
    /// The name that others see.
    pub(crate) full_name: &'a str,
    /// What to do next, for a person.
    pub(crate) message: &'static str,
}

impl<'a> RegisteredJson<'a> {
    pub(crate) fn of(id: UserId, email: &'a Email, username: &'a Username, name: &'a PersonName) -> Self {
        Self {
            id,
            email: email.as_str(),
            username: username.as_str(),
            full_name: name.as_str(),
            message: "Welcome. Log in with your e-mail address or your user name.",
        }
    }
}

/// That something was done.
#[derive(Serialize, ToSchema)]
#[schema(as = Done)]
pub(crate) struct DoneJson {
    /// What, for a person.
    pub(crate) message: &'static str,
}

/// One login of the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionJson<'a> {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: SessionId,
    /// What the program called itself.
    device: Option<&'a str>,
    /// When the person logged in.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its tokens were last renewed.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Timestamp,
    /// When it ends unless it is renewed.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Whether this request came with it.
    current: bool,
}

impl<'a> SessionJson<'a> {
    pub(crate) fn of(login: &'a Login, current: SessionId) -> Self {
        Self {
            id: login.id,
            device: login.device.as_deref(),
            created_at: login.created_at,
            last_used_at: login.last_used_at,
            expires_at: login.expires_at,
            current: login.id == current,
        }
    }
}

/// A page of the caller's logins.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionPage)]
pub(crate) struct SessionPageJson<'a> {
    pub(crate) results: Vec<SessionJson<'a>>,
    /// How many there are in all.
    pub(crate) count: i64,
    pub(crate) page: i64,
    pub(crate) page_size: i64,
}

/// A wish for an account.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body")]
pub(crate) struct RegisterBody {
    /// Where its owner reads mail.
    #[schema(
        max_length = 254,
        pattern = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
    )]
    email: String,
    /// The name to log in with; no '@', no control characters.
    #[schema(min_length = 3, max_length = 50)]
    username: String,
    /// The password; taken as it is.
    #[schema(min_length = 8, max_length = 128)]
    password: String,
    /// The name that others see.
    #[schema(min_length = 1, max_length = 255)]
    full_name: String,
}

/// A login, as a form or as JSON.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body")]
pub(crate) struct LoginBody {
    /// E-mail address or user name.
    #[schema(max_length = 320)]
    username: String,
    /// The password.
    #[schema(max_length = 1024)]
    password: String,
}

/// A refresh token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body")]
pub(crate) struct RefreshBody {
    /// As the last login or refresh gave it.
    #[schema(max_length = 2048)]
    refresh_token: String,
}

/// A new password in the place of one that is known.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body")]
pub(crate) struct PasswordBody {
    /// The password as it is.
    #[schema(max_length = 1024)]
    current_password: String,
    /// The password to be.
    #[schema(min_length = 8, max_length = 128)]
    new_password: String,
}

/// A forgotten password.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body")]
pub(crate) struct ResetBody {
    /// The account's e-mail address.
    #[schema(max_length = 254)]
    email: String,
}

/// A new password in the place of one that was forgotten.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body")]
pub(crate) struct ConfirmBody {
    /// From the e-mail.
    #[schema(max_length = 200)]
    token: String,
    /// The password to be.
    #[schema(min_length = 8, max_length = 128)]
    new_password: String,
}
