-- Layout 7: what the reconciler knows from one round to the next; see migrations/sqlite.

CREATE TABLE reconciled (
  environment text COLLATE "C" NOT NULL PRIMARY KEY,
  commit_id   text   NOT NULL,
  number      bigint NOT NULL,
  at          text   NOT NULL,
  document    text   NOT NULL
);

CREATE TABLE behind (
  environment text COLLATE "C" NOT NULL,
  integration text COLLATE "C" NOT NULL,
  category    text COLLATE "C" NOT NULL,
  commit_id   text,
  number      bigint,
  PRIMARY KEY (environment, integration, category)
);

CREATE TABLE matter (
  environment text COLLATE "C" NOT NULL,
  id          text COLLATE "C" NOT NULL,
  opened_at   text NOT NULL,
  updated_at  text NOT NULL,
  closed_at   text,
  document    text NOT NULL,
  told        text NOT NULL,
  PRIMARY KEY (environment, id)
);
