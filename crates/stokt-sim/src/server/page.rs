//! Pages of records, Django REST style, and what faults make of them.

use serde_json::{Value, json};
use url::form_urlencoded;

use super::Call;
use super::answer::Answer;
use crate::faults::Plan;

/// Which records a page holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) number: usize,
    pub(crate) size: usize,
    pub(crate) skip: usize,
    pub(crate) take: usize,
}

/// The window a request asks for; `None` if its page is no number from 1.
pub(crate) fn window(call: &Call<'_>, size: usize) -> Option<Window> {
    let number = match call.parameter("page") {
        None => 1,
        Some(text) => text.parse::<usize>().ok().filter(|number| *number > 0)?,
    };
    let skip = (number - 1).checked_mul(size)?;
    let shared = if number > 1 { call.repeat.min(skip) } else { 0 };
    Some(Window { number, size, skip: skip - shared, take: size + shared })
}

/// The address of another page of the same listing.
fn address(call: &Call<'_>, number: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, value) in call.query.iter().filter(|(key, _)| key != "page") {
        query.append_pair(key, value);
    }
    if number > 1 {
        query.append_pair("page", &number.to_string());
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{}{mark}{query}", call.origin, call.path)
}

/// The answer for a window of `count` records in all.
pub(crate) fn answer(call: &Call<'_>, window: Window, count: usize, results: Vec<Value>) -> Answer {
    if window.number > 1 && results.is_empty() {
        return Answer::detail(404, "Invalid page.");
    }
    let more = window.number.saturating_mul(window.size) < count;
    Answer::ok(json!({
        "count": count,
        "next": more.then(|| address(call, window.number + 1)),
        "previous": (window.number > 1).then(|| address(call, window.number - 1)),
        "results": results,
    }))
}

/// Carries out the faults that concern pages.
pub(crate) fn spoil(value: &mut Value, plan: &Plan, call: &Call<'_>) {
    let Some(page) = value.as_object_mut().filter(|page| page.contains_key("results")) else { return };
    if let Some(count) = plan.count {
        page.insert("count".into(), count.into());
    }
    if plan.count_drift > 0
        && let Some(count) = page.get("count").and_then(Value::as_u64)
    {
        page.insert("count".into(), (count + plan.count_drift).into());
    }
    if plan.next_loop {
        page.insert("next".into(), address(call, 1).into());
    }
    if let Some(origin) = &plan.next_elsewhere {
        let there = address(call, 2).replacen(&call.origin, origin, 1);
        page.insert("next".into(), there.into());
    }
    let is_first = call.parameter("page").is_none_or(|page| page == "1");
    if plan.repeat > 0
        && is_first
        && let Some(records) = page.get_mut("results").and_then(Value::as_array_mut)
    {
        let again: Vec<Value> = records.iter().take(plan.repeat).cloned().collect();
        records.extend(again);
    }
}
