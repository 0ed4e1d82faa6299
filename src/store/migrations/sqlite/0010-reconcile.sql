-- Layout 8: what the reconciler knows from one round to the next. Whoever writes here holds its lease, a row of `lock` whose
-- `integration` is 'reconcile:' and the environment.

-- One row for each environment that is reconciled.
CREATE TABLE reconciled (
  -- '' where the project has no environments.
  environment TEXT    NOT NULL PRIMARY KEY,
  -- What is not in `behind` was seen to be as this commit says.
  commit_id   TEXT    NOT NULL,
  -- The last row of `history` that there was then.
  number      INTEGER NOT NULL,
  -- RFC 3339, UTC.
  at          TEXT    NOT NULL,
  -- JSON: how the last round went.
  document    TEXT    NOT NULL
) STRICT;

-- Categories of which what the files say was not taken yet, and the last commit that they were as the files said at.
CREATE TABLE behind (
  environment TEXT NOT NULL,
  integration TEXT NOT NULL,
  category    TEXT NOT NULL,
  -- NULL: they never were.
  commit_id   TEXT,
  number      INTEGER,
  PRIMARY KEY (environment, integration, category)
) STRICT;

-- What somebody is to know. A row lasts as long as the matter does, and until its end was told.
CREATE TABLE matter (
  environment TEXT NOT NULL,
  id          TEXT NOT NULL,
  -- RFC 3339, UTC.
  opened_at   TEXT NOT NULL,
  updated_at  TEXT NOT NULL,
  closed_at   TEXT,
  -- JSON: what there is to say, and who was told what of it.
  document    TEXT NOT NULL,
  told        TEXT NOT NULL,
  PRIMARY KEY (environment, id)
) STRICT;
