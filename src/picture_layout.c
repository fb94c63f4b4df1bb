/*
 * picture_layout.c
 *		How wide text is, and labels that do not overlap.
 */
#include "markup_escape.h"
#include "picture_layout.h"

/*
 * Widths of ASCII from the space on, in thousandths of the size: those of the
 * widest of the common fonts (of the DejaVu family), rounded up.
 */
static const short widths[] = {
	318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337,
	637, 637, 637, 637, 637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 531,
	1000, 685, 687, 699, 771, 632, 576, 775, 752, 295, 295, 656, 558, 863, 749, 788,
	604, 788, 695, 635, 611, 732, 685, 989, 686, 611, 686, 391, 337, 391, 838, 500,
	500, 613, 635, 550, 635, 616, 353, 635, 634, 278, 278, 580, 278, 975, 634, 612,
	635, 635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637, 838
};

#define ELLIPSIS_WIDTH	1000

static int	character_width(uint32 code);
static bool may_break(uint32 code);
static int64 mean_of(int64 sum, int count);

/* The width of all of it. */
int
jp_text_width(const char *chars, size_t len, int size)
{
	int64		width = 0;
	size_t		at = 0;

	while (at < len && width < INT32_MAX)
		width += character_width(jp_markup_next(chars, len, &at));
	width = (width * size + 999) / 1000;
	return width < INT32_MAX / 2 ? (int) width : INT32_MAX / 2;
}

/* How many characters fit. */
size_t
jp_text_fit(const char *chars, size_t len, int size, int width)
{
	int64		room = (int64) width * 1000;
	int64		used = 0;
	size_t		count = 0;
	size_t		fit = 0;
	size_t		at = 0;

	while (at < len)
	{
		used += (int64) character_width(jp_markup_next(chars, len, &at)) * size;
		if (used > room)
			return fit + 1;
		count++;
		if (used + ELLIPSIS_WIDTH * (int64) size <= room)
			fit = count;
	}
	return 0;
}

/* Where a second line begins. */
size_t
jp_text_break(const char *chars, size_t len, int size, int width)
{
	int64		room = (int64) width * 1000;
	int64		used = 0;
	size_t		found = len;
	size_t		at = 0;

	while (at < len)
	{
		uint32		code = jp_markup_next(chars, len, &at);

		used += (int64) character_width(code) * size;
		if (used > room && !(code == ' ' && used - 318 * (int64) size <= room))
			return found;
		if (may_break(code) && at < len)
			found = at;
	}
	return len;
}

/* In thousandths of the size; what we do not know is taken to be square. */
static int
character_width(uint32 code)
{
	if (code >= 0x20 && code < 0x7F)
		return widths[code - 0x20];
	if (code < 0x20 || jp_markup_joins(code))
		return code == '\t' || code == '\n' || code == '\r' ? widths[0] : 0;
	if (code == 0x2026)
		return ELLIPSIS_WIDTH;
	if (code < 0x0250)
		return code == 0xC6 || code == 0x152 || code == 0x153 || code == 0xE6 ? 1080 : 810;
	if (code < 0x0590)
		return 1050;
	if (code < 0x0700)
		return 900;
	return 1300;
}

/* Whether a line may end with this character. */
static bool
may_break(uint32 code)
{
	return code == ' ' || code == '-' || code == '_' || code == '/' || code == '.';
}

/*
 * Without what lies before them in their row, the places of spans need only
 * not decrease: the nearest such sequence is found by pooling neighbours that
 * are out of order at their mean.  Pools lie in the first spans, which have
 * been read by then.
 */
void
jp_spread(JpSpan *span, int count, int low, int high)
{
	int64		before = 0;
	int64		top;
	int			pools = 0;
	int			pool,
				i,
				left;

	for (i = 0; i < count; i++)
	{
		int64		sum = span[i].wanted - before;
		int			size = 1;

		for (; pools > 0 && mean_of(span[pools - 1].sum, span[pools - 1].pooled) > mean_of(sum, size); pools--)
		{
			sum += span[pools - 1].sum;
			size += span[pools - 1].pooled;
		}
		span[pools].sum = sum;
		span[pools++].pooled = size;
		before += span[i].length;
	}
	top = high - before < low ? low : high - before;
	before = 0;
	for (pool = i = 0; pool < pools; pool++)
	{
		int64		at = mean_of(span[pool].sum, span[pool].pooled);

		at = at < low ? low : at > top ? top : at;
		for (left = span[pool].pooled; left > 0; left--, i++)
		{
			span[i].at = (int) (at + before);
			before += span[i].length;
		}
	}
}

/* Rounded down, below zero too. */
static int64
mean_of(int64 sum, int count)
{
	return sum >= 0 ? sum / count : -((-sum + count - 1) / count);
}
