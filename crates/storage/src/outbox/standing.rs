//! Whether a climb still is what was frozen of it to be sent.

use diesel::prelude::*;
use mastoc_domain::outbox::OutboxAction;
use mastoc_domain::sync_state::EntityKind;
use uuid::Uuid;

use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::{climbs, sync_links};
use crate::types::Id;

/// What a row of the outbox says of the thing it was frozen from.
pub(super) struct FrozenOf<'a> {
    pub(super) entity: EntityKind,
    pub(super) local_id: &'a str,
    pub(super) action: OutboxAction,
    pub(super) local_rev: i32,
}

impl FrozenOf<'_> {
    /// Whether nobody changed or deleted it since. Lists are sent item by item, as they are.
    pub(super) fn still_stands(&self, conn: &mut WriteConn<'_>) -> Result<bool, StoreError> {
        let Some(id) = self.local_id.parse::<Uuid>().ok().filter(|_| self.entity == EntityKind::Climb) else {
            return Ok(true);
        };
        let row: Option<(i32, Option<Id>)> = on_backend!(conn, |c| climbs::table
            .find(Id(id))
            .select((climbs::rev, climbs::stokt_id))
            .first(c)
            .optional())?;
        match (self.action, row) {
            (OutboxAction::Create, Some((rev, None))) => Ok(rev == self.local_rev),
            (OutboxAction::Update | OutboxAction::Privacy, Some((_, Some(_)))) => {
                let rev: Option<i32> = on_backend!(conn, |c| sync_links::table
                    .filter(sync_links::entity.eq(EntityKind::Climb.as_str()))
                    .filter(sync_links::local_id.eq(self.local_id))
                    .select(sync_links::local_rev)
                    .first(c)
                    .optional())?;
                Ok(rev == Some(self.local_rev))
            }
            (OutboxAction::Delete, row) => Ok(row.is_none()),
            _ => Ok(false),
        }
    }
}
