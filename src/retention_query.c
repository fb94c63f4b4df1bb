/*
 * retention_query.c
 *		Queries whose rows are taken one by one as they come, so that no more of
 *		them is in memory than what is kept of them.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
#include "nodes/params.h"
#include "tcop/dest.h"

#include "retention.h"

/* Who takes the rows. */
typedef struct Taking
{
	DestReceiver receiver;		/* must come first */
	bool		(*take) (TupleTableSlot *slot, void *arg);
	void	   *arg;
} Taking;

static bool take_slot(TupleTableSlot *slot, DestReceiver *self);
static void nothing_to_start(DestReceiver *self, int operation, TupleDesc desc);
static void nothing_to_end(DestReceiver *self);

/* Runs a query and hands its rows to a function, which returns false to stop. */
void
jp_query_into(const char *sql, int nargs, const Oid *types, const Datum *values,
			  bool (*take) (TupleTableSlot *slot, void *arg), void *arg)
{
	Taking		taking = {.take = take, .arg = arg};
	SPIExecuteOptions options = {0};
	int			code;
	int			i;

	options.params = makeParamList(nargs);
	for (i = 0; i < nargs; i++)
	{
		options.params->params[i].value = values[i];
		options.params->params[i].isnull = false;
		options.params->params[i].pflags = PARAM_FLAG_CONST;
		options.params->params[i].ptype = types[i];
	}
	taking.receiver.receiveSlot = take_slot;
	taking.receiver.rStartup = nothing_to_start;
	taking.receiver.rShutdown = nothing_to_end;
	taking.receiver.rDestroy = nothing_to_end;
	taking.receiver.mydest = DestTuplestore;	/* what SPI takes for rows wanted */
	options.dest = &taking.receiver;
	code = SPI_execute_extended(sql, &options);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "a query returned %s", SPI_result_code_string(code));
}

static bool
take_slot(TupleTableSlot *slot, DestReceiver *self)
{
	Taking	   *taking = (Taking *) self;

	return taking->take(slot, taking->arg);
}

static void
nothing_to_start(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
nothing_to_end(DestReceiver *self)
{
}
