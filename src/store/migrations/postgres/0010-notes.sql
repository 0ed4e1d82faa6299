-- Layout 10: notes are found by their kind; see migrations/sqlite.

CREATE INDEX note_of_kind ON note (kind, at);
