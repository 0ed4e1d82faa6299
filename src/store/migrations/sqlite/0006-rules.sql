-- Layout 6: what judges, as each apply recorded it, and what the files said of each integration.

-- The rules of one environment whenever they changed: limits, protections, holds, owners, windows, levels. What is applied
-- next is judged by the last row too, so that no change lowers the rules that it is judged by. Only ever grows.
CREATE TABLE rules (
  number       INTEGER NOT NULL PRIMARY KEY,
  -- '' where the project has no environments.
  environment  TEXT    NOT NULL,
  -- 'sha256:…' of the document.
  digest       TEXT    NOT NULL,
  -- Canonical JSON; see plan/policy.
  document     TEXT    NOT NULL,
  recorded_by  TEXT    NOT NULL,
  -- RFC 3339, UTC.
  recorded_at  TEXT    NOT NULL,
  -- The commit that was applied, whether its tree had changes that were not committed, and the digest of its plan.
  commit_id    TEXT,
  commit_dirty INTEGER NOT NULL DEFAULT 0,
  run          TEXT,
  -- It counts for its own commit too: somebody recorded the rules and nothing else.
  at_once      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX rules_of_environment ON rules (environment, number);

CREATE TRIGGER rules_are_not_changed BEFORE UPDATE ON rules
BEGIN
  SELECT RAISE(ABORT, 'recorded rules are append-only');
END;

CREATE TRIGGER rules_are_not_deleted BEFORE DELETE ON rules
BEGIN
  SELECT RAISE(ABORT, 'recorded rules are append-only');
END;

-- INSERT OR REPLACE deletes without firing the trigger above.
CREATE TRIGGER rules_are_not_replaced BEFORE INSERT ON rules
WHEN EXISTS (SELECT 1 FROM rules WHERE number = NEW.number)
BEGIN
  SELECT RAISE(ABORT, 'recorded rules are append-only: this number is taken');
END;

-- Documents by their digest ('sha256:…' of the text), so that none is written twice: linked schemas, lists, what files say.
CREATE TABLE document (
  digest TEXT NOT NULL PRIMARY KEY,
  -- Compressed by zstd.
  packed BLOB NOT NULL
) STRICT;

-- What the files said of each integration when it was last applied, saved or held back.
CREATE TABLE said (
  integration  TEXT    NOT NULL PRIMARY KEY,
  environment  TEXT    NOT NULL,
  pair         TEXT    NOT NULL,
  -- {"flows": [those that are on], "unmanaged": [categories]}
  facts        TEXT    NOT NULL,
  -- Digests in `document`: the linked schema of the pair, and each setting with where it is written.
  schema       TEXT    NOT NULL,
  settings     TEXT    NOT NULL,
  said_at      TEXT    NOT NULL,
  commit_id    TEXT,
  commit_dirty INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The lists of dropdown values and the team's own schema parts, as they were when somebody last applied; digests in
-- `document`.
CREATE TABLE source (
  path   TEXT NOT NULL PRIMARY KEY,
  digest TEXT NOT NULL
) STRICT;
