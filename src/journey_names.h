/*
 * journey_names.h
 *		Names of events as small numbers, for as long as a query runs.
 */
#ifndef JP_JOURNEY_NAMES_H
#define JP_JOURNEY_NAMES_H

typedef struct JpNames JpNames;

extern JpNames *jp_names_create(MemoryContext context);

/* The code of a name, from 1, given on first sight; jp_name_find gives 0 then. */
extern uint32 jp_name_code(JpNames *names, const char *chars, Size len);
extern uint32 jp_name_find(JpNames *names, const char *chars, Size len);
extern uint32 jp_names_count(const JpNames *names);

/* What a code means. */
extern text *jp_name_text(const JpNames *names, uint32 code);

/* By the bytes of the names; no name, code 0, comes first. */
extern int	jp_name_compare(const JpNames *names, uint32 a, uint32 b);

#endif							/* JP_JOURNEY_NAMES_H */
