-- Layout 11: how many commits had been accepted when the reconciler saw a category as the files said; see migrations/sqlite.

ALTER TABLE reconciled ADD COLUMN accepts bigint NOT NULL DEFAULT 0;
ALTER TABLE behind ADD COLUMN accepts bigint NOT NULL DEFAULT 0;
