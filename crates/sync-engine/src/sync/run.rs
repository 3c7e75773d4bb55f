//! One synchronisation from its beginning to its report: who we are, lock, survey, plan, guards, settle, pull, push,
//! watermarks.

use std::time::Instant;

use mastoc_domain::outbox::OutboxState;
use mastoc_domain::{StoktId, Timestamp};
use mastoc_stokt_client::Client;
use mastoc_storage::conflicts::{self, Which};
use mastoc_storage::import::ImportContext;
use mastoc_storage::runs::{self, RunDirection, RunMode};
use mastoc_storage::sync_climbs;
use mastoc_storage::{gyms, outbox};
use serde_json::Value;

use super::guard::{self, Effects};
use super::opened::Opened;
use super::options::SyncOptions;
use super::planning::{self, PullPlan};
use super::preview::preview;
use super::pull;
use super::push::{self, Planned};
use super::session::Session;
use super::settle;
use super::surroundings::{Clock, Points};
use super::survey::{Survey, Wanted, Window, timestamp};
use crate::decision::Decided;
use crate::ending::Ending;
use crate::error::EngineError;
use crate::observe::Observer;
use crate::report::{GymReport, Report, Traffic, Watermarks};
use crate::store_target::transaction;

/// Fewest days that an incremental listing reaches back.
const FEWEST_DAYS: i64 = 7;
/// Days beyond the last complete run: one for the part of a day, one for clocks and time zones.
const MORE_DAYS: i64 = 2;

/// Synchronises once.
///
/// Stokt is asked first who we are: wrong credentials leave no trace. Then `open` opens the board, which takes the
/// lock. Never fails without a report: what was done before an error is in it, and stays done; running again goes on.
pub fn sync(
    client: &Client,
    open: impl FnOnce() -> Result<Opened, EngineError>,
    options: &SyncOptions,
    clock: &dyn Clock,
    points: &dyn Points,
    observer: &dyn Observer,
) -> Report {
    sync_after(|| Ok(()), client, open, options, clock, points, observer)
}

/// As [`sync`], if `look`, such as [`Opened::look`], says before anything else that it may begin.
pub fn sync_after(
    look: impl FnOnce() -> Result<(), EngineError>,
    client: &Client,
    open: impl FnOnce() -> Result<Opened, EngineError>,
    options: &SyncOptions,
    clock: &dyn Clock,
    points: &dyn Points,
    observer: &dyn Observer,
) -> Report {
    let began = Instant::now();
    let mut report = Report::begin(client.base_url(), String::new(), options.dry_run);
    report.started_at = clock.now();
    report.direction = options.direction.as_str().replace('_', "-");
    report.mode = if options.full { RunMode::Full } else { RunMode::Incremental }.as_str().to_owned();
    let mut board = None;
    let outcome = look().and_then(|()| ask_who(client, options)).and_then(|who| {
        let opened = board.insert(open()?);
        report.target = opened.store.target().to_string();
        let run = Run { client, opened, options, clock, points, observer, who: &who };
        run.all(&mut report)
    });
    let ending = match &outcome {
        Ok(ending) => *ending,
        Err(error) => error.ending(),
    };
    let is_cut = matches!(outcome, Err(EngineError::Stopped(_)));
    report.error = outcome.err().map(|error| error.to_string());
    report.close_sync(ending, began.elapsed(), Traffic::from(client.stats().read()));
    if let Some(opened) = board.filter(|_| !is_cut) {
        keep_report(&opened, points, &mut report);
    }
    report
}

/// Keeps the report in the run's row.
fn keep_report(opened: &Opened, points: &dyn Points, report: &mut Report) {
    let Some(run) = report.run else { return };
    let kept = serde_json::to_value(&*report).unwrap_or_default();
    let status = report.ending.run_status();
    let outcome = transaction(&opened.store, |conn| runs::finish(conn, run, status, &kept));
    let outcome = outcome.and_then(|()| points.reached("run.finished"));
    if let Err(error) = outcome {
        if report.error.is_some() {
            tracing::info!(%error, "the run's report could not be kept");
            return;
        }
        report.error = Some(format!("the run's report could not be kept: {error}"));
        // A run that was done in part stays so: what failed is to be looked at all the same.
        if report.ending != Ending::Partial {
            report.ending = error.ending();
            report.exit_code = report.ending.exit_code();
        }
    }
}

