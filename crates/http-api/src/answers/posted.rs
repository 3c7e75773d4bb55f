//! Answers to POSTs that only read, such as those about a thousand things at once: kept like answers to GET, and told
//! apart by their bodies too.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use mastoc_storage::{ReadConn, Viewer};
use sha2::{Digest as _, Sha256};

use super::{JSON, class, kept_or_rendered};
use crate::auth::Access;
use crate::errors::ApiError;

/// Answers a POST that reads as JSON: from the cache if it is there, rendered otherwise.
///
/// `render` sees one consistent state of the data and depends on nothing but that, the viewer, the request's target
/// and `body`.
///
/// # Errors
/// What `render` answers.
pub(crate) async fn json<F>(
    req: &HttpRequest,
    access: &Access,
    body: &Bytes,
    render: F,
) -> Result<HttpResponse, ApiError>
where
    F: FnOnce(&mut ReadConn<'_>, Viewer) -> Result<Vec<u8>, ApiError> + Send + 'static,
{
    let digest: [u8; 32] = Sha256::digest(body).into();
    let mut class = class(&access.viewer());
    class.push_str(" posted ");
    class.extend(digest.iter().map(|byte| format!("{byte:02x}")));
    let asked = access.state.answers.key(&access.data_version.to_be_bytes(), &class, req);
    let (_, answer) = kept_or_rendered(req, access, &class, asked, render).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::VARY, super::VARY));
    if let Some(word) = answer.encoding.word() {
        response.insert_header((header::CONTENT_ENCODING, word));
    }
    Ok(response.insert_header((header::CONTENT_TYPE, JSON)).body(answer.bytes))
}
