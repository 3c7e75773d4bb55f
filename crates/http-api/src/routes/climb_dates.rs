//! Corrections of dates and of Stokt's ids, for synchronisation.

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(_config: &mut ServiceConfig<'_>) {}
