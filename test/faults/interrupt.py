#!/usr/bin/python3
"""interrupt.py: every long operation is stopped at random points, in three ways.

statement_timeout, pg_cancel_backend() and pg_terminate_backend() come after a
random part of the time that the operation takes undisturbed.  Afterwards the
invariants hold, the session can be used, and the operation comes to its end
when it is asked for again.

FAULT_ROUNDS=5   how often each operation is stopped
FAULT_SEED=n     what was printed
FAULT_ROWS=2000  how much there is to do
"""
import collections, threading

from operations import *

ROUNDS = int(os.environ.get('FAULT_ROUNDS', 5))
choice = random.Random(f'{SEED} interrupts')
counts = collections.Counter()


class Session:
    """A connection that is made anew when it was lost."""

    def __init__(self):
        self.db = awaited()

    def run(self, sql, values):
        """The SQLSTATE of what it ended with, if not well; 57P01 when it was lost."""
        try:
            self.db.execute(sql, values or None)
            return None
        except GONE as error:
            if error.sqlstate not in (None, '57P01'):
                return error.sqlstate
            self.db = awaited()
            return '57P01'
        except psycopg.Error as error:
            return error.sqlstate


def stop_later(how, pid, delay):
    def stop():
        with awaited() as other:
            other.execute(f'SELECT pg_{how}_backend(%s)', [pid])

    timer = threading.Timer(delay, stop)
    timer.start()
    return timer


def disturbed(session, sql, values, delay):
    """Runs a statement that is stopped after a while, in one of three ways."""
    how = choice.choice(['timeout', 'cancel', 'terminate'])
    if how == 'timeout':
        session.db.execute(f"SET statement_timeout = '{max(1, int(delay * 1000))}ms'")
        ended = session.run(sql, values)
    else:
        timer = stop_later(how, session.db.info.backend_pid, delay)
        ended = session.run(sql, values)
        timer.join()
    # what comes too late may hit whatever is next
    for _ in range(3):
        if session.run('SET statement_timeout = 0; RESET journey_privacy.purpose', []) is None:
            break
    counts[f'{how}: ' + ('too late' if ended is None else 'stopped')] += 1
    return ended


def try_one(name, prepare, judge):
    session = Session()
    wrong = []
    sql, values = prepare(session.db)
    begun = time.monotonic()
    ended = session.run(sql, values)
    took = time.monotonic() - begun
    if ended is not None:
        wrong.append(f'undisturbed: {ended}')
    for _ in range(ROUNDS):
        sql, values = prepare(session.db)
        delay = choice.uniform(0, took * 1.05)
        ended = disturbed(session, sql, values, delay)
        if ended not in (None, '57014', '57P01'):
            wrong.append(f'stopped after {delay:.3f} s: {ended}')
        wrong += invariants()[1]
        again = session.run(sql, values)
        if again is not None:
            wrong.append(f'again after {delay:.3f} s: {again}')
    wrong += invariants()[1]
    judge.check(f'{name}, stopped {ROUNDS} times within {took:.2f} s', wrong)


def main():
    print(f'FAULT_SEED={SEED} FAULT_ROUNDS={ROUNDS} FAULT_ROWS={ROWS}', flush=True)
    judge = Judge()
    for name in ONLY or ALL:
        try_one(name, ALL[name], judge)
    for what, n in sorted(counts.items()):
        judge.tell(what, n)
    judge.end()


main()
