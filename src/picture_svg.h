/*
 * picture_svg.h
 *		One picture: an <svg> element that is complete by itself.
 *
 * Lengths are tenths of the picture's unit, as in picture_layout.h.  What
 * comes from a caller is escaped here; classes and markup are our constants.
 */
#ifndef JP_PICTURE_SVG_H
#define JP_PICTURE_SVG_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

#include "picture_layout.h"

/* Sizes of text. */
#define JP_SIZE_TITLE	170
#define JP_SIZE_LABEL	140
#define JP_SIZE_SMALL	120

/* What a picture says; in the order of the table in picture_words.c. */
typedef enum JpWord
{
	JP_WORD_FUNNEL, JP_WORD_JOURNEY, JP_WORD_RETENTION, JP_WORD_DECISIONS,
	JP_WORD_PEOPLE, JP_WORD_TIMES, JP_WORD_TOO_FEW, JP_WORD_NOTHING,
	JP_WORD_OTHER, JP_WORD_END, JP_WORD_END_WHY, JP_WORD_POOLED_WHY,
	JP_WORD_OF_FIRST, JP_WORD_LEAVE, JP_WORD_MEDIAN, JP_WORD_WITHIN,
	JP_WORD_COHORT, JP_WORD_SMALL_COHORTS, JP_WORD_AFTER_DAYS,
	JP_WORD_AFTER_WEEKS, JP_WORD_AFTER_MONTHS, JP_WORD_OR_LATER,
	JP_WORD_YES, JP_WORD_NO, JP_WORD_IN_FORCE, JP_WORD_PER_DAY,
	JP_WORD_PER_WEEK, JP_WORD_PER_MONTH, JP_WORD_NO_PURPOSE,
	JP_WORD_NOT_DRAWN, JP_WORD_NO_VALUE, JP_WORD_TO, JP_WORD_ANY,
	JP_WORDS
} JpWord;

typedef struct JpPicture
{
	int			language;
	int			width;
	int			height;
	bool		few;			/* something is hatched */
	const char *title;			/* NULL: the default */
	JpWord		kind;			/* the default title */
	StringInfoData body;
	StringInfoData words;		/* <desc>, escaped */
} JpPicture;

/*
 * Begins a picture with the title and the language in two arguments of the
 * call; 22023 for a language that is not known.
 */
extern void jp_picture_begin(JpPicture *picture, FunctionCallInfo fcinfo,
							 int title, int language, JpWord kind, int width);

/* What stands under the title: pieces of text, our own words or escaped. */
extern void jp_picture_head(JpPicture *picture, const char *subtitle);

/* The finished picture, allocated where the caller of SPI wants it. */
extern Datum jp_picture_finish(JpPicture *picture);

/* A word in the picture's language. */
extern const char *jp_picture_word(const JpPicture *picture, JpWord word);

/* Its language's number, 22023 when it is not known. */
extern int	jp_language(const char *name);
extern const char *jp_language_name(int language);

/* Numbers as people of the language write them. */
extern char *jp_said_count(const JpPicture *picture, int64 count);
extern char *jp_said_share(const JpPicture *picture, double share);
extern char *jp_said_interval(const JpPicture *picture, const Interval *interval);

/* A length, with at most one digit after the point. */
extern void jp_svg_length(StringInfo out, int64 tenths);

/* Appends markup; %d stands for a length, %s for our own text. */
extern void jp_svg_add(JpPicture *picture, const char *format,...);

/* A rectangle of a class. */
extern void jp_svg_box(JpPicture *picture, const char *class, int x, int y,
					   int width, int height, int round);

/* A line of text of ours (or a number). */
extern void jp_svg_words(JpPicture *picture, const char *class, int x, int y,
						 const char *words);

/*
 * Text of a user in a line, cut to a width, with the whole as its <title>
 * then.
 */
extern void jp_svg_label(JpPicture *picture, const char *class, int x, int y,
						 int size, int width, const char *chars);

/* The same in up to two lines, the first at y; returns how many. */
extern int	jp_svg_label2(JpPicture *picture, const char *class, int x, int y,
						  int size, int width, const char *chars);

/* How wide text of the database's is. */
extern int	jp_label_width(const char *chars, int size);

/* A <title>: what the pointer shows; the first part is a user's. */
extern void jp_svg_tip(JpPicture *picture, const char *chars, const char *words);

/* A user's text in the description, cut where it is long. */
extern void jp_words_label(JpPicture *picture, const char *chars);

/* What hatching means, if there is any. */
extern void jp_picture_legend(JpPicture *picture);

/* A picture without anything in it, that says so. */
extern void jp_picture_nothing(JpPicture *picture);

/*
 * Asks one of the answers with the first arguments of the call, as the
 * caller; SPI is connected until jp_picture_finish().
 */
extern void jp_picture_ask(FunctionCallInfo fcinfo, const char *sql,
						   int nargs, const Oid *types);

/* A field of a row that came back. */
extern Datum jp_row_value(uint64 row, int column, bool *isnull);
extern int64 jp_row_count(uint64 row, int column, bool *isnull);
extern char *jp_row_text(uint64 row, int column);

/* The rules of the pictures' style sheet. */
extern void jp_picture_style(StringInfo out);

#endif							/* JP_PICTURE_SVG_H */
