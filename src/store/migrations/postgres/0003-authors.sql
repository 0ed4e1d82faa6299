-- Layout 3: who wrote the commit that a run was made from, and whether the tree had changes; see migrations/sqlite.

ALTER TABLE run ADD COLUMN commit_author text;
ALTER TABLE run ADD COLUMN commit_dirty boolean NOT NULL DEFAULT false;
