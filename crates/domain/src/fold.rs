//! Folding names for search and order: lower case, without accents, one space between words.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Folds a name: compatibility-decomposed, without combining marks, lower case, letters that carry their accent
/// inside (ø, ł, ß, æ, ...) written plainly, white space collapsed. Folding twice changes nothing more.
#[must_use]
pub fn fold_name(name: &str) -> String {
    let mut folded = fold_once(name);
    // A few characters lower-case into something that decomposes again; each round leaves fewer of them.
    for _ in 0..3 {
        let again = fold_once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn fold_once(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    let mut gap = false;
    for letter in name.nfkd().flat_map(char::to_lowercase).nfkd().filter(|letter| !is_combining_mark(*letter))
    {
        if letter.is_whitespace() {
            gap = true;
            continue;
        }
        if gap && !folded.is_empty() {
            folded.push(' ');
        }
        gap = false;
        match letter {
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ħ' => folded.push('h'),
            'ı' => folded.push('i'),
            'ŧ' => folded.push('t'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            '\u{2018}' | '\u{2019}' | '\u{02bc}' => folded.push('\''),
            other => folded.push(other),
        }
    }
    folded
}

/// Escapes `%`, `_` and the escape character itself for a LIKE pattern with `ESCAPE '\'`.
#[must_use]
pub fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
