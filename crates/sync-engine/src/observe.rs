//! What a run tells while it works.

/// Sees how a run goes on. Called from several threads.
pub trait Observer: Sync {
    /// A step begins, of `total` items where that is known already.
    fn begin(&self, step: Step, total: Option<u64>);
    /// The step turned out to have `total` items.
    fn total(&self, step: Step, total: u64);
    /// `items` more of the step are done.
    fn advance(&self, step: Step, items: u64);
    /// The step is over; `outcome` is a few words, or empty.
    fn end(&self, step: Step, outcome: &str);
}

/// The steps of an import, in order; pictures go along with climbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Gym, walls, faces.
    Board,
    /// Holds.
    Holds,
    /// Wall pictures.
    Pictures,
    /// Setters and climbs.
    Climbs,
    /// Avatars.
    Avatars,
}

impl Step {
    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Holds => "holds",
            Self::Pictures => "pictures",
            Self::Climbs => "climbs",
            Self::Avatars => "avatars",
        }
    }
}

/// Looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn begin(&self, _: Step, _: Option<u64>) {}
    fn total(&self, _: Step, _: u64) {}
    fn advance(&self, _: Step, _: u64) {}
    fn end(&self, _: Step, _: &str) {}
}
