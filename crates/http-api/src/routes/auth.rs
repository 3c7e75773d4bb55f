//! Registering, logging in and out, refreshing, and resetting a forgotten password.

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(_config: &mut ServiceConfig<'_>) {}
