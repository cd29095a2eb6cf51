-- Tables of a store: responses (`activity_history`, `send`), the searchable log of all sends (`campaign`, `campaign_activity`,
-- `send`, `send_list`, `send_segment`), the state of the synchronisation, and the day's count of calls.
--
-- Times of responses and sends are seconds since 1970 UTC, with the nanoseconds of the second in another column. The two
-- columns are negative before 1970, so that the pair sorts by time and any year fits. Most nanoseconds are 0, which takes no
-- byte. Times of the synchronisation are milliseconds since 1970 UTC.

-- Data owners. The key is opaque. Other rows refer to the id, which keeps them small.
CREATE TABLE owner (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE
) STRICT;

-- Temporary owners, which are deleted some time after their last use (seconds since 1970 UTC).
CREATE TABLE passing_owner (
    owner INTEGER PRIMARY KEY REFERENCES owner (id) ON DELETE CASCADE,
    used_at INTEGER NOT NULL
) STRICT;

CREATE TABLE activity_history (
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    activity BLOB NOT NULL,
    fetched_at INTEGER NOT NULL,
    fetched_at_nanos INTEGER NOT NULL,
    -- Number of rows in `send`: 0 for an activity that was never sent, NULL for "not found".
    sends INTEGER,
    -- Numbers of unreadable records and values, which have no row.
    unreadable_sends INTEGER NOT NULL DEFAULT 0,
    unreadable_values INTEGER NOT NULL DEFAULT 0,
    -- Number of known records: the rows in `send`, and records that were unreadable in every response.
    records INTEGER NOT NULL DEFAULT 0,
    -- Time at which a synchronisation missed exactly these records: the rows of `send` with `is_missing`, and unreadable
    -- records that later responses lack. Milliseconds since 1970 UTC, or NULL.
    missing_since INTEGER,
    -- 0 when the last response was "not found" but the known sends are retained.
    is_found INTEGER NOT NULL DEFAULT 1,
    -- CRC-32 of the owner's key, the activity, and the whole response with its sends (`checksum.rs`). A read reports a mismatch
    -- as damage. NULL is not verified, for example after a change of the encoding.
    checksum INTEGER,
    UNIQUE (owner, activity)
) STRICT;

