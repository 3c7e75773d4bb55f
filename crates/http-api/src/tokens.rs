//! JSON Web Tokens: what a login is carried by between requests. Whether the login still holds is for the database to
//! say ([`mastoc_storage::sessions`]); a token alone proves only who made it and for how long.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use mastoc_domain::{SessionId, Timestamp, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const ISSUER: &str = "mastoc";
const AUDIENCE: &str = "mastoc-api";
/// Longer texts are not looked at.
const LONGEST: usize = 2_048;

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Sent with every request, for minutes.
    Access,
    /// Exchanged once for a new pair, within days.
    Refresh,
}

/// What a token says. Times are whole seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    /// Who.
    pub(crate) sub: Uuid,
    /// Which login.
    pub(crate) sid: Uuid,
    /// Which token.
    pub(crate) jti: Uuid,
    pub(crate) typ: Kind,
    iat: i64,
    exp: i64,
}

impl Claims {
    /// Whose token it is, and of which login.
    pub(crate) fn login(&self) -> (UserId, SessionId) {
        (UserId(self.sub), SessionId(self.sid))
    }
}

/// Makes and reads tokens with one secret.
#[derive(Clone)]
pub(crate) struct Tokens {
    signing: EncodingKey,
    reading: DecodingKey,
    validation: Validation,
    /// For naming bodies that hold passwords.
    pepper: [u8; 32],
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    pub(crate) fn new(secret: &SecretString) -> Self {
        // A key of their own: what else is made with the secret tells nothing of it.
        let key = Sha256::digest(format!("mastoc tokens\n{}", secret.expose_secret()));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        Self {
            signing: EncodingKey::from_secret(&key),
            reading: DecodingKey::from_secret(&key),
            validation,
            pepper: Sha256::digest(format!("mastoc bodies\n{}", secret.expose_secret())).into(),
        }
    }

    /// Names a body that holds a password: whoever reads the name cannot try passwords on it without the secret.
    pub(crate) fn name_of(&self, body: &[u8]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.pepper);
        hasher.update(body);
        hasher.finalize().into()
    }

    /// A token of `kind` that holds for `life` from `now` on, and its own id.
    ///
    /// # Errors
    /// When it cannot be signed, which would be a defect.
    pub(crate) fn make(
        &self,
        kind: Kind,
        user: UserId,
        session: SessionId,
        now: Timestamp,
        life: Duration,
    ) -> Result<(String, Uuid), jsonwebtoken::errors::Error> {
        let iat = now.as_utc().timestamp();
        let jti = Uuid::new_v4();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.0,
            sid: session.0,
            jti,
            typ: kind,
            iat,
            exp: iat.saturating_add(i64::try_from(life.as_secs()).unwrap_or(i64::MAX)),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?;
        Ok((token, jti))
    }

    /// What a token of `kind` says; `None` when it is of another kind, forged, malformed or over.
    pub(crate) fn read(&self, kind: Kind, token: &str) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.reading, &self.validation).ok()?.claims;
        (claims.typ == kind).then_some(claims)
    }
}

/// An access token for a login, signed with a server's secret: for programs that embed the API and log people in by
/// other means. The login itself is opened in the storage.
///
/// # Errors
/// When it cannot be signed, which would be a defect.
pub fn access_token(
    secret: &SecretString,
    user: UserId,
    session: SessionId,
    life: Duration,
) -> Result<String, jsonwebtoken::errors::Error> {
    let (token, _) = Tokens::new(secret).make(Kind::Access, user, session, Timestamp::now(), life)?;
    Ok(token)
}
