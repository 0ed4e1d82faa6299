-- Layout 4: marks by which a plan sees that a category is as the files say, without reading its documents; see
-- store/head.rs. An edit by hand need not touch them: it empties `digest`, of which `settled` is made.

-- Digest of `digest` and `applied` (references for secrets), where all that was applied is deployed; else empty.
ALTER TABLE category ADD COLUMN settled TEXT NOT NULL DEFAULT '';
-- Digest of the fingerprints of the secrets that were applied; empty where there are none.
ALTER TABLE category ADD COLUMN secrets TEXT NOT NULL DEFAULT '';
-- How many settings the save left.
ALTER TABLE category ADD COLUMN leaves INTEGER NOT NULL DEFAULT 0;
