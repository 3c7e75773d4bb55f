//! Everything that goes wrong, as RFC 9457 problems: one table of codes, statuses and titles.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use mastoc_media::MediaError;
use mastoc_storage::StoreError;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal, $title:literal;)+) => {
        /// What can go wrong, with a word that never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[$doc])* $name,)+ }

        impl Code {
            /// The row of the table: word, status, title.
            fn row(self) -> (&'static str, u16, &'static str) {
                match self { $(Self::$name => ($word, $status, $title),)+ }
            }
        }

        #[cfg(test)]
        const ALL: &[Code] = &[$(Code::$name),+];
    };
}

codes! {
    /// The body is no JSON.
    BadJson = "bad_json", 400, "The body is not JSON";
    /// The body could not be read to its end.
    BadBody = "bad_body", 400, "The body could not be read";
    /// No credentials where some are needed.
    CredentialsMissing = "credentials_missing", 401, "Credentials are needed";
    /// A bearer token that is none.
    TokenInvalid = "token_invalid", 401, "The access token is not valid";
    /// Unknown name, no password or another one, or a closed account: which of them is not told.
    LoginFailed = "login_failed", 401, "The login failed";
    /// A key that is none, or was revoked.
    KeyUnknown = "key_unknown", 403, "The API key is not valid";
    /// A key that may not do this.
    ScopeTooSmall = "scope_too_small", 403, "The API key may not do this";
    /// A key where a person is needed.
    PersonNeeded = "person_needed", 403, "Only a person may do this";
    /// Somebody else's.
    Forbidden = "forbidden", 403, "This is not yours to do";
    /// Accounts are made by those who run the server.
    RegistrationClosed = "registration_closed", 403, "Registration is closed";
    /// This server sends no e-mail.
    ResetUnavailable = "reset_unavailable", 403, "Passwords cannot be reset by e-mail here";
    /// Nothing is there, or nothing that this caller may see.
    NotFound = "not_found", 404, "Not found";
    /// The route exists, for other methods.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here";
    /// The body took too long.
    Timeout = "timeout", 408, "The body took too long";
    /// It collides with what is stored.
    Conflict = "conflict", 409, "It collides with what is stored";
    /// Somebody else imports or synchronises.
    ImportRunning = "import_running", 409, "Another run is under way";
    /// A run that ended, or was taken over.
    ImportRunOver = "import_run_over", 409, "The import run is over";
    /// The cursor is from another life of the database.
    CursorGone = "cursor_gone", 410, "The cursor is no longer known";
    /// What the caller has seen is not what is there any more.
    Stale = "stale", 412, "It changed in the meantime";
    /// The body is larger than it may be.
    TooLarge = "too_large", 413, "The body is too large";
    /// The body is of a kind that is not read.
    UnsupportedEncoding = "unsupported_encoding", 415, "The body's encoding is not read";
    /// Values that are not what they must be.
    Invalid = "invalid", 422, "Some values are not valid";
    /// An idempotency key that came before with another request.
    KeyReused = "idempotency_key_reused", 422, "The idempotency key belongs to another request";
    /// A record that cannot be imported; `detail` begins with the item's own code.
    Refused = "refused", 422, "The record was refused";
    /// A picture that is none, or another one than announced.
    BadPicture = "bad_picture", 422, "The picture was refused";
    /// Too many requests of one kind.
    TooMany = "too_many_requests", 429, "Too many requests";
    /// A defect.
    Internal = "internal", 500, "Something went wrong here";
    /// The database or the disk is busy, away or full.
    Unavailable = "unavailable", 503, "The service is not available";
}

/// One value that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Which parameter or field.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

/// A problem as RFC 9457 writes it (media type `application/problem+json`).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: `code` says more.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What kind of problem, for a person.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// A word that never changes.
    code: &'static str,
    /// What happened, for a person.
    detail: String,
    /// The values that are not valid, where that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// What is there now, where what the caller has seen is not any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, value_type = Object)]
    current: Option<Value>,
}

