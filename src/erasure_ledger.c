/*
 * erasure_ledger.c
 *		The file that remembers erasures outside of the database, because a
 *		restored backup knows nothing of those that came after it.
 *
 * One line for each: the request, the time, and the traces of each person's
 * identities, which say nothing without the tombstone key.  A line is written
 * and synced before anything is deleted; in a transaction block, just before
 * the transaction commits.  A line cut short by a crash is left alone: its
 * request has erased nothing.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xact.h"
#include "common/file_utils.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "catalog/pg_type.h"
#include "compat.h"
#include "erasure.h"
#include "journey_privacy.h"

/* A line to be written when the transaction commits. */
typedef struct PendingLine
{
	char	   *line;
	SubTransactionId subxact;
} PendingLine;

static List *pending = NIL;

static char *make_line(const char *request_id, const JpSubject *subject,
					   const int *person);
static void append_line(const char *line);
static void write_all(int file, const char *line, Size length);
static JpRemembered *read_line(char *line);
pg_noreturn static void ledger_failed(const char *what);
static void check_place(void);
static void xact_ends(XactEvent event, void *arg);
static void subxact_ends(SubXactEvent event, SubTransactionId mine,
						 SubTransactionId parent, void *arg);

/* Registers what must happen before commits. */
void
jp_erasure_init(void)
{
	RegisterXactCallback(xact_ends, NULL);
	RegisterSubXactCallback(subxact_ends, NULL);
}

/* Remembers an erasure. */
void
jp_erasure_remember(const char *request_id, const JpSubject *subject,
					const int *person, bool at_commit)
{
	char	   *line;

	if (jp_setting_erasure_ledger_file[0] == '\0')
		return;
	check_place();
	line = make_line(request_id, subject, person);
	if (at_commit)
	{
		MemoryContext caller = MemoryContextSwitchTo(TopTransactionContext);
		PendingLine *later = palloc(sizeof(PendingLine));

		later->line = pstrdup(line);
		later->subxact = GetCurrentSubTransactionId();
		pending = lappend(pending, later);
		MemoryContextSwitchTo(caller);
	}
	else
		append_line(line);
}

/* All erasures that the file remembers. */
List *
jp_erasures_remembered(void)
{
	List	   *remembered = NIL;
	FILE	   *file;
	StringInfoData line;

	if (jp_setting_erasure_ledger_file[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no erasure ledger is configured"),
				 errhint("Set journey_privacy.erasure_ledger_file to the file that this database wrote before it was restored.")));
	check_place();
	file = AllocateFile(jp_setting_erasure_ledger_file, "r");
	if (file == NULL)
		ledger_failed("opened");
	initStringInfo(&line);
	for (;;)
	{
		int			c = getc(file);

		if (c == EOF)
			break;
		CHECK_FOR_INTERRUPTS();
		if (c != '\n')
		{
			appendStringInfoChar(&line, (char) c);
			continue;
		}
		if (line.len > 0)
		{
			JpRemembered *one = read_line(line.data);

			if (one != NULL)
				remembered = lappend(remembered, one);
		}
		resetStringInfo(&line);
	}
	FreeFile(file);
	return remembered;
}

/* The line of an erasure. */
static char *
make_line(const char *request_id, const JpSubject *subject, const int *person)
{
	Datum	   *traces;
	int			count;
	StringInfoData line;
	int			i;

	deconstruct_array(DatumGetArrayTypeP(jp_tombstone_current(subject->pseudonyms,
															  subject->count)),
					  BYTEAOID, -1, false, TYPALIGN_INT, &traces, NULL, &count);
	initStringInfo(&line);
	appendStringInfo(&line, "erased %s %s ", request_id,
					 timestamptz_to_str(GetCurrentTimestamp()));
	/* blanks within the time would be taken for separators */
	for (i = strlen("erased ") + strlen(request_id) + 1; i < line.len - 1; i++)
		if (line.data[i] == ' ')
			line.data[i] = 'T';
	for (i = 0; i < count; i++)
	{
		bytea	   *trace = DatumGetByteaPP(traces[i]);
		char		hex[2 * JP_TRACE_SIZE + 1] = "";

		hex_encode(VARDATA_ANY(trace), VARSIZE_ANY_EXHDR(trace), hex);
		appendStringInfo(&line, "%s%d:%s", i > 0 ? "," : "", person[i], hex);
	}
	appendStringInfoString(&line, " end\n");
	return line.data;
}

