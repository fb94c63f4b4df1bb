/*
 * erasure_edge.c
 *		How rows of one table belong to rows of another: by foreign keys, and by
 *		what link_table() has declared, which has the last word.
 *
 * A foreign key says itself what becomes of the row that refers: NO ACTION,
 * RESTRICT and CASCADE rows belong to the subject too; SET NULL and SET
 * DEFAULT rows stay and lose the reference.  Columns of declared links are
 * compared by the equality of their types or, where there is none, as text;
 * they are of base types, whose casts nobody but superusers can make.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/value.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "catalog.h"
#include "erasure.h"

static JpEdge *read_edge(HeapTuple row, TupleDesc desc);

/* The edges from a table to those that belong to it. */
List *
jp_edges_from(Oid relid)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(relid)};
	List	   *edges = NIL;
	uint64		i;

	jp_execute(&plan,
			   "WITH RECURSIVE up(relid, partition) AS ("
			   "  SELECT $1, true"
			   "  UNION SELECT i.inhparent, u.partition AND c.relispartition"
			   "   FROM up u JOIN pg_inherits i ON i.inhrelid = u.relid"
			   "   JOIN pg_class c ON c.oid = u.relid),"
			   " declared AS (SELECT d.*, EXISTS (SELECT FROM pg_constraint c"
			   "   WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = d.child AND c.confrelid = d.parent"
			   "    AND ARRAY(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY u(n, o)"
			   "     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.n ORDER BY u.o) = d.child_columns) AS enforced"
			   "  FROM journey_privacy.declared_link d JOIN up ON up.relid = d.parent),"
			   " keyed AS (SELECT c.oid, c.conrelid AS child, c.confrelid AS parent, c.confdeltype, x.*"
			   "  FROM pg_constraint c JOIN up ON up.relid = c.confrelid AND up.partition,"
			   "  LATERAL (SELECT array_agg(ca.attname ORDER BY u.o) AS columns,"
			   "    string_agg(format('p.%I', ra.attname), ', ' ORDER BY u.o) AS keys,"
			   "    string_agg(format('k.k%s OPERATOR(%I.%s) c.%I', u.o, opn.nspname, meet.op, ca.attname), ' AND ') AS joined,"
			   "    string_agg(format('p.%I OPERATOR(%I.%s) c.%I', ra.attname, opn.nspname, meet.op, ca.attname), ' AND ') AS meets"
			   "   FROM unnest(c.conkey, c.confkey, c.conpfeqop) WITH ORDINALITY u(ck, pk, eq, o)"
			   "   JOIN pg_attribute ca ON ca.attrelid = c.conrelid AND ca.attnum = u.ck"
			   "   JOIN pg_attribute ra ON ra.attrelid = c.confrelid AND ra.attnum = u.pk"
			   "   JOIN pg_operator op ON op.oid = u.eq"
			   "   JOIN pg_namespace opn ON opn.oid = op.oprnamespace,"
			   /* a period (since 18) lies within those of several rows together */
			   "   LATERAL (SELECT CASE op.oprname WHEN '<@' THEN '&&' ELSE op.oprname END AS op) meet) x"
			   "  WHERE c.contype = 'f' AND c.conparentid = 0),"
			   " linked AS (SELECT d.*, x.*"
			   "  FROM declared d, LATERAL (SELECT"
			   "    string_agg(format('p.%I%s', u.pc, t.cast), ', ' ORDER BY u.o) AS keys,"
			   "    string_agg(format('k.k%s %s c.%I%s', u.o, t.op, u.cc, t.cast), ' AND ') AS joined,"
			   "    string_agg(format('p.%I%s %s c.%I%s', u.pc, t.cast, t.op, u.cc, t.cast), ' AND ') AS meets,"
			   "    count(*) FILTER (WHERE plain.yes) = cardinality(d.child_columns) AS whole"
			   "   FROM unnest(d.child_columns, d.parent_columns) WITH ORDINALITY u(cc, pc, o)"
			   "   JOIN pg_attribute ca ON ca.attrelid = d.child AND ca.attname = u.cc AND NOT ca.attisdropped"
			   "   JOIN pg_attribute pa ON pa.attrelid = $1 AND pa.attname = u.pc AND NOT pa.attisdropped"
			   "   LEFT JOIN LATERAL (SELECT bool_and(b.typtype = 'b' AND b.typcategory <> 'A') AS yes"
			   "     FROM pg_type t JOIN pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END"
			   "     WHERE t.oid IN (ca.atttypid, pa.atttypid)) plain ON true"
			   "   LEFT JOIN LATERAL (SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname) AS op"
			   "     FROM pg_opclass oc JOIN pg_amop am ON am.amopfamily = oc.opcfamily AND am.amopstrategy = 3"
			   "     JOIN pg_operator o ON o.oid = am.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace"
			   "     WHERE oc.opcdefault AND oc.opcmethod = 403 AND oc.opcintype = pa.atttypid"
			   "      AND am.amoplefttype = pa.atttypid AND am.amoprighttype = ca.atttypid LIMIT 1) eq ON true,"
			   "   LATERAL (SELECT coalesce(eq.op, 'OPERATOR(pg_catalog.=)') AS op,"
			   "     CASE WHEN eq.op IS NULL THEN '::text' ELSE '' END AS cast) t) x)"
			   " SELECT e.child::oid, r.relowner, e.parent::oid,"
			   "  CASE WHEN e.declared OR r.relkind = 'p' THEN '' ELSE 'ONLY ' END || format('%I.%I c', n.nspname, r.relname),"
			   "  CASE WHEN e.declared OR s.relkind = 'p' THEN '' ELSE 'ONLY ' END || format('%I.%I p', m.nspname, s.relname),"
			   "  e.keys, e.joined, e.meets, e.on_erase, e.redact, e.exported, e.columns, e.name, e.whole"
			   " FROM (SELECT oid AS n, false AS declared, child, parent, keys, joined, meets, columns,"
			   "   CASE WHEN confdeltype IN ('n', 'd') THEN 'clear' ELSE 'delete' END AS on_erase,"
			   "   NULL::jsonb AS redact, true AS exported, oid::text AS name, true AS whole"
			   "  FROM keyed k WHERE NOT EXISTS (SELECT FROM declared d WHERE d.child = k.child"
			   "   AND d.parent = k.parent AND d.child_columns = k.columns)"
			   "  UNION ALL SELECT 0, true, child, parent, keys, joined, meets, child_columns, on_erase, redact,"
			   "   on_export = 'include', concat_ws(' ', child::oid, child_columns, parent::oid, parent_columns), whole FROM linked) e"
			   " JOIN pg_class r ON r.oid = e.child JOIN pg_namespace n ON n.oid = r.relnamespace"
			   " JOIN pg_class s ON s.oid = e.parent JOIN pg_namespace m ON m.oid = s.relnamespace"
			   " ORDER BY e.n, e.child, e.columns",
			   1, types, values, NULL, SPI_OK_SELECT);
	for (i = 0; i < SPI_processed; i++)
		edges = lappend(edges, read_edge(SPI_tuptable->vals[i],
										 SPI_tuptable->tupdesc));
	SPI_freetuptable(SPI_tuptable);
	return edges;
}

