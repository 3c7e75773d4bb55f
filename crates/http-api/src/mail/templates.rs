//! The texts of e-mails, in each language: files beside this one, with places such as `{{name}}`.

use std::fmt;
use std::str::FromStr;

/// A language that e-mails are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MailLanguage {
    /// English.
    #[default]
    English,
    /// French.
    French,
}

/// The text names no language that we write in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither en nor fr")]
pub struct UnknownLanguage(String);

impl FromStr for MailLanguage {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `fr-CA` is French too.
        match text.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "en" => Ok(Self::English),
            "fr" => Ok(Self::French),
            _ => Err(UnknownLanguage(text.chars().take(20).collect())),
        }
    }
}

impl fmt::Display for MailLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::English => "en",
            Self::French => "fr",
        })
    }
}

impl MailLanguage {
    /// The language that an `Accept-Language` header likes best of those we write in.
    pub(crate) fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        for entry in header.split(',').take(20) {
            let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let quality =
                parameters.trim().strip_prefix("q=").and_then(|q| q.trim().parse().ok()).unwrap_or(1.0);
            let Ok(language) = tag.trim().parse::<Self>() else { continue };
            if quality > 0.0 && best.is_none_or(|(_, most)| quality > most) {
                best = Some((language, quality));
            }
        }
        best.map(|(language, _)| language)
    }
}

/// What an e-mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A forgotten password.
    Reset,
    /// Somebody wanted to register with an address that has an account.
    Taken,
}

/// A text in two forms, with the values in their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Puts values in their places; in HTML they are escaped.
pub(super) fn fill(kind: Kind, language: MailLanguage, values: &[(&str, &str)]) -> Filled {
    let (text, html) = match (kind, language) {
        (Kind::Reset, MailLanguage::English) => {
            (include_str!("templates/reset.en.txt"), include_str!("templates/reset.en.html"))
        }
        (Kind::Reset, MailLanguage::French) => {
            (include_str!("templates/reset.fr.txt"), include_str!("templates/reset.fr.html"))
        }
        (Kind::Taken, MailLanguage::English) => {
            (include_str!("templates/taken.en.txt"), include_str!("templates/taken.en.html"))
        }
        (Kind::Taken, MailLanguage::French) => {
            (include_str!("templates/taken.fr.txt"), include_str!("templates/taken.fr.html"))
        }
    };
    let (head, text) = text.split_once("\n\n").unwrap_or(("", text));
    Filled {
        subject: head.trim_start_matches("Subject:").trim().to_owned(),
        text: place(text, values, str::to_owned),
        html: place(html, values, escape),
    }
}

/// One pass, so that a value that looks like a place stays as it is.
fn place(template: &str, values: &[(&str, &str)], write: fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(template.len() + 200);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        filled.push_str(before);
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            filled.push_str(&write(value));
        }
        rest = after;
    }
    filled + rest
}

fn escape(value: &str) -> String {
    let mut safe = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best_is_chosen() {
        use MailLanguage::{English, French};
        for (header, language) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", Some(French)),
            ("de, en;q=0.5, fr;q=0.7", Some(French)),
            ("fr;q=0, en", Some(English)),
            ("EN-gb", Some(English)),
            ("de", None),
            ("*", None),
            ("", None),
            ("fr;q=x", Some(French)),
        ] {
            assert_eq!(MailLanguage::accepted(header), language, "{header}");
        }
    }

    #[test]
    fn every_place_of_every_template_is_filled_and_values_cannot_break_out() {
        let evil = "<b>\"O'Hara\" & {{link}}</b>";
        let values = [
            ("name", evil),
            ("site", "board.example"),
            ("minutes", "60"),
            ("link", "https://board.example/?token=abc"),
            ("token", "abc"),
        ];
        for kind in [Kind::Reset, Kind::Taken] {
            for language in [MailLanguage::English, MailLanguage::French] {
                let filled = fill(kind, language, &values);
                assert!(!filled.subject.is_empty() && !filled.subject.contains(['\n', ':']), "{filled:?}");
                // The value that looks like a place is the only one left.
                assert_eq!(filled.text.matches("{{").count(), 1, "{}", filled.text);
                assert!(filled.text.contains(evil) && !filled.text.starts_with("Subject"));
                let safe = "&lt;b&gt;&quot;O&#39;Hara&quot; &amp; {{link}}&lt;/b&gt;";
                assert!(filled.html.contains(safe) && !filled.html.contains(evil), "{}", filled.html);
                assert!(filled.html.contains(&format!("lang=\"{language}\"")));
                let link = kind == Kind::Reset;
                assert_eq!(filled.text.contains("https://board.example/?token=abc"), link);
                assert_eq!(filled.html.contains("href=\"https://board.example/?token=abc\""), link);
            }
        }
    }
}
