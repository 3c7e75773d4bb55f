//! Public profiles and avatars; for admins the list of people, their roles and whether they may log in.

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(_config: &mut ServiceConfig<'_>) {}
