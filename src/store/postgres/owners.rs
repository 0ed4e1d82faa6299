//! Whose the schema of a store is: before anything is read or written through it, all in it has to belong to whoever asks, to
//! the owner of the database or to a superuser, who can do as they like anyway. What others made there would run, or answer,
//! in our name. Event triggers lie in no schema; only a superuser makes them.

use super::client::{Client, Fault, Result};

/// Our tables, sorted.
pub(super) const TABLES: [&str; 21] = [
    "behind",
    "category",
    "clearing",
    "document",
    "history",
    "integration",
    "lock",
    "matter",
    "meta",
    "migration",
    "note",
    "option_list",
    "proposal",
    "reconciled",
    "rules",
    "run",
    "said",
    "session",
    "source",
    "sync",
    "token",
];

/// Names of its own first: it runs before the schema is on the search path, so nothing in there can stand for them.
const FOREIGN: &str = "
    WITH trusted AS (
        SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper OR rolname IN (current_user, 'pg_database_owner')
        UNION SELECT datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
    place AS (SELECT oid, nspname, nspowner FROM pg_catalog.pg_namespace WHERE nspname = $1),
    found AS (
        SELECT 1 AS rank, 'the schema' AS kind, nspname AS name, nspowner AS owner FROM place
        UNION ALL
        SELECT 2, CASE relkind WHEN 'v' THEN 'the view' WHEN 'm' THEN 'the view' WHEN 'S' THEN 'the sequence' ELSE 'the table' END,
               relname, relowner
        FROM pg_catalog.pg_class JOIN place ON relnamespace = place.oid WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL
        SELECT 3, 'the function', proname, proowner FROM pg_catalog.pg_proc JOIN place ON pronamespace = place.oid
        UNION ALL
        SELECT 4, 'the function of the trigger', tgname, proowner
        FROM pg_catalog.pg_trigger JOIN pg_catalog.pg_class ON pg_class.oid = tgrelid
             JOIN place ON relnamespace = place.oid JOIN pg_catalog.pg_proc ON pg_proc.oid = tgfoid
        UNION ALL
        SELECT 5, 'the type', typname, typowner FROM pg_catalog.pg_type JOIN place ON typnamespace = place.oid
        WHERE typrelid = 0 AND typelem = 0
        UNION ALL
        SELECT 6, 'the operator', oprname, oprowner FROM pg_catalog.pg_operator JOIN place ON oprnamespace = place.oid
        UNION ALL
        SELECT 7, 'the collation', collname, collowner FROM pg_catalog.pg_collation JOIN place ON collnamespace = place.oid)
    SELECT kind, name::text, pg_catalog.pg_get_userbyid(owner)::text, false FROM found
    WHERE owner NOT IN (SELECT oid FROM trusted)
    UNION ALL
    SELECT CASE relkind WHEN 'r' THEN 'a rule' WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a view' WHEN 'f' THEN 'a foreign table'
                        ELSE 'another thing' END,
           relname::text, pg_catalog.pg_get_userbyid(relowner)::text, true
    FROM pg_catalog.pg_class JOIN place ON relnamespace = place.oid
    WHERE relname::text = ANY ($2)
      AND (relkind <> 'r' OR EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE ev_class = pg_class.oid))
    LIMIT 1";

/// Proves that nothing in a schema is another's. Where there is none yet, there is nothing to prove.
pub(super) fn prove(client: &mut Client, schema: &str) -> Result<()> {
    let found = client.query(FOREIGN, &[&schema, &TABLES.as_slice()])?;
    let Some(row) = found.first() else { return Ok(()) };
    let (kind, name, owner): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
    Err(Fault::Foreign(if row.get(3) {
        format!(
            "{kind} of `{owner}` stands in place of its table `{name}`, so nothing was read or written; drop it"
        )
    } else {
        format!(
            "{kind} `{name}` belongs to `{owner}`, who is neither the user nor the owner of the database, so nothing was \
             read or written; if it is meant to, connect as `{owner}` or give it to the owner of the database, else name \
             another schema with `?schema=NAME`"
        )
    }))
}
