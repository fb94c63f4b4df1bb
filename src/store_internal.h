/*
 * store_internal.h
 *		What the files of room store share.
 */
#ifndef JP_STORE_INTERNAL_H
#define JP_STORE_INTERNAL_H

#include "utils/rangetypes.h"

#include "compat.h"
#include "store_journey.h"

/*
 * store_names.c: the shared dictionary.  A name by its code, to be copied
 * before anything else is asked for; XX001 when there is none.
 */
extern void jp_shared_name(uint32 code, const char **chars, Size *len);

/* The code of a name, 0 when it is not shared. */
extern uint32 jp_shared_code(const char *chars, Size len);

/*
 * A writer of journeys whose events have the codes of names; shared: with
 * codes of the dictionary where there are some.
 */
typedef struct JpJourneyWriter JpJourneyWriter;

extern JpJourneyWriter *jp_journey_writer(MemoryContext context, const JpNames *names, bool shared);
extern const JpNames *jp_writer_names(const JpJourneyWriter *writer);

/* Of ordered moments, those without a name left out. */
extern struct varlena *jp_writer_journey(JpJourneyWriter *writer, const JpMoment *moments, uint32 count);

/* XX001. */
pg_noreturn extern void jp_journey_damaged(void);

/* Throws 22008 unless events can be of this time. */
extern void jp_journey_check_time(TimestampTz at);

/* 54000 when there are too many events. */
extern void jp_journey_check_count(uint64 count);

/* Of one table. */
#define JP_STORES_MAX	8

/*
 * store_ops.c: a range of times as its first and the first behind it, infinite
 * where it is open; false when it is empty.
 */
extern bool jp_range_bounds(FunctionCallInfo fcinfo, RangeType *range,
							TimestampTz *from, TimestampTz *until);

/* A journey store as registered. */
typedef struct JpStore
{
	Oid			relid;
	Oid			source;			/* the table that it follows */
	NameData	name;
	NameData	event;			/* column of the source */
	int64		bucket;			/* in microseconds */
} JpStore;

/*
 * store_known.c: all stores, valid until the configuration changes; those of a
 * table are those of the whole that it is a part of.  NULL: there is none.
 */
extern const JpStore *jp_stores(int *count);
extern const JpStore *jp_store_named(const char *name);
extern Oid	jp_store_source(Oid relid);

/* Whether a table has policies that protect() did not make. */
extern bool jp_has_own_policy(Oid relid);

/* Where the bucket of a time begins; not before times do. */
extern TimestampTz jp_bucket_of(TimestampTz at, int64 bucket);

/* In place of a bucket: all of them. */
#define JP_WHOLE_STORE	DT_NOBEGIN

/* store_change.c: writes what this transaction has noted so far. */
extern void jp_store_flush(void);

/* Notes and writes that all of a store has changed. */
extern void jp_store_note_whole(Oid store);

/* Whether this transaction has noted a change of a store in a range of times. */
extern bool jp_store_noted(const JpStore *store, TimestampTz from, TimestampTz until);

/* store_refresh.c: whether what is written to a store now is right. */
extern bool jp_store_refreshing(void);

/* store_cover.c: whether a store has the columns that it was made with, and no others. */
extern bool jp_store_intact(Oid relid);

#endif							/* JP_STORE_INTERNAL_H */
