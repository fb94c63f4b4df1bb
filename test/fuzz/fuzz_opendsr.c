/*
 * fuzz_opendsr.c
 *		Fuzzer for the reader of OpenDSR requests.  Needs no PostgreSQL.
 *
 * With libFuzzer (test/extra/fuzz_opendsr.sh does this):
 *		clang -DJP_PURE -fsanitize=fuzzer,address,undefined -Isrc \
 *			test/fuzz/fuzz_opendsr.c src/opendsr_{json,read,form}.c
 * Alone, with -DSTANDALONE and any compiler:
 *		fuzz_opendsr run SECONDS [SEED]		random and damaged requests
 *		fuzz_opendsr corpus DIRECTORY		requests for libFuzzer to begin with
 *
 * Requests lie in memory that ends where they end, so that AddressSanitizer
 * sees any look beyond.
 */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "opendsr_read.h"

#define DOMAIN	"opendsr.example.com"

#define CHECK(what) \
	do { \
		if (!(what)) \
		{ \
			fprintf(stderr, "line %d: not %s\n", __LINE__, #what); \
			abort(); \
		} \
	} while (0)

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A string says the same when it is written without escapes. */
static void
check_string(const JpJsonText *string)
{
	char	   *plain = malloc(string->len + 2);
	int			len = jp_jsontext_decode(string, plain + 1, string->len);
	JpJsonText	again = {plain, len + 2};
	bool		ascii = true;
	int			i;

	CHECK(len >= 0 || memmem(string->start, string->len, "\\u0000", 6) != NULL);
	CHECK(jp_jsontext_same(string, string));
	for (i = 1; i <= len; i++)
		ascii = ascii && plain[i] >= ' ' && plain[i] <= '~' &&
			plain[i] != '"' && plain[i] != '\\';
	if (len >= 0 && ascii)
	{
		CHECK(jp_jsontext_is(string, plain + 1, false));
		plain[0] = plain[len + 1] = '"';
		CHECK(jp_jsontext_same(string, &again) && jp_jsontext_same(&again, string));
		CHECK(len == 0 || jp_jsontext_decode(string, plain, len) == -1);
	}
	free(plain);
}

/* Walks over all that a value has, and reads every string in it. */
static void
check_value(const JpJsonText *value, int depth)
{
	char		kind = jp_jsontext_kind(value);
	JpJsonWalk	walk;
	JpJsonText	name;
	JpJsonText	inner;
	JpJsonText	again;

	CHECK(depth <= JP_JSON_DEPTH && value->len > 0);
	CHECK(strchr("{[\"0tfn", kind) != NULL);
	CHECK(jp_jsontext_check(value->start, value->len, &again) &&
		  again.start == value->start && again.len == value->len);
	if (kind == '"')
		check_string(value);
	if (kind != '{' && kind != '[')
		return;
	jp_jsontext_walk(value, &walk);
	while (kind == '{' ? jp_jsontext_member(&walk, &name, &inner) :
		   jp_jsontext_element(&walk, &inner))
	{
		CHECK(inner.start > value->start &&
			  inner.start + inner.len < value->start + value->len);
		if (kind == '{')
			check_value(&name, depth + 1);
		check_value(&inner, depth + 1);
	}
}

/* What was accepted keeps what the header promises. */
static void
check_request(const JpDsrRequest *request, const char *body, size_t size)
{
	int			i;

	CHECK(jp_dsr_id_valid(request->id, strlen(request->id)));
	CHECK(request->type != NULL && request->regulation != NULL);
	CHECK(request->identities >= 1 && request->identities <= JP_DSR_IDENTITIES);
	CHECK(request->urls <= JP_DSR_URLS);
	for (i = 0; i < request->identities; i++)
	{
		const JpDsrIdentity *identity = &request->identity[i];

		CHECK(identity->type[0] >= '_' && identity->format < JP_DSR_FORMATS);
		CHECK(identity->value.start > body &&
			  identity->value.start + identity->value.len < body + size);
	}
	for (i = 0; i < request->urls; i++)
	{
		char		url[JP_DSR_URL_MAX + 1];
		int			len = jp_jsontext_decode(&request->url[i], url, sizeof(url));
		const char *host;

		CHECK(len > 0 && jp_dsr_url_valid(url, len));
		len = (int) jp_dsr_url_host(url, &host);
		CHECK(jp_dsr_domain_valid(host, len) && strchr(url, '#') == NULL);
	}
}

/* Gives a request to the reader, and its bytes to the checks of forms. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static JpDsrRequest request;
	char	   *body = malloc(size == 0 ? 1 : size);
	JpDsrFault	fault = {NULL, NULL, NULL};
	JpJsonText	value;

	if (size > 0)
		memcpy(body, data, size);
	if (jp_dsr_read(body, size, DOMAIN, &request, &fault))
		check_request(&request, body, size);
	else
		CHECK(fault.reason != NULL && fault.message != NULL);
	if (jp_jsontext_check(body, size, &value))
		check_value(&value, 0);
	else
		CHECK(strcmp(fault.reason, "malformed_json") == 0);
	(void) jp_dsr_id_valid(body, size);
	(void) jp_dsr_time_valid(body, size);
	(void) jp_dsr_url_valid(body, size);
	(void) jp_dsr_domain_valid(body, size);
	free(body);
	return 0;
}

#ifdef STANDALONE

static const char *const requests[] = {
	"{\"regulation\":\"gdpr\",\"subject_request_id\":\"a7551968-d5d6-44b2-9831-815ac9017798\","
	"\"subject_request_type\":\"erasure\",\"submitted_time\":\"2018-10-02T15:00:00.1234567Z\","
	"\"subject_identities\":[{\"identity_type\":\"email\",\"identity_value\":\"a\\u00e9\\ud83d\\ude00@example.com\","
	"\"identity_format\":\"raw\"}],\"api_version\":\"2.0\",\"status_callback_urls\":[\"https://a.example.com:8443/cb?x\"]}",
	"{\"regulation\":\"ccpa\",\"subject_request_id\":\"a7551968-d5d6-44b2-9831-815ac9017798\","
	"\"subject_request_type\":\"access\",\"submitted_time\":\"1996-12-19T16:39:57-08:00\",\"x\":[1.5e-3,true,false,null,{},[[]]],"
	"\"extensions\":{\"opendsr.example.com\":{\"identities\":[{\"identity_type\":\"other2\",\"identity_value\":\"x\"},"
	"{\"identity_type\":\"email\",\"identity_value\":\"d41d8cd98f00b204e9800998ecf8427e\",\"identity_format\":\"md5\"}]},\"b\":{}}}",
	"2020-02-29T23:59:60+00:00", "https://a.example.com:443/", "a7551968-d5d6-44b2-9831-815ac9017798"
};

#define REQUESTS	(sizeof(requests) / sizeof(requests[0]))

static uint64_t state;

/* splitmix64: a number below limit. */
static uint32_t
any(uint32_t limit)
{
	uint64_t	z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	z ^= z >> 31;
	return limit == 0 ? 0 : (uint32_t) (z % limit);
}

/* A request with a few bytes changed, taken out, doubled, or cut off. */
static size_t
damage(char *made)
{
	static const char likely[] = "{}[]\",:\\u0019eE+-.tfnr/ d8\t\x1f\x80\xc3\xa9\xed\xf0\xff";
	const char *request = requests[any(REQUESTS)];
	size_t		size = strlen(request);
	int			changes = any(5);

	memcpy(made, request, size);
	while (changes-- > 0 && size > 8)
	{
		size_t		at = any(size);
		size_t		len = 1 + any(any(2) ? 1 : 8);

		if (at + len > size)
			len = size - at;
		switch (any(4))
		{
			case 0:
				made[at] = likely[any(sizeof(likely))];
				break;
			case 1:
				memmove(made + at, made + at + len, size - at - len);
				size -= len;
				break;
			case 2:
				memmove(made + at + len, made + at, size - at);
				size += len;
				break;
			default:
				if (any(4) == 0)
					size = at;
		}
	}
	return size;
}

/* Damaged requests until the time is over. */
static int
run(int seconds, uint64_t seed)
{
	time_t		end = time(NULL) + seconds;
	static char made[4096];
	static JpDsrRequest request;
	long		count = 0;
	long		accepted = 0;

	printf("seed %llu\n", (unsigned long long) seed);
	state = seed;
	while (time(NULL) < end)
	{
		int			i;

		for (i = 0; i < 1000; i++, count++)
		{
			size_t		size = damage(made);
			JpDsrFault	fault;

			LLVMFuzzerTestOneInput((const uint8_t *) made, size);
			accepted += jp_dsr_read(made, size, DOMAIN, &request, &fault);
		}
	}
	printf("%ld requests, %ld accepted\n", count, accepted);
	CHECK(accepted > 0 && accepted < count);
	return 0;
}

/* Requests as files. */
static int
corpus(const char *directory)
{
	size_t		i;

	for (i = 0; i < REQUESTS; i++)
	{
		char		path[4096];
		FILE	   *file;

		snprintf(path, sizeof(path), "%s/%zu", directory, i);
		file = fopen(path, "wb");
		if (file == NULL || fputs(requests[i], file) < 0 || fclose(file) != 0)
			return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "corpus") == 0)
		return corpus(argv[2]);
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return run(atoi(argv[2]), argc > 3 ? strtoull(argv[3], NULL, 10) :
				   (uint64_t) time(NULL));
	fprintf(stderr, "usage: fuzz_opendsr run SECONDS [SEED] | corpus DIRECTORY\n");
	return 2;
}

#endif