-- Sends of a history, in its order. `send_id` is not a key, since the upstream does not guarantee that it is unique. NULL means
-- that the record lacks the value. Columns for the covering indexes of searches are repeated here.
CREATE TABLE send (
    history INTEGER NOT NULL REFERENCES activity_history (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    activity BLOB NOT NULL,
    -- Campaign of the activity, equal to that in `campaign_activity`. NULL while unknown.
    campaign INTEGER,
    send_id INTEGER NOT NULL,
    run_date INTEGER,
    run_date_nanos INTEGER,
    -- Upstream status, in its documented spelling. The set is open.
    status TEXT,
    -- Received spelling, if it differs.
    status_spelling TEXT,
    reason_code INTEGER,
    -- Derived from status, reason code and count when the row was written: 1 sent, 2 partially sent, 3 staged,
    -- 4 no recipients, 5 failed, 6 unknown. A change of the derivation needs a new schema version.
    outcome INTEGER NOT NULL,
    count INTEGER,
    -- 16 bytes per id when all ids are UUIDs in lower case, otherwise a JSON array of texts. NULL when there are none.
    contact_list_ids ANY,
    segment_ids TEXT,
    -- CRC-32 of the send, for pages of the log, which read sends without the rest of their response.
    checksum INTEGER,
    -- 1 when the last response lacked the send, until a second synchronisation confirms the removal.
    is_missing INTEGER,
    PRIMARY KEY (history, ordinal)
) STRICT, WITHOUT ROWID;

-- Covering index in the order of the log, with every column for filters and totals.
CREATE INDEX send_by_date ON send
    (owner, run_date, run_date_nanos, activity, ordinal, outcome, reason_code, status, campaign, count);

CREATE INDEX send_without_list ON send (owner, outcome, run_date, run_date_nanos, count) WHERE contact_list_ids IS NULL;

-- Contact lists of a send, one row per list: 16 bytes when all ids of the send are UUIDs in lower case, otherwise text. The
-- send's columns for totals by list are repeated, since a join of 1,000,000 rows took 2.4 s.
CREATE TABLE send_list (
    history INTEGER NOT NULL REFERENCES activity_history (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    list ANY NOT NULL,
    outcome INTEGER NOT NULL,
    run_date INTEGER,
    run_date_nanos INTEGER,
    count INTEGER,
    PRIMARY KEY (history, ordinal, list)
) STRICT, WITHOUT ROWID;

CREATE INDEX send_by_list ON send_list (owner, list, outcome, run_date, run_date_nanos, count);

CREATE TABLE send_segment (
    history INTEGER NOT NULL REFERENCES activity_history (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    PRIMARY KEY (history, ordinal, segment)
) STRICT, WITHOUT ROWID;

CREATE INDEX send_by_segment ON send_segment (owner, segment);

-- Upstream campaigns. NULL means that the upstream lacks the value.
CREATE TABLE campaign (
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    campaign BLOB NOT NULL,
    name TEXT,
    folded_name TEXT,
    type TEXT,
    type_code INTEGER,
    status TEXT,
    status_spelling TEXT,
    created_at INTEGER,
    created_at_nanos INTEGER,
    updated_at INTEGER,
    updated_at_nanos INTEGER,
    -- Last send in the summaries report.
    last_sent_at INTEGER,
    last_sent_at_nanos INTEGER,
    -- 1 when the upstream listed the campaign but no longer finds it.
    is_gone INTEGER NOT NULL DEFAULT 0,
    UNIQUE (owner, campaign)
) STRICT;

CREATE TABLE campaign_activity (
    owner INTEGER NOT NULL,
    activity BLOB NOT NULL,
    campaign INTEGER NOT NULL REFERENCES campaign (id) ON DELETE CASCADE,
    role TEXT,
    role_spelling TEXT,
    -- 0 when the campaign no longer lists the activity. The activity is retained with its sends, unless another campaign lists
    -- it.
    is_listed INTEGER NOT NULL,
    -- Another campaign that also lists the activity. Usually NULL.
    claimed_by INTEGER REFERENCES campaign (id) ON DELETE SET NULL,
    PRIMARY KEY (owner, activity)
) STRICT, WITHOUT ROWID;

CREATE INDEX campaign_activity_by_campaign ON campaign_activity (campaign);

CREATE INDEX campaign_activity_by_claim ON campaign_activity (claimed_by) WHERE claimed_by IS NOT NULL;

CREATE TABLE sync_work (
    owner INTEGER NOT NULL,
    campaign INTEGER NOT NULL REFERENCES campaign (id) ON DELETE CASCADE,
    -- Range of missing sends, inclusive. NULL means from the beginning.
    missing_from INTEGER,
    missing_until INTEGER NOT NULL,
    PRIMARY KEY (owner, campaign)
) STRICT, WITHOUT ROWID;

CREATE INDEX sync_work_by_date ON sync_work (owner, missing_until);

-- State of the synchronisation. NULL means not reached yet.
CREATE TABLE sync_state (
    owner INTEGER PRIMARY KEY REFERENCES owner (id) ON DELETE CASCADE,
    listed_at INTEGER,
    reports_read_at INTEGER,
    finished_at INTEGER,
    paused_until INTEGER,
    failed_at INTEGER,
    failure TEXT,
    -- Latest change and latest send of a complete listing by the upstream's clock, independent of this machine's clock.
    changes_until INTEGER,
    sends_until INTEGER
) STRICT;

CREATE TABLE unreadable (
    owner INTEGER NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    -- 1 for the activities of a campaign, 2 for the history of an activity, 3 for the listing of campaigns, 4 for the
    -- summaries report.
    kind INTEGER NOT NULL,
    -- Id of the campaign or activity. Empty for the listing and the report.
    subject BLOB NOT NULL,
    -- Range of missing sends, inclusive. NULL means from the beginning.
    missing_from INTEGER,
    missing_until INTEGER NOT NULL,
    since INTEGER NOT NULL,
    tried_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- Number of records of a listing, including unreadable records. 0 for other subjects.
    records INTEGER NOT NULL,
    -- Explanation for users, as a sentence.
    reason TEXT NOT NULL,
    PRIMARY KEY (owner, kind, subject)
) STRICT, WITHOUT ROWID;

-- Number of calls on a day, by its date in UTC. The count is shared by all owners.
CREATE TABLE day_calls (
    day TEXT PRIMARY KEY,
    calls INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Target of test writes, which check that the store is writable.
CREATE TABLE write_probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    writes INTEGER NOT NULL
) STRICT;
