/*
 * opendsr_read.h
 *		Requests of OpenDSR 2.0 as they come in: what the specification wants
 *		of them, or why they are refused.  Pure; paragraphs are those of the
 *		specification at github.com/opengdpr/OpenDSR.
 */
#ifndef JP_OPENDSR_READ_H
#define JP_OPENDSR_READ_H

#include "opendsr_json.h"

#define JP_DSR_BODY_MAX		(256 * 1024)	/* bytes of a request */
#define JP_DSR_IDENTITIES	100
#define JP_DSR_URLS			10
#define JP_DSR_URL_MAX		2048
#define JP_DSR_MEMBERS		100 /* of an object that is read */
#define JP_DSR_TYPE_SIZE	48	/* a type's name and its NUL */
#define JP_DSR_ID_LENGTH	36

/* Formats of identities (5.2), in the order in which they are told. */
typedef enum JpDsrFormat
{
	JP_DSR_RAW,
	JP_DSR_MD5,
	JP_DSR_SHA1,
	JP_DSR_SHA256
} JpDsrFormat;

#define JP_DSR_FORMATS	4

/* An identity of the one who asks; the value is a string of the request. */
typedef struct JpDsrIdentity
{
	char		type[JP_DSR_TYPE_SIZE];
	JpDsrFormat format;
	JpJsonText	value;
} JpDsrIdentity;

/* A request (7.1.1); strings and URLs stand where they do in its body. */
typedef struct JpDsrRequest
{
	char		id[JP_DSR_ID_LENGTH + 1];
	const char *type;
	const char *regulation;
	int			identities;
	JpDsrIdentity identity[JP_DSR_IDENTITIES];
	int			urls;
	JpJsonText	url[JP_DSR_URLS];
} JpDsrRequest;

/* Why a request is refused; never what it says. */
typedef struct JpDsrFault
{
	const char *reason;			/* one word for machines */
	const char *field;			/* the field at fault, or NULL */
	const char *message;		/* what is wrong with it */
} JpDsrFault;

/* Names of formats, and of the types (5.1), until a NULL. */
extern const char *const jp_dsr_formats[JP_DSR_FORMATS];
extern const char *const jp_dsr_types[];
extern const char *const jp_dsr_request_types[];

/*
 * Reads a request to the processor of a domain, whose extension may have
 * identities too.  False when it is refused; then the fault says why.
 */
extern bool jp_dsr_read(const char *body, size_t len, const char *domain,
						JpDsrRequest *request, JpDsrFault *fault);

/* Whether this is a UUID of version 4 in lower case (1.1). */
extern bool jp_dsr_id_valid(const char *id, size_t len);

/* Whether this is a date and time of RFC 3339. */
extern bool jp_dsr_time_valid(const char *time, size_t len);

/*
 * Whether this is a URL that we, or a sender, would call: https, a name in
 * the public domain name system, no user and no fragment.
 */
extern bool jp_dsr_url_valid(const char *url, size_t len);

/* Length of the host name of a valid URL, which starts at *host. */
extern size_t jp_dsr_url_host(const char *url, const char **host);

/* Whether this is a name in the public domain name system. */
extern bool jp_dsr_domain_valid(const char *name, size_t len);

#endif							/* JP_OPENDSR_READ_H */
