-- Layout 5: what judges, as each apply recorded it, and what the files said of each integration; see migrations/sqlite.

CREATE TABLE rules (
  number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  environment  text    COLLATE "C" NOT NULL,
  digest       text    NOT NULL,
  document     text    NOT NULL,
  recorded_by  text    NOT NULL,
  recorded_at  text    NOT NULL,
  commit_id    text,
  commit_dirty boolean NOT NULL DEFAULT false,
  run          text,
  at_once      boolean NOT NULL DEFAULT false
);

CREATE INDEX rules_of_environment ON rules (environment, number);

CREATE TRIGGER rules_are_not_changed BEFORE UPDATE OR DELETE ON rules
  FOR EACH ROW EXECUTE FUNCTION refuse_change('the table of recorded rules');
CREATE TRIGGER rules_are_not_emptied BEFORE TRUNCATE ON rules
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the table of recorded rules');

CREATE TABLE document (
  digest text  COLLATE "C" NOT NULL PRIMARY KEY,
  packed bytea NOT NULL
);

CREATE TABLE said (
  integration  text    COLLATE "C" NOT NULL PRIMARY KEY,
  environment  text    NOT NULL,
  pair         text    NOT NULL,
  facts        text    NOT NULL,
  schema       text    NOT NULL,
  settings     text    NOT NULL,
  said_at      text    NOT NULL,
  commit_id    text,
  commit_dirty boolean NOT NULL DEFAULT false
);

CREATE TABLE source (
  path   text COLLATE "C" NOT NULL PRIMARY KEY,
  digest text NOT NULL
);
