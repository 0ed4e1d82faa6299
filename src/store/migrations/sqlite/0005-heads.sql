-- Layout 5: all that a plan which changes nothing reads of a category, beside the documents: a tenth of the pages that the
-- table itself has.
CREATE INDEX category_heads ON category (integration, category, revision, leaves, digest, settled, secrets);
