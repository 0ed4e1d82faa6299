-- Layout 12: how many commits had been accepted (notes of the kind 'accept') when the reconciler saw a category as the files said, so that what
-- was accepted before that is never taken for an answer to what came after it.

ALTER TABLE reconciled ADD COLUMN accepts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE behind ADD COLUMN accepts INTEGER NOT NULL DEFAULT 0;
