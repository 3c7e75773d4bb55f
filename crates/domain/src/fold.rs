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
            'ς' => folded.push('σ'),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_meet_however_they_are_written() {
        for (name, folded) in [
            ("Éclair", "eclair"),
            ("E\u{301}CLAIR", "eclair"),
            ("  La   Peste\t\n", "la peste"),
            ("Cœur d\u{2019}Æther", "coeur d'aether"),
            ("STRAẞE", "strasse"),
            ("straße", "strasse"),
            ("Ørsted Łódź Đà Þór", "orsted lodz da thor"),
            ("İstanbul ISPARTA ıspanak", "istanbul isparta ispanak"),
            ("ΣΟΦΟΣ σοφός", "σοφοσ σοφοσ"),
            ("ﬁn ① ｆｕｌｌ", "fin 1 full"),
            ("Bloc 🧗\u{fe0f} n°7", "bloc 🧗 n°7"),
            ("", ""),
            (" \u{a0}\u{301} ", ""),
        ] {
            assert_eq!(fold_name(name), folded, "{name:?}");
        }
    }

    #[test]
    fn every_character_folds_once_and_for_all() {
        for letter in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let folded = fold_name(&letter.to_string());
            assert_eq!(fold_name(&folded), folded, "U+{:04X}", u32::from(letter));
        }
    }

    #[test]
    fn patterns_take_every_character_as_it_is() {
        assert_eq!(escape_like(r"100%_\é"), r"100\%\_\\é");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_more(name in "\\PC{0,30}") {
            let folded = fold_name(&name);
            prop_assert_eq!(&fold_name(&folded), &folded);
            prop_assert!(!folded.contains("  ") && folded.trim() == folded);
        }

        #[test]
        fn case_and_spaces_do_not_matter(words in proptest::collection::vec("[a-zA-Zéèçñü]{1,8}", 1..5)) {
            let folded = fold_name(&words.join(" "));
            prop_assert_eq!(fold_name(&words.join("   ").to_uppercase()), folded.clone());
            prop_assert_eq!(fold_name(&words.join(" ").nfd().collect::<String>()), folded);
        }

        #[test]
        fn an_escaped_pattern_says_the_same_without_its_escapes(text in "[%_\\\\a-cé]{0,20}") {
            let mut plain = String::new();
            let escaped = escape_like(&text);
            let mut letters = escaped.chars();
            while let Some(letter) = letters.next() {
                prop_assert!(!matches!(letter, '%' | '_'), "a wildcard is left");
                plain.push(if letter == '\\' { letters.next().unwrap() } else { letter });
            }
            prop_assert_eq!(plain, text);
        }
    }
}
