/*
 * answer_parcel.c
 *		States of the aggregates over many subjects on their way between
 *		processes, and put together.
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "answer_internal.h"

/* The head of a state on its way between processes. */
typedef struct Parcel
{
	uint64		records;
	uint32		question;		/* bytes */
	uint32		names;
	uint32		marks;
	uint32		subjects;
	bool		numbered;
} Parcel;

static void take_parcel(JpTally *tally, JpTally *more);
static uint32 *recoded_marks(JpTally *tally, const JpTally *more, const uint32 *name);
static uint32 *recoded_names(JpNames *to, const JpNames *from);
static void append_names(StringInfo bytes, const JpNames *names);
static const char *read_names(JpNames *names, uint32 count, const char *bytes);

PG_FUNCTION_INFO_V1(jp_tally_serial);

/* Combine: internal, internal. */
Datum
jp_tally_combine(FunctionCallInfo fcinfo, const JpTallyKind *kind)
{
	MemoryContext context = jp_tally_context(fcinfo);
	JpTally    *tally = PG_ARGISNULL(0) ? NULL : (JpTally *) PG_GETARG_POINTER(0);
	JpTally    *more = PG_ARGISNULL(1) ? NULL : (JpTally *) PG_GETARG_POINTER(1);

	if (more == NULL)
	{
		if (tally == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(tally);
	}
	if (tally == NULL)
		tally = jp_tally_new(fcinfo, context, kind, more->question, more->subjects == NULL);
	else
		jp_tally_check_question(tally, more->question);
	take_parcel(tally, more);
	PG_RETURN_POINTER(tally);
}

/* Adds what came from another process. */
static void
take_parcel(JpTally *tally, JpTally *more)
{
	uint32	   *name = recoded_names(tally->names, more->names);
	uint32	   *subject = more->subjects == NULL ? NULL :
		recoded_names(tally->subjects, more->subjects);
	uint32	   *mark = recoded_marks(tally, more, name);
	uint64		i;

	for (i = 0; i < more->flat_count; i++)
	{
		const JpRecord *record = &more->flat[i];

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		jp_records_add(tally->records,
					   subject == NULL ? record->subject : subject[record->subject],
					   record->at, mark[record->mark]);
	}
	pfree(mark);
	pfree(name);
	if (subject != NULL)
		pfree(subject);
}

/* The numbers that another's marks have here. */
static uint32 *
recoded_marks(JpTally *tally, const JpTally *more, const uint32 *name)
{
	uint32		count = more->marks > 0 ? more->marks : jp_names_count(more->names) + 1;
	uint32	   *number = MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(uint32));
	uint32		i;

	for (i = 0; i < count; i++)
	{
		JpMark		mark = more->marks > 0 ? more->mark[i] : (JpMark) {i, 0, 0};

		mark.event = name[mark.event];
		mark.group = name[mark.group];
		if (tally->kind->flag == 0)
			mark.property = name[mark.property];
		number[i] = jp_tally_mark(tally, mark);
	}
	return number;
}

/* The codes that another's names have here. */
static uint32 *
recoded_names(JpNames *to, const JpNames *from)
{
	uint32		count = jp_names_count(from);
	uint32	   *code = MemoryContextAllocHuge(CurrentMemoryContext, (count + 1) * sizeof(uint32));
	uint32		i;

	code[0] = 0;
	for (i = 1; i <= count; i++)
	{
		text	   *name = jp_name_text(from, i);

		code[i] = jp_name_code(to, VARDATA(name), VARSIZE(name) - VARHDRSZ);
	}
	return code;
}

/* Serial: head, question, names, marks, subjects, records. */
Datum
jp_tally_serial(PG_FUNCTION_ARGS)
{
	JpTally    *tally = (JpTally *) PG_GETARG_POINTER(0);
	Parcel		parcel = {0};
	StringInfoData bytes;
	Size		size = tally->records->count * sizeof(JpRecord);

	jp_tally_context(fcinfo);
	parcel.records = tally->records->count;
	parcel.question = VARSIZE(tally->question);
	parcel.names = jp_names_count(tally->names);
	parcel.marks = tally->marks;
	parcel.numbered = tally->subjects == NULL;
	parcel.subjects = parcel.numbered ? 0 : jp_names_count(tally->subjects);
	initStringInfo(&bytes);
	appendStringInfoSpaces(&bytes, VARHDRSZ);
	appendBinaryStringInfo(&bytes, (const char *) &parcel, sizeof(Parcel));
	appendBinaryStringInfo(&bytes, (const char *) tally->question, parcel.question);
	append_names(&bytes, tally->names);
	appendBinaryStringInfo(&bytes, (const char *) tally->mark, parcel.marks * sizeof(JpMark));
	if (!parcel.numbered)
		append_names(&bytes, tally->subjects);
	appendStringInfoSpaces(&bytes, MAXALIGN(bytes.len) - bytes.len);
	if (bytes.len + size > MaxAllocSize / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many events for a parallel worker to hand over"),
				 errhint("SET max_parallel_workers_per_gather = 0, or bound the time.")));
	enlargeStringInfo(&bytes, size);
	jp_records_copy(tally->records, (JpRecord *) (bytes.data + bytes.len));
	SET_VARSIZE(bytes.data, bytes.len + size);
	PG_RETURN_BYTEA_P((bytea *) bytes.data);
}

/* Deserial: a state that can only be combined. */
Datum
jp_tally_deserial(FunctionCallInfo fcinfo, const JpTallyKind *kind)
{
	bytea	   *bytes = PG_GETARG_BYTEA_P(0);
	const char *begin = (const char *) bytes;
	const char *next = VARDATA(bytes);
	Parcel		parcel;
	JpTally    *tally = palloc0(sizeof(JpTally));

	jp_tally_context(fcinfo);
	memcpy(&parcel, next, sizeof(Parcel));
	next += sizeof(Parcel);
	tally->context = CurrentMemoryContext;
	tally->kind = kind;
	tally->question = palloc(parcel.question);
	memcpy(tally->question, next, parcel.question);
	next += parcel.question;
	tally->names = jp_names_create(CurrentMemoryContext);
	next = read_names(tally->names, parcel.names, next);
	tally->marks = parcel.marks;
	tally->mark = palloc(parcel.marks * sizeof(JpMark) + 1);
	memcpy(tally->mark, next, parcel.marks * sizeof(JpMark));
	next += parcel.marks * sizeof(JpMark);
	if (!parcel.numbered)
	{
		tally->subjects = jp_names_create(CurrentMemoryContext);
		next = read_names(tally->subjects, parcel.subjects, next);
	}
	tally->flat = (const JpRecord *) (begin + MAXALIGN(next - begin));
	tally->flat_count = parcel.records;
	PG_RETURN_POINTER(tally);
}

/* The lengths and bytes of names, in the order of their codes. */
static void
append_names(StringInfo bytes, const JpNames *names)
{
	uint32		i;

	for (i = 1; i <= jp_names_count(names); i++)
	{
		text	   *name = jp_name_text(names, i);

		appendBinaryStringInfo(bytes, (const char *) name, VARSIZE(name));
	}
}

/* Reads them; returns what follows. */
static const char *
read_names(JpNames *names, uint32 count, const char *bytes)
{
	uint32		i;

	for (i = 0; i < count; i++)
	{
		uint32		head;

		memcpy(&head, bytes, sizeof(uint32));
		jp_name_code(names, bytes + VARHDRSZ, VARSIZE(&head) - VARHDRSZ);
		bytes += VARSIZE(&head);
	}
	return bytes;
}
