//! What is to happen to one request, once all rules have spoken.

use std::time::Duration;

use super::{Change, Fault, PictureFault, RetryAfter, Rewrite};
use crate::rng::Rng;

/// An answer in place of the true one.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Status { code: u16, retry_after: Option<RetryAfter>, html: bool },
    Garbage,
    Html,
    Redirect { code: u16, to: String },
}

/// The faults of one request.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) answer: Option<Answer>,
    /// Whether the request is to be carried out, if a rule or its fault says so.
    carried_out: Option<bool>,
    pub(crate) cut: Option<Cut>,
    pub(crate) truncate: Option<usize>,
    pub(crate) delay: Option<Duration>,
    pub(crate) delay_answer: Option<Duration>,
    pub(crate) drip: Option<(usize, Duration)>,
    pub(crate) next_loop: bool,
    pub(crate) next_elsewhere: Option<String>,
    pub(crate) repeat: usize,
    pub(crate) drift: usize,
    pub(crate) vanish: usize,
    pub(crate) count: Option<u64>,
    pub(crate) count_drift: u64,
    pub(crate) cut_request: Option<u64>,
    /// Fields that are missing, of another type, or new.
    pub(crate) fields: Vec<(FieldChange, String)>,
    pub(crate) picture: Option<PictureFault>,
    pub(crate) expire_token: bool,
    pub(crate) rewrites: Vec<Rewrite>,
    pub(crate) changes: Vec<Change>,
}

/// What becomes of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FieldChange {
    Gone,
    Retyped,
    New,
}

/// Where an answer is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    /// After so many bytes.
    Bytes(u64),
    /// After this part of the whole.
    Part(f64),
}

impl Plan {
    pub(crate) fn add(&mut self, fault: &Fault, carried_out: Option<bool>) {
        match fault {
            Fault::Status { code, retry_after, html } => {
                let answer = Answer::Status { code: *code, retry_after: *retry_after, html: *html };
                self.set_answer(answer, carried_out.unwrap_or(false));
            }
            Fault::Garbage => self.set_answer(Answer::Garbage, carried_out.unwrap_or(true)),
            Fault::Html => self.set_answer(Answer::Html, carried_out.unwrap_or(false)),
            Fault::Redirect { code, to } => {
                let answer = Answer::Redirect { code: *code, to: to.clone() };
                self.set_answer(answer, carried_out.unwrap_or(false));
            }
            Fault::Cut { after_bytes } => {
                self.cut.get_or_insert(Cut::Bytes(*after_bytes));
                self.carried_out = self.carried_out.or(carried_out);
            }
            Fault::Truncate { keep } => {
                self.truncate.get_or_insert(*keep);
            }
            Fault::Delay(time) => self.delay = self.delay.max(Some(*time)),
            Fault::DelayAnswer(time) => self.delay_answer = self.delay_answer.max(Some(*time)),
            Fault::Drip { bytes, every } => {
                self.drip.get_or_insert((*bytes, *every));
            }
            Fault::NextLoop => self.next_loop = true,
            Fault::NextElsewhere { origin } => {
                self.next_elsewhere.get_or_insert_with(|| origin.clone());
            }
            Fault::Repeat { records } => self.repeat += records,
            Fault::Drift { climbs } => self.drift += climbs,
            Fault::Vanish { climbs } => self.vanish += climbs,
            Fault::Count { count } => {
                self.count.get_or_insert(*count);
            }
            // How far it has drifted is the rule's to know.
            Fault::CountDrift { .. } => {}
            Fault::CutRequest { after_bytes } => {
                self.cut_request.get_or_insert(*after_bytes);
            }
            Fault::FieldGone { field } => self.fields.push((FieldChange::Gone, field.clone())),
            Fault::FieldRetyped { field } => self.fields.push((FieldChange::Retyped, field.clone())),
            Fault::FieldNew { field } => self.fields.push((FieldChange::New, field.clone())),
            Fault::Picture(fault) => {
                self.picture.get_or_insert(*fault);
            }
            Fault::ExpireToken => self.expire_token = true,
            Fault::Rewrite(rewrite) => self.rewrites.push(rewrite.clone()),
            Fault::Change(change) => self.changes.push(change.clone()),
        }
    }

    /// One of the usual failures; see [`Faults::chaos`](super::Faults::chaos).
    pub(crate) fn add_chaos(&mut self, rng: &mut Rng) {
        let carried_out = Some(rng.chance(0.34));
        match rng.weighted([20, 10, 10, 13, 12, 20, 5, 5, 5].into_iter()) {
            0 => self.add(&Fault::Status { code: 429, retry_after: None, html: false }, None),
            1 => {
                let retry_after = Some(RetryAfter::Seconds(1));
                self.add(&Fault::Status { code: 429, retry_after, html: false }, None);
            }
            2 => {
                let retry_after = Some(RetryAfter::Date(1));
                self.add(&Fault::Status { code: 429, retry_after, html: false }, None);
            }
            3 => self.add(&Fault::Status { code: 500, retry_after: None, html: false }, carried_out),
            4 => {
                let code = rng.pick(&[502, 503, 504]);
                self.add(&Fault::Status { code, retry_after: None, html: true }, carried_out);
            }
            5 => self.cut = self.cut.or(Some(Cut::Part(rng.unit()))),
            6 => self.add(&Fault::Truncate { keep: rng.below(200) }, None),
            7 => self.add(&Fault::Garbage, None),
            _ => self.add(&Fault::Delay(Duration::from_millis(100)), None),
        }
    }

    fn set_answer(&mut self, answer: Answer, carried_out: bool) {
        if self.answer.is_none() {
            self.answer = Some(answer);
            self.carried_out = self.carried_out.or(Some(carried_out));
        }
    }

    /// Whether the service does what it was asked.
    pub(crate) fn is_carried_out(&self) -> bool {
        self.carried_out.unwrap_or(true)
    }

    #[cfg(test)]
    pub(crate) fn is_fault(&self) -> bool {
        self.answer.is_some() || self.cut.is_some() || self.truncate.is_some() || self.delay.is_some()
    }
}
