//! The climbs of a list: adding, removing, ordering and annotating them.

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(_config: &mut ServiceConfig<'_>) {}
