//! Rejections of one access token, and the resulting pauses.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{RefusedBy, TokenRejection};
use crate::Endpoint;

/// Length of the pause after the first rejection.
pub(super) const FIRST_PAUSE: Duration = Duration::from_mins(1);

pub(super) const MAX_PAUSE: Duration = Duration::from_hours(1);

/// Maximum number of tokens in memory. Tokens that were never accepted are evicted first, in least recently used order.
pub(super) const CAPACITY: usize = 4_096;

/// Maximum number of rejecting paths of a token in memory. The path whose pause ends first is evicted.
pub(super) const MAX_PATHS: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct TokenState {
    /// `None` before the first use.
    used: Option<Instant>,
    /// Departure time of the last accepted request since the token was rejected as a whole.
    pub(super) accepted_at: Option<Instant>,
    /// Path that has accepted the token, preferably a cheap path.
    pub(super) accepted_by: Option<Endpoint>,
    pub(super) refused_by: HashMap<Endpoint, Refused>,
    /// Pause of the token, from its confirmed rejection to its next acceptance.
    pub(super) refused: Option<Pause>,
    pub(super) refused_at: Option<Instant>,
    /// Whether the token replaced a rejected token and has not been accepted yet, so that another renewal would not help.
    pub(super) is_renewed: bool,
    /// Length of the pause of the token that this token replaced.
    pub(super) earlier_pause: Duration,
    pub(super) probed_at: Option<Instant>,
    pub(super) is_being_probed: bool,
    /// Number of consecutive rejected requests.
    pub(super) refusals: u32,
    pub(super) confirmation: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) pause: Pause,
    pub(super) at: Instant,
    /// Whether another path accepted the token.
    pub(super) is_own: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    pub(super) until: Instant,
    pub(super) length: Duration,
    /// Whether a probe is in flight.
    pub(super) is_probed: bool,
}

impl TokenState {
    /// Returns the state of a token, which is created on first use.
    pub(super) fn of(tokens: &mut HashMap<u64, Self>, key: u64) -> &mut Self {
        if tokens.len() >= CAPACITY && !tokens.contains_key(&key) {
            let oldest = tokens
                .iter()
                .min_by_key(|(_, state)| (state.accepted_at.is_some(), state.used))
                .map(|(key, _)| *key);
            oldest.and_then(|oldest| tokens.remove(&oldest));
        }
        let state = tokens.entry(key).or_default();
        state.used = Some(Instant::now());
        state
    }

    /// Returns whether a request with the token was accepted or rejected.
    pub(super) fn has_outcome(&self) -> bool {
        self.accepted_at.is_some() || self.refused.is_some() || !self.refused_by.is_empty()
    }

    pub(super) fn check(&self, endpoint: &Endpoint, now: Instant) -> Result<(), TokenRejection> {
        if let Some(pause) = self.refused.filter(|pause| pause.until > now) {
            return Err(self.rejection(pause, now, RefusedBy::Upstream));
        }
        match self.refused_by.get(endpoint) {
            Some(path) if path.pause.until > now => {
                let by = path.scope();
                Err(TokenRejection {
                    // The call that was rejected has already tried to renew the token.
                    may_renew: false,
                    ..self.rejection(path.pause, now, by)
                })
            }
            _ => Ok(()),
        }
    }

    fn rejection(&self, pause: Pause, now: Instant, by: RefusedBy) -> TokenRejection {
        TokenRejection {
            wait: pause.until.saturating_duration_since(now),
            by,
            may_renew: by != RefusedBy::PathAlone && !self.is_renewed,
        }
    }

    pub(super) fn refused_by_upstream(&mut self, now: Instant) -> TokenRejection {
        (self.accepted_at, self.refused_at) = (None, Some(now));
        self.is_being_probed = false;
        if self.refused.is_some_and(|pause| pause.is_probed) {
            // The pause is over, so another renewal may help.
            self.is_renewed = false;
        }
        let pause = self.refused.get_or_insert(Pause::none(now, self.earlier_pause));
        pause.lengthen(now);
        let pause = *pause;
        self.rejection(pause, now, RefusedBy::Upstream)
    }

    pub(super) fn refused_by_path(
        &mut self,
        endpoint: &Endpoint,
        now: Instant,
        is_own: bool,
    ) -> TokenRejection {
        if self.refused_by.len() >= MAX_PATHS && !self.refused_by.contains_key(endpoint) {
            let paths = self.refused_by.iter();
            let first = paths.min_by_key(|(_, refused)| refused.pause.until);
            if let Some(first) = first.map(|(path, _)| path.clone()) {
                self.refused_by.remove(&first);
            }
        }
        let refused = self.refused_by.entry(endpoint.clone());
        let refused = refused.or_insert_with(|| Refused {
            pause: Pause::none(now, Duration::ZERO),
            at: now,
            is_own,
        });
        refused.pause.lengthen(now);
        (refused.at, refused.is_own) = (now, is_own);
        let (pause, by) = (refused.pause, refused.scope());
        self.rejection(pause, now, by)
    }

    pub(super) fn unconfirmed(&mut self, endpoint: &Endpoint, now: Instant) -> TokenRejection {
        self.is_being_probed = false;
        let mut refusing = self.refused_by.iter();
        if refusing.any(|(other, refused)| other != endpoint && !refused.is_own) {
            return self.refused_by_upstream(now);
        }
        self.refused_by_path(endpoint, now, false)
    }
}

impl Refused {
    fn scope(&self) -> RefusedBy {
        if self.is_own {
            RefusedBy::PathAlone
        } else {
            RefusedBy::Path
        }
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

    /// Doubles the pause after a rejection. Rejections of concurrent requests count once.
    fn lengthen(&mut self, now: Instant) {
        if self.until > now && !self.is_probed {
            return;
        }
        self.length = (self.length * 2).clamp(FIRST_PAUSE, MAX_PAUSE);
        self.until = now + self.length;
        self.is_probed = false;
    }

    /// Starts a probe. Returns the end of the pause, until which other requests are suspended.
    pub(super) fn probe(&mut self, now: Instant) -> Instant {
        self.until = now + self.length;
        self.is_probed = true;
        self.until
    }

    /// Ends the pause if its probe, identified by this end, had no outcome.
    pub(super) fn release_probe(&mut self, until: Instant) {
        if self.is_probed && self.until == until {
            *self = Self::none(Instant::now(), self.length);
        }
    }
}
