-- Layout 2: locks, and what is worth keeping besides saves.

-- One row for each integration that ever was locked. It stays after the lock is released (`id` is NULL then), so that a
-- token is never given twice: a holder that lost its lock can be told from the one that has it now.
CREATE TABLE lock (
  integration TEXT    NOT NULL PRIMARY KEY,
  -- Names the lock for `pairform unlock`; NULL while nobody holds it.
  id          TEXT,
  -- Fencing: one more with each holder.
  token       INTEGER NOT NULL,
  owner       TEXT    NOT NULL,
  -- The machine and process that hold it, opaque; see cli/holder.rs.
  holder      TEXT    NOT NULL,
  reason      TEXT    NOT NULL,
  -- RFC 3339, UTC, by the clock of whoever keeps the store.
  taken_at    TEXT    NOT NULL,
  expires_at  TEXT    NOT NULL
) STRICT;

-- What happened besides saves: a check that was lifted, a lock that somebody released. Only ever grows.
CREATE TABLE note (
  number INTEGER NOT NULL PRIMARY KEY,
  at     TEXT    NOT NULL,
  by     TEXT    NOT NULL,
  -- 'force' or 'unlock'
  kind   TEXT    NOT NULL,
  text   TEXT    NOT NULL,
  run    TEXT
) STRICT;

CREATE TRIGGER note_is_not_changed BEFORE UPDATE ON note
BEGIN
  SELECT RAISE(ABORT, 'notes are append-only');
END;

CREATE TRIGGER note_is_not_deleted BEFORE DELETE ON note
BEGIN
  SELECT RAISE(ABORT, 'notes are append-only');
END;
