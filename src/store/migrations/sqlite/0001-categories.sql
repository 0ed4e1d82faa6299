-- Layout 1 of a SQLite store. Read it with the sqlite3 shell; the only thing to change by hand is `category.settings`:
--
--   UPDATE category SET settings = json_set(settings, '$.map.Klarna', '14')
--   WHERE integration = 'nordic-outdoor' AND category = 'payment_methods';
--
-- The triggers notice such an edit: it is a save of its own, made by 'outside pairform', with the next revision and a
-- line in the history. No secret's value is in here, only references and fingerprints.

-- Facts about the store itself: `identity` (random; a plan is bound to it) and `fingerprint_key` (hex; the key under
-- which secrets are fingerprinted; whoever has it can test guesses of a secret, so keep the file to yourself).
CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- What is deployed: one row for each category of each integration.
CREATE TABLE category (
  integration TEXT    NOT NULL,
  category    TEXT    NOT NULL,
  -- Counts saves from 1; 0 only while an INSERT by hand waits for its trigger.
  revision    INTEGER NOT NULL DEFAULT 0 CONSTRAINT revision_is_not_negative CHECK (revision >= 0),
  -- The category's document: {"map": {"Klarna": "30"}}.
  settings    TEXT    NOT NULL
    CONSTRAINT settings_is_a_json_object CHECK (json_valid(settings) AND json_type(settings) = 'object'),
  -- What the last apply set from the files, null for a reset; the base of the next plan's comparison.
  applied     TEXT    NOT NULL DEFAULT '{}'
    CONSTRAINT applied_is_a_json_object CHECK (json_valid(applied) AND json_type(applied) = 'object'),
  -- 'sha256:…' of the settings in canonical form; '' after an edit by hand, when it has to be computed again.
  digest      TEXT    NOT NULL DEFAULT '',
  saved_by    TEXT    NOT NULL DEFAULT 'outside pairform',
  -- RFC 3339, UTC.
  saved_at    TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
  -- The commit that was applied, and the digest of its plan; NULL when pairform did not save.
  commit_id   TEXT,
  run         TEXT,
  PRIMARY KEY (integration, category)
) STRICT;

-- What each save left. Only ever grows, so that a revision means one thing for good, even after a row of `category`
-- was deleted.
CREATE TABLE history (
  integration TEXT    NOT NULL,
  category    TEXT    NOT NULL,
  revision    INTEGER NOT NULL,
  settings    TEXT    NOT NULL,
  digest      TEXT    NOT NULL,
  saved_by    TEXT    NOT NULL,
  saved_at    TEXT    NOT NULL,
  commit_id   TEXT,
  run         TEXT,
  PRIMARY KEY (integration, category, revision)
) STRICT;

-- Plans that were applied, by digest: a plan works once. `finished_at` is NULL while some category was not saved yet.
CREATE TABLE run (
  digest      TEXT NOT NULL PRIMARY KEY,
  begun_at    TEXT NOT NULL,
  begun_by    TEXT NOT NULL,
  finished_at TEXT
) STRICT;

CREATE TRIGGER history_is_not_changed BEFORE UPDATE ON history
BEGIN
  SELECT RAISE(ABORT, 'the history is append-only');
END;

CREATE TRIGGER history_is_not_deleted BEFORE DELETE ON history
BEGIN
  SELECT RAISE(ABORT, 'the history is append-only');
END;

-- INSERT OR REPLACE deletes without firing the trigger above.
CREATE TRIGGER history_is_not_replaced BEFORE INSERT ON history
WHEN EXISTS (SELECT 1 FROM history
             WHERE integration = NEW.integration AND category = NEW.category AND revision = NEW.revision)
BEGIN
  SELECT RAISE(ABORT, 'the history is append-only: it has this revision already');
END;

-- Every new revision goes into the history, whoever made it.
CREATE TRIGGER category_inserted AFTER INSERT ON category
WHEN NEW.revision > 0
BEGIN
  INSERT INTO history (integration, category, revision, settings, digest, saved_by, saved_at, commit_id, run)
  VALUES (NEW.integration, NEW.category, NEW.revision, NEW.settings, NEW.digest,
          NEW.saved_by, NEW.saved_at, NEW.commit_id, NEW.run);
END;

CREATE TRIGGER category_saved AFTER UPDATE ON category
WHEN NEW.revision <> OLD.revision AND (NEW.settings = OLD.settings OR NEW.digest <> OLD.digest)
BEGIN
  INSERT INTO history (integration, category, revision, settings, digest, saved_by, saved_at, commit_id, run)
  VALUES (NEW.integration, NEW.category, NEW.revision, NEW.settings, NEW.digest,
          NEW.saved_by, NEW.saved_at, NEW.commit_id, NEW.run);
END;

-- An edit by hand leaves the revision or the digest as it was; pairform never does. The update in here fires
-- `category_saved`, which keeps the history.
CREATE TRIGGER category_edited_outside AFTER UPDATE OF settings ON category
WHEN NEW.settings <> OLD.settings AND (NEW.revision = OLD.revision OR NEW.digest = OLD.digest)
BEGIN
  UPDATE category
  SET revision = 1 + max(NEW.revision, coalesce(
        (SELECT max(revision) FROM history WHERE integration = NEW.integration AND category = NEW.category), 0)),
      digest = '', saved_by = 'outside pairform', saved_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),
      commit_id = NULL, run = NULL
  WHERE integration = NEW.integration AND category = NEW.category;
END;

CREATE TRIGGER category_inserted_outside AFTER INSERT ON category
WHEN NEW.revision = 0
BEGIN
  UPDATE category
  SET revision = 1 + coalesce(
        (SELECT max(revision) FROM history WHERE integration = NEW.integration AND category = NEW.category), 0),
      digest = '', saved_by = 'outside pairform', saved_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'),
      commit_id = NULL, run = NULL
  WHERE integration = NEW.integration AND category = NEW.category;
END;

-- pairform deletes no category. A row deleted by hand is noted as a save of nothing, so that it can be seen when that
-- happened; the next save goes on from there.
CREATE TRIGGER category_deleted_outside AFTER DELETE ON category
BEGIN
  INSERT INTO history (integration, category, revision, settings, digest, saved_by, saved_at, commit_id, run)
  SELECT OLD.integration, OLD.category, 1 + max(OLD.revision, coalesce(max(revision), 0)), '{}', '',
         'outside pairform', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), NULL, NULL
  FROM history WHERE integration = OLD.integration AND category = OLD.category;
END;
