-- Layout 1 of a PostgreSQL store, in a schema of its own. The same tables as a SQLite store has; what each column means
-- is written there (migrations/sqlite). The only thing to change by hand is `category.settings`:
--
--   SET search_path = pairform;
--   UPDATE category SET settings = jsonb_set(settings::jsonb, '{map,Klarna}', '"14"')::text
--   WHERE integration = 'nordic-outdoor' AND category = 'payment_methods';
--
-- The triggers notice such an edit. Documents are text, not jsonb: what was saved is read back byte for byte, and its
-- digest stays true. Texts sort by their bytes (COLLATE "C"), as they do everywhere in pairform.

CREATE TABLE meta (
  key   text NOT NULL PRIMARY KEY,
  value text NOT NULL
);

CREATE FUNCTION instant() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT to_char(clock_timestamp() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

CREATE TABLE category (
  integration text   COLLATE "C" NOT NULL,
  category    text   COLLATE "C" NOT NULL,
  revision    bigint NOT NULL DEFAULT 0 CONSTRAINT revision_is_not_negative CHECK (revision >= 0),
  settings    text   NOT NULL
    CONSTRAINT settings_is_a_json_object CHECK (json_typeof(settings::json) = 'object'),
  applied     text   NOT NULL DEFAULT '{}'
    CONSTRAINT applied_is_a_json_object CHECK (json_typeof(applied::json) = 'object'),
  digest      text   NOT NULL DEFAULT '',
  saved_by    text   NOT NULL DEFAULT 'outside pairform',
  saved_at    text   NOT NULL DEFAULT instant(),
  commit_id   text,
  run         text,
  PRIMARY KEY (integration, category)
);

CREATE TABLE history (
  -- In the order in which the saves were committed; see `note_in_history`. May have gaps.
  number      bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  integration text   COLLATE "C" NOT NULL,
  category    text   COLLATE "C" NOT NULL,
  revision    bigint NOT NULL,
  settings    text   NOT NULL,
  digest      text   NOT NULL,
  saved_by    text   NOT NULL,
  saved_at    text   NOT NULL,
  commit_id   text,
  run         text,
  PRIMARY KEY (integration, category, revision)
);

CREATE TABLE run (
  digest      text NOT NULL PRIMARY KEY,
  begun_at    text NOT NULL,
  begun_by    text NOT NULL,
  finished_at text
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_ARGV[0];
END $$;

CREATE TRIGGER history_is_not_changed BEFORE UPDATE OR DELETE ON history
  FOR EACH ROW EXECUTE FUNCTION refuse_change('the history');
CREATE TRIGGER history_is_not_emptied BEFORE TRUNCATE ON history
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the history');
-- It would fire no trigger for the rows that it takes away.
CREATE TRIGGER category_is_not_emptied BEFORE TRUNCATE ON category
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the history, which TRUNCATE would go past,');

-- An edit by hand leaves the revision or the digest as it was, an insert by hand leaves the revision at 0; pairform never
-- does.
CREATE FUNCTION notice_edit() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.revision > 0 THEN RETURN NEW; END IF;
  ELSIF NEW.settings = OLD.settings OR (NEW.revision <> OLD.revision AND NEW.digest <> OLD.digest) THEN
    RETURN NEW;
  END IF;
  NEW.revision := 1 + greatest(NEW.revision, coalesce(
    (SELECT max(revision) FROM history WHERE integration = NEW.integration AND category = NEW.category), 0));
  NEW.digest := '';
  NEW.saved_by := 'outside pairform';
  NEW.saved_at := instant();
  NEW.commit_id := NULL;
  NEW.run := NULL;
  RETURN NEW;
END $$;

CREATE TRIGGER category_edited_outside BEFORE INSERT OR UPDATE ON category
  FOR EACH ROW EXECUTE FUNCTION notice_edit();

-- Every new revision goes into the history, whoever made it; so does a deletion by hand, as a save of nothing. The lock
-- lasts until the transaction ends, so that no later save is committed before an earlier one.
CREATE FUNCTION note_in_history() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.revision = OLD.revision THEN RETURN NULL; END IF;
  END IF;
  PERFORM pg_advisory_xact_lock('history'::regclass::oid::bigint);
  IF TG_OP = 'DELETE' THEN
    INSERT INTO history (integration, category, revision, settings, digest, saved_by, saved_at)
    SELECT OLD.integration, OLD.category, 1 + greatest(OLD.revision, coalesce(max(revision), 0)), '{}', '',
           'outside pairform', instant()
    FROM history WHERE integration = OLD.integration AND category = OLD.category;
  ELSE
    INSERT INTO history (integration, category, revision, settings, digest, saved_by, saved_at, commit_id, run)
    VALUES (NEW.integration, NEW.category, NEW.revision, NEW.settings, NEW.digest,
            NEW.saved_by, NEW.saved_at, NEW.commit_id, NEW.run);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER category_saved AFTER INSERT OR UPDATE OR DELETE ON category
  FOR EACH ROW EXECUTE FUNCTION note_in_history();
