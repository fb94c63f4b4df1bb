#include "postgres.h"
#include "fmgr.h"
PG_FUNCTION_INFO_V1(jp_process_requests);
PG_FUNCTION_INFO_V1(jp_request_result);
Datum jp_process_requests(PG_FUNCTION_ARGS) { PG_RETURN_VOID(); }
Datum jp_request_result(PG_FUNCTION_ARGS) { PG_RETURN_NULL(); }
