/*
 * sequence_list.h
 *		Lists of the events that met conditions: many at a time, with what they
 *		begin with in common.  Pure.
 */
#ifndef JP_SEQUENCE_LIST_H
#define JP_SEQUENCE_LIST_H

#include "pure.h"

/* What the pure cores need from where they are. */
typedef struct JpSequenceHost
{
	void	   *(*resize) (void *old, size_t size);	/* old NULL: begins; never NULL */
	void		(*release) (void *memory);
	void		(*pause) (void);	/* called every now and then; need not return */
} JpSequenceHost;

typedef struct JpListNode JpListNode;

typedef struct JpLists
{
	const JpSequenceHost *host;
	JpListNode *node;
	uint32		room;
	uint32		used;
	uint32		unused;			/* the first of those given back, 0 for none */
	bool		longer;			/* a longer list comes before all shorter ones */
	bool		full;			/* there was no room for a list */
} JpLists;

/* The list of no event. */
#define JP_LIST_EMPTY	0

extern void jp_lists_begin(JpLists *lists, const JpSequenceHost *host);
extern void jp_lists_end(JpLists *lists);

/* The list with another event, later than all in it; the caller's to drop. */
extern uint32 jp_list_append(JpLists *lists, uint32 list, uint32 event);
extern uint32 jp_list_keep(JpLists *lists, uint32 list);
extern void jp_list_drop(JpLists *lists, uint32 list);

/*
 * Negative when list a comes before b, 0 when they are the same: earlier events
 * first, compared one by one; at the end of one list the longer comes first.
 */
extern int	jp_list_order(const JpLists *lists, uint32 a, uint32 b);

extern uint32 jp_list_length(const JpLists *lists, uint32 list);
extern void jp_list_events(const JpLists *lists, uint32 list, uint32 *events);

#endif							/* JP_SEQUENCE_LIST_H */
