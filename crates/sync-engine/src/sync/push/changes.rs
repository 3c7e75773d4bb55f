//! Sending changes and deletions of climbs that both sides know, a few at a time: just before each few are sent, Stokt
//! is asked once more how the account's climbs stand. What somebody changed there since the run began is left to the
//! next run, which pulls it first. Between that look and the call there are seconds, which nothing at Stokt can close.

use std::collections::{BTreeSet, HashMap, HashSet};

use mastoc_domain::StoktId;
use mastoc_domain::canonical::CanonicalClimb;
use mastoc_domain::outbox::OutboxAction;
use mastoc_domain::sync_state::EntityKind;
use mastoc_stokt_client::Record;
use mastoc_stokt_client::types::Permissions;
use mastoc_storage::outbox::{self, Claim, Entry};
use mastoc_storage::sync_climbs::{self, Known};
use mastoc_storage::sync_writes::{self, Agreement};

use super::Push;
use super::hiding::Meanwhile;
use super::plan::{self, Verdict};
use crate::convert::{Setters, climb_from_stokt};
use crate::decision::{Decided, Decision};
use crate::error::EngineError;
use crate::sync::decide::{Action, Field};
use crate::sync::mine::Mine;
use crate::sync::sending::{Frozen, Send};
use crate::sync::settle::{about, agree, climb_of};
use crate::sync::view::RemoteClimb;

/// How many changes are sent between two looks at how the climbs stand at Stokt.
pub(super) const FEW: usize = 5;

/// Why a climb waits that somebody changed at Stokt since the run began.
const MEANWHILE: &str = "it was changed at Stokt during this run; the next run looks at it";
/// Why a climb waits that Stokt does not list any more.
const GONE: &str =
    "Stokt does not list it among the account's climbs any more; the next full run looks at it";

impl Push<'_, '_> {
    /// Sends what is to be changed or deleted of these climbs.
    pub(super) fn change(&mut self, ids: &[StoktId]) -> Result<(), EngineError> {
        for few in ids.chunks(FEW) {
            let mine = few.iter().filter_map(|id| Some((*id, *self.mine.get(id)?))).collect();
            let allowed = self.allowed(few, &mine)?;
            self.change_few(few, &allowed)?;
        }
        Ok(())
    }

    fn read_again(&self) -> Result<Mine, EngineError> {
        let gyms: Vec<StoktId> = self.gyms.iter().copied().collect();
        Ok(Mine::read(self.session, &gyms, &mut Setters::new(), &mut |_| ())?.0)
    }

    /// How the account's climbs stand at Stokt now. Tells of those that are not to be touched, and leaves them out.
    pub(super) fn look_again(
        &mut self,
        ids: &[StoktId],
    ) -> Result<HashMap<StoktId, RemoteClimb>, EngineError> {
        let now = self.read_again()?;
        let mut found = HashMap::with_capacity(ids.len());
        for id in ids {
            let (before, now) = (self.mine.get(id).copied(), now.get(*id));
            let why = match (before, now) {
                (before, Some(now)) if before.is_none_or(|before| before.canonical == now.canonical) => {
                    found.insert(*id, now.clone());
                    continue;
                }
                (_, Some(_)) => MEANWHILE,
                (_, None) => GONE,
            };
            let name = now.or(before).map(|climb| climb.import.name.as_str()).unwrap_or_default();
            let decision = Decision::new(EntityKind::Climb, id.to_string(), Decided::Skipped).named(name);
            self.report.decide(decision.because(why));
        }
        Ok(found)
    }

    pub(super) fn change_few(
        &mut self,
        ids: &[StoktId],
        allowed: &HashSet<StoktId>,
    ) -> Result<(), EngineError> {
        let session = self.session;
        let fresh = self.look_again(ids)?;
        let mine: HashMap<StoktId, &RemoteClimb> = fresh.iter().map(|(id, climb)| (*id, climb)).collect();
        let ids: Vec<StoktId> = ids.iter().copied().filter(|id| mine.contains_key(id)).collect();
        let mine = &mine;
        let ctx = session.context();
        let claimed: Result<(Vec<Entry>, Vec<Decision>), EngineError> = session.store.write(|conn| {
            sync_writes::begin(conn, &ctx)?;
            let asked = plan::Changes::ask(conn, session, mine, &ids)?;
            let mut claims: Vec<Claim> = Vec::new();
            let mut agreed: Vec<(&Known, CanonicalClimb)> = Vec::new();
            let mut decisions = Vec::new();
            for one in &asked.items {
                let id = one.known.link.stokt_id;
                match asked.verdict(session, one) {
                    Verdict::Send(claim) if allowed.contains(&id) => claims.push(*claim),
                    Verdict::Agree => {
                        // Both sides say the same; or what was changed is nothing that Stokt hears of.
                        let there = mine.get(&id).filter(|_| one.action == Action::Rebase);
                        let base = there.map(|there| &there.canonical).or(one.known.link.base.as_ref());
                        if let Some(base) = base {
                            agreed.push((&one.known, base.clone()));
                            decisions.push(one.decision(Decided::Rebased));
                        }
                    }
                    Verdict::Send(_) | Verdict::Not(..) | Verdict::Rest => {}
                }
            }
            let agreed: Vec<Agreement<'_>> =
                agreed.iter().map(|(known, base)| Agreement { known, base, is_dirty: false }).collect();
            sync_writes::agree(conn, &agreed)?;
            Ok((outbox::claim(conn, &ctx, &claims)?, decisions))
        });
        let (entries, decisions) = claimed?;
        session.points.reached(if decisions.is_empty() { "push.claimed" } else { "push.rebased" })?;
        for decision in decisions {
            self.report.decide(decision);
        }
        for entry in entries {
            self.change_one(&entry)?;
        }
        Ok(())
    }

