/*
 * session_answer.h
 *		What the aggregates of this room answer, for journeys that come in one
 *		piece.
 */
#ifndef JP_SESSION_ANSWER_H
#define JP_SESSION_ANSWER_H

#include "journey_gathered.h"

/* A row of the caller's result type, session_summary. */
extern Datum jp_sessions_row(FunctionCallInfo fcinfo, const JpMoment *moments,
							 uint32 count, uint64 gap);

/*
 * What is asked of path: by the arguments depth, collapse, anchor, anchor_at
 * and direction from one on, as far as there are any; and the answer.
 */
extern JpSettings *jp_path_settings(FunctionCallInfo fcinfo, int first);
extern ArrayType *jp_path_answer(const JpSettings *path, JpNames *names,
								 const JpMoment *moments, uint32 count);

/*
 * What is asked of next_event: by the arguments direction and base from one on,
 * as far as there are any, and the number of conditions; and the answer, a text
 * or NULL.
 */
extern JpSettings *jp_next_settings(FunctionCallInfo fcinfo, int first, bool given, int conditions);
extern text *jp_next_answer(const JpSettings *next, const JpNames *names,
							const JpMoment *moments, uint32 count);

/*
 * What is asked of attribution: by the arguments model and lookback from one
 * on and, where they are given, half_life and reuse; and the answer, an array of
 * the caller's result type, channel_credit[].  kept is NULL at first and keeps
 * what is needed from call to call.
 */
extern JpSettings *jp_attribution_settings(FunctionCallInfo fcinfo, int first, bool whole);
extern ArrayType *jp_attribution_answer(FunctionCallInfo fcinfo, void **kept,
										const JpSettings *attribution, const JpNames *names,
										const JpMoment *moments, uint32 count);

#endif							/* JP_SESSION_ANSWER_H */
