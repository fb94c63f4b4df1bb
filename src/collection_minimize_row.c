/*
 * collection_minimize_row.c
 *		Minimising the columns of a row.
 *
 * Every transform leaves a value alone that has gone through it before, so
 * that a row may be written again and again: what is stored re-enters as it
 * is, from a dump for example.
 */
#include "postgres.h"

#include <math.h>
#include <sys/socket.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/geo_decls.h"
#include "utils/inet.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "collection_rules.h"
#include "compat.h"
#include "pseudonym_internal.h"

/* Floats from here on have no digits that could be rounded away. */
#define ALL_WHOLE	4503599627370496.0	/* 2 to the power of 52 */

/* The Monday from which steps of days and less are counted: 2001-01-01. */
#define ORIGIN_DAYS	366

static bool minimized(const JpBoundMinimization *one, Datum value, Datum *made);
static bool truncated(const JpMinimization *rule, Datum value, Datum *made);
static bool coarsened(const JpMinimization *rule, Oid type, Datum value,
					  Datum *made);
static int64 coarse_time(const Interval *step, int64 time);
static int64 coarse_month(int32 step, int64 day);
static int64 down_to(int64 value, int64 step);
static bool rounded(const JpBoundMinimization *one, Datum value, Datum *made);
static bool rounded_numeric(const JpBoundMinimization *one, Datum value,
							Datum *made);
static double rounded_float(double value, int digits);
static bool pruned(const JpMinimization *rule, Oid type, Datum value,
				   Datum *made);
static bool pruned_text(const JpMinimization *rule, Datum value, Datum *made);
static bool pseudonymized(const JpMinimization *rule, Datum value, Datum *made);

/* The names of the transforms. */
static const char *const transform_names[JP_TRANSFORMS] = {
	[JP_DROP] = "drop",
	[JP_TRUNCATE_IP] = "truncate_ip",
	[JP_COARSEN] = "coarsen",
	[JP_ROUND_POSITION] = "round_position",
	[JP_KEEP_KEYS] = "keep_keys",
	[JP_DROP_KEYS] = "drop_keys",
	[JP_PSEUDONYMIZE] = "pseudonymize"
};

/* A transform by its name. */
int
jp_transform_named(const char *name)
{
	int			i;

	for (i = 0; i < JP_TRANSFORMS; i++)
		if (strcmp(transform_names[i], name) == 0)
			return i;
	return -1;
}

/* The name of a transform. */
const char *
jp_transform_name(JpTransform transform)
{
	return transform_names[transform];
}

/* Whether a transform is one for columns of a type. */
bool
jp_transform_fits(JpTransform transform, Oid type)
{
	switch (transform)
	{
		case JP_DROP:
			return true;
		case JP_TRUNCATE_IP:
			return type == INETOID || type == CIDROID;
		case JP_COARSEN:
			return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
		case JP_ROUND_POSITION:
			return type == POINTOID || type == FLOAT8OID || type == NUMERICOID;
		case JP_KEEP_KEYS:
		case JP_DROP_KEYS:
			return type == JSONBOID || type == JSONOID;
		case JP_PSEUDONYMIZE:
			return type == TEXTOID || type == VARCHAROID;
	}
	return false;
}

/* Minimises a row. */
void
jp_minimize_apply(const JpBoundRules *bound, JpRuleRow *row, bool all)
{
	int			i;

	for (i = 0; i < bound->rules->count; i++)
	{
		const JpBoundMinimization *one = &bound->minimizations[i];
		int			at = one->column - 1;
		Datum		made;

		if (row->nulls[at] || (!all && !jp_rule_touches(row, one->column)))
			continue;
		if (one->rule->transform == JP_DROP)
			jp_rule_set(row, one->column, (Datum) 0, true);
		else if (minimized(one, row->values[at], &made))
			jp_rule_set(row, one->column, made, false);
	}
}

/* Makes of a value what may be stored; false when it may be as it is. */
static bool
minimized(const JpBoundMinimization *one, Datum value, Datum *made)
{
	switch (one->rule->transform)
	{
		case JP_DROP:
			break;
		case JP_TRUNCATE_IP:
			return truncated(one->rule, value, made);
		case JP_COARSEN:
			return coarsened(one->rule, one->type, value, made);
		case JP_ROUND_POSITION:
			return rounded(one, value, made);
		case JP_KEEP_KEYS:
		case JP_DROP_KEYS:
			return pruned(one->rule, one->type, value, made);
		case JP_PSEUDONYMIZE:
			return pseudonymized(one->rule, value, made);
	}
	return false;
}

/* An address becomes the network it is in. */
static bool
truncated(const JpMinimization *rule, Datum value, Datum *made)
{
	inet	   *address = DatumGetInetPP(value);
	bool		v4 = ip_family(address) == PGSQL_AF_INET;
	int			bits = Min(ip_bits(address), v4 ? rule->v4 : rule->v6);
	inet	   *network = palloc0(sizeof(inet));
	int			bytes = ip_addrsize(address);
	int			i;

	ip_family(network) = ip_family(address);
	ip_bits(network) = bits;
	for (i = 0; i < bytes; i++)
	{
		int			left = Max(0, Min(8, bits - i * 8));

		ip_addr(network)[i] = ip_addr(address)[i] & (0xFF00 >> left);
	}
	SET_INET_VARSIZE(network);
	*made = InetPGetDatum(network);
	return ip_bits(address) != bits ||
		memcmp(ip_addr(address), ip_addr(network), bytes) != 0;
}

