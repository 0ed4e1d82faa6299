-- Layout 7: what a server of the Configure section knows beside settings: integrations as such, who may ask it, and what
-- the sync runtime reports.

-- One row for each integration that there is or was; a category that is saved of a new one adds it.
CREATE TABLE integration (
  id      TEXT NOT NULL PRIMARY KEY,
  -- NULL while nobody said it: something was saved by a program that recorded no pairs, or by hand.
  pair    TEXT,
  -- RFC 3339, UTC.
  made_at TEXT NOT NULL,
  made_by TEXT NOT NULL
) STRICT;

INSERT INTO integration (id, pair, made_at, made_by)
SELECT integration, NULL, min(saved_at), saved_by FROM category GROUP BY integration;
INSERT INTO integration (id, pair, made_at, made_by)
SELECT integration, pair, said_at, '' FROM said WHERE true ON CONFLICT (id) DO UPDATE SET pair = excluded.pair;

CREATE TRIGGER integration_of_category AFTER INSERT ON category
BEGIN
  INSERT INTO integration (id, made_at, made_by) VALUES (NEW.integration, NEW.saved_at, NEW.saved_by)
  ON CONFLICT (id) DO UPDATE SET made_by = excluded.made_by WHERE made_by = '';
END;

-- A rename moves all categories of an integration.
CREATE TRIGGER integration_renamed AFTER UPDATE OF integration ON category
WHEN NEW.integration <> OLD.integration
BEGIN
  INSERT INTO integration (id, pair, made_at, made_by)
  SELECT NEW.integration, pair, made_at, made_by FROM integration WHERE id = OLD.integration
  ON CONFLICT (id) DO UPDATE SET pair = coalesce(excluded.pair, integration.pair);
  DELETE FROM integration WHERE id = OLD.integration;
  UPDATE sync SET integration = NEW.integration WHERE integration = OLD.integration;
END;

CREATE TRIGGER integration_of_said AFTER INSERT ON said
BEGIN
  INSERT INTO integration (id, pair, made_at, made_by) VALUES (NEW.integration, NEW.pair, NEW.said_at, '')
  ON CONFLICT (id) DO UPDATE SET pair = excluded.pair;
END;

-- Who may ask a server, and for what. A token itself is nowhere; `hash` is 'sha256:…' of it.
CREATE TABLE token (
  name         TEXT NOT NULL PRIMARY KEY,
  hash         TEXT NOT NULL UNIQUE,
  role         TEXT NOT NULL,
  -- JSON arrays of texts; the last two are patterns, and empty for all.
  rights       TEXT NOT NULL,
  categories   TEXT NOT NULL,
  integrations TEXT NOT NULL,
  -- RFC 3339, UTC; NULL: it has no end.
  expires_at   TEXT,
  made_at      TEXT NOT NULL,
  made_by      TEXT NOT NULL,
  revoked_at   TEXT,
  revoked_by   TEXT
) STRICT;

-- What the sync runtime reports. Only ever grows.
CREATE TABLE sync (
  number      INTEGER NOT NULL PRIMARY KEY,
  integration TEXT NOT NULL,
  flow        TEXT NOT NULL,
  -- The ETag of the configuration that was used.
  etag        TEXT NOT NULL,
  -- 'ok' or 'failed'
  outcome     TEXT NOT NULL,
  message     TEXT NOT NULL,
  -- RFC 3339, UTC.
  ended_at    TEXT NOT NULL,
  reported_at TEXT NOT NULL,
  reported_by TEXT NOT NULL
) STRICT;

CREATE INDEX sync_of_flow ON sync (integration, flow, number);

-- Counts how often something was copied into this store, which is then no longer what cursors were given for.
INSERT OR IGNORE INTO meta (key, value) VALUES ('epoch', '1');

-- A save is found by its run: whoever asks for it twice is told what became of it.
CREATE INDEX history_of_run ON history (run) WHERE run IS NOT NULL;
