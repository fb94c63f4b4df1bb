/*
 * picture_consent.h
 *		Decisions over time between reading and drawing.
 */
#ifndef JP_PICTURE_CONSENT_H
#define JP_PICTURE_CONSENT_H

#include "consent.h"
#include "picture_svg.h"

#define JP_CONSENT_PERIODS	400

/* The days, weeks or months that a picture is about. */
typedef struct JpPeriods
{
	JpWord		word;			/* per day, … */
	int			count;
	char	   *name[JP_CONSENT_PERIODS];	/* the first day */
	Datum		upper;			/* timestamptz[]: their ends */
	TimestampTz begin;
	TimestampTz end;
} JpPeriods;

typedef enum JpSeriesKind
{
	JP_SERIES_YES,
	JP_SERIES_NO
} JpSeriesKind;

#define JP_SERIES	2

/* Neighbouring periods that are told of together. */
typedef struct JpBin
{
	int			first;
	int			last;
	int64		people;			/* JP_HIDDEN: too few to tell, or none */
} JpBin;

typedef struct JpSeries
{
	int			count;
	JpBin		bin[JP_CONSENT_PERIODS];
} JpSeries;

/* What is told of a purpose. */
typedef struct JpDecisions
{
	const char *purpose;
	int64		min_group;
	JpSeries	series[JP_SERIES];
	int64		decided[JP_CONSENT_PERIODS];	/* at the end of each; JP_HIDDEN: not told */
	int64		in_force[JP_CONSENT_PERIODS];
	int64		expired[JP_CONSENT_PERIODS];	/* not to be told */
} JpDecisions;

/* Reads what may be told of a purpose; SPI is connected, rights elevated. */
extern void jp_decisions_read(JpDecisions *decisions, const JpPurpose *purpose,
							  const JpPeriods *periods);

/* Draws it below what is there. */
extern void jp_decisions_draw(JpPicture *picture, const JpDecisions *decisions,
							  const JpPeriods *periods);

#endif							/* JP_PICTURE_CONSENT_H */
