//! How conflicts end.

use crate::words::word_enum;

word_enum! {
    /// Whose word counts, as a person says.
    Take {
        /// Ours.
        Mastoc = "mastoc",
        /// Stokt's.
        Stokt = "stokt",
    }
}

word_enum! {
    /// How a conflict ended.
    Settlement {
        /// A person took ours.
        Mastoc = "mastoc",
        /// A person took Stokt's.
        Stokt = "stokt",
        /// Both sides came to say the same.
        Agreed = "agreed",
        /// The climb is linked to Stokt no more.
        Unlinked = "unlinked",
    }
}

impl From<Take> for Settlement {
    fn from(take: Take) -> Self {
        match take {
            Take::Mastoc => Self::Mastoc,
            Take::Stokt => Self::Stokt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_takes_is_how_it_ended() {
        for take in Take::ALL {
            assert_eq!(Settlement::from(*take).as_str(), take.as_str());
        }
        let words: Vec<&str> = Settlement::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["mastoc", "stokt", "agreed", "unlinked"]);
    }
}
