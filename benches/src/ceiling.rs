//! The ceiling: fixed bytes of a given size, served from memory by the same framework with the same workers.

use std::io::Write as _;

use actix_web::http::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

async fn bytes(body: Data<Bytes>, size: Path<usize>, request: HttpRequest) -> HttpResponse {
    if request.headers().contains_key(IF_NONE_MATCH) {
        return HttpResponse::NotModified()
            .insert_header((ETAG, HeaderValue::from_static("\"fixed\"")))
            .finish();
    }
    let size = (*size).min(body.len());
    HttpResponse::Ok().content_type("application/json").body(body.slice(..size))
}

/// Serves `/bytes/{size}` on a free port, which it prints, until it is killed.
pub(crate) fn serve() -> std::io::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let body = Data::new(Bytes::from(vec![b'x'; 4 << 20]));
        let server = HttpServer::new(move || {
            App::new().app_data(body.clone()).route("/bytes/{size}", web::get().to(bytes))
        })
        .workers(2)
        .bind(("127.0.0.1", 0))?;
        let port = server.addrs().first().map(std::net::SocketAddr::port).unwrap_or_default();
        let mut out = std::io::stdout();
        writeln!(out, "listening on http://127.0.0.1:{port}")?;
        out.flush()?;
        server.run().await
    })
}
