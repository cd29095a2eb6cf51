-- Times are seconds since 1970 UTC with the nanoseconds of the second beside them, negative together before 1970, so
-- that the pair sorts as the moment does and any year fits. Most nanoseconds are 0, which takes no byte.

-- Whose data it is. The key is opaque; the number stands for it in every other row, which makes these small.
CREATE TABLE owner (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE
) STRICT;

-- The last answer about an activity. `sends` is how many rows of `send` belong to it, and NULL when the upstream knows
-- no such activity, which is not the same as one that was never sent.
CREATE TABLE activity_history (
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    activity BLOB NOT NULL,
    fetched_at INTEGER NOT NULL,
    fetched_at_nanos INTEGER NOT NULL,
    sends INTEGER,
    UNIQUE (owner, activity)
) STRICT;

-- The attempts of a history, in its order. `send_id` is unique only as far as the upstream keeps its word, so it is no
-- key. NULL means that the record does not say.
CREATE TABLE send (
    history INTEGER NOT NULL REFERENCES activity_history (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    -- That of the history once more: a search over all sends of an owner needs it in its index.
    owner INTEGER NOT NULL,
    send_id INTEGER NOT NULL,
    run_date INTEGER,
    run_date_nanos INTEGER,
    -- The upstream's word. The set is open.
    status TEXT,
    reason_code INTEGER,
    -- Derived from status, reason code and count when the row was written: 1 sent, 2 partially sent, 3 staged,
    -- 4 no recipients, 5 failed, 6 unknown. Should the derivation change, a migration has to empty these tables.
    outcome INTEGER NOT NULL,
    count INTEGER,
    -- 16 bytes for each id when all are UUIDs in lower case, else a JSON array of texts. NULL when there are none.
    contact_list_ids ANY,
    -- A JSON array of numbers. NULL when there are none.
    segment_ids TEXT,
    PRIMARY KEY (history, ordinal)
) STRICT, WITHOUT ROWID;

-- How many calls a day has seen, by its date in UTC. Nobody's data: it stays when an owner goes.
CREATE TABLE day_calls (
    day TEXT PRIMARY KEY,
    calls INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Written to find out whether writing works.
CREATE TABLE write_probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    writes INTEGER NOT NULL
) STRICT;
