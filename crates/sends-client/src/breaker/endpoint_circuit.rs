//! The circuit of an endpoint, which chooses its probes among the ids and pages that are asked for.

use std::time::Duration;

use tokio::time::Instant;

use super::circuit::Circuit;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EndpointCircuit {
    circuit: Circuit,
    /// Whether there was no probe since it opened. An id that has not failed may be that at once, which costs an outage one
    /// more call.
    is_untried: bool,
}

impl EndpointCircuit {
    /// How long an id or page has to wait, which has failed when it was last asked for or not. `None` when a request may pass
    /// now. One that has failed gives the others a `first_delay` to find out about the endpoint.
    pub(super) fn wait(self, now: Instant, first_delay: Duration, has_failed: bool) -> Option<Duration> {
        match self.circuit {
            Circuit::Open { .. } if has_failed => {
                let since = now.checked_sub(first_delay).unwrap_or(now);
                self.circuit.wait(since, first_delay)
            }
            Circuit::Open { .. } if self.is_untried => None,
            circuit => circuit.wait(now, first_delay),
        }
    }

    /// How long until the next probe that is regular.
    pub(super) fn left_alone_for(self, now: Instant, first_delay: Duration) -> Option<Duration> {
        self.circuit.wait(now, first_delay)
    }

    /// Lets a request through that need not wait, and says whether it is the probe.
    pub(super) fn pass(&mut self) -> bool {
        self.is_untried = false;
        self.circuit.pass()
    }

    pub(super) fn is_closed(self) -> bool {
        self.circuit.is_closed()
    }

    pub(super) fn open(&mut self, delay: Duration) {
        self.is_untried = true;
        self.circuit.open(delay);
    }

    pub(super) fn probe_failed(&mut self, longest: Duration) {
        self.circuit.probe_failed(longest);
    }

    pub(super) fn probe_given_up(&mut self) {
        self.circuit.probe_given_up();
    }
}
