//! What people say about holds, and what they agree on.

use crate::words::word_enum;

word_enum! {
    /// How a hold is gripped.
    GripType {
        /// A sloper.
        Plat = "plat",
        /// A crimp.
        Reglette = "reglette",
        /// A pocket for two fingers.
        BiDoigt = "bi_doigt",
        /// A pocket for three fingers.
        TriDoigt = "tri_doigt",
        /// A pocket for one finger.
        MonoDoigt = "mono_doigt",
        /// A pinch.
        Pince = "pince",
        /// A tufa.
        Colonnette = "colonnette",
        /// An undercling.
        Inverse = "inverse",
        /// A jug.
        Bac = "bac",
        /// A volume.
        PriseVolume = "prise_volume",
        /// A tiny hold.
        Micro = "micro",
        /// Anything else.
        Autre = "autre",
    }
}

word_enum! {
    /// What state a hold is in.
    Condition {
        /// Good.
        Ok = "ok",
        /// To be brushed.
        ABrosser = "a_brosser",
        /// Dirty.
        Sale = "sale",
        /// Turned on its bolt.
        Tournee = "tournee",
        /// Worn.
        Usee = "usee",
        /// Broken.
        Cassee = "cassee",
    }
}

word_enum! {
    /// How hard a hold is to use.
    Difficulty {
        /// Easy.
        Facile = "facile",
        /// As one expects.
        Normale = "normale",
        /// Hard.
        Dure = "dure",
    }
}

/// From when on an agreement counts as established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// At least this many votes for the most frequent value.
    pub votes: u32,
    /// At least this share of the votes cast, in percent.
    pub percent: u32,
}

impl Threshold {
    /// For grip types: 3 votes and 50 %.
    pub const GRIP: Self = Self { votes: 3, percent: 50 };
    /// For conditions: 2 votes and 60 %.
    pub const CONDITION: Self = Self { votes: 2, percent: 60 };
    /// For difficulties: 3 votes and 50 %.
    pub const DIFFICULTY: Self = Self { votes: 3, percent: 50 };

    /// Whether `votes` of `cast` votes are enough. Counted in whole numbers, not by the rounded confidence.
    #[must_use]
    pub fn is_reached(self, votes: u32, cast: u32) -> bool {
        votes >= self.votes && u64::from(votes) * 100 >= u64::from(self.percent) * u64::from(cast)
    }
}

/// A dimension that people vote on: its words, in a stated order, and when an agreement is established.
pub trait Vote: Copy + Ord {
    /// From when on an agreement counts.
    const THRESHOLD: Threshold;
}

impl Vote for GripType {
    const THRESHOLD: Threshold = Threshold::GRIP;
}

impl Vote for Condition {
    const THRESHOLD: Threshold = Threshold::CONDITION;
}

impl Vote for Difficulty {
    const THRESHOLD: Threshold = Threshold::DIFFICULTY;
}

/// What the people who voted in one dimension agree on most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Consensus<T> {
    /// The most frequent value.
    pub value: T,
    /// How many voted for it.
    pub votes: u32,
    /// How many voted in this dimension.
    pub cast: u32,
}

impl<T: Vote> Consensus<T> {
    /// Counts votes. Of values with equally many votes the one declared first wins, which for [`Condition`] is the
    /// most harmless and for [`Difficulty`] the easiest. `None` without votes.
    #[must_use]
    pub fn of(votes: impl IntoIterator<Item = T>) -> Option<Self> {
        let mut counts = std::collections::BTreeMap::<T, u32>::new();
        for vote in votes {
            let count = counts.entry(vote).or_default();
            *count = count.saturating_add(1);
        }
        Self::of_counts(counts)
    }

    /// The same from numbers of votes per value, as a database counts them; a value named twice is added up.
    #[must_use]
    pub fn of_counts(counts: impl IntoIterator<Item = (T, u32)>) -> Option<Self> {
        let mut sums = std::collections::BTreeMap::<T, u32>::new();
        for (value, votes) in counts {
            let sum = sums.entry(value).or_default();
            *sum = sum.saturating_add(votes);
        }
        let cast = sums.values().fold(0_u32, |sum, votes| sum.saturating_add(*votes));
        let mut best: Option<(T, u32)> = None;
        for (value, votes) in sums {
            // In the order of declaration, and only more votes beat the one before: ties go to the first.
            if votes > best.map_or(0, |(_, most)| most) {
                best = Some((value, votes));
            }
        }
        best.map(|(value, votes)| Self { value, votes, cast })
    }

    /// Votes for the value by votes cast, from 0 to 1, rounded to 2 decimals (half away from zero).
    #[must_use]
    pub fn confidence(&self) -> f64 {
        confidence(self.votes, self.cast)
    }

