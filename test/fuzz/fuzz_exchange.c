/*
 * fuzz_exchange.c
 *		Fuzzer for the parsers of consent strings.  Needs no PostgreSQL.
 *
 * With libFuzzer (test/extra/fuzz_exchange.sh does this):
 *		clang -DJP_PURE -fsanitize=fuzzer,address,undefined -Isrc \
 *			test/fuzz/fuzz_exchange.c src/exchange_{bits,tcf,gpp,us}.c
 * Alone, with -DSTANDALONE and any compiler:
 *		fuzz_exchange run SECONDS [SEED]	random and damaged strings
 *		fuzz_exchange corpus DIRECTORY		strings for libFuzzer to begin with
 *
 * Strings are given to the parsers in memory that ends where they end, so
 * that AddressSanitizer sees any look beyond.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exchange_gpp.h"
#include "exchange_tcf.h"

#define CHECK(what) \
	do { \
		if (!(what)) \
		{ \
			fprintf(stderr, "line %d: not %s\n", __LINE__, #what); \
			abort(); \
		} \
	} while (0)

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A fault lies in the string or right behind it, and comes with a refusal. */
static void
check_fault(bool ok, const JpFault *fault, size_t size)
{
	CHECK(ok == (fault->what == NULL));
	CHECK(ok || (fault->at >= 1 && fault->at <= size + 1));
}

/* The ids of a set ascend and are those that the other function tells. */
static void
check_ids(const JpIdList *list)
{
	static int	ids[JP_IDS_ROOM];
	int			count = jp_ids_collect(list, ids);
	int			i;

	CHECK(count <= list->max);
	for (i = 0; i < count; i++)
	{
		CHECK(ids[i] > (i == 0 ? 0 : ids[i - 1]) && ids[i] <= list->max);
		if (i < 100)
			CHECK(jp_ids_has(list, ids[i]));
		if (i < 100 && ids[i] - 1 > (i == 0 ? 0 : ids[i - 1]))
			CHECK(!jp_ids_has(list, ids[i] - 1));
	}
	CHECK(!jp_ids_has(list, 0) && !jp_ids_has(list, list->max + 1));
}

/* A TCF string that was accepted. */
static void
check_tcf(const JpTcf *tcf)
{
	int			i;

	CHECK(tcf->version == 2);
	CHECK(tcf->policy_version < 5 || tcf->has_disclosed);
	CHECK(tcf->policy_version < 4 ||
		  !(jp_set_has(tcf->legitimate_interests, 24, 3) ||
			jp_set_has(tcf->legitimate_interests, 24, 6)));
	check_ids(&tcf->vendors);
	check_ids(&tcf->vendor_legitimate_interests);
	check_ids(&tcf->disclosed);
	check_ids(&tcf->allowed);
	CHECK(tcf->restriction_count <= JP_TCF_RESTRICTIONS);
	for (i = 0; i < tcf->restriction_count; i++)
		check_ids(&tcf->restriction[i].vendors);
}

/* A section of a GPP string. */
static void
check_section(const char *string, size_t size, const JpGppSection *section)
{
	JpFault		fault;

	CHECK(section->part >= string &&
		  section->part + section->length <= string + size);
	if (section->id == JP_GPP_TCF_EU)
	{
		JpTcf		tcf;
		bool		ok = jp_tcf_parse(string, section->part, section->length,
									  &tcf, &fault);

		check_fault(ok, &fault, size);
		if (ok)
			check_tcf(&tcf);
	}
	else if (section->id == JP_GPP_USP)
	{
		char		letters[3];

		check_fault(jp_usp_parse(string, section, letters, &fault), &fault,
					size);
	}
	else if (jp_us_known(section->id))
	{
		JpUs		us;
		bool		ok = jp_us_parse(string, section, &us, &fault);
		int			i;

		check_fault(ok, &fault, size);
		for (i = 0; ok && i < JP_US_VALUES; i++)
			CHECK(us.value[i] <= 2);
	}
}

