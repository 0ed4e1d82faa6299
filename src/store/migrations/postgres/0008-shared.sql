-- Layout 8: what the servers over one store share beside settings; see migrations/sqlite.

CREATE TABLE option_list (
  connector  text COLLATE "C" NOT NULL,
  account    text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  document   text NOT NULL,
  fetched_at text NOT NULL,
  fetched_by text NOT NULL,
  number     bigint NOT NULL,
  PRIMARY KEY (connector, account, name)
);

CREATE TABLE clearing (
  integration text COLLATE "C" NOT NULL PRIMARY KEY,
  run         text NOT NULL,
  asked_by    text NOT NULL,
  asked_at    text NOT NULL,
  until       text NOT NULL,
  ended_at    text,
  document    text NOT NULL
);

CREATE TABLE proposal (
  id          text COLLATE "C" NOT NULL PRIMARY KEY,
  integration text COLLATE "C" NOT NULL,
  branch      text NOT NULL,
  commit_id   text NOT NULL,
  base        text NOT NULL,
  document    text NOT NULL,
  state       text NOT NULL,
  link        text,
  made_by     text NOT NULL,
  made_at     text COLLATE "C" NOT NULL,
  ended_by    text,
  ended_at    text
);

CREATE INDEX proposal_of_integration ON proposal (integration, made_at);

-- As its owner: whoever may save a category needs no rights to these tables.
CREATE FUNCTION note_shared() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF NEW.integration <> OLD.integration THEN
    UPDATE proposal SET integration = NEW.integration WHERE integration = OLD.integration;
    DELETE FROM clearing WHERE integration = OLD.integration;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER shared_renamed AFTER UPDATE OF integration ON category
  FOR EACH ROW EXECUTE FUNCTION note_shared();
