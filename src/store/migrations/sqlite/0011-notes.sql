-- Layout 11: notes are found by their kind, so that what is asked of every plan and every refusal does not grow with all notes that there are.

CREATE INDEX note_of_kind ON note (kind, at);