/* A time becomes the beginning of the step it is in. */
static bool
coarsened(const JpMinimization *rule, Oid type, Datum value, Datum *made)
{
	if (type == DATEOID)
	{
		DateADT		date = DatumGetDateADT(value);
		int64		coarse;

		if (DATE_NOT_FINITE(date))
			return false;
		coarse = rule->step.month > 0 ? coarse_month(rule->step.month, date) :
			down_to(date - ORIGIN_DAYS, rule->step.day) + ORIGIN_DAYS;
		*made = DateADTGetDatum((DateADT) coarse);
		return coarse != date && IS_VALID_DATE(coarse);
	}
	else
	{
		Timestamp	time = DatumGetTimestamp(value);
		Timestamp	coarse;

		if (TIMESTAMP_NOT_FINITE(time))
			return false;
		coarse = coarse_time(&rule->step, time);
		*made = TimestampGetDatum(coarse);
		/* Not valid: it is within the first step there is. */
		return coarse != time && IS_VALID_TIMESTAMP(coarse);
	}
}

/* The beginning of a step in microseconds since 2000-01-01, UTC. */
static int64
coarse_time(const Interval *step, int64 time)
{
	if (step->month > 0)
		return coarse_month(step->month, down_to(time, USECS_PER_DAY) / USECS_PER_DAY) *
			USECS_PER_DAY;
	return down_to(time - ORIGIN_DAYS * USECS_PER_DAY,
				   step->day * USECS_PER_DAY + step->time) +
		ORIGIN_DAYS * USECS_PER_DAY;
}

/* The first day of a step of months, counted from January of year 0. */
static int64
coarse_month(int32 step, int64 day)
{
	int			year;
	int			month;
	int			in_month;
	int64		count;

	j2date((int) day + POSTGRES_EPOCH_JDATE, &year, &month, &in_month);
	count = down_to((int64) year * 12 + month - 1, step);
	year = down_to(count, 12) / 12;
	return date2j(year, (int) (count - (int64) year * 12) + 1, 1) -
		POSTGRES_EPOCH_JDATE;
}

/* The multiple of a step that is not above a value. */
static int64
down_to(int64 value, int64 step)
{
	int64		rest = value % step;

	return value - (rest < 0 ? rest + step : rest);
}

/* A position becomes one of fewer digits. */
static bool
rounded(const JpBoundMinimization *one, Datum value, Datum *made)
{
	int			digits = one->rule->digits;

	if (one->type == NUMERICOID)
		return rounded_numeric(one, value, made);
	if (one->type == FLOAT8OID)
	{
		double		number = DatumGetFloat8(value);
		double		round = rounded_float(number, digits);

		*made = Float8GetDatum(round);
		return !isnan(number) && round != number;
	}
	else
	{
		const Point *point = DatumGetPointP(value);
		Point	   *round = palloc(sizeof(Point));

		round->x = rounded_float(point->x, digits);
		round->y = rounded_float(point->y, digits);
		*made = PointPGetDatum(round);
		return memcmp(round, point, sizeof(Point)) != 0;
	}
}

/* A number with so many digits behind the point, in the form of its column. */
static bool
rounded_numeric(const JpBoundMinimization *one, Datum value, Datum *made)
{
	*made = DirectFunctionCall2(numeric_round, value,
								Int32GetDatum(one->rule->digits));
	if (DatumGetBool(DirectFunctionCall2(numeric_eq, value, *made)))
		return false;
	if (one->typmod >= 0)
		*made = DirectFunctionCall2(numeric, *made, Int32GetDatum(one->typmod));
	return true;
}

/* The nearest number with so many digits behind the point. */
static double
rounded_float(double value, int digits)
{
	static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
	double		scale = powers[digits];

	if (!(fabs(value * scale) < ALL_WHOLE))
		return value;
	return rint(value * scale) / scale;
}

/* A document loses keys. */
static bool
pruned(const JpMinimization *rule, Oid type, Datum value, Datum *made)
{
	Jsonb	   *document;
	Jsonb	   *left;

	if (type == JSONOID)
		return pruned_text(rule, value, made);
	document = DatumGetJsonbP(value);
	left = jp_jsonb_prune(document, rule->keys, rule->transform == JP_KEEP_KEYS);
	*made = JsonbPGetDatum(left);
	return left != document;
}

/* So does one that is kept as text. */
static bool
pruned_text(const JpMinimization *rule, Datum value, Datum *made)
{
	text	   *document = DatumGetTextPP(value);
	size_t		length = VARSIZE_ANY_EXHDR(document);
	text	   *left = palloc_extended(VARHDRSZ + 2 * length + 4, MCXT_ALLOC_HUGE);
	JpPruned	pruning;
	size_t		size;

	pruning = jp_json_prune(VARDATA_ANY(document), length, rule->keys,
							rule->transform == JP_KEEP_KEYS, VARDATA(left), &size);
	if (pruning == JP_PRUNED_TOO_DEEP)
	{
		(void) jp_hide_value();
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a document of type json has more than %d levels", JP_KEYS_DEPTH)));
	}
	SET_VARSIZE(left, VARHDRSZ + size);
	*made = PointerGetDatum(left);
	return pruning == JP_PRUNED_SOME;
}

/* An identity becomes its pseudonym's text; a pseudonym's text stays. */
static bool
pseudonymized(const JpMinimization *rule, Datum value, Datum *made)
{
	text	   *identity = DatumGetTextPP(value);
	JpPseudonym pseudonym;
	char		chars[JP_PSEUDONYM_TEXT];
	int			length;

	if (jp_pseudonym_from_text(VARDATA_ANY(identity),
							   VARSIZE_ANY_EXHDR(identity), &pseudonym))
		return false;
	jp_pseudonymize(rule->kind, VARDATA_ANY(identity),
					VARSIZE_ANY_EXHDR(identity), &pseudonym);
	length = jp_pseudonym_to_text(&pseudonym, chars);
	*made = PointerGetDatum(cstring_to_text_with_len(chars, length));
	return true;
}