/* Gives a string to both parsers. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *string = malloc(size == 0 ? 1 : size);
	JpFault		fault;
	JpTcf		tcf;
	JpGpp		gpp;
	bool		ok;
	int			i;

	if (size > 0)
		memcpy(string, data, size);
	ok = jp_tcf_parse(string, string, size, &tcf, &fault);
	check_fault(ok, &fault, size);
	if (ok)
		check_tcf(&tcf);
	ok = jp_gpp_parse(string, size, &gpp, &fault);
	check_fault(ok, &fault, size);
	for (i = 0; ok && i < gpp.count; i++)
		check_section(string, size, &gpp.section[i]);
	free(string);
	return 0;
}

#ifdef STANDALONE

static const char letters[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char bits[400000];		/* a part in the making, one char for each bit */
static size_t nbits;
static char made[400000];		/* the string in the making */
static size_t nmade;
static uint64_t state;

/* splitmix64: a number below limit, 0 when there is none. */
static uint32_t
any(uint32_t limit)
{
	uint64_t	z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return limit == 0 ? 0 : (uint32_t) (z % limit);
}

/* Adds a number to the part. */
static void
put(uint64_t value, int count)
{
	while (count-- > 0)
		bits[nbits++] = (char) (value >> count & 1);
}

/* Adds the part to the string, filled up in one of the three ways. */
static void
put_part(void)
{
	static const int pad[] = {6, 8, 24};
	size_t		i;

	for (i = any(3); nbits % pad[i] != 0;)
		put(0, 1);
	while (nbits % 6 != 0)
		put(0, 1);
	for (i = 0; i < nbits; i += 6)
		made[nmade++] = letters[bits[i] << 5 | bits[i + 1] << 4 | bits[i + 2] << 3 |
								bits[i + 3] << 2 | bits[i + 4] << 1 | bits[i + 5]];
	nbits = 0;
}

/* Adds ranges, sometimes bad ones. */
static void
put_ranges(uint32_t max)
{
	uint32_t	entries = max == 0 ? 0 : any(20);

	put(entries, 12);
	while (entries-- > 0)
	{
		uint32_t	start = 1 + any(max + (any(500) == 0));

		put(any(2), 1);
		put(start, 16);
		if (bits[nbits - 17])
			put(start + any(max - start + 1 + (any(500) == 0)), 16);
	}
}

/* Adds a set of vendors. */
static void
put_vendors(void)
{
	uint32_t	max = any(4) == 0 ? 65535 : any(900);
	uint32_t	i;

	put(max, 16);
	put(any(2), 1);
	if (bits[nbits - 1])
		put_ranges(max);
	else
		for (i = 0; i < max; i++)
			put(any(2), 1);
}

/* Adds a TCF string. */
static void
put_tcf(void)
{
	uint32_t	restrictions = any(3) == 0 ? any(4) : 0;
	uint32_t	policy = any(7);
	uint32_t	interests = policy >= 4 ? 0xc3ffff : 0xffffff;
	uint32_t	segments = any(8);
	uint32_t	custom = any(64);

	put(2, 6);
	put((uint64_t) any(1 << 18) << 18 | any(1 << 18), 36);
	put((uint64_t) any(1 << 18) << 18 | any(1 << 18), 36);
	put(any(1 << 30), 30);
	put(any(26), 6);
	put(any(26), 6);
	put(any(4096), 12);
	put(policy, 6);
	put(any(1 << 14), 14);
	put(any(1 << 24), 24);
	put(any(1 << 24) & interests, 24);
	put(any(2), 1);
	put(any(26), 6);
	put(any(26), 6);
	put_vendors();
	put_vendors();
	put(restrictions, 12);
	while (restrictions-- > 0)
	{
		put(1 + any(24), 6);
		put(any(3), 2);
		put_ranges(any(2000));
	}
	put_part();
	if (policy >= 5 || (segments & 1))
	{
		made[nmade++] = '.';
		put(1, 3);
		put_vendors();
		put_part();
	}
	if (segments & 2)
	{
		made[nmade++] = '.';
		put(2, 3);
		put_vendors();
		put_part();
	}
	if (segments & 4)
	{
		made[nmade++] = '.';
		put(3, 3);
		put(any(1 << 24), 24);
		put(any(1 << 24), 24);
		put(custom, 6);
		while (custom-- > 0)
			put(any(4), 2);
		put_part();
	}
}

