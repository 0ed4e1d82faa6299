-- Layout 6: what a server of the Configure section knows beside settings; see migrations/sqlite.

CREATE TABLE integration (
  id      text COLLATE "C" NOT NULL PRIMARY KEY,
  pair    text,
  made_at text NOT NULL,
  made_by text NOT NULL
);

INSERT INTO integration (id, made_at, made_by)
SELECT DISTINCT ON (integration) integration, saved_at, saved_by FROM category ORDER BY integration, saved_at;
INSERT INTO integration (id, pair, made_at, made_by)
SELECT integration, pair, said_at, '' FROM said ON CONFLICT (id) DO UPDATE SET pair = excluded.pair;

-- As its owner: whoever may save a category needs no rights to this table.
CREATE FUNCTION note_integration() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO integration (id, made_at, made_by) VALUES (NEW.integration, NEW.saved_at, NEW.saved_by)
    ON CONFLICT (id) DO UPDATE SET made_by = excluded.made_by WHERE integration.made_by = '';
  ELSIF NEW.integration <> OLD.integration THEN
    INSERT INTO integration (id, pair, made_at, made_by)
    SELECT NEW.integration, pair, made_at, made_by FROM integration WHERE id = OLD.integration
    ON CONFLICT (id) DO UPDATE SET pair = coalesce(excluded.pair, integration.pair);
    DELETE FROM integration WHERE id = OLD.integration;
    UPDATE sync SET integration = NEW.integration WHERE integration = OLD.integration;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER integration_of_category AFTER INSERT OR UPDATE OF integration ON category
  FOR EACH ROW EXECUTE FUNCTION note_integration();

CREATE FUNCTION note_pair() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO integration (id, pair, made_at, made_by) VALUES (NEW.integration, NEW.pair, NEW.said_at, '')
  ON CONFLICT (id) DO UPDATE SET pair = excluded.pair WHERE integration.pair IS DISTINCT FROM excluded.pair;
  RETURN NULL;
END $$;

CREATE TRIGGER integration_of_said AFTER INSERT OR UPDATE ON said
  FOR EACH ROW EXECUTE FUNCTION note_pair();

CREATE TABLE token (
  name         text COLLATE "C" NOT NULL PRIMARY KEY,
  hash         text NOT NULL UNIQUE,
  role         text NOT NULL,
  rights       text NOT NULL,
  categories   text NOT NULL,
  integrations text NOT NULL,
  expires_at   text,
  made_at      text NOT NULL,
  made_by      text NOT NULL,
  revoked_at   text,
  revoked_by   text
);

CREATE TABLE sync (
  number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  integration text COLLATE "C" NOT NULL,
  flow        text COLLATE "C" NOT NULL,
  etag        text NOT NULL,
  outcome     text NOT NULL,
  message     text NOT NULL,
  ended_at    text NOT NULL,
  reported_at text NOT NULL,
  reported_by text NOT NULL
);

CREATE INDEX sync_of_flow ON sync (integration, flow, number);

INSERT INTO meta (key, value) VALUES ('epoch', '1') ON CONFLICT (key) DO NOTHING;

CREATE INDEX history_of_run ON history (run text_pattern_ops) WHERE run IS NOT NULL;
