-- Layout 7: who signed in to the pages of a server; see migrations/sqlite.

CREATE TABLE session (
  hash       text COLLATE "C" NOT NULL PRIMARY KEY,
  by_name    text NOT NULL,
  token      text,
  made_at    text NOT NULL,
  expires_at text NOT NULL
);
