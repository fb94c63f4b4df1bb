/*
 * looks.c
 *		What values look like, on random bytes and on damaged known ones: under
 *		the sanitizers nothing outside of a value may be read.  Any bytes with
 *		libFuzzer, those of main() with -DSTANDALONE.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/discovery_look.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as a value and as a name, in memory whose end is watched. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *value = malloc(size > 0 ? size : 1);
	int			year;

	memcpy(value, data, size);
	(void) jp_looks_like(value, size, &year, NULL);
	(void) jp_name_says(value, size);
	free(value);
	return 0;
}

#ifdef STANDALONE
static const char *const known[] = {
	"ann@example.com", "+49 151 12345678", "2001:db8::8a2e:370:7334/64", "203.0.113.142",
	"00:1a:2b:3c:4d:5e", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00",
	"255081416802538", "RSSMRA85T10A562S", "X1234567L", "1985-12-31",
	"9999999999", "customerFirstName", "codice_fiscale", "pr\303\251nom", "Stra\303\237e", ""
};

static uint64_t state;

static uint32
next(uint32 below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32) (state >> 33) % below;
}

int
main(int argc, char **argv)
{
	long		cases = argc > 1 ? atol(argv[1]) : 100000;
	uint64		found = 0;
	long		i;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 20240506;
	printf("seed %llu\n", (unsigned long long) state);
	for (i = 0; i < cases; i++)
	{
		const char *from = known[next(sizeof(known) / sizeof(known[0]))];
		size_t		len = strlen(from);
		size_t		before = next(8);
		size_t		size = before + len + next(8);
		char	   *value = malloc(size > 0 ? size : 1);	/* so that its end is watched */
		size_t		n;
		int			year;

		for (n = 0; n < size; n++)
			value[n] = next(4) == 0 ? (char) next(256) : ' ';
		memcpy(value + before, from, len);
		for (n = next(3); n > 0 && size > 0; n--)
			value[next(size)] = (char) next(256);
		found += jp_looks_like(value, size, &year, NULL) != 0;
		found += jp_name_says(value, size) != 0;
		free(value);
	}
	printf("%ld cases, %llu found\n", cases, (unsigned long long) found);
	return found > (uint64) cases / 10 ? 0 : 1;
}
#endif
