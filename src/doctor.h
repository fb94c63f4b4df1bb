/*
 * doctor.h
 *		What doctor() checks: one entry for each check.
 */
#ifndef JP_DOCTOR_H
#define JP_DOCTOR_H

typedef enum JpSeverity
{
	JP_CRITICAL,				/* somebody is not protected, now */
	JP_WARNING,					/* somebody will not be, or a duty is near */
	JP_ADVICE					/* it could be better */
} JpSeverity;

/* What the checks have found so far. */
typedef struct JpFindings JpFindings;

/*
 * A check is a query for object, finding and statement, or a function.  Both
 * run as the extension's owner, in a subtransaction, SPI connected; an error
 * is told as a finding of its own.
 */
typedef struct JpCheck
{
	JpSeverity	severity;
	const char *name;
	const char *needs;			/* a relation of ours, or relation.column,
								 * without which there is nothing to check */
	const char *sql;
	void		(*look) (JpFindings *findings);
	bool		fails;			/* that it fails is what it is to find */
} JpCheck;

#define JP_ASK(severity, name, needs, sql) \
	{severity, name, needs, sql, NULL, false}
#define JP_LOOK(severity, name, look, fails) \
	{severity, name, NULL, NULL, look, fails}
#define JP_NO_MORE_CHECKS \
	{0, NULL, NULL, NULL, NULL, false}

/* The checks, each list ended by an entry without a name. */
extern const JpCheck jp_checks_server[];
extern const JpCheck jp_checks_settings[];
extern const JpCheck jp_checks_tables[];
extern const JpCheck jp_checks_access[];
extern const JpCheck jp_checks_replication[];
extern const JpCheck jp_checks_links[];
extern const JpCheck jp_checks_duties[];
extern const JpCheck jp_checks_erasure[];

/* Something was found; object and statement may be NULL. */
extern void jp_find(JpFindings *findings, const char *object,
					const char *finding, const char *statement);

/* As the owner of a role that row security does not bind: for queries. */
#define JP_SQL_UNBOUND \
	"unbound AS (SELECT oid, rolname, CASE WHEN rolsuper THEN 'is a superuser' ELSE 'has BYPASSRLS' END AS why" \
	" FROM pg_roles WHERE rolsuper OR rolbypassrls)"

#endif							/* JP_DOCTOR_H */
