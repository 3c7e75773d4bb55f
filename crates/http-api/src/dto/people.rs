//! People as JSON: accounts as their owners and admins see them, profiles as everybody does, and claims.

use mastoc_domain::Timestamp;
use mastoc_domain::{ClaimId, StoktId, UserId};
use mastoc_storage::claims::Claim;
use mastoc_storage::people::{Account, Profile};
use serde::Serialize;
use utoipa::ToSchema;

/// One's own account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnAccount)]
pub(crate) struct OwnAccountJson<'a> {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: UserId,
    /// The address; only its owner and admins see it.
    email: Option<&'a str>,
    /// The name to log in with.
    username: Option<&'a str>,
    /// The name that others see.
    full_name: &'a str,
    /// The path of the avatar: `/static/{avatar_path}` serves it.
    avatar_path: Option<&'a str>,
    /// `user` or `admin`.
    role: &'static str,
    /// Stokt's id, once a setter was claimed.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// How many climbs the person set, private ones too.
    climbs_count: i64,
    /// When the account was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a Account> for OwnAccountJson<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            id: account.id,
            email: account.email.as_deref(),
            username: account.username.as_deref(),
            full_name: &account.full_name,
            avatar_path: account.avatar_path.as_deref(),
            role: account.role.as_str(),
            stokt_id: account.stokt_id,
            climbs_count: account.climbs_count,
            created_at: account.created_at,
            updated_at: account.updated_at,
        }
    }
}

/// An account as admins see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountJson<'a> {
    /// What its owner sees.
    #[serde(flatten)]
    account: OwnAccountJson<'a>,
    /// Whether the person may log in.
    is_active: bool,
    /// When the person last logged in, as far as that login is still known.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_login_at: Option<Timestamp>,
    /// When the person was last here, roughly.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen_at: Option<Timestamp>,
}

impl<'a> From<&'a Account> for AccountJson<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            account: account.into(),
            is_active: account.is_active,
            last_login_at: account.last_login_at,
            last_seen_at: account.last_seen_at,
        }
    }
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountPage<'a> {
    /// The accounts of this page.
    pub(crate) results: Vec<AccountJson<'a>>,
    /// How many there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many a page has.
    pub(crate) page_size: i64,
}

/// A person as everybody sees them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
pub(crate) struct ProfileJson<'a> {
    /// Our id.
    #[schema(value_type = Uuid)]
    id: UserId,
    /// Stokt's id, where the person is known there.
    #[schema(value_type = Option<Uuid>)]
    stokt_id: Option<StoktId>,
    /// The name they show.
    full_name: &'a str,
    /// The name they log in with; imported setters have none.
    username: Option<&'a str>,
    /// The path of their avatar: `/static/{avatar_path}` serves it.
    avatar_path: Option<&'a str>,
    /// How many climbs they set that the caller may see.
    climbs_count: i64,
    /// Whether the account was deleted; the name stands for nobody then.
    is_deleted: bool,
    /// When the person came to be known here.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a Profile> for ProfileJson<'a> {
    fn from(profile: &'a Profile) -> Self {
        Self {
            id: profile.setter.id,
            stokt_id: profile.setter.stokt_id,
            full_name: &profile.setter.full_name,
            username: profile.username.as_deref(),
            avatar_path: profile.setter.avatar_path.as_deref(),
            climbs_count: profile.setter.climbs_count,
            is_deleted: profile.is_deleted,
            created_at: profile.created_at,
        }
    }
}

/// Somebody says that an imported setter is them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Claim)]
pub(crate) struct ClaimJson<'a> {
    /// Its id.
    #[schema(value_type = Uuid)]
    id: ClaimId,
    /// Who claims.
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// The name of who claims.
    user_name: &'a str,
    /// The setter that is claimed; gone once the claim was confirmed.
    #[schema(value_type = Uuid)]
    setter_id: UserId,
    /// Stokt's id of the setter.
    #[schema(value_type = Uuid)]
    setter_stokt_id: StoktId,
    /// The setter's name.
    setter_name: &'a str,
    /// What the person says about it.
    message: Option<&'a str>,
    /// `open`, `confirmed` or `rejected`.
    state: &'static str,
    /// When it was decided.
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a Claim> for ClaimJson<'a> {
    fn from(claim: &'a Claim) -> Self {
        Self {
            id: claim.id,
            user_id: claim.user,
            user_name: &claim.user_name,
            setter_id: claim.setter,
            setter_stokt_id: claim.stokt_id,
            setter_name: &claim.setter_name,
            message: claim.message.as_deref(),
            state: claim.state.as_str(),
            decided_at: claim.decided_at,
            created_at: claim.created_at,
        }
    }
}

/// A page of claims.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimPage<'a> {
    /// The claims of this page.
    pub(crate) results: Vec<ClaimJson<'a>>,
    /// How many there are on all pages.
    pub(crate) count: i64,
    /// This page's number, from 1.
    pub(crate) page: i64,
    /// How many a page has.
    pub(crate) page_size: i64,
}
