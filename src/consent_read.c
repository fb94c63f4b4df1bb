/*
 * consent_read.c
 *		What a subject has decided, for a privacy centre.
 *
 * By the subject's own rows, through indexes, with plans that are kept: it
 * takes the same time however many people there are.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "compat.h"
#include "subject.h"

PG_FUNCTION_INFO_V1(jp_consent_of);
PG_FUNCTION_INFO_V1(jp_consent_history);

/* SQL: consent_of(subject). */
Datum
jp_consent_of(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {jp_type("pseudonym")};
	Datum		values[1] = {PointerGetDatum(jp_subject_arg(fcinfo, 0))};

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	jp_return_query(fcinfo, &plan,
					"SELECT p.name, p.basis, c.granted, c.decided_at, c.valid_until,"
					" coalesce(c.valid_until <= now(), false), coalesce(s.restricted, false)"
					" FROM journey_privacy.purpose p"
					" LEFT JOIN journey_privacy.subject s"
					"   ON s.pseudonym OPERATOR(pg_catalog.=) $1"
					" LEFT JOIN journey_privacy.consent_state c"
					"   ON c.purpose = p.name AND c.number = s.number"
					" ORDER BY p.name", 1, types, values);
	SPI_finish();
	return (Datum) 0;
}

/* SQL: consent_history(subject). */
Datum
jp_consent_history(PG_FUNCTION_ARGS)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[1] = {get_array_type(jp_type("pseudonym"))};
	Datum		values[1];
	JpSubject	subject;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	jp_subject_get(jp_subject_arg(fcinfo, 0), &subject);
	values[0] = jp_subject_pseudonyms(&subject);
	jp_return_query(fcinfo, &plan,
					"SELECT id, purpose, decision, at, recorded_at, source, document,"
					" evidence, region"
					" FROM journey_privacy.consent_event"
					" WHERE subject OPERATOR(pg_catalog.=) ANY ($1)"
					" ORDER BY at, id", 1, types, values);
	SPI_finish();
	return (Datum) 0;
}
