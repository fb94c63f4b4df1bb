/*
 * moments.c
 *		Fuzzer for what one journey says of sessions, paths, conversions and
 *		funnels: any moments and questions, answers that can be right.
 *		(test/t/040_funnel_cases.pl and 042_retention_cases.pl ask whether they
 *		are.)  Needs no PostgreSQL.
 *
 * With libFuzzer (test/extra/moments.sh does this):
 *		clang -DJP_PURE -fsanitize=fuzzer,address,undefined -Isrc \
 *			test/fuzz/moments.c src/session_{core,credit}.c src/journey_funnel.c
 * Alone, with -DSTANDALONE and any compiler:
 *		moments run SECONDS [SEED]		random bytes
 *
 * Moments lie in memory that ends where they end, so that AddressSanitizer
 * sees any look beyond.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "session_core.h"

#define MOMENTS_MAX	40

#define CHECK(what) \
	do { \
		if (!(what)) \
		{ \
			fprintf(stderr, "line %d: not %s\n", __LINE__, #what); \
			abort(); \
		} \
	} while (0)

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of the bytes. */
static const uint8_t *bytes;
static size_t left;

/* Credits that a conversion has given. */
typedef struct Given
{
	const JpAttributionQuestion *question;
	const JpMoment *conversion;
	double		sum;
	int			conversions;
} Given;

/* A number of so many bytes; what is not there is zero. */
static uint64
take(int size)
{
	uint64		number = 0;

	while (size-- > 0 && left > 0)
	{
		number = number << 8 | *bytes++;
		left--;
	}
	return number;
}

/* Mostly a small number, sometimes as large as can be. */
static uint64
span(void)
{
	uint64		number = take(1);

	return number == 255 ? UINT64_MAX : number == 254 ? take(8) : number;
}

static void
check_sessions(const JpMoment *moments, size_t count)
{
	uint64		gap = span();
	size_t		first;
	size_t		end;

	for (first = 0; first < count; first = end)
	{
		end = jp_session_end(moments, count, first, gap);
		CHECK(end > first && end <= count);
		CHECK(end == count ||
			  (uint64) moments[end].at - (uint64) moments[end - 1].at > gap);
	}
}

static void
check_path(const JpMoment *moments, size_t count)
{
	JpPathQuestion question;
	uint32	   *codes;
	size_t		room;
	size_t		length;
	size_t		i;

	question.depth = span();
	question.collapse = take(1) & 1;
	question.last = take(1) & 1;
	question.to = take(1) & 1;
	question.anchor = take(1) & 7;
	room = question.depth < count ? question.depth : count;
	codes = malloc(room == 0 ? 1 : room * sizeof(uint32));
	length = jp_path_of(&question, moments, count, codes);
	CHECK(length <= room);
	for (i = 1; i < length; i++)
		CHECK(!question.collapse || codes[i] != codes[i - 1]);
	if (length > 0 && question.anchor != 0)
		CHECK(codes[question.to ? length - 1 : 0] == question.anchor);
	free(codes);
}

static void
check_next(const JpMoment *moments, size_t count)
{
	JpNextQuestion question;

	question.conditions = 1 + take(1) % JP_NEXT_CONDITIONS_MAX;
	question.from = take(1) & 3;
	question.backward = take(1) & 1;
	CHECK(jp_next_event(&question, moments, count) <= count);
}

/* Whether a conversion's credits are all of it. */
static void
check_sum(const Given *given)
{
	CHECK(given->conversion == NULL || fabs(given->sum - 1) < 1e-9);
}

static void
give(void *to, const JpMoment *conversion, const JpMoment *touch, double credit)
{
	Given	   *given = to;

	if (given->conversion != conversion)
	{
		check_sum(given);
		given->conversion = conversion;
		given->sum = 0;
		given->conversions++;
	}
	given->sum += credit;
	CHECK(conversion->steps & JP_CONVERTED);
	CHECK(credit > 0 && credit <= 1);
	if (touch == NULL)
		return;
	CHECK((uint32) touch->steps != 0 && touch->at <= conversion->at);
	CHECK((uint64) conversion->at - (uint64) touch->at <= given->question->lookback);
}

static void
check_credit(const JpMoment *moments, size_t count)
{
	JpAttributionQuestion question;
	Given		given = {&question, NULL, 0, 0};
	int			conversions = 0;
	size_t		i;

	question.model = take(1) % (JP_MODEL_TIME_DECAY + 1);
	question.reuse = take(1) & 1;
	question.lookback = span();
	question.half_life = span();
	question.half_life += question.half_life == 0;
	jp_attribute(&question, moments, count, give, &given);
	check_sum(&given);
	for (i = 0; i < count; i++)
		conversions += (moments[i].steps & JP_CONVERTED) != 0;
	CHECK(given.conversions == conversions);
}

/* As deep with times as without; the chain is in order and within its bound. */
static void
check_funnel(const JpMoment *moments, size_t count)
{
	JpFunnel	funnel;
	int64		times[JP_STEPS_MAX];
	int			depth;
	int			i;

	funnel.steps = 1 + take(1) % JP_STEPS_MAX;
	funnel.modes = take(1) & 15;
	funnel.within = span();
	depth = jp_funnel_depth(&funnel, moments, count, times);
	CHECK(depth >= 0 && depth <= funnel.steps);
	CHECK(jp_funnel_depth(&funnel, moments, count, NULL) == depth);
	for (i = 1; i < depth; i++)
		CHECK(times[i] >= times[i - 1] + ((funnel.modes & JP_STRICT_INCREASE) != 0));
	if (depth > 0)
		CHECK((uint64) times[depth - 1] - (uint64) times[0] <= funnel.within);
}

/* Moments in order of time: small codes and conditions, and any. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t		count;
	JpMoment   *moments;
	uint64		at;
	size_t		i;

	bytes = data;
	left = size;
	count = take(1) % (MOMENTS_MAX + 1);
	moments = malloc(count == 0 ? 1 : count * sizeof(JpMoment));
	at = take(1) & 1 ? (uint64) INT64_MIN : 0;
	for (i = 0; i < count; i++)
	{
		uint64		step = span();

		/* up to the end of time */
		at = (int64) (at + step) < (int64) at || step > INT64_MAX ? INT64_MAX : at + step;
		moments[i].at = (int64) at;
		moments[i].steps = take(1) & 1 ? take(8) : take(1) & 7;
		moments[i].steps |= take(1) & 1 ? JP_CONVERTED | JP_NEXT_BASE : 0;
	}
	check_sessions(moments, count);
	check_path(moments, count);
	check_next(moments, count);
	check_credit(moments, count);
	check_funnel(moments, count);
	free(moments);
	return 0;
}

#ifdef STANDALONE
int
main(int argc, char **argv)
{
	unsigned	seed = argc > 3 ? (unsigned) strtoul(argv[3], NULL, 10) : (unsigned) time(NULL);
	time_t		end = time(NULL) + (argc > 2 ? atol(argv[2]) : 1);
	long		cases;

	if (argc < 2 || strcmp(argv[1], "run") != 0)
		return 2;
	printf("seed %u\n", seed);
	srandom(seed);
	for (cases = 0; time(NULL) < end; cases++)
	{
		uint8_t		any[600];
		size_t		size = random() % sizeof(any);
		size_t		i;

		for (i = 0; i < size; i++)
			any[i] = random() % 3 == 0 ? (uint8_t) random() : (uint8_t) (random() % 8);
		LLVMFuzzerTestOneInput(any, size);
	}
	printf("%ld journeys\n", cases);
	return 0;
}
#endif
