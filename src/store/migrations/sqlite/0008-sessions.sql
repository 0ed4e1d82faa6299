-- Layout 8: who signed in to the pages of a server.

-- The cookie itself is nowhere; `hash` is 'sha256:…' of it.
CREATE TABLE session (
  hash       TEXT NOT NULL PRIMARY KEY,
  -- Who signed in, as the history names him.
  by_name    TEXT NOT NULL,
  -- The hash of the token that he signed in with; NULL: with a link that the server printed where it runs.
  token      TEXT,
  -- RFC 3339, UTC.
  made_at    TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT;
