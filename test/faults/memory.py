#!/usr/bin/python3
"""memory.py: operations run out of memory.

The address space of a session is limited (prlimit) to what it has and a little
more, each time another little.  The operation fails with 53200, or succeeds; the
server goes on, the invariants hold, and with the limit lifted the same
session does it.

FAULT_ROUNDS=5   how often each operation is tried
FAULT_SEED=n     what was printed
FAULT_ROWS=2000  how much there is to do
"""
import collections, resource

from operations import *

ROUNDS = int(os.environ.get('FAULT_ROUNDS', 5))
choice = random.Random(f'{SEED} memory')
counts = collections.Counter()
HUNGRY = ['erase()', 'erase_many()', 'record_consents()', 'rekey_pseudonyms()', 'process_requests()', 'export_subject()',
          'rebuild_permitted()', 'refresh_journey_store()', 'funnel()', 'doctor()', 'verify_audit()']


def size_of(pid):
    with open(f'/proc/{pid}/statm') as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def limit(pid, size):
    resource.prlimit(pid, resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))


def try_one(name, prepare, judge):
    wrong = []
    for _ in range(ROUNDS):
        db = awaited()
        started = db.execute('SELECT pg_postmaster_start_time(), pg_backend_pid()').fetchone()
        db.execute("SET jit = off; SET max_parallel_workers_per_gather = 0; SET work_mem = '64MB'; LOAD 'plpgsql'")
        sql, values = prepare(db)
        room = int(2 ** choice.uniform(0, 24))
        limit(started[1], size_of(started[1]) + room)
        ended = None
        try:
            db.execute(sql, values or None)
        except psycopg.Error as error:
            ended = error.sqlstate
            # the server cannot read the file of a time zone then, and says so
            if ended != '53200' and 'parameter "TimeZone"' not in str(error):
                wrong.append(f'with {room} bytes more: {ended} {error}')
        counts['failed with 53200' if ended == '53200' else 'had enough' if ended is None else 'other'] += 1
        try:
            limit(started[1], resource.RLIM_INFINITY)
            db.execute(sql, values or None)
            if db.execute('SELECT pg_postmaster_start_time(), pg_backend_pid()').fetchone() != started:
                wrong.append('the server was restarted')
        except (psycopg.Error, ProcessLookupError) as error:
            wrong.append(f'after {room} bytes more: {error!r}')
        db.close()
    wrong += invariants()[1]
    judge.check(f'{name}, {ROUNDS} times', wrong)


def main():
    print(f'FAULT_SEED={SEED} FAULT_ROUNDS={ROUNDS} FAULT_ROWS={ROWS}', flush=True)
    judge = Judge()
    for name in ONLY or HUNGRY:
        try_one(name, ALL[name], judge)
    for what, n in sorted(counts.items()):
        judge.tell(what, n)
    judge.end()


main()
