-- Layout 9: what the servers over one store share beside settings: dropdown values that one of them fetched, how far that is,
-- and what was proposed as a change of the files.

-- The dropdown values of one set of one account, as a server fetched them last. A committed list is git's, and not here.
CREATE TABLE option_list (
  connector  TEXT NOT NULL,
  account    TEXT NOT NULL,
  name       TEXT NOT NULL,
  -- As `options refresh` would write a list of this set alone.
  document   TEXT NOT NULL,
  -- RFC 3339, UTC.
  fetched_at TEXT NOT NULL,
  fetched_by TEXT NOT NULL,
  -- Grows with each fetch, so that the sum tells whether one came.
  number     INTEGER NOT NULL,
  PRIMARY KEY (connector, account, name)
) STRICT;

-- The last time that somebody had the dropdown values of an integration fetched anew.
CREATE TABLE clearing (
  integration TEXT NOT NULL PRIMARY KEY,
  run         TEXT NOT NULL,
  asked_by    TEXT NOT NULL,
  asked_at    TEXT NOT NULL,
  -- Whoever fetches says so until then, and again before; a server that is gone does not.
  until       TEXT NOT NULL,
  -- NULL while it runs.
  ended_at    TEXT,
  -- JSON: how far it is, and what came.
  document    TEXT NOT NULL
) STRICT;

-- Changes of the files that were proposed here, each a commit on a branch of its own.
CREATE TABLE proposal (
  id          TEXT NOT NULL PRIMARY KEY,
  integration TEXT NOT NULL,
  -- The branch, the commit and the one that it stands on.
  branch      TEXT NOT NULL,
  commit_id   TEXT NOT NULL,
  base        TEXT NOT NULL,
  -- JSON: what is asked for, and which files say it.
  document    TEXT NOT NULL,
  -- 'open', 'merged' or 'closed'
  state       TEXT NOT NULL,
  -- Where it is merged; NULL where no forge is known.
  link        TEXT,
  made_by     TEXT NOT NULL,
  made_at     TEXT NOT NULL,
  ended_by    TEXT,
  ended_at    TEXT
) STRICT;

CREATE INDEX proposal_of_integration ON proposal (integration, made_at);

CREATE TRIGGER shared_renamed AFTER UPDATE OF integration ON category
WHEN NEW.integration <> OLD.integration
BEGIN
  UPDATE proposal SET integration = NEW.integration WHERE integration = OLD.integration;
  DELETE FROM clearing WHERE integration = OLD.integration;
END;
