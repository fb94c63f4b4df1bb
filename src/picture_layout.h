/*
 * picture_layout.h
 *		Where things lie in a picture.  Pure, and in integers alone, so that a
 *		picture is the same on each machine.
 *
 * Lengths are tenths of the picture's unit, in which it is 400 and more wide.
 */
#ifndef JP_PICTURE_LAYOUT_H
#define JP_PICTURE_LAYOUT_H

#include "pure.h"

#define JP_UNIT		10

/*
 * How wide UTF-8 text of a size is, at most: of the fonts that a reader may
 * have the widest counts.
 */
extern int	jp_text_width(const char *chars, size_t len, int size);

/*
 * How many characters of text may be shown in a width, an ellipsis included
 * when they are not all; 0: all of them, as they are.
 */
extern size_t jp_text_fit(const char *chars, size_t len, int size, int width);

/*
 * Where text that is wider than width goes on in a second line: behind a
 * space, a hyphen, an underscore, a slash or a dot, so that the first line is
 * as long as it may be; len: nowhere.
 */
extern size_t jp_text_break(const char *chars, size_t len, int size, int width);

/* Something with a place where it would like to begin. */
typedef struct JpSpan
{
	int			wanted;
	int			length;
	int			at;				/* where it begins; out */
	int64		sum;			/* jp_spread's own */
	int			pooled;
} JpSpan;

/*
 * Places spans in their order so that none overlaps another, as near to where
 * they would like to be as possible (least squares), between low and high if
 * there is room, otherwise from low on.
 */
extern void jp_spread(JpSpan *span, int count, int low, int high);

/* What a node of a flow picture stands for; in this order in a column. */
typedef enum JpNodeKind
{
	JP_NODE_EVENT,
	JP_NODE_OTHER,				/* pooled */
	JP_NODE_END					/* nothing came after */
} JpNodeKind;

/* Nodes in a column, at most. */
#define JP_COLUMN_NODES		14

typedef struct JpNode
{
	int			column;
	JpNodeKind	kind;
	int64		value;			/* it stands for so much, should flows be less */
	int			label;			/* room that its label takes */
	int64		in;				/* sums of flows; out */
	int64		out;
	int			at;				/* top; out */
	int			length;			/* of the box; out */
	int			slot;			/* with the room for its label, from at on; out */
	int			rank;			/* in its column; out */
} JpNode;

/* From a node to one in the next column; one flow at most between two nodes. */
typedef struct JpFlow
{
	int			from;
	int			to;
	int64		value;			/* more than 0 */
	int			thickness;		/* out */
	int			at_from;		/* tops at both ends; out */
	int			at_to;
} JpFlow;

typedef struct JpFlows
{
	int			columns;
	int			nodes;
	JpNode	   *node;
	int			flows;
	JpFlow	   *flow;
	int			tall;			/* what the fullest column's boxes should come to */
	int			gap;			/* between nodes */
	int			length;			/* of all; out */
} JpFlows;

/* Lays out nodes and flows from 0 on. */
extern void jp_flows_lay(JpFlows *flows);

#endif							/* JP_PICTURE_LAYOUT_H */