/* Takes one edge from what SPI has found. */
static JpEdge *
read_edge(HeapTuple row, TupleDesc desc)
{
	JpEdge	   *edge = palloc0(sizeof(JpEdge));
	char	   *on_erase = SPI_getvalue(row, desc, 9);
	Datum		redact;
	bool		isnull;

	if (strcmp(SPI_getvalue(row, desc, 14), "t") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a column of a declared link of table %s is gone, renamed, or of a type that links cannot compare",
						SPI_getvalue(row, desc, 4)),
				 errhint("Take the link back with journey_privacy.unlink_table(), or declare it anew.")));
	edge->child = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
	edge->owner = DatumGetObjectId(SPI_getbinval(row, desc, 2, &isnull));
	edge->parent = DatumGetObjectId(SPI_getbinval(row, desc, 3, &isnull));
	edge->from = SPI_getvalue(row, desc, 4);
	edge->parent_from = SPI_getvalue(row, desc, 5);
	edge->keys = SPI_getvalue(row, desc, 6);
	edge->join = SPI_getvalue(row, desc, 7);
	edge->meets = SPI_getvalue(row, desc, 8);
	edge->way.fate = on_erase[0] == 'd' ? JP_ROW_DELETE :
		on_erase[0] == 'c' ? JP_ROW_CLEAR :
		on_erase[0] == 's' ? JP_ROW_SHARED : JP_ROW_REDACT;
	redact = SPI_getbinval(row, desc, 10, &isnull);
	edge->way.redact = isnull ? NULL : DatumGetJsonbPCopy(redact);
	edge->way.exported = DatumGetBool(SPI_getbinval(row, desc, 11, &isnull));
	edge->way.columns = jp_name_list(SPI_getbinval(row, desc, 12, &isnull));
	edge->way.name = SPI_getvalue(row, desc, 13);
	return edge;
}

/* A name[] as a list of strings. */
List *
jp_name_list(Datum names)
{
	Datum	   *values;
	int			count;
	List	   *list = NIL;
	int			i;

	deconstruct_array(DatumGetArrayTypeP(names), NAMEOID, NAMEDATALEN, false,
					  TYPALIGN_CHAR, &values, NULL, &count);
	for (i = 0; i < count; i++)
		list = lappend(list, makeString(pstrdup(NameStr(*DatumGetName(values[i])))));
	return list;
}
