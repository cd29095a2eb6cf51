//! Honest load beside misuse, over TCP: what misuse may take, and what honest callers still get.
//!
//! Each module is one bound of the service. The counts are small by default, so that the suite is short; `just stress` sets
//! `STRESS=full` for the counts that the bounds are meant for. Assertions are about counts, bytes and statuses; durations are
//! printed, and compared only with durations of the same run.
