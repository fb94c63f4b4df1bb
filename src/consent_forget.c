/*
 * consent_forget.c
 *		The decisions of people who are being erased: they are hidden at once,
 *		whatever becomes of their rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "consent_internal.h"

static void clear_bits(const JpPurpose *purpose, const JpSubject *subject,
					   JpBitChange *changes);

/* Hides people from every purpose. */
int64
jp_consent_forget(const JpSubject *subject)
{
	Oid			types[1] = {INT4ARRAYOID};
	Datum		values[1] = {jp_subject_numbers(subject)};
	JpBitChange *changes = palloc(JP_CHUNK_SUBJECTS * sizeof(JpBitChange));
	const JpPurpose *all;
	JpPurpose  *copies;
	int			count;
	int			i;

	all = jp_purposes(&count);
	copies = palloc(Max(count, 1) * sizeof(JpPurpose));
	memcpy(copies, all, count * sizeof(JpPurpose));
	for (i = 0; i < count; i++)
		clear_bits(&copies[i], subject, changes);
	pfree(changes);
	SPI_execute_with_args("DELETE FROM journey_privacy.consent_state"
						  " WHERE number = ANY ($1) AND purpose IN"
						  " (SELECT name FROM journey_privacy.purpose)",
						  1, types, values, NULL, false, 0);
	return SPI_processed;
}

/* Clears the bits of one purpose, chunk by chunk. */
static void
clear_bits(const JpPurpose *purpose, const JpSubject *subject,
		   JpBitChange *changes)
{
	int			pending = 0;
	int			i;

	for (i = 0; i < subject->count; i++)
	{
		int32		number = subject->numbers[i];

		if (number == JP_NO_SUBJECT)
			continue;
		if (pending > 0 &&
			JP_CHUNK_OF(number) != JP_CHUNK_OF(changes[0].number))
		{
			jp_permitted_change(purpose, changes, pending);
			pending = 0;
		}
		if (pending > 0 && changes[pending - 1].number == number)
			continue;
		changes[pending].number = number;
		changes[pending].bit = false;
		changes[pending++].valid_until = DT_NOEND;
	}
	if (pending > 0)
		jp_permitted_change(purpose, changes, pending);
}
