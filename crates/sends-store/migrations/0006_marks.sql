-- How far the listings were read by the upstream's own times, which no clock of this machine can falsify: the latest change
-- and the latest send that a listing has shown. Milliseconds since 1970 UTC; NULL until a listing was read to its end.
ALTER TABLE sync_state ADD COLUMN changes_until INTEGER;
ALTER TABLE sync_state ADD COLUMN sends_until INTEGER;

-- `unreadable.kind` is also 3 for the listing of campaigns and 4 for the summaries report, both with an empty subject.
