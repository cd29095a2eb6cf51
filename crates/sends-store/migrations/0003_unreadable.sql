-- What the upstream lists and cannot be read, as long as it cannot. Times are milliseconds since 1970 UTC.
CREATE TABLE unreadable (
    owner INTEGER NOT NULL REFERENCES owner (id) ON DELETE CASCADE,
    -- 1 for the activities of a campaign, 2 for the history of an activity.
    kind INTEGER NOT NULL,
    -- The id of the campaign or of the activity.
    subject BLOB NOT NULL,
    -- Sends of it may be missing that ran in between, both ends included; NULL means from the beginning.
    missing_from INTEGER,
    missing_until INTEGER NOT NULL,
    -- When it first failed, and when it last did.
    since INTEGER NOT NULL,
    tried_at INTEGER NOT NULL,
    -- Why, in words for people.
    reason TEXT NOT NULL,
    PRIMARY KEY (owner, kind, subject)
) STRICT, WITHOUT ROWID;
