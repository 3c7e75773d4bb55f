//! Likes and bookmarks of our own, and how often a climb was liked, commented and climbed here.

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn configure(_config: &mut ServiceConfig<'_>) {}
