#!/usr/bin/python3
"""disk.py MODE: operations run out of disk.

What is in the way is a file, which fills a small file system but for a random
rest and is taken away again.

data    where the tables are is full: 53100, or it fitted; the session goes on,
        and with space the same statement comes to its end
wal     where pg_wal is is full: the server panics, as PostgreSQL does; with
        space it recovers, and what was acknowledged is there
audit   the worker that seals cannot write: clients wait, and nothing is lost
files   where the erasure ledger and the checkpoint file are is full: nobody is
        erased who is not remembered

FAULT_FULL       where the small file system is mounted
FAULT_ROUNDS=5   how often each operation is tried
FAULT_SEED=n     what was printed
FAULT_ROWS=2000  how much there is to do
"""
import collections, errno

from operations import *

MODE = sys.argv[1]
FULL = os.environ['FAULT_FULL']
ROUNDS = int(os.environ.get('FAULT_ROUNDS', 5))
choice = random.Random(f'{SEED} disk {MODE}')
counts = collections.Counter()
GREEDY = ['erase()', 'erase_many()', 'record_consents()', 'rekey_pseudonyms()', 'purge_expired()', 'process_requests()',
          'link_identity()', 'protect()', "scrub('visit')", 'scrub()', 'refresh_journey_store()', 'rewrap_keys()',
          'rebuild_permitted()']


class Full:
    """The file system is full, but for some bytes, while this lasts."""

    def __init__(self, rest):
        self.rest = rest
        self.ballast = os.path.join(FULL, 'ballast')

    def __enter__(self):
        with open(self.ballast, 'wb', buffering=0) as file:
            for piece in (1 << 20, 4096):
                try:
                    while True:
                        file.write(b'x' * piece)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
            file.truncate(max(0, file.tell() - self.rest))

    def __exit__(self, *_):
        os.unlink(self.ballast)


def rest():
    return int(2 ** choice.uniform(0, 21))


def ended(db, sql, values):
    """The SQLSTATE of what it ended with; 57P01 when the server is gone."""
    try:
        db.execute(sql, values or None)
    except GONE as error:
        return error.sqlstate or '57P01'
    except psycopg.Error as error:
        return error.sqlstate


def try_one(name, prepare, judge):
    wrong = []
    for _ in range(ROUNDS):
        db = awaited()
        sql, values = prepare(db)
        room = rest()
        with Full(room):
            how = ended(db, sql, values)
        counts['failed with 53100' if how == '53100' else 'fitted' if how is None else how] += 1
        if how not in (None, '53100'):
            wrong.append(f'with {room} bytes left: {how}')
        wrong += invariants()[1]
        again = ended(db, sql, values)
        if again is not None:
            wrong.append(f'again after {room} bytes left: {again}')
        db.close()
    wrong += invariants()[1]
    judge.check(f'{name}, {ROUNDS} times on a full disk', wrong)


def full_data(judge):
    for name in ONLY or GREEDY:
        try_one(name, ALL[name], judge)


def full_wal(judge):
    """Decisions one by one, until the server is gone."""
    told = []
    for round in range(ROUNDS):
        db = awaited()
        erasing = someone(db)
        with Full(rest()):
            for n in range(100000):
                token = f'full{SEED}-{round}-{n}'
                how = ended(db, "SELECT journey_privacy.record_consent(%s, 'agreed', true, document => %s)",
                            [f'other:full{SEED}x{n % 10}', token])
                if how is None:
                    told.append(token)
                elif how != '53100':
                    break
                elif n % 20 == 0:
                    ended(db, 'CALL journey_privacy.erase(%s)', [erasing])
        counts['the server panicked' if how == '57P01' else f'ended with {how}'] += 1
        db, started = revived()
        counts['it had to be started again'] += started
        db.execute('CALL journey_privacy.resume_erasures()')
        db.execute('CALL journey_privacy.erase(%s)', [erasing])
        judge.check(f'round {round + 1}: invariants', invariants()[1])
    found = {row[0] for row in awaited().execute('SELECT document FROM journey_privacy.consent_event')}
    judge.tell('decisions acknowledged', len(told))
    judge.check('acknowledged decisions are in the ledger', set(told) - found)


