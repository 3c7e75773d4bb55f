//! The grammar of faults on a command line.

use std::str::FromStr;
use std::time::Duration;

use super::{Fault, PictureFault, RetryAfter, Rule};

/// The grammar, for a program's help.
pub const FAULT_HELP: &str = "\
KIND[:KEY=VALUE,...]. Kinds:
  429, 500, 503, ...  this status instead of an answer (retry-after=SECONDS or
                      retry-after=date:SECONDS; html for an HTML body)
  cut                 close the connection after bytes=N of the answer (0)
  truncate            leave bytes=N of the body (100)
  garbage | html      200 with a body that is no JSON | with an HTML page
  slow | slow-answer  pause ms=N (1000) before the work | before the answer
  drip                send the body bytes=N (16) at a time, every ms=N (100)
  redirect            308 (code=N) to the origin to=http://HOST:PORT
  next-loop           `next` leads back to the first page
  next-elsewhere      `next` leads to the origin to=http://HOST:PORT
  repeat              n=N (1) records come on two pages
  drift | vanish      n=N (1) climbs appear | disappear before each page
  count | count-drift `count` says n=N (1000) | grows by n=N (1) with each page
  field-gone | field-retyped | field-new
                      field=NAME of every record is missing | of another type |
                      there though nobody knows it (climbs, unless path= says so)
  cut-request         close the connection after bytes=N (0) of the request's body
  picture-truncated | picture-oversized (bytes=N, 64 MiB) | picture-size |
  picture-html        what is wrong with wall pictures
  expire-token        the token is void from this request on
Which requests (all that fit, unless told otherwise):
  path=PREFIX with * for any characters, method=POST, skip=N (the first N pass),
  every=N, times=N, p=0.1 (probability)
  done | undone       the request was carried out | was not
Example: 429:every=7,retry-after=1";

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (see --help for the grammar of faults)")]
pub struct RuleParseError {
    what: String,
}

fn wrong(what: impl Into<String>) -> RuleParseError {
    RuleParseError { what: what.into() }
}

fn number<T: FromStr>(key: &str, value: &str) -> Result<T, RuleParseError> {
    value.parse().map_err(|_| wrong(format!("`{key}={value}`: a number was expected")))
}

/// The keys that shape the fault itself.
#[derive(Default)]
struct Shape {
    bytes: Option<u64>,
    ms: Option<u64>,
    n: Option<u64>,
    code: Option<u16>,
    to: Option<String>,
    field: Option<String>,
    retry_after: Option<RetryAfter>,
    html: bool,
}

impl Shape {
    fn to(&self, kind: &str) -> Result<String, RuleParseError> {
        self.to.clone().ok_or_else(|| wrong(format!("`{kind}` needs to=http://HOST:PORT")))
    }

    fn field(&self, kind: &str) -> Result<String, RuleParseError> {
        self.field.clone().ok_or_else(|| wrong(format!("`{kind}` needs field=NAME")))
    }

    fn fault(&self, kind: &str) -> Result<Fault, RuleParseError> {
        let bytes = |usual: u64| self.bytes.unwrap_or(usual) as usize;
        let time = |usual| Duration::from_millis(self.ms.unwrap_or(usual));
        let n = self.n.unwrap_or(1) as usize;
        Ok(match kind {
            "cut" => Fault::Cut { after_bytes: self.bytes.unwrap_or(0) },
            "truncate" => Fault::Truncate { keep: bytes(100) },
            "garbage" => Fault::Garbage,
            "html" => Fault::Html,
            "slow" => Fault::Delay(time(1000)),
            "slow-answer" => Fault::DelayAnswer(time(1000)),
            "drip" => Fault::Drip { bytes: bytes(16), every: time(100) },
            "redirect" => Fault::Redirect { code: self.code.unwrap_or(308), to: self.to(kind)? },
            "next-loop" => Fault::NextLoop,
            "next-elsewhere" => Fault::NextElsewhere { origin: self.to(kind)? },
            "repeat" => Fault::Repeat { records: n },
            "drift" => Fault::Drift { climbs: n },
            "vanish" => Fault::Vanish { climbs: n },
            "count" => Fault::Count { count: self.n.unwrap_or(1000) },
            "count-drift" => Fault::CountDrift { by: self.n.unwrap_or(1) },
            "field-gone" => Fault::FieldGone { field: self.field(kind)? },
            "field-retyped" => Fault::FieldRetyped { field: self.field(kind)? },
            "field-new" => Fault::FieldNew { field: self.field(kind)? },
            "cut-request" => Fault::CutRequest { after_bytes: self.bytes.unwrap_or(0) },
            "picture-truncated" => Fault::Picture(PictureFault::Truncated),
            "picture-oversized" => Fault::Picture(PictureFault::Oversized(bytes(64 << 20))),
            "picture-size" => Fault::Picture(PictureFault::WrongDimensions),
            "picture-html" => Fault::Picture(PictureFault::NotAnImage),
            "expire-token" => Fault::ExpireToken,
            status => match status.parse() {
                Ok(code @ 200..=599) => {
                    Fault::Status { code, retry_after: self.retry_after, html: self.html }
                }
                _ => return Err(wrong(format!("`{status}` is no kind of fault"))),
            },
        })
    }
}

