/*
 * picture_journey.h
 *		A journey map between reading and drawing.
 */
#ifndef JP_PICTURE_JOURNEY_H
#define JP_PICTURE_JOURNEY_H

#include "picture_svg.h"

#define JP_MAP_COLUMNS	8
#define JP_MAP_EVENTS	(JP_COLUMN_NODES - 2)	/* and (other), and (end) */

/* How the answer calls what it has pooled. */
#define JP_MAP_OTHER	"(other)"

/* A way from an event to the next, as the answer told it. */
typedef struct JpWay
{
	int			column;
	char	   *name[2];
	int64		value;
	uint64		event[2];
} JpWay;

/* One end of it. */
typedef struct JpWayEnd
{
	JpWay	   *way;
	int			to;				/* 1: the second */
	int			column;
	const char *name;
} JpWayEnd;

/* An event in a column. */
typedef struct JpMapEvent
{
	int			column;
	const char *name;
	int64		in;
	int64		out;
	int			node;
} JpMapEvent;

typedef struct JpMap
{
	bool		of_times;		/* what is counted is not people */
	bool		numbered;		/* columns are positions */
	bool		more;			/* than is drawn */
	int			depth;
	int			columns;
	uint64		ways;
	JpWay	   *way;
	uint64		events;
	JpMapEvent *event;
	int			nodes;
	JpNode		node[JP_MAP_COLUMNS * JP_COLUMN_NODES];
	const char *name[JP_MAP_COLUMNS * JP_COLUMN_NODES];
	int			flows;
	JpFlow		flow[JP_MAP_COLUMNS * JP_COLUMN_NODES * JP_COLUMN_NODES];
} JpMap;

/* Draws it, from the title on. */
extern void jp_map_draw(JpPicture *picture, JpMap *map, const char *subtitle);

#endif							/* JP_PICTURE_JOURNEY_H */