/// A failed request.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    current: Option<Box<Value>>,
    /// For the log, never for the caller.
    cause: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            current: None,
            cause: None,
            headers: Vec::new(),
        }
    }

    /// A defect: the cause is logged, and the caller learns nothing of it.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        let mut error = Self::new(Code::Internal, "The failure was logged under the id in x-request-id.");
        error.cause = Some(cause.into());
        error
    }

    /// Something outside that may come back.
    pub(crate) fn unavailable(cause: impl Into<String>) -> Self {
        let mut error = Self::new(Code::Unavailable, "Try again in a moment.");
        error.cause = Some(cause.into());
        error.with_header(header::RETRY_AFTER, HeaderValue::from_static("2"))
    }

    /// What was asked for is not there.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }

    /// Values that are not valid, each with its field.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.field, e.message)).collect();
        let mut error = Self::new(Code::Invalid, detail.join("; "));
        error.errors = errors;
        error
    }

    /// One value that is not valid.
    pub(crate) fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: field.to_owned(), message: message.into() }])
    }

    /// Shows what is there now.
    pub(crate) fn with_current(mut self, current: Value) -> Self {
        self.current = Some(Box::new(current));
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The problem for a failure inside the framework, by the status it would have answered.
    pub(crate) fn of_framework(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found("route"),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(Code::MethodNotAllowed, "Use another method."),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(Code::TooLarge, "Send less."),
            StatusCode::REQUEST_TIMEOUT => Self::new(Code::Timeout, "Send the request in one go."),
            status if status.is_client_error() => Self::new(Code::BadBody, "The request could not be read."),
            status => Self::internal(format!("the framework answered {status}")),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.row().0, self.detail)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.row().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let (code, status, title) = self.code.row();
        if let Some(cause) = &self.cause {
            tracing::error!(code, cause, "the request failed");
        }
        let problem = Problem {
            kind: "about:blank",
            title,
            status,
            code,
            detail: self.detail.clone(),
            errors: self.errors.clone(),
            current: self.current.as_deref().cloned(),
        };
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(serde_json::to_vec(&problem).unwrap_or_default())
    }
}

/// Says of what the storage did not find what it is.
pub(crate) fn missing(what: &'static str) -> impl FnOnce(StoreError) -> ApiError {
    move |error| match error {
        StoreError::NotFound => ApiError::not_found(what),
        error => error.into(),
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found("thing"),
            StoreError::Conflict { constraint } => {
                tracing::info!(constraint, "a write collided");
                Self::new(Code::Conflict, "It exists already, or refers to what does not exist.")
            }
            StoreError::Fenced => Self::new(
                Code::ImportRunOver,
                "Another run has taken over from this one, which can write nothing any more.",
            ),
            StoreError::Invalid(why) => Self::new(Code::Invalid, why),
            error if error.is_retryable() => Self::unavailable(error.to_string()),
            error => Self::internal(error.to_string()),
        }
    }
}

impl From<MediaError> for ApiError {
    fn from(error: MediaError) -> Self {
        if matches!(error, MediaError::TooLarge { .. }) {
            Self::new(Code::TooLarge, error.to_string())
        } else if error.is_bad_picture() {
            Self::new(Code::BadPicture, error.to_string())
        } else if matches!(error, MediaError::Missing { .. }) {
            tracing::warn!(%error, "a picture is missing from the data folder");
            Self::not_found("picture")
        } else if error.is_no_space() || error.is_retryable() {
            Self::unavailable(error.to_string())
        } else {
            Self::internal(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_word_of_its_own_and_an_error_status() {
        let mut words: Vec<&str> = ALL.iter().map(|code| code.row().0).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ALL.len());
        assert!(ALL.iter().all(|code| (400..=599).contains(&code.row().1)));
    }

    #[test]
    fn s18_internal_causes_never_reach_the_body() {
        for error in [
            ApiError::from(StoreError::Internal("SELECT secret FROM users".into())),
            ApiError::from(StoreError::Unavailable("postgres://anna:pw@db".into())),
            ApiError::from(StoreError::Conflict { constraint: "users_email_folded_key".into() }),
            ApiError::internal("SELECT 1"),
        ] {
            let body = actix_web::body::to_bytes(error.error_response().into_body());
            let body = futures_util::FutureExt::now_or_never(body).unwrap().unwrap();
            let text = String::from_utf8(body.to_vec()).unwrap();
            assert!(!text.contains("SELECT") && !text.contains("anna") && !text.contains("email"), "{text}");
            assert!(text.contains("\"detail\":\""), "{text}");
        }
    }
}
