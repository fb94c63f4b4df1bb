/*
 * audit_internal.h
 *		What the audit room's own files share, grouped by file.
 */
#ifndef JP_AUDIT_INTERNAL_H
#define JP_AUDIT_INTERNAL_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/array.h"

#include "audit_tree.h"
#include "note.h"

#define JP_COMMITMENT_SIZE	32	/* a nonce of 16 bytes, a MAC of 16 */

/*
 * Levels below this one have no rows in audit_node: 2 to this power entries
 * are read to get a hash again.
 */
#define JP_NODE_LEVEL		8

/* What of an entry has no text.  The part from kind on tells uses apart. */
typedef struct JpEntryFacts
{
	uint64		number;
	TimestampTz at;
	int64		statement;		/* of its session */
	int64		rows;			/* -1: does not apply */
	int64		executions;
	int64		duration;		/* microseconds; -1: does not apply */
	bool		has_subject;
	uint8		subject[JP_COMMITMENT_SIZE];

	int32		kind;			/* JpNoteKind */
	int32		outcome;		/* JpNoteOutcome */
	int64		query_id;		/* 0: unknown */
	uint64		transaction;	/* 0: none */
	TimestampTz session_start;
	int32		pid;
	int32		unrestricted;
} JpEntryFacts;

/* An entry; its texts are in the server's encoding, NULL where none. */
typedef struct JpEntry
{
	JpEntryFacts facts;
	const char *session_user_name;
	const char *current_user_name;
	const char *as_role;		/* whose rights count, if another's */
	const char *purpose;
	const char *command;
	const char *detail;
	int			tables;
	const char **table;
	const char **columns;		/* of each table */
} JpEntry;

/* audit.c: whether the settings want a note, of reading or anything else. */
extern bool jp_audit_wants(bool read);

/* audit.c: begins an entry with all that is known of the session. */
extern void jp_audit_fill(JpEntry *entry, JpNoteKind kind,
						  JpNoteOutcome outcome, const char *command);

/* audit.c: the purpose in force: NULL, a known one, or "(unknown)". */
extern const char *jp_audit_purpose(void);

/* audit.c: writes a packed entry to the server log. */
extern void jp_audit_to_log(const char *message);

/* audit_subject.c: a commitment to a subject; false when there is no key. */
extern bool jp_audit_commit_to(const struct JpPseudonym *subject,
							   uint8 *commitment);

/* audit_use.c: hands an entry over; a change may be rolled back yet. */
extern void jp_use_emit(const JpEntry *entry);

/*
 * audit_use.c: counts one more of what a statement does many times, until it
 * is through; the first time it needs the entry.
 */
extern bool jp_use_again(JpNoteKind kind, const struct JpPseudonym *subject);
extern void jp_use_first(const JpEntry *entry, const struct JpPseudonym *subject);

/*
 * audit_use.c: an entry that is made ready and told only when changes are
 * undone, or discarded.
 */
extern struct JpUse *jp_use_keep(const JpEntry *entry);
extern void jp_use_undone(struct JpUse *use, int64 count);
extern void jp_use_discard(struct JpUse *use);

/* audit_change.c: changes of (sub)transactions, and their ends. */
extern void jp_change_note(void);
extern bool jp_changes_any(void);
extern void jp_change_merge(SubTransactionId mine, SubTransactionId parent);
extern void jp_change_undone(SubTransactionId subxact);
extern void jp_changes_end(bool aborted);

/* audit_use.c: number of the statement under way in this session. */
extern int64 jp_use_statement(void);

/* Initialisers. */
extern void jp_queue_init(void);
extern void jp_use_init(void);

/* audit_entry.c: to and from the bytes in the queue, a multiple of eight. */
extern void jp_entry_pack(const JpEntry *entry, StringInfo message);
extern void jp_entry_unpack(const char *message, JpEntry *entry);

/* audit_entry.c: of a packed entry, its facts, its size, its likeness. */
extern JpEntryFacts *jp_entry_facts(char *message);
extern uint32 jp_entry_size(const char *message);
extern bool jp_entry_alike(const char *one, const char *other);

/* audit_entry.c: what is hashed: one line of JSON in UTF-8, keys sorted. */
extern void jp_entry_leaf(const JpEntry *entry, StringInfo leaf);

/*
 * audit_entry.c: between an entry and the columns of audit_entry; false for a
 * row that to_row cannot have made.
 */
#define JP_ENTRY_COLUMNS	22
extern void jp_entry_to_row(const JpEntry *entry, const JpHash *hash,
							Datum *values, bool *nulls);