    fn change_one(&mut self, entry: &Entry) -> Result<(), EngineError> {
        let (Some(frozen), Some(stokt_id)) = (Frozen::of(entry), entry.stokt_id) else { return Ok(()) };
        let none = BTreeSet::new();
        let sent = match &frozen.send {
            Send::Create(_) => return Ok(()),
            Send::Patch { patch, .. } => self.send(entry, &none, |session| {
                session.client.patch_climb(frozen.face, stokt_id, patch).map(|answer| Some(answer.raw))
            })?,
            Send::Privacy(is_private) => {
                let sent =
                    self.send(entry, &none, |session| session.client.set_private(stokt_id, *is_private))?;
                let Some((lease, told)) = sent else { return Ok(()) };
                let shown = match told {
                    Some(shown) => Some(shown),
                    None => self.read_again()?.get(stokt_id).map(|climb| climb.canonical.is_private),
                };
                match shown {
                    Some(shown) if shown == *is_private => Some((lease, None)),
                    Some(_) => {
                        let why = "Stokt took the change, but keeps its own: is_private";
                        return self.rejected(entry, lease, why);
                    }
                    None => return self.unknown(entry, lease, "Stokt does not show whether it is private"),
                }
            }
            Send::Delete => {
                self.send(entry, &none, |session| match session.client.delete_climb(stokt_id) {
                    Err(error) if error.is_not_found() => Ok(None),
                    other => other.map(|()| None),
                })?
            }
        };
        let Some((lease, answer)) = sent else { return Ok(()) };
        if let Some(raw) = answer {
            let shown = climb_from_stokt(&Record::new(raw), &mut Setters::new());
            let Ok(shown) = shown else {
                return self.unknown(entry, lease, "Stokt's answer cannot be read");
            };
            let refused = frozen.refused_fields(&sync_climbs::canonical(&shown));
            if !refused.is_empty() {
                let why = format!("Stokt took the change, but keeps its own: {}", refused.join(", "));
                return self.rejected(entry, lease, &why);
            }
        }
        let session = self.session;
        let ctx = session.context();
        let is_delete = frozen.send == Send::Delete;
        let written: Result<Meanwhile, EngineError> = session.store.write(|conn| {
            sync_writes::begin(conn, &ctx)?;
            outbox::done(conn, &ctx, lease)?;
            if is_delete {
                sync_writes::retire_links(conn, &[stokt_id])?;
                return Ok(Meanwhile::default());
            }
            let Some(base) = frozen.base() else { return Ok(Meanwhile::default()) };
            agree(conn, stokt_id, &base, entry.local_rev)?;
            Meanwhile::look(conn, session, climb_of(entry), base.is_private)
        });
        let meanwhile = written?;
        session.points.reached("push.done")?;
        let decided = if is_delete { Decided::DeletedThere } else { Decided::Patched };
        self.report.decide(meanwhile.tell(about(entry, decided)));
        if meanwhile.is_hidden { self.hide(stokt_id) } else { Ok(()) }
    }

    /// Which of these climbs Stokt lets the account change as it is to be changed. One call for each.
    pub(super) fn allowed(
        &mut self,
        ids: &[StoktId],
        mine: &HashMap<StoktId, &RemoteClimb>,
    ) -> Result<HashSet<StoktId>, EngineError> {
        let session = self.session;
        let asked = session.store.read(|conn| plan::Changes::ask(conn, session, mine, ids))?;
        let mut allowed = HashSet::new();
        for one in &asked.items {
            let Verdict::Send(claim) = asked.verdict(session, one) else { continue };
            session.check()?;
            let stokt_id = one.known.link.stokt_id;
            let refused = match session.client.permissions(stokt_id) {
                Ok(may) => refusal(&may, &one.action),
                // Whoever deletes it finds that out; anything else is for a pull.
                Err(error) if error.is_not_found() && claim.action == OutboxAction::Delete => None,
                Err(error) if error.is_not_found() => Some("it is gone from Stokt".to_owned()),
                Err(error) if error.is_forbidden() => {
                    Some("Stokt does not let this account change it".to_owned())
                }
                Err(error) => return Err(error.into()),
            };
            match refused {
                Some(why) => self.report.decide(one.decision(Decided::Rejected).because(why)),
                None => {
                    allowed.insert(stokt_id);
                }
            }
        }
        Ok(allowed)
    }
}

/// What Stokt would not let the account do; what it does not speak of is tried.
fn refusal(may: &Permissions, action: &Action) -> Option<String> {
    let denies = |right: Option<bool>| right == Some(false);
    let what = match action {
        Action::Delete => denies(may.can_delete).then_some("delete it"),
        Action::SetPrivate { is_private: true, .. } => {
            denies(may.can_set_private).then_some("make it private")
        }
        Action::SetPrivate { is_private: false, .. } => {
            denies(may.can_set_public).then_some("make it public")
        }
        Action::PatchOutside => denies(may.can_edit_name_and_grade).then_some("change its grade"),
        Action::Patch { fields, expected, .. } => fields.iter().find_map(|field| match field {
            Field::Holds => denies(may.can_edit_holds).then_some("change its holds"),
            Field::IsPrivate if expected.is_private => {
                denies(may.can_set_private).then_some("make it private")
            }
            Field::IsPrivate => denies(may.can_set_public).then_some("make it public"),
            _ => denies(may.can_edit_name_and_grade).then_some("change its name or feet rule"),
        }),
        _ => None,
    };
    what.map(|what| format!("Stokt does not let this account {what}"))
}