/* Appends a line to the file and syncs it. */
static void
append_line(const char *line)
{
	bool		existed = access(jp_setting_erasure_ledger_file, F_OK) == 0;
	int			file = OpenTransientFilePerm(jp_setting_erasure_ledger_file,
											 O_RDWR | O_APPEND | O_CREAT | PG_BINARY,
											 S_IRUSR | S_IWUSR);
	struct stat status;
	char		last = '\n';

	if (file < 0)
		ledger_failed("opened");
	if (fstat(file, &status) != 0)
		ledger_failed("examined");
	if (status.st_size > 0 && pread(file, &last, 1, status.st_size - 1) != 1)
		ledger_failed("read");
	/* A crash may have cut the line before short. */
	if (last != '\n')
		write_all(file, "\n", 1);
	write_all(file, line, strlen(line));
	if (pg_fsync(file) != 0)
		ledger_failed("synced");
	if (CloseTransientFile(file) != 0)
		ledger_failed("closed");
	if (!existed)
	{
		char	   *directory = pstrdup(jp_setting_erasure_ledger_file);

		get_parent_directory(directory);
		fsync_fname(directory, true);
	}
}

/* Writes all of it in one go, or fails. */
static void
write_all(int file, const char *line, Size length)
{
	if (write(file, line, length) != (ssize_t) length)
		ledger_failed("written");
}

/* Reads a line; NULL when it was cut short. */
static JpRemembered *
read_line(char *line)
{
	char	   *save = NULL;
	char	   *word = strtok_r(line, " ", &save);
	char	   *id = strtok_r(NULL, " ", &save);
	char	   *when = strtok_r(NULL, " ", &save);
	char	   *traces = strtok_r(NULL, " ", &save);
	char	   *end = strtok_r(NULL, " ", &save);
	JpRemembered *one;
	char	   *next = NULL;
	char	   *trace;

	if (word == NULL || strcmp(word, "erased") != 0 || when == NULL ||
		end == NULL || strcmp(end, "end") != 0 || strlen(id) != 36)
		return NULL;
	one = palloc0(sizeof(JpRemembered));
	one->request_id = pstrdup(id);
	one->pseudonyms = palloc((strlen(traces) / (2 * JP_TRACE_SIZE) + 1) * sizeof(JpPseudonym));
	for (trace = strtok_r(traces, ",", &next); trace != NULL;
		 trace = strtok_r(NULL, ",", &next))
	{
		char	   *hex = strchr(trace, ':');
		char		bytes[JP_TRACE_SIZE];

		if (hex == NULL || strlen(hex + 1) != 2 * JP_TRACE_SIZE ||
			hex_decode(hex + 1, 2 * JP_TRACE_SIZE, bytes) != JP_TRACE_SIZE)
			return NULL;
		if (jp_tombstone_reveal(bytes, JP_TRACE_SIZE, &one->pseudonyms[one->count]))
			one->count++;
		else
			one->unreadable++;
	}
	return one;
}

/* A file within the data directory would be restored along with it. */
static void
check_place(void)
{
	const char *path = jp_setting_erasure_ledger_file;

	if (!is_absolute_path(path) || path_is_prefix_of_path(DataDir, path))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the erasure ledger must be an absolute path outside the data directory"),
				 errhint("Set journey_privacy.erasure_ledger_file: within the data directory it would be restored along with it.")));
}

/* Throws: nothing may be erased that is not remembered. */
static void
ledger_failed(const char *what)
{
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("the erasure ledger could not be %s: %m", what),
			 errhint("Mend journey_privacy.erasure_ledger_file and erase again.")));
}

/* Writes what was to be written at commit. */
static void
xact_ends(XactEvent event, void *arg)
{
	ListCell   *cell;

	if (event == XACT_EVENT_PRE_PREPARE && pending != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has erased a subject")));
	if (event == XACT_EVENT_PRE_COMMIT)
		foreach(cell, pending)
			append_line(((PendingLine *) lfirst(cell))->line);
	if (event != XACT_EVENT_PRE_PREPARE)
		pending = NIL;
}

/* Forgets what a subtransaction would have erased, or hands it up. */
static void
subxact_ends(SubXactEvent event, SubTransactionId mine,
			 SubTransactionId parent, void *arg)
{
	ListCell   *cell;

	foreach(cell, pending)
	{
		PendingLine *later = lfirst(cell);

		if (later->subxact != mine)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			pending = foreach_delete_current(pending, cell);
		else if (event == SUBXACT_EVENT_COMMIT_SUB)
			later->subxact = parent;
	}
}
