//! The refusals of one access token, and the pauses that follow from them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{Held, RefusedBy};
use crate::Endpoint;

/// The pause after the first refusal.
pub(super) const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// What the pause grows to at most.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// How many tokens are remembered. Where callers bring their own, one that was never accepted makes room before one that was,
/// and among these the longest unused one.
pub(super) const CAPACITY: usize = 4_096;

/// How many refusing paths are remembered of a token. The one whose pause ends first makes room.
pub(super) const MOST_PATHS: usize = 1_000;

/// What is known of a token.
#[derive(Debug)]
pub(super) struct TokenState {
    pub(super) used: Instant,
    /// When the last request left that was accepted, since the token was last refused as a whole.
    pub(super) accepted_at: Option<Instant>,
    /// A path that has accepted it, preferably a cheap one.
    pub(super) accepted_by: Option<Endpoint>,
    pub(super) refused_by: HashMap<Endpoint, Refused>,
    /// Set once a refusal of the token is confirmed, until it is accepted.
    pub(super) refused: Option<Pause>,
    pub(super) refused_at: Option<Instant>,
    /// Whether it was obtained in the place of a refused one and refused at once, so that another renewal is no help.
    pub(super) is_renewed: bool,
    /// The pause that the tokens before it had reached.
    pub(super) earlier_pause: Duration,
    pub(super) probed_at: Option<Instant>,
    pub(super) is_being_probed: bool,
    /// How many requests in a row were refused since it was last accepted.
    pub(super) refusals: u32,
    /// Held while a refusal is being confirmed, so that refusals of requests sent together share one probe.
    pub(super) confirmation: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) pause: Pause,
    pub(super) at: Instant,
    /// Whether the token was good elsewhere.
    pub(super) is_own: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    pub(super) until: Instant,
    pub(super) length: Duration,
    /// Whether a request is on its way to find out.
    pub(super) is_probed: bool,
}

impl TokenState {
    pub(super) fn of(tokens: &mut HashMap<u64, Self>, key: u64) -> &mut Self {
        let now = Instant::now();
        if tokens.len() >= CAPACITY && !tokens.contains_key(&key) {
            let oldest = tokens
                .iter()
                .min_by_key(|(_, known)| (known.accepted_at.is_some(), known.used))
                .map(|(key, _)| *key);
            oldest.and_then(|oldest| tokens.remove(&oldest));
        }
        let known = tokens.entry(key).or_insert_with(|| Self {
            used: now,
            accepted_at: None,
            accepted_by: None,
            refused_by: HashMap::new(),
            refused: None,
            refused_at: None,
            is_renewed: false,
            earlier_pause: Duration::ZERO,
            probed_at: None,
            is_being_probed: false,
            refusals: 0,
            confirmation: Arc::default(),
        });
        known.used = now;
        known
    }

    /// Whether a request with the token was accepted or refused.
    pub(super) fn has_outcome(&self) -> bool {
        self.accepted_at.is_some() || self.refused.is_some() || !self.refused_by.is_empty()
    }

    pub(super) fn check(&self, endpoint: &Endpoint, now: Instant) -> Result<(), Held> {
        let wait = |pause: Pause| {
            pause
                .until
                .checked_duration_since(now)
                .filter(|wait| !wait.is_zero())
        };
        if let Some(wait) = self.refused.and_then(wait) {
            return Err(self.held(wait, RefusedBy::Upstream));
        }
        let Some(path) = self.refused_by.get(endpoint) else {
            return Ok(());
        };
        match wait(path.pause) {
            Some(wait) if path.is_own => Err(self.held(wait, RefusedBy::PathAlone)),
            // The call that was refused has tried to renew the token.
            Some(wait) => Err(Held {
                may_renew: false,
                ..self.held(wait, RefusedBy::Path)
            }),
            None => Ok(()),
        }
    }

    fn held(&self, wait: Duration, by: RefusedBy) -> Held {
        Held {
            wait,
            by,
            may_renew: by != RefusedBy::PathAlone && !self.is_renewed,
        }
    }

    pub(super) fn refused_by_upstream(&mut self, now: Instant) -> Held {
        (self.accepted_at, self.refused_at) = (None, Some(now));
        self.is_being_probed = false;
        if self.refused.is_some_and(|pause| pause.is_probed) {
            // It has been refused for a while, so that its renewal may be tried again.
            self.is_renewed = false;
        }
        let pause = self.refused.get_or_insert(Pause::none(now, self.earlier_pause));
        pause.lengthen(now);
        let wait = pause.until.saturating_duration_since(now);
        self.held(wait, RefusedBy::Upstream)
    }

    pub(super) fn refused_by_path(&mut self, endpoint: &Endpoint, now: Instant, is_own: bool) -> Held {
        if self.refused_by.len() >= MOST_PATHS && !self.refused_by.contains_key(endpoint) {
            let first = self
                .refused_by
                .iter()
                .min_by_key(|(_, refused)| refused.pause.until);
            if let Some(first) = first.map(|(path, _)| path.clone()) {
                self.refused_by.remove(&first);
            }
        }
        let refused = self
            .refused_by
            .entry(endpoint.clone())
            .or_insert_with(|| Refused {
                pause: Pause::none(now, Duration::ZERO),
                at: now,
                is_own,
            });
        refused.pause.lengthen(now);
        (refused.at, refused.is_own) = (now, is_own);
        let wait = refused.pause.until.saturating_duration_since(now);
        let by = if is_own {
            RefusedBy::PathAlone
        } else {
            RefusedBy::Path
        };
        self.held(wait, by)
    }

    pub(super) fn unconfirmed(&mut self, endpoint: &Endpoint, now: Instant) -> Held {
        self.is_being_probed = false;
        let mut refusing = self.refused_by.iter();
        if refusing.any(|(other, refused)| other != endpoint && !refused.is_own) {
            return self.refused_by_upstream(now);
        }
        self.refused_by_path(endpoint, now, false)
    }
}

impl Pause {
    fn none(now: Instant, length: Duration) -> Self {
        Self {
            until: now,
            length,
            is_probed: false,
        }
    }

    /// After a refusal. Those of requests that were on their way together count once.
    fn lengthen(&mut self, now: Instant) {
        if self.until > now && !self.is_probed {
            return;
        }
        self.length = (self.length * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.until = now + self.length;
        self.is_probed = false;
    }

    /// Begins a probe, and yields the end of the pause for which it holds other requests back.
    pub(super) fn probe(&mut self, now: Instant) -> Instant {
        self.until = now + self.length;
        self.is_probed = true;
        self.until
    }

    /// Ends the pause of the probe that began it until then, if that had no outcome.
    pub(super) fn give_up_probe(&mut self, until: Instant) {
        if self.is_probed && self.until == until {
            *self = Self::none(Instant::now(), self.length);
        }
    }
}
