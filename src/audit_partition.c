/*
 * audit_partition.c
 *		Partitions of audit_entry, one a month (UTC).
 *
 * They are attached under a lock that neither readers nor the worker's own
 * inserts mind, and made a month ahead.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit_internal.h"
#include "catalog.h"

/*
 * What a partition is made of; %1$s is its name, %2$s and %3$s its bounds.
 * Entries come in the order of their times, so that a B-tree by time grows at
 * its end only, and a BRIN index finds a rare role at no cost to sealing; a
 * B-tree by role would halve it.  BRIN alone would not do for times: what has
 * not been vacuumed yet is in none of its ranges, and is read whole.
 */
static const char *const making[] = {
	"CREATE TABLE journey_privacy.%1$s (LIKE journey_privacy.audit_entry)",
	"COMMENT ON TABLE journey_privacy.%1$s IS 'a month of the audit'",
	"REVOKE ALL ON journey_privacy.%1$s FROM PUBLIC",
	"ALTER TABLE journey_privacy.audit_entry ATTACH PARTITION journey_privacy.%1$s"
	" FOR VALUES FROM ('%2$s') TO ('%3$s')",
	"CREATE TRIGGER keep_all BEFORE TRUNCATE ON journey_privacy.%1$s"
	" FOR EACH STATEMENT EXECUTE FUNCTION journey_privacy.keep_audit()",
	"ALTER TABLE journey_privacy.%1$s ENABLE ALWAYS TRIGGER keep_all",
	"CREATE UNIQUE INDEX %1$s_number ON journey_privacy.%1$s (number)",
	"CREATE INDEX %1$s_at ON journey_privacy.%1$s (at)",
	"CREATE INDEX %1$s_who ON journey_privacy.%1$s USING brin"
	" (at, current_user_name text_bloom_ops, purpose text_bloom_ops)",
	"CREATE INDEX %1$s_tables ON journey_privacy.%1$s USING gin (tables)",
	"CREATE INDEX %1$s_subject ON journey_privacy.%1$s (number) WHERE subject IS NOT NULL"
};

static Oid	find_or_make(TimestampTz at, int ahead, TimestampTz *end);
static void month_of(TimestampTz at, int ahead, char *name,
					 TimestampTz *begin, TimestampTz *end);
static void make(const char *name, TimestampTz begin, TimestampTz end);
static void run(const char *command);
static char *owner_of(Oid relid);

/* The partition for a time. */
Oid
jp_partition_for(TimestampTz at, TimestampTz *end)
{
	TimestampTz next;

	(void) find_or_make(at, 1, &next);
	return find_or_make(at, 0, end);
}

/* The partition of the month of a time, or of one so many months later. */
static Oid
find_or_make(TimestampTz at, int ahead, TimestampTz *end)
{
	char		name[NAMEDATALEN];
	TimestampTz begin;
	Oid			found;

	month_of(at, ahead, name, &begin, end);
	found = get_relname_relid(name, jp_schema());
	if (!OidIsValid(found))
	{
		make(name, begin, *end);
		found = jp_relation(name);
	}
	return found;
}

/* Name and bounds of a month. */
static void
month_of(TimestampTz at, int ahead, char *name, TimestampTz *begin,
		 TimestampTz *end)
{
	struct pg_tm tm;
	fsec_t		fraction;
	int			i;

	if (timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	for (i = 0; i <= ahead; i++)
	{
		(void) tm2timestamp(&tm, 0, NULL, begin);
		snprintf(name, NAMEDATALEN, "audit_entry_%04d_%02d", tm.tm_year,
				 tm.tm_mon);
		tm.tm_year += tm.tm_mon / 12;
		tm.tm_mon = tm.tm_mon % 12 + 1;
	}
	(void) tm2timestamp(&tm, 0, NULL, end);
}

/* Makes a partition, with its indexes, its trigger and the parent's owner. */
static void
make(const char *name, TimestampTz begin, TimestampTz end)
{
	char	   *owner = owner_of(jp_relation("audit_entry"));
	char	   *from = pstrdup(timestamptz_to_str(begin));
	char	   *to = pstrdup(timestamptz_to_str(end));
	int			i;

	for (i = 0; i < lengthof(making); i++)
		run(psprintf(making[i], name, from, to));
	run(psprintf("ALTER TABLE journey_privacy.%s OWNER TO %s", name, owner));
	run(psprintf("ALTER EXTENSION journey_privacy ADD TABLE journey_privacy.%s",
				 name));
	CommandCounterIncrement();
}

/* Runs a command. */
static void
run(const char *command)
{
	if (SPI_execute(command, false, 0) < 0)
		elog(ERROR, "a command of the audit failed");
}

/* Name of a table's owner, quoted. */
static char *
owner_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "relation with OID %u does not exist", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return pstrdup(quote_identifier(GetUserNameFromId(owner, false)));
}