def full_audit(judge):
    """Reads until the queue is full; all that were answered are sealed later."""
    db = awaited(user='fault_analyst')
    db.execute("SET journey_privacy.purpose = 'shop'; SET statement_timeout = '3s'")
    session = db.info.backend_pid
    answered = 0
    how = None
    with Full(0):
        while how is None and answered < 500000:
            how = ended(db, 'SELECT count(*) FROM visit WHERE id = 1', None)
            answered += how is None
    if how not in (None, '57014'):
        judge.check('reads while nothing can be sealed', [how])
    judge.tell('reads answered while nothing could be sealed', answered)
    db.execute('SELECT count(*) FROM visit WHERE id = 1')
    owner = awaited()
    owner.execute('SELECT journey_privacy.checkpoint_audit()')
    sealed = owner.execute("SELECT coalesce(sum(executions), 0) FROM journey_privacy.audit_log WHERE kind = 'use' AND outcome = 'ok'"
                           " AND command = 'SELECT' AND session LIKE '%%.' || %s::text", [session]).fetchone()[0]
    judge.check('each of them is on record', [f'{sealed} of {answered}'] if sealed < answered else [])
    judge.check('invariants', invariants()[1])


def remembered(path):
    with open(path) as file:
        return {line.split()[1] for line in file if line.endswith(' end\n')}


def full_files(judge):
    """The erasure ledger is written before anything is erased."""
    db = awaited()
    wrong = []
    request = [str(uuid.uuid4()) for _ in range(ROUNDS)]
    path = db.execute('SHOW journey_privacy.erasure_ledger_file').fetchone()[0]
    notes = db.execute('SHOW journey_privacy.checkpoint_file').fetchone()[0]
    for one in (path, notes):  # what comes next lies across two pages: half of it fits
        with open(one, 'ab') as file:
            file.write(b'\n' * (4096 - 50 - file.tell() % 4096))
    for id in request:
        identity = someone(db)
        seen = f"SELECT count(*) FROM visit v WHERE v.visitor = '{identity}'"
        rows = db.execute(seen).fetchone()[0]
        with Full(0):
            how = ended(db, 'CALL journey_privacy.erase(%s, %s, %s)', [identity, 'full', id])
            left = db.execute(seen).fetchone()[0]
            if how != '53100' and (how or id not in remembered(path)):
                wrong.append(f'ended with {how}')
            if how and left != rows:
                wrong.append('rows are gone that nobody remembers')
            ended(db, 'SELECT journey_privacy.checkpoint_audit()', None)
        counts[f'ended with {how}'] += 1
        again = ended(db, 'CALL journey_privacy.erase(%s, %s, %s)', [identity, 'full', id])
        if again is not None or db.execute(seen).fetchone()[0] != 0:
            wrong.append(f'with space: {again}')
        wrong += invariants()[1]
    wrong += set(request) - remembered(path)
    note = db.execute('SELECT journey_privacy.checkpoint_audit()').fetchone()[0]
    with open(notes) as file:
        wrong += [] if file.read().endswith('\n\n' + note + '\n') else ['the last checkpoint is not by itself in the file']
    judge.check(f'erase(), {ROUNDS} times without room for the ledger', wrong)


def main():
    print(f'FAULT_SEED={SEED} FAULT_ROUNDS={ROUNDS} FAULT_ROWS={ROWS} {MODE}', flush=True)
    judge = Judge()
    {'data': full_data, 'wal': full_wal, 'audit': full_audit, 'files': full_files}[MODE](judge)
    for what, n in sorted(counts.items()):
        judge.tell(what, n)
    judge.end()


main()
