//! Whether a climb or a list still is what was frozen of it to be sent.

use diesel::prelude::*;
use mastoc_domain::outbox::OutboxAction;
use mastoc_domain::sync_state::EntityKind;
use serde_json::Value;
use uuid::Uuid;

use crate::conn::{WriteConn, on_backend};
use crate::error::StoreError;
use crate::schema::{climb_lists, climbs, sync_links};
use crate::types::Id;

/// What a row of the outbox says of the thing it was frozen from.
pub(super) struct FrozenOf<'a> {
    pub(super) entity: EntityKind,
    pub(super) local_id: &'a str,
    pub(super) action: OutboxAction,
    pub(super) local_rev: i32,
    pub(super) payload: &'a Value,
}

impl FrozenOf<'_> {
    /// Whether nobody changed or deleted it since.
    pub(super) fn still_stands(&self, conn: &mut WriteConn<'_>) -> Result<bool, StoreError> {
        let Ok(id) = self.local_id.parse::<Uuid>() else { return Ok(false) };
        match self.entity {
            EntityKind::Climb => self.is_climb(conn, id),
            EntityKind::List => self.is_list(conn, id),
            _ => Ok(true),
        }
    }

    /// What is sent of a list is its name; its items follow one by one, as they are then.
    fn is_list(&self, conn: &mut WriteConn<'_>, id: Uuid) -> Result<bool, StoreError> {
        let row: Option<(String, Option<Id>)> = on_backend!(conn, |c| climb_lists::table
            .find(Id(id))
            .select((climb_lists::name, climb_lists::stokt_id))
            .first(c)
            .optional())?;
        let sent = self.payload.get("name").and_then(Value::as_str);
        Ok(row.is_some_and(|(name, there)| there.is_none() && sent == Some(name.as_str())))
    }

    fn is_climb(&self, conn: &mut WriteConn<'_>, id: Uuid) -> Result<bool, StoreError> {
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
