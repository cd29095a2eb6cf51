//! JSON of a send history, parsed by the core crate.

use sends_core::SendHistory;

/// Parses an input as a send history. A valid history can be explained, serialized and parsed again.
pub(crate) fn feed(input: &[u8]) -> bool {
    let Ok(history) = SendHistory::from_json(input) else {
        return false;
    };
    let summary = history.summary();
    assert_eq!(summary.attempts, history.len());
    for send in &history {
        let _ = (send.outcome(), send.reason(), send.is_contradictory());
    }
    let written = serde_json::to_vec(&history).expect("a history can be serialized");
    let again: SendHistory = serde_json::from_slice(&written).expect("a serialized history can be parsed");
    assert_eq!(again.sends(), history.sends());
    assert_eq!((again.unreadable_sends(), again.unreadable_values()), (0, 0));
    true
}
