-- Layout 4: marks by which a plan sees that a category is as the files say, without reading its documents; see
-- migrations/sqlite.

ALTER TABLE category ADD COLUMN settled text NOT NULL DEFAULT '';
ALTER TABLE category ADD COLUMN secrets text NOT NULL DEFAULT '';
ALTER TABLE category ADD COLUMN leaves bigint NOT NULL DEFAULT 0;
