/*
 * store_internal.h
 *		What the files of room store share.
 */
#ifndef JP_STORE_INTERNAL_H
#define JP_STORE_INTERNAL_H

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
extern void jp_journey_damaged(void) pg_attribute_noreturn();

/* Throws 22008 unless events can be of this time. */
extern void jp_journey_check_time(TimestampTz at);

/* 54000 when there are too many events. */
extern void jp_journey_check_count(uint64 count);

#endif							/* JP_STORE_INTERNAL_H */