/// Who asks, and for what.
struct Who {
    account: StoktId,
    record: Value,
    gyms: Vec<StoktId>,
    home_name: Option<(StoktId, String)>,
}

fn ask_who(client: &Client, options: &SyncOptions) -> Result<Who, EngineError> {
    let me = client.me()?;
    let account = crate::convert::stokt_id(&me.id, "account")?;
    let home = me.home_gym.as_ref();
    let home_id = home.and_then(|gym| gym.id.as_uuid()).map(StoktId);
    let home_name = home_id.zip(home.and_then(|gym| gym.display_name.clone().or_else(|| gym.name.clone())));
    let gyms = match options.gyms.as_slice() {
        [] => vec![home_id.ok_or(EngineError::NoHomeGym)?],
        gyms => {
            let mut once: Vec<StoktId> = Vec::with_capacity(gyms.len());
            gyms.iter().for_each(|gym| {
                if !once.contains(gym) {
                    once.push(*gym)
                }
            });
            once
        }
    };
    Ok(Who { account, record: me.raw.clone(), gyms, home_name })
}

/// Whether data moves from Stokt to here.
fn pulls(direction: RunDirection) -> bool {
    direction != RunDirection::MastocToStokt
}

/// Whether data moves from here to Stokt.
fn pushes(direction: RunDirection) -> bool {
    direction != RunDirection::StoktToMastoc
}

/// One run's parts.
struct Run<'r> {
    client: &'r Client,
    opened: &'r Opened,
    options: &'r SyncOptions,
    clock: &'r dyn Clock,
    points: &'r dyn Points,
    observer: &'r dyn Observer,
    who: &'r Who,
}

