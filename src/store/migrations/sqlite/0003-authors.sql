-- Layout 3: who wrote the commit that a run was made from, and whether the tree had changes that were not committed.

ALTER TABLE run ADD COLUMN commit_author TEXT;
ALTER TABLE run ADD COLUMN commit_dirty INTEGER NOT NULL DEFAULT 0;
