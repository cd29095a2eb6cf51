-- What the answers are like as they came.

-- How many records and values of the answer could not be read, and are in no row.
ALTER TABLE activity_history ADD COLUMN unreadable_sends INTEGER NOT NULL DEFAULT 0;
ALTER TABLE activity_history ADD COLUMN unreadable_values INTEGER NOT NULL DEFAULT 0;

-- The upstream's spelling of a documented word, where that is not the documented one; the column beside it has the latter,
-- which is what is searched for.
ALTER TABLE send ADD COLUMN status_spelling TEXT;
ALTER TABLE campaign ADD COLUMN status_spelling TEXT;
ALTER TABLE campaign_activity ADD COLUMN role_spelling TEXT;
