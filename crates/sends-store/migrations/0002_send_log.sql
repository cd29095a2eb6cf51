-- The log of all sends: what a send belongs to, and what it is searched by. Times are pairs as in the first migration.

-- What the upstream says of a campaign. NULL means that it does not say.
CREATE TABLE campaign (
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    campaign BLOB NOT NULL,
    name TEXT,
    -- The name as it is searched: with the differences of case folded away.
    folded_name TEXT,
    type TEXT,
    type_code INTEGER,
    -- The upstream's word. The set is open.
    status TEXT,
    created_at INTEGER,
    created_at_nanos INTEGER,
    updated_at INTEGER,
    updated_at_nanos INTEGER,
    -- From the summaries report.
    last_sent_at INTEGER,
    last_sent_at_nanos INTEGER,
    -- 1 when the upstream listed it and knows it no more.
    is_gone INTEGER NOT NULL DEFAULT 0,
    UNIQUE (owner, campaign)
) STRICT;

-- Which activities a campaign has, those without a kept answer included.
CREATE TABLE campaign_activity (
    owner INTEGER NOT NULL,
    activity BLOB NOT NULL,
    campaign INTEGER NOT NULL REFERENCES campaign (id) ON DELETE CASCADE,
    -- The upstream's word. The set is open.
    role TEXT,
    PRIMARY KEY (owner, activity)
) STRICT, WITHOUT ROWID;

CREATE INDEX campaign_activity_by_campaign ON campaign_activity (campaign);

-- As before, with what a search over all sends of an owner needs in its index.
CREATE TABLE logged_send (
    history INTEGER NOT NULL REFERENCES activity_history (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    -- Those of the history once more.
    owner INTEGER NOT NULL,
    activity BLOB NOT NULL,
    -- That of the activity, kept in step with `campaign_activity`. NULL while nobody knows.
    campaign INTEGER,
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

INSERT INTO logged_send
SELECT history, ordinal, send.owner, activity, NULL, send_id, run_date, run_date_nanos, status, reason_code, outcome, count,
       contact_list_ids, segment_ids
FROM send JOIN activity_history AS kept ON kept.id = send.history;

DROP TABLE send;
ALTER TABLE logged_send RENAME TO send;

-- The order of the log, with everything a page is chosen by or a total is made of, so that neither reads a row for nothing.
CREATE INDEX send_by_date ON send
    (owner, run_date, run_date_nanos, activity, ordinal, outcome, reason_code, status, campaign, count);

-- To whom a send went, one row for each list: 16 bytes when all ids of the send are UUIDs in lower case, else the text.
CREATE TABLE send_list (
    history INTEGER NOT NULL REFERENCES activity_history (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    list ANY NOT NULL,
    PRIMARY KEY (history, ordinal, list)
) STRICT, WITHOUT ROWID;

CREATE INDEX send_by_list ON send_list (owner, list);

CREATE TABLE send_segment (
    history INTEGER NOT NULL REFERENCES activity_history (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    PRIMARY KEY (history, ordinal, segment)
) STRICT, WITHOUT ROWID;

CREATE INDEX send_by_segment ON send_segment (owner, segment);

WITH RECURSIVE part (history, ordinal, owner, ids, place) AS (
    SELECT history, ordinal, owner, contact_list_ids, 0 FROM send WHERE typeof(contact_list_ids) = 'blob'
    UNION ALL
    SELECT history, ordinal, owner, ids, place + 1 FROM part WHERE 16 * place + 32 <= length(ids)
)
INSERT OR IGNORE INTO send_list SELECT history, ordinal, owner, substr(ids, 16 * place + 1, 16) FROM part;

INSERT OR IGNORE INTO send_list
SELECT history, ordinal, owner, value
FROM send, json_each(iif(typeof(contact_list_ids) = 'text', contact_list_ids, '[]'));

INSERT OR IGNORE INTO send_segment
SELECT history, ordinal, owner, value FROM send, json_each(coalesce(segment_ids, '[]'));

-- What a reader of the whole account has still to read, so that it goes on where it was ended. Times from here on are
-- milliseconds since 1970 UTC.
CREATE TABLE sync_work (
    owner INTEGER NOT NULL,
    campaign INTEGER NOT NULL REFERENCES campaign (id) ON DELETE CASCADE,
    -- Sends of the campaign may be missing that ran in between, both ends included; NULL means from the beginning.
    missing_from INTEGER,
    missing_until INTEGER NOT NULL,
    PRIMARY KEY (owner, campaign)
) STRICT, WITHOUT ROWID;

CREATE INDEX sync_work_by_date ON sync_work (owner, missing_until);

-- How far such a reader has come. NULL means that it never has.
CREATE TABLE sync_state (
    owner INTEGER PRIMARY KEY REFERENCES owner (id) ON DELETE CASCADE,
    listed_at INTEGER,
    reports_read_at INTEGER,
    finished_at INTEGER,
    paused_until INTEGER,
    failed_at INTEGER,
    failure TEXT
) STRICT;
