/*
 * doctor_replication.c
 *		Checks of logical replication: what a publication sends once it must
 *		also take back.
 *
 * That a publication sends rows of everybody at all is doctor_access.c's.
 * Where that is meant, erasing must reach the subscribers: by the deletes and
 * updates that it consists of.  And it must work here: PostgreSQL refuses to
 * delete what it could not tell a subscriber.
 */
#include "postgres.h"

#include "doctor.h"

/*
 * What is sent of the tables that erasing deletes from: with the columns that
 * say whose a row is, and those by which a subscriber finds it.
 */
#define SENT \
	"reached AS (SELECT p.relation::oid AS relation, p.on_erase = 'redact' AS redacted," \
	"  array_remove(ARRAY[p.subject_column], NULL) AS needed FROM journey_privacy.protection p" \
	" UNION ALL SELECT l.child, l.on_erase <> 'delete', l.child_columns FROM journey_privacy.link l" \
	"  WHERE l.parent IS NOT NULL AND l.child NOT IN (SELECT relation FROM journey_privacy.protection))," \
	" sent AS (SELECT DISTINCT ON (b.oid, c.oid) b.*, c.oid AS relid, r.redacted, r.needed, t.attnames, t.rowfilter, c.relreplident," \
	"  (SELECT array_agg(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)" \
	"   WHERE i.indrelid = c.oid AND i.indisvalid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary AND i.indimmediate" \
	"    WHEN 'i' THEN i.indisreplident ELSE false END) AS identity" \
	" FROM pg_publication b JOIN pg_publication_tables t ON t.pubname = b.pubname" \
	" JOIN pg_namespace n ON n.nspname = t.schemaname JOIN pg_class c ON c.relname = t.tablename AND c.relnamespace = n.oid" \
	" JOIN reached r ON r.relation = c.oid ORDER BY b.oid, c.oid, r.redacted DESC)"

#define TABLES	"string_agg(s.relid::regclass::text, ', ' ORDER BY s.relid::regclass::text)"

const JpCheck jp_checks_replication[] = {
	JP_ASK(JP_CRITICAL, "publication_erasure", NULL,
		"WITH " SENT
		"SELECT 'publication ' || quote_ident(s.pubname), format('does not send deletes of %s: who is erased here stays with its subscribers', " TABLES "),"
		" format($$ALTER PUBLICATION %I SET (publish = 'insert, update, delete, truncate')$$, s.pubname)"
		" FROM sent s WHERE NOT s.pubdelete GROUP BY s.pubname"
		" UNION ALL SELECT 'publication ' || quote_ident(s.pubname), format('does not send updates of %s: what erasing redacts here stays with its subscribers', " TABLES "),"
		" format($$ALTER PUBLICATION %I SET (publish = 'insert, update, delete, truncate')$$, s.pubname)"
		" FROM sent s WHERE s.redacted AND NOT s.pubupdate GROUP BY s.pubname"
		" ORDER BY 1, 2"),
	JP_ASK(JP_CRITICAL, "publication_identity", NULL,
		"WITH " SENT
		"SELECT s.relid::regclass::text, format('is in publication %I, but rows cannot be told apart by a replica identity%s: erasing from it fails', s.pubname,"
		"  CASE WHEN s.identity IS NOT NULL OR s.relreplident = 'f' THEN ' among the columns that are sent' END),"
		" CASE WHEN s.identity IS NOT NULL THEN format('-- ALTER PUBLICATION %I SET TABLE … with a list that has ', s.pubname) || array_to_string(s.identity, ', ')"
		"  ELSE format('ALTER TABLE %s REPLICA IDENTITY FULL -- or give it a primary key', s.relid::regclass) END"
		" FROM sent s JOIN pg_class c ON c.oid = s.relid WHERE (s.pubdelete OR s.pubupdate)"
		"  AND CASE WHEN s.relreplident = 'f' THEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = s.relid AND a.attnum > 0"
		"    AND NOT a.attisdropped AND a.attgenerated = '' AND NOT a.attname = ANY (s.attnames))"
		"   ELSE s.identity IS NULL OR NOT s.identity <@ s.attnames END ORDER BY 1, 2"),
	JP_ASK(JP_WARNING, "publication_part", NULL,
		"WITH " SENT
		"SELECT 'publication ' || quote_ident(s.pubname), format('has a row filter on %s: should it change, rows that were sent before and no longer pass stay with its subscribers when they are erased here', " TABLES "),"
		" format('-- ALTER PUBLICATION %I SET TABLE … without WHERE', s.pubname)"
		" FROM sent s WHERE s.rowfilter IS NOT NULL GROUP BY s.pubname"
		" UNION ALL SELECT 'publication ' || quote_ident(s.pubname), format('leaves out of %s what tells whose a row is: subscribers can neither hide nor erase it', " TABLES "),"
		" format('-- ALTER PUBLICATION %I SET TABLE … with the columns that name the subject', s.pubname)"
		" FROM sent s WHERE NOT s.needed <@ s.attnames GROUP BY s.pubname"
		" UNION ALL SELECT 'publication ' || quote_ident(b.pubname), format('sends %s, which is this database''s own: a subscriber has a registry, keys and an audit of its own',"
		"  CASE WHEN b.puballtables THEN 'tables of journey_privacy' ELSE string_agg(t.tablename, ', ' ORDER BY t.tablename) END),"
		" CASE WHEN b.puballtables THEN format('-- DROP PUBLICATION %I, and make one that names its tables', b.pubname)"
		"  ELSE format('-- ALTER PUBLICATION %I DROP them', b.pubname) END"
		" FROM pg_publication b JOIN pg_publication_tables t ON t.pubname = b.pubname WHERE t.schemaname = 'journey_privacy' GROUP BY b.oid, b.pubname, b.puballtables"
		" ORDER BY 1, 2"),
	JP_NO_MORE_CHECKS
};