impl Run<'_> {
    fn all(&self, report: &mut Report) -> Result<Ending, EngineError> {
        let wanted = self.wanted()?;
        let mode = if wanted.iter().all(|gym| gym.window == Window::All) && self.options.since.is_none() {
            RunMode::Full
        } else {
            RunMode::Incremental
        };
        report.mode = mode.as_str().to_owned();
        for gym in &wanted {
            report.gyms.push(GymReport {
                stokt_id: gym.gym,
                name: gym.name.clone(),
                resumed: false,
                listing: crate::report::ListingReport::default(),
                watermarks: Watermarks { before: gym.before, after: gym.before },
            });
        }
        let before = oldest(report.gyms.iter().map(|gym| gym.watermarks.before));
        report.watermarks = Watermarks { before, after: before };
        let store = &self.opened.store;
        if let Some(lock) = self.opened.lock.as_ref().filter(|_| !self.options.dry_run) {
            let ctx = ImportContext { fence: Some(lock.fence()), ..ImportContext::default() };
            let origin = self.client.base_url();
            report.run = Some(transaction(store, |conn| {
                if let Some(fence) = ctx.fence {
                    mastoc_storage::locks::check_fence(conn, fence)?;
                }
                runs::start(conn, self.options.direction, mode, origin)
            })?);
            self.points.reached("run.begun")?;
        }
        let session = Session {
            client: self.client,
            store,
            media: self.opened.media.as_ref(),
            options: self.options,
            clock: self.clock,
            points: self.points,
            observer: self.observer,
            origin: self.client.base_url(),
            account: self.who.account,
            run: report.run,
            fence: self.opened.lock.as_ref().map(mastoc_storage::RunLock::fence),
        };
        self.synchronise(&session, wanted, report)
    }

    /// The gyms with how far to look back in each.
    fn wanted(&self) -> Result<Vec<Wanted>, EngineError> {
        let store = &self.opened.store;
        let marks = store.read(|conn| runs::watermarks(conn, self.client.base_url(), &self.who.gyms))?;
        let mut wanted = Vec::with_capacity(self.who.gyms.len());
        for gym in &self.who.gyms {
            let before = marks.iter().find(|(known, _)| known == gym).map(|(_, mark)| *mark);
            let known = store.read(|conn| gyms::by_stokt_id(conn, *gym))?.map(|gym| gym.display_name);
            let home = self.who.home_name.as_ref().filter(|(home, _)| home == gym);
            let name = known.or_else(|| home.map(|(_, name)| name.clone())).unwrap_or_default();
            wanted.push(Wanted { gym: *gym, name, window: self.window(before), before });
        }
        Ok(wanted)
    }

    /// How far back to look in a gym of which everything is known up to `before`. Both are Stokt's times; ours plays no
    /// part.
    fn window(&self, before: Option<Timestamp>) -> Window {
        let now = self.client.remote_time().map_or_else(|| self.clock.now(), timestamp);
        let days = |since: Timestamp| now.as_utc().signed_duration_since(since.as_utc()).num_days().max(0);
        let days = match (self.options.full, before, self.options.since) {
            (true, ..) | (_, None, None) => return Window::All,
            (_, _, Some(since)) => days(since) + 1,
            (_, Some(before), None) => (days(before) + MORE_DAYS).max(FEWEST_DAYS),
        };
        u32::try_from(days).ok().filter(|days| *days < crate::pipeline::ALL).map_or(Window::All, Window::Days)
    }

    fn synchronise(
        &self,
        session: &Session<'_>,
        wanted: Vec<Wanted>,
        report: &mut Report,
    ) -> Result<Ending, EngineError> {
        let direction = self.options.direction;
        let is_open = settle::is_anything_open(session)?;
        // The account's own climbs: also those that no listing shows, which are neither new nor gone.
        let mine = pushes(direction) || is_open || wanted.iter().any(|gym| gym.window == Window::All);
        let mut survey = Survey::read(session, &self.who.record, wanted, mine)?;
        tell_listings(report, &survey);
        let mut plan =
            if pulls(direction) { planning::plan(session, &mut survey)? } else { PullPlan::default() };
        // Planning may have asked for more.
        tell_listings(report, &survey);
        for note in std::mem::take(&mut survey.notes) {
            report.note(note);
        }
        for (at, gym) in survey.gyms.iter().enumerate() {
            if let Some(plan) = plan.gyms.get(at) {
                guard::check(&self.effects(session, &survey, at, plan)?, self.options)?;
            }
            if !gym.listing.complete {
                tracing::warn!(gym = %gym.gym, "its listing is not complete: nothing counts as missing, and nothing is sent");
            }
        }
        // Also for its guard: nothing is written if too much would be deleted at Stokt.
        let sends = pushes(direction) && survey.view().is_complete();
        let sent = if sends { push::plan(session, &survey.view())? } else { Planned::default() };
        if self.options.dry_run || self.options.expect.is_some() {
            let preview = preview(session, &survey, &mut plan, pulls(direction))?;
            let state = preview.state(session, &survey, &plan, &sent);
            if self.options.dry_run {
                let planned = plan.decisions.into_iter().chain(sent.decisions).chain(sent.would);
                preview.settled.decisions.into_iter().chain(planned).for_each(|one| report.decide(one));
                preview.boards.into_iter().for_each(|written| report.add(written));
                preview.problems.into_iter().for_each(|problem| report.problem(problem));
                for gym in &plan.gyms {
                    report.counts.climbs.unchanged += gym.unchanged;
                }
                report.plan = Some(state);
                return Ok(Ending::Done);
            }
            if self.options.expect.as_ref() != Some(&state) {
                return Err(EngineError::StalePlan);
            }
        }
        push::twins::settle(session, &survey.view(), report)?;
        if is_open {
            settle::settle(session, &survey.view(), report)?;
        }
        if pulls(direction) {
            pull::pull(session, &mut survey, plan, report)?;
        }
        self.move_watermarks(session, &survey, report)?;
        if sends {
            push::push(session, &survey.view(), report)?;
        }
        self.ending(report)
    }

    /// What the guards look at.
    fn effects(
        &self,
        session: &Session<'_>,
        survey: &Survey,
        at: usize,
        plan: &planning::GymPlan,
    ) -> Result<Effects, EngineError> {
        let Some(gym) = survey.gyms.get(at) else { return Ok(Effects::default()) };
        let linked = session.store.read(|conn| sync_climbs::linked_in_gym(conn, gym.gym))?;
        Ok(Effects {
            linked,
            listed: Some(gym.listing.distinct).filter(|_| gym.shows_all()),
            archived: plan.archived,
            seen: plan.seen,
            changed: plan.changed,
            ..Effects::default()
        })
    }

    /// Up to when everything is known now, of the gyms whose listing proved complete.
    fn move_watermarks(
        &self,
        session: &Session<'_>,
        survey: &Survey,
        report: &mut Report,
    ) -> Result<(), EngineError> {
        let Some(run) = session.run.filter(|_| pulls(self.options.direction)) else { return Ok(()) };
        let ctx = session.context();
        let moved: Vec<(usize, StoktId, Timestamp)> = survey
            .gyms
            .iter()
            .enumerate()
            .filter(|(_, gym)| gym.listing.complete && self.leaves_no_gap(gym.window, gym.before))
            .filter_map(|(at, gym)| Some((at, gym.gym, gym.listing.last.began?)))
            .filter(|(at, _, began)| {
                report
                    .gyms
                    .get(*at)
                    .is_none_or(|gym| gym.watermarks.before.is_none_or(|known| known < *began))
            })
            .collect();
        if !moved.is_empty() {
            transaction(session.store, |conn| {
                moved.iter().try_for_each(|(_, gym, began)| {
                    runs::move_watermark(conn, &ctx, run, session.origin, *gym, *began)
                })
            })?;
            session.points.reached("run.watermark")?;
        }
        for (at, _, began) in moved {
            if let Some(gym) = report.gyms.get_mut(at) {
                gym.watermarks.after = Some(began);
            }
        }
        report.watermarks.after = oldest(report.gyms.iter().map(|gym| gym.watermarks.after));
        Ok(())
    }

    /// Whether the listing reaches back to where everything is known, so that nothing between is skipped for ever.
    fn leaves_no_gap(&self, window: Window, before: Option<Timestamp>) -> bool {
        match (window, self.options.since, before) {
            (Window::All, ..) | (_, None, _) => true,
            (_, Some(since), Some(before)) => since <= before,
            (_, Some(_), None) => false,
        }
    }

    /// How a run that came to its end ended. What nobody knows yet, or Stokt would not take, is not done.
    fn ending(&self, report: &Report) -> Result<Ending, EngineError> {
        let complete = report.gyms.iter().all(|gym| gym.listing.complete);
        let is_refused = report.count(Decided::Rejected) > 0;
        if !complete || is_refused || !report.problems.is_empty() || report.images.missing_wall_pictures > 0 {
            return Ok(Ending::Partial);
        }
        let (sent, waits) = self.opened.store.read(|conn| {
            let counts = outbox::counts(conn)?;
            let count = |state| counts.get(&state).copied().unwrap_or(0);
            let sent = count(OutboxState::Sent) + count(OutboxState::Unknown);
            let waits = conflicts::count(conn, Which::Open)? + count(OutboxState::Ambiguous);
            Ok::<_, EngineError>((sent, waits))
        })?;
        Ok(match (sent, waits) {
            // Nobody knows yet whether what was wanted is at Stokt; the next runs find out, without a person.
            (1.., _) => Ending::Partial,
            (_, 1..) => Ending::Waiting,
            _ => Ending::Done,
        })
    }
}

/// What was listed of each gym.
fn tell_listings(report: &mut Report, survey: &Survey) {
    for (told, gym) in report.gyms.iter_mut().zip(&survey.gyms) {
        told.listing = gym.listing.clone();
        told.name.clone_from(&gym.name);
    }
}

/// The oldest of these, if all are there.
fn oldest(times: impl Iterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    times.collect::<Option<Vec<_>>>()?.into_iter().min()
}