/* Adds a number in Fibonacci coding; small ones only. */
static void
put_fibonacci(uint32_t value)
{
	static const uint32_t number[] = {1, 2, 3, 5, 8, 13, 21, 34};
	char		code[8] = {0};
	int			last = -1;
	int			i;

	for (i = 7; i >= 0; i--)
		if (number[i] <= value)
		{
			value -= number[i];
			code[i] = 1;
			last = last < 0 ? i : last;
		}
	for (i = 0; i <= last; i++)
		put((uint64_t) code[i], 1);
	put(1, 1);
}

/* Adds a GPP string. */
static void
put_gpp(void)
{
	uint32_t	id[64];
	uint32_t	count = any(6);
	uint32_t	last = 0;
	uint32_t	i;
	uint32_t	j;

	put(3, 6);
	put(1, 6);
	put(count, 12);
	for (i = 0; i < count; i++)
	{
		uint32_t	offset = 1 + any(8);

		put(0, 1);
		put_fibonacci(offset);
		id[i] = last += offset;
	}
	put_part();
	for (i = 0; i < count; i++)
	{
		made[nmade++] = '~';
		if (id[i] == 2)
			put_tcf();
		else if (id[i] == 6)
			for (j = 0; j < 4; j++)
				made[nmade++] = "1YN-"[j == 0 ? 0 : any(4)];
		else
		{
			put(id[i] == 7 ? 1 + any(2) : 1, 6);
			for (j = any(4) == 0 ? any(40) : 14 + any(18); j > 0; j--)
				put(any(3), 2);
			put_part();
			if (any(2))
			{
				made[nmade++] = '.';
				put(2 + any(2), 3);
				put_part();
			}
		}
	}
}

/* Makes a string, good or nearly so. */
static void
make(void)
{
	nmade = 0;
	if (any(2))
		put_tcf();
	else
		put_gpp();
}

/* Damages a string. */
static void
damage(void)
{
	uint32_t	at = nmade == 0 ? 0 : any((uint32_t) nmade);

	switch (nmade == 0 ? 4 : any(6))
	{
		case 0:
			nmade = at;
			break;
		case 1:
			made[at] = letters[any(64)];
			break;
		case 2:
			made[at] = (char) any(256);
			break;
		case 3:
			memmove(made + at, made + at + 1, nmade - at - 1);
			nmade--;
			break;
		case 4:
			made[nmade++] = ".~A_"[any(4)];
			break;
		case 5:
			memmove(made + at + 1, made + at, nmade - at);
			made[at] = letters[any(64)];
			nmade++;
			break;
	}
}

/* Random strings until the time is over. */
static int
run(int seconds, uint64_t seed)
{
	time_t		end = time(NULL) + seconds;
	unsigned long tried = 0;
	unsigned long good = 0;

	printf("seed %llu\n", (unsigned long long) seed);
	fflush(stdout);
	state = seed;
	while (time(NULL) < end)
	{
		JpFault		fault;
		JpTcf		tcf;
		int			times;

		make();
		good += jp_tcf_parse(made, made, nmade, &tcf, &fault);
		for (times = 0; times < 20; times++, tried++)
		{
			LLVMFuzzerTestOneInput((const uint8_t *) made, nmade);
			damage();
		}
	}
	printf("%lu strings, %lu of them TCF strings that were accepted\n",
		   tried, good);
	return tried > 0 && good > 0 ? 0 : 1;
}

/* A hundred good strings as files. */
static int
corpus(const char *directory)
{
	char		path[4096];
	int			i;

	state = 1;
	for (i = 0; i < 100; i++)
	{
		FILE	   *file;

		make();
		snprintf(path, sizeof(path), "%s/%d", directory, i);
		file = fopen(path, "w");
		if (file == NULL || fwrite(made, 1, nmade, file) != nmade)
			return 1;
		fclose(file);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "corpus") == 0)
		return corpus(argv[2]);
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return run(atoi(argv[2]), argc > 3 ? strtoull(argv[3], NULL, 10) :
				   (uint64_t) time(NULL));
	fprintf(stderr, "usage: %s run SECONDS [SEED] | corpus DIRECTORY\n", argv[0]);
	return 2;
}
#endif