impl FromStr for Rule {
    type Err = RuleParseError;

    /// Reads the grammar of [`FAULT_HELP`].
    fn from_str(text: &str) -> Result<Self, RuleParseError> {
        let (kind, keys) = text.split_once(':').unwrap_or((text, ""));
        let mut shape = Shape::default();
        let mut settings: Vec<(&str, &str)> = Vec::new();
        for key in keys.split(',').filter(|key| !key.is_empty()) {
            let (key, value) = key.split_once('=').unwrap_or((key, ""));
            match key {
                "bytes" => shape.bytes = Some(number(key, value)?),
                "ms" => shape.ms = Some(number(key, value)?),
                "n" => shape.n = Some(number(key, value)?),
                "code" => shape.code = Some(number(key, value)?),
                "to" => shape.to = Some(value.trim_end_matches('/').to_owned()),
                "field" => shape.field = Some(value.to_owned()),
                "html" => shape.html = true,
                "retry-after" => {
                    shape.retry_after = Some(match value.strip_prefix("date:") {
                        Some(seconds) => RetryAfter::Date(number(key, seconds)?),
                        None => RetryAfter::Seconds(number(key, value)?),
                    });
                }
                _ => settings.push((key, value)),
            }
        }
        let mut rule = Self::new(shape.fault(kind)?);
        for (key, value) in settings {
            rule = match key {
                "path" => rule.path(value),
                "method" => rule.method(value),
                "skip" => rule.skip(number(key, value)?),
                "every" => rule.every(number(key, value)?),
                "times" => rule.times(number(key, value)?),
                "p" => rule.probability(number(key, value)?),
                "done" => rule.carried_out(),
                "undone" => rule.not_carried_out(),
                _ => return Err(wrong(format!("`{key}` is no key of a fault"))),
            };
        }
        Ok(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_help_names_is_understood() {
        for text in [
            "429:every=7,retry-after=1",
            "503:html,retry-after=date:5",
            "cut:bytes=30,p=0.5",
            "truncate",
            "garbage:times=1",
            "html",
            "slow:ms=5",
            "slow-answer",
            "drip:bytes=1,ms=2",
            "next-loop",
            "redirect:to=http://127.0.0.1:9,code=302",
            "next-elsewhere:to=http://x",
            "repeat:n=2",
            "drift",
            "vanish:n=3",
            "count:n=5",
            "count-drift:n=2",
            "field-gone:field=holdsList",
            "field-retyped:field=polygonStr,path=/api/faces",
            "field-new:field=moonPhase",
            "cut-request:bytes=10,method=POST",
            "picture-truncated",
            "picture-oversized:bytes=9",
            "picture-size",
            "picture-html",
            "expire-token:skip=3",
            "500:path=/api/gyms/*/climbs,method=POST,done",
            "500:undone",
        ] {
            assert!(text.parse::<Rule>().is_ok(), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        for (text, reason) in [
            ("explode", "`explode` is no kind"),
            ("99", "`99` is no kind"),
            ("cut:bytes=x", "a number was expected"),
            ("cut:colour=red", "`colour` is no key"),
            ("redirect", "needs to="),
            ("field-gone", "needs field="),
            ("", "is no kind"),
        ] {
            let error = text.parse::<Rule>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
