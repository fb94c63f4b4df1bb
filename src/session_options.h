/*
 * session_options.h
 *		Arguments of the aggregates of this room that say how it is meant.
 */
#ifndef JP_SESSION_OPTIONS_H
#define JP_SESSION_OPTIONS_H

#include "fmgr.h"

/* The place, from 0, of an argument among words that end with NULL; what names it. */
extern int	jp_word(FunctionCallInfo fcinfo, int argument, const char *what, const char *const *words);

/* An argument that is true or false, not null. */
extern bool jp_flag(FunctionCallInfo fcinfo, int argument, const char *what);

/* A span that is not null. */
extern uint64 jp_span(FunctionCallInfo fcinfo, int argument, const char *what);

#endif							/* JP_SESSION_OPTIONS_H */
