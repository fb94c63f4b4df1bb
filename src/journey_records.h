/*
 * journey_records.h
 *		Events of many subjects, kept by subject in little memory: partitions
 *		by a hash of the subject, which go to a file when they grow.
 */
#ifndef JP_JOURNEY_RECORDS_H
#define JP_JOURNEY_RECORDS_H

#include "common/hashfn.h"
#include "storage/buffile.h"

/* An event: whose, when, and what its caller marks it with. */
typedef struct JpRecord
{
	uint32		subject;
	uint32		mark;
	int64		at;
} JpRecord;

#define JP_PARTITIONS		256
#define JP_CHUNK_RECORDS	255

/* Records of one partition, in the order in which they came. */
typedef struct JpRecordChunk
{
	struct JpRecordChunk *next;
	uint32		count;
	JpRecord	record[JP_CHUNK_RECORDS];
} JpRecordChunk;

/* Records of one partition that went to the file together. */
typedef struct JpRecordRun
{
	int			file;
	off_t		offset;
	uint32		count;
} JpRecordRun;

typedef struct JpPartition
{
	JpRecordChunk *first;
	JpRecordChunk *last;
	uint64		count;			/* in memory and in the file */
	JpRecordRun *run;
	int			runs;
	int			room;
} JpPartition;

typedef struct JpRecords
{
	MemoryContext context;
	MemoryContext chunks;		/* emptied when they go to the file */
	Size		used;			/* bytes of chunks */
	Size		most;			/* bytes that they may take */
	uint64		count;
	int64		first_at;		/* of all */
	int64		last_at;
	BufFile    *file;			/* NULL: nothing has gone there */
	JpPartition partition[JP_PARTITIONS];
} JpRecords;

/* Whom the records of one subject are handed to, ordered by time and mark. */
typedef void (*JpSubjectTaker) (void *arg, const JpRecord *records, uint32 count);

/*
 * Empty records in a context, which may take work_mem times hash_mem_multiplier
 * before they go to a file; jp_records_close gives the file back.
 */
extern JpRecords *jp_records_create(MemoryContext context);
extern void jp_records_close(JpRecords *records);

/* Hands over subject by subject.  marks, unless NULL, are put in place of each mark first. */
extern void jp_records_take(JpRecords *records, const uint32 *marks,
							JpSubjectTaker take, void *arg);

/* All records in no order, for another process; room for records->count of them. */
extern void jp_records_copy(JpRecords *records, JpRecord *to);

/* What jp_records_add does where a chunk is full. */
extern JpRecordChunk *jp_records_chunk(JpRecords *records, JpPartition *partition);

/* Where a subject's records go. */
static inline JpPartition *
jp_records_partition(JpRecords *records, uint32 subject)
{
	return &records->partition[murmurhash32(subject) >> 24];
}

/* Adds a record to its partition. */
static inline void
jp_records_add_to(JpRecords *records, JpPartition *partition, uint32 subject,
				  int64 at, uint32 mark)
{
	JpRecordChunk *chunk = partition->last;
	JpRecord   *record;

	if (unlikely(chunk == NULL || chunk->count == JP_CHUNK_RECORDS))
		chunk = jp_records_chunk(records, partition);
	record = &chunk->record[chunk->count++];
	record->subject = subject;
	record->mark = mark;
	record->at = at;
	records->first_at = Min(records->first_at, at);
	records->last_at = Max(records->last_at, at);
	partition->count++;
	records->count++;
}

/* Adds a record. */
static inline void
jp_records_add(JpRecords *records, uint32 subject, int64 at, uint32 mark)
{
	jp_records_add_to(records, jp_records_partition(records, subject), subject, at, mark);
}

#endif							/* JP_JOURNEY_RECORDS_H */
