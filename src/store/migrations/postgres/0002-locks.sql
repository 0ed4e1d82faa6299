-- Layout 2: locks, and what is worth keeping besides saves; see migrations/sqlite.

CREATE TABLE lock (
  integration text   COLLATE "C" NOT NULL PRIMARY KEY,
  id          text,
  token       bigint NOT NULL,
  owner       text   NOT NULL,
  holder      text   NOT NULL,
  reason      text   NOT NULL,
  taken_at    text   NOT NULL,
  expires_at  text   COLLATE "C" NOT NULL
);

CREATE TABLE note (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at     text NOT NULL,
  by     text NOT NULL,
  kind   text NOT NULL,
  text   text NOT NULL,
  run    text
);

CREATE TRIGGER note_is_not_changed BEFORE UPDATE OR DELETE ON note
  FOR EACH ROW EXECUTE FUNCTION refuse_change('the table of notes');
CREATE TRIGGER note_is_not_emptied BEFORE TRUNCATE ON note
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the table of notes');