extern bool jp_entry_from_row(const Datum *values, const bool *nulls,
							  JpEntry *entry, JpHash *hash);

/*
 * audit_queue.c: makes sure that a message of so many bytes has room, waiting
 * for it if need be; what is reserved is then put or released, neither of
 * which waits or throws.  Returns false where there is no queue.
 */
extern bool jp_queue_reserve(uint32 size);
extern void jp_queue_release(uint32 size);
extern void jp_queue_put(const char *message, uint32 size);

/* audit_queue.c: waits until all that this session has put is durable. */
extern void jp_queue_flush(void);

/*
 * audit_queue.c: waits until all that any session has put is durable; false
 * where there is no queue.
 */
extern bool jp_queue_flush_all(void);

/* audit_queue.c: has the worker sign a checkpoint; false when it cannot. */
extern bool jp_queue_checkpoint(void);

/* audit_queue.c: bytes that wait, the size of the queue, the worker's pid. */
extern void jp_queue_figures(uint64 *waiting, uint64 *size, int *worker);

/* audit_drain.c: for the worker: arrives; false when it is not needed. */
extern bool jp_queue_serve(Oid database);
extern void jp_queue_unserve(bool for_good);
extern bool jp_queue_unserve_empty(void);

/* audit_drain.c: for the worker: copies packed entries; how many bytes. */
extern uint64 jp_queue_peek(StringInfo batch, uint64 max);
extern void jp_queue_sealed(uint64 bytes);

/* What the worker should do next. */
typedef struct JpQueueState
{
	bool		empty;
	bool		leave;			/* somebody needs the database for himself */
	bool		alone;			/* no session is attached */
	uint64		checkpoint;		/* number of the checkpoint that is wanted */
} JpQueueState;

extern void jp_queue_state(JpQueueState *state);
extern void jp_queue_nap(bool idle, long milliseconds);
extern void jp_queue_checkpointed(uint64 wanted, bool made);

/*
 * audit_seal.c: for the worker: reads how far the tree has come; seals packed
 * entries within a transaction; the tree once that has committed.
 */
extern void jp_seal_load(void);
extern void jp_seal_entries(char *batch, uint64 size);
extern void jp_seal_committed(void);
extern const JpTree *jp_sealed_tree(void);

/*
 * audit_partition.c: the partition for a time, made if need be, and when its
 * month ends; the one after it is made ahead.
 */
extern Oid	jp_partition_for(TimestampTz at, TimestampTz *end);

/*
 * audit_node.c: reads the tree, with SPI connected: a complete subtree's root
 * (XX001 when it cannot be told), a range's, a whole tree; writes a node.
 */
extern void jp_node_read(void *unused, int level, uint64 index, JpHash *hash);
extern void jp_node_range(void *unused, uint64 begin, uint64 end, JpHash *hash);
extern void jp_node_tree(uint64 size, JpTree *tree);
extern bool jp_node_kept(int level, uint64 index, JpHash *hash);
extern void jp_node_write(int level, uint64 index, const JpHash *hash);

/* audit_node.c: how many entries there are, and the first that is kept. */
extern uint64 jp_audit_size(void);
extern uint64 jp_audit_first(void);

/* audit_checkpoint.c: has the worker make one; 55000 when it cannot. */
extern void jp_audit_checkpoint(void);

/* audit_checkpoint.c: size of the last one. */
extern uint64 jp_last_checkpoint(void);

/*
 * audit_checkpoint.c, with SPI connected: the log's name, NULL if it has none
 * yet; gives it one; signs and stores a checkpoint and returns the note.
 */
extern char *jp_audit_origin(void);
extern void jp_audit_name(void);
extern char *jp_checkpoint_make(const JpTree *tree);

/*
 * audit_handout.c: for the worker: gives a note to the file and the command
 * that are set; looks after a command that runs.
 */
extern void jp_handout(const char *note);
extern void jp_handout_watch(void);

/* audit_read.c: entries in the order of their numbers, by SPI. */
typedef struct JpEntries
{
	struct PortalData *portal;
	struct SPITupleTable *table;
	uint64		at;
} JpEntries;

extern void jp_entries_begin(JpEntries *entries, uint64 first, uint64 end);
extern bool jp_entries_next(JpEntries *entries, Datum *values, bool *nulls);
extern void jp_entries_end(JpEntries *entries);

/*
 * audit_verify.c: throws XX001 unless the entries that are kept, up to one,
 * are as they were sealed.
 */
extern void jp_audit_require_whole(uint64 end);

#endif							/* JP_AUDIT_INTERNAL_H */