    /// Whether enough people agree.
    #[must_use]
    pub fn is_established(&self) -> bool {
        T::THRESHOLD.is_reached(self.votes, self.cast)
    }
}

/// `votes` by `cast`, rounded to 2 decimals (half away from zero); 0 where nobody voted.
#[must_use]
pub fn confidence(votes: u32, cast: u32) -> f64 {
    if cast == 0 {
        return 0.0;
    }
    // In whole numbers, since 0.145 * 100 in binary is a little less than 14.5.
    let hundredths = (u64::from(votes) * 200 + u64::from(cast)) / (u64::from(cast) * 2);
    hundredths as f64 / 100.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_words_are_those_of_the_wire() {
        let words = |all: &[GripType]| all.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", ");
        assert_eq!(
            words(GripType::ALL),
            "plat, reglette, bi_doigt, tri_doigt, mono_doigt, pince, colonnette, inverse, bac, prise_volume, micro, autre"
        );
        let words: Vec<&str> = Condition::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["ok", "a_brosser", "sale", "tournee", "usee", "cassee"]);
        let words: Vec<&str> = Difficulty::ALL.iter().map(|word| word.as_str()).collect();
        assert_eq!(words, ["facile", "normale", "dure"]);
    }

    #[test]
    fn the_most_frequent_value_wins() {
        use GripType::{Bac, Plat, Reglette};
        let agreed = Consensus::of([Bac, Reglette, Bac, Plat, Bac]).unwrap();
        assert_eq!((agreed.value, agreed.votes, agreed.cast), (Bac, 3, 5));
        assert_eq!(agreed.confidence(), 0.6);
        assert!(agreed.is_established());
        assert!(Consensus::<GripType>::of([]).is_none());
        assert!(Consensus::of_counts([(Bac, 0)]).is_none());
        assert_eq!(Consensus::of_counts([(Bac, 1), (Plat, 2), (Bac, 2)]).unwrap().value, Bac);
    }

    #[test]
    fn ties_go_to_the_value_declared_first() {
        assert_eq!(Consensus::of([Condition::Cassee, Condition::Ok]).unwrap().value, Condition::Ok);
        assert_eq!(
            Consensus::of([Difficulty::Dure, Difficulty::Normale]).unwrap().value,
            Difficulty::Normale
        );
    }

    #[test]
    fn thresholds_are_met_exactly() {
        for (threshold, reached, missed) in [
            (Threshold::GRIP, [(3, 6), (3, 3), (50, 100)], [(2, 2), (3, 7), (499, 999)]),
            (Threshold::CONDITION, [(2, 3), (3, 5), (600, 1_000)], [(1, 1), (2, 4), (599, 1_000)]),
            (Threshold::DIFFICULTY, [(3, 6), (3, 3), (50, 100)], [(2, 2), (3, 7), (499, 999)]),
        ] {
            for (votes, cast) in reached {
                assert!(threshold.is_reached(votes, cast), "{threshold:?} {votes}/{cast}");
            }
            for (votes, cast) in missed {
                assert!(!threshold.is_reached(votes, cast), "{threshold:?} {votes}/{cast}");
            }
        }
        assert!(Threshold::GRIP.is_reached(u32::MAX, u32::MAX));
    }

    #[test]
    fn confidence_has_two_decimals() {
        for (votes, cast, share) in
            [(0, 0, 0.0), (0, 3, 0.0), (1, 3, 0.33), (2, 3, 0.67), (1, 8, 0.13), (29, 200, 0.15), (5, 5, 1.0)]
        {
            assert_eq!(confidence(votes, cast), share, "{votes}/{cast}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_votes_does_not_matter(votes in proptest::collection::vec(0usize..6, 1..30), by in 0usize..30) {
            let votes: Vec<Condition> = votes.into_iter().map(|vote| Condition::ALL[vote]).collect();
            let agreed = Consensus::of(votes.iter().copied()).unwrap();
            let mut turned = votes.clone();
            turned.rotate_left(by % votes.len());
            prop_assert_eq!(Consensus::of(turned).unwrap(), agreed);
            prop_assert_eq!(agreed.cast as usize, votes.len());
            for value in Condition::ALL {
                let count = votes.iter().filter(|vote| *vote == value).count();
                prop_assert!(count <= agreed.votes as usize);
                prop_assert!(count < agreed.votes as usize || *value >= agreed.value);
            }
            let exact = f64::from(agreed.votes) / f64::from(agreed.cast);
            prop_assert!((agreed.confidence() - exact).abs() <= 0.005 + 1e-12);
            prop_assert!((agreed.confidence() * 100.0).fract().abs() < 1e-9 || (agreed.confidence() * 100.0).fract() > 1.0 - 1e-9);
        }
    }
}
