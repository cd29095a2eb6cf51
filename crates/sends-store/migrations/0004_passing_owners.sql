-- Owners for whom nobody comes back some day, and when somebody last did: seconds since 1970 UTC.
CREATE TABLE passing_owner (
    owner INTEGER PRIMARY KEY REFERENCES owner (id) ON DELETE CASCADE,
    used_at INTEGER NOT NULL
) STRICT;
