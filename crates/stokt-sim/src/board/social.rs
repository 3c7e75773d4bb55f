//! Likes, comments, sends and bookmarks: invented from a climb's counters until somebody adds to them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::climb::{Climb, flag, time_text};
use super::{Account, Board};
use crate::rng::Rng;

/// Microseconds of a day.
const DAY: f64 = 86_400e6;
const COMMENTS: [&str; 12] = [
    "Super bloc !",
    "La prise tourne un peu",
    "Trop dur pour moi 😅",
    "Classique",
    "Nice one",
    "Flash 💪",
    "La sortie est expo",
    "Plutôt 6C non ?",
    "Méthode à gauche plus facile",
    "J'adore",
    "À brosser",
    "Encore !",
];

/// Somebody likes a climb.
#[derive(Debug, Clone)]
pub(crate) struct Like {
    pub(crate) user: usize,
    /// Microseconds since 1970.
    pub(crate) at: i64,
}

/// Somebody says something about a climb.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: Uuid,
    pub(crate) user: usize,
    pub(crate) text: String,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) replied_to: Option<Value>,
}

impl Board {
    /// When something happened to a climb: some time after it was set, not after now.
    fn later(&self, rng: &mut Rng, climb: &Climb) -> i64 {
        let span = (self.now() - climb.created).max(0) as f64;
        climb.created + span.min(rng.range(0.0, 200.0) * DAY) as i64
    }

    /// `count` different people, the account first if it is one of them.
    fn crowd(&self, rng: &mut Rng, count: usize, with_account: bool) -> Vec<usize> {
        let people = self.users.len();
        let account = self.accounts.first().map_or(0, |account| account.user);
        let mut crowd: Vec<usize> = if with_account { vec![account] } else { Vec::new() };
        let start = rng.below(people);
        crowd.extend((0..people).map(|i| (start + i) % people.max(1)).filter(|user| *user != account));
        crowd.truncate(count);
        crowd
    }

    pub(crate) fn likes(&self, climb: &Climb) -> Vec<Like> {
        if let Some(likes) = self.likes.get(&climb.key) {
            return likes.clone();
        }
        let mut rng = Rng::part(climb.key.as_u128() as u64, 11);
        let with_account = climb.about_account(flag::LIKED, "likedByUser");
        self.crowd(&mut rng, climb.counter("totalLikes"), with_account)
            .into_iter()
            .map(|user| Like { user, at: self.later(&mut rng, climb) })
            .collect()
    }

    pub(crate) fn comments(&self, climb: &Climb) -> Vec<Comment> {
        if let Some(comments) = self.comments.get(&climb.key) {
            return comments.clone();
        }
        let mut rng = Rng::part(climb.key.as_u128() as u64, 12);
        (0..climb.counter("totalComments"))
            .map(|_| Comment {
                id: rng.uuid(),
                user: rng.below(self.users.len()),
                text: rng.pick(&COMMENTS).to_owned(),
                at: self.later(&mut rng, climb),
                replied_to: None,
            })
            .collect()
    }

    /// The latest sends, newest first, as `latest-sends` answers them.
    pub(crate) fn sends(&self, climb: &Climb, limit: usize) -> Vec<Value> {
        let mut rng = Rng::part(climb.key.as_u128() as u64, 13);
        let with_account = climb.about_account(flag::SENT, "sent");
        let mut sends: Vec<_> = self
            .crowd(&mut rng, climb.counter("climbedBy"), with_account)
            .into_iter()
            .map(|user| {
                let flash = rng.chance(0.3);
                let attempts = if flash { 1 } else { 2 + rng.below(9) };
                (self.later(&mut rng, climb), rng.uuid(), user, flash, attempts, rng.below(3) as i64 - 1)
            })
            .collect();
        sends.sort_by_key(|send| std::cmp::Reverse(send.0));
        sends
            .into_iter()
            .take(limit)
            .map(|(at, id, user, flash, attempts, feel)| {
                json!({
                    "id": id, "climbId": climb.key, "effortBy": self.person(user), "effortDate": time_text(at),
                    "isFlash": flash, "attemptsNumber": attempts, "gradeFeel": feel,
                })
            })
            .collect()
    }

    pub(crate) fn like_json(&self, like: &Like) -> Value {
        json!({ "user": self.person(like.user), "date": time_text(like.at) })
    }

    pub(crate) fn comment_json(&self, climb: Uuid, comment: &Comment) -> Value {
        json!({
            "id": comment.id, "climbId": climb, "user": self.person(comment.user), "text": comment.text,
            "date": time_text(comment.at), "repliedToId": comment.replied_to,
        })
    }

    /// A person as others see them; null for one who is unknown.
    pub(crate) fn person(&self, user: usize) -> Value {
        self.users.get(user).map_or(Value::Null, super::users::User::brief)
    }

    pub(crate) fn has_liked(&self, climb: &Climb, viewer: usize) -> bool {
        match self.likes.get(&climb.key) {
            Some(likes) => likes.iter().any(|like| like.user == viewer),
            None => self.is_account(viewer) && climb.about_account(flag::LIKED, "likedByUser"),
        }
    }

    pub(crate) fn has_bookmarked(&self, climb: &Climb, viewer: usize) -> bool {
        self.bookmarks.get(&(viewer, climb.key)).copied().unwrap_or_else(|| {
            self.is_account(viewer) && climb.about_account(flag::BOOKMARKED, "bookmarkedByUser")
        })
    }

    pub(crate) fn has_sent(&self, climb: &Climb, viewer: usize) -> bool {
        self.is_account(viewer) && climb.about_account(flag::SENT, "sent")
    }

    /// Whether a user is the one the board was made for.
    pub(crate) fn is_account(&self, user: usize) -> bool {
        self.accounts.first().is_some_and(|account: &Account| account.user == user)
    }
}
