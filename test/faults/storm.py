#!/usr/bin/python3
"""storm.py: processes of a server are killed while it works; then it is judged.

Clients decide, insert, link, seal, erase and ask for themselves, under people of
their own, and write down what they were told was done.  Beside them pgbench
writes and reads for a crowd, one session works requests off, one looks after
things (purge, store, scrub, checkpoint, new keys), and one stops others: with
SIGKILL, as a crash does, with SIGTERM and SIGINT, and now and then the postmaster
itself.  Afterwards whatever was acknowledged must be there, whatever was
begun must come to its end, test/invariants.sql must hold, and no canary of an
erased person may be in the data directory.

FAULT_SECONDS=60  how long
FAULT_SEED=n      what was printed, to do the same again (as far as clocks let it)
FAULT_CLIENTS=4   clients who write down what they did
FAULT_CROWD=2000  how many people pgbench writes about
FAULT_PAUSE=4     seconds of work between two recoveries, about
FAULT_LOG         the server's log, in which nobody may be named
"""
import collections, threading, uuid

from common import *

SECONDS = int(os.environ.get('FAULT_SECONDS', 60))
CLIENTS = int(os.environ.get('FAULT_CLIENTS', 4))
CROWD = int(os.environ.get('FAULT_CROWD', 2000))
PAUSE = float(os.environ.get('FAULT_PAUSE', 4))
LOG = os.environ.get('FAULT_LOG', '')

over = threading.Event()
counts = collections.Counter()
counting = threading.Lock()
failures = []


def count(what, n=1):
    with counting:
        counts[what] += n


class Person:
    """Somebody whom one client alone writes about."""

    def __init__(self, client, n):
        self.canary = f'canary{SEED}x{client}x{n}y'
        self.identity = f'email:{self.canary}@example.com'
        self.alias = f'email:alias-{self.canary}@example.com'
        self.decisions = []  # tokens that were acknowledged
        self.rows = []
        self.sealed = []
        self.requests = []
        self.erasure = None  # request_id, once it was tried
        self.erased = False  # once it was acknowledged


class Client(threading.Thread):
    """Does one thing after the other; an error ends the thing, not the client."""

    parameters = {}

    def __init__(self, number):
        super().__init__(daemon=True)
        self.number = number
        self.random = random.Random(f'{SEED} {type(self).__name__} {number}')
        self.connection = None

    def run(self):
        while not over.is_set():
            try:
                if self.connection is None or self.connection.closed:
                    self.connection = awaited(**self.parameters)
                    self.connected()
                self.step()
            except psycopg.Error as error:
                self.failed(error)
            except Exception as error:
                failures.append(f'{type(self).__name__}: {error!r}')
                over.set()
        if self.connection is not None:
            self.connection.close()

    def connected(self):
        pass

    def failed(self, error):
        count(f'errors {error.sqlstate or "connection lost"}')
        if not isinstance(error, GONE) and error.sqlstate in (None, 'XX000', 'XX001', 'XX002'):
            failures.append(f'{type(self).__name__}: {error.sqlstate} {error}')

    def ask(self, sql, *values):
        return self.connection.execute(sql, values)


class Subjects(Client):
    """Decides and is written about, links, asks, and is erased."""

    def __init__(self, number):
        super().__init__(number)
        self.people = []
        self.tokens = 0

    def token(self):
        self.tokens += 1
        return f't{SEED}-{self.number}-{self.tokens}-'

    def alive(self):
        alive = [one for one in self.people if one.erasure is None]
        if len(alive) < 20 or self.random.random() < 0.1:
            self.people.append(Person(self.number, len(self.people)))
            return self.people[-1]
        return self.random.choice(alive)

    def step(self):
        things = [(30, self.decide), (30, self.insert), (5, self.restrict), (6, self.link), (5, self.unlink),
                  (6, self.seal), (6, self.request), (10, self.erase), (2, self.erase_many)]
        self.random.choices([do for _, do in things], [weight for weight, _ in things])[0](self.alive())

    def decide(self, person):
        token = self.token()
        identity = self.random.choice([person.identity, person.identity, person.alias])
        if identity == person.alias and not person.decisions:
            identity = person.identity
        self.ask('SELECT journey_privacy.record_consent(%s, %s, %s, document => %s)', identity,
                 self.random.choice(['agreed', 'shop']), self.random.random() < 0.7, token)
        if identity == person.identity:
            person.decisions.append(token)
        count('decisions acknowledged')

    def insert(self, person):
        token = self.token()
        self.ask('WITH v AS (INSERT INTO visit (visitor, event, props) VALUES (%s, %s, %s) RETURNING id),'
                 ' p AS (INSERT INTO page (visit) SELECT id FROM v RETURNING id),'
                 ' s AS (INSERT INTO sale (customer, props) VALUES (%s, %s))'
                 ' INSERT INTO note SELECT id, %s FROM p',
                 person.identity, self.random.choice(['home', 'cart', 'buy']), token + person.canary,
                 person.identity.partition(':')[2], token + person.canary, token + person.canary)
        person.rows.append(token + person.canary)
        count('journeys acknowledged')

    def restrict(self, person):
        if self.random.random() < 0.5:
            self.ask('SELECT journey_privacy.restrict_processing(%s)', person.identity)
        else:
            self.ask('SELECT journey_privacy.lift_restriction(%s)', person.identity)
        count('restrictions and liftings acknowledged')

    def link(self, person):
        self.ask('SELECT journey_privacy.link_identity(%s, %s)', person.identity, person.alias)
        count('links acknowledged')

    def unlink(self, person):
        self.ask('SELECT journey_privacy.unlink_identity(%s)', person.alias)
        count('unlinks acknowledged')

    def seal(self, person):
        row = self.ask('INSERT INTO letter (body) VALUES (journey_privacy.seal(%s, %s)) RETURNING id',
                       person.identity, 'Dear ' + person.canary).fetchone()
        person.sealed.append(row[0])
        count('texts sealed')

    def request(self, person):
        kind = self.random.choice(['access', 'portability', 'objection', 'restriction', 'erasure'])
        request = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        if kind == 'erasure':
            person.erasure = request
        self.ask('SELECT journey_privacy.open_request(%s, %s, verified => true, request_id => %s)', kind,
                 person.identity, request)
        person.requests.append(request)
        count('requests acknowledged')

    def erase(self, person):
        person.erasure = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.ask('CALL journey_privacy.erase(%s, %s, %s)', person.identity, 'storm', person.erasure)
        person.erased = True
        count('erasures acknowledged')

    def erase_many(self, _):
        people = [one for one in self.people if one.erasure is None][:3]
        if not people:
            return
        request = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        for one in people:
            one.erasure = request
        self.ask('CALL journey_privacy.erase_many(%s::text[]::journey_privacy.pseudonym[], %s, %s)',
                 [one.identity for one in people], 'storm', request)
        for one in people:
            one.erased = True
        count('erasures acknowledged', len(people))


class Analyst(Client):
    """Reads, and counts for each session the answers that came."""

    parameters = {'user': 'fault_analyst'}

    def __init__(self, number):
        super().__init__(number)
        self.answered = collections.Counter()

    def connected(self):
        self.ask("SET journey_privacy.purpose = 'shop'")
        self.session = self.connection.info.backend_pid

    def step(self):
        self.ask('SELECT count(*) FROM visit WHERE event = %s', self.random.choice(['home', 'cart'])).fetchone()
        self.answered[self.session] += 1
        count('reads acknowledged')
        time.sleep(0.02)


class Officer(Client):
    """Works off requests."""

    def step(self):
        self.ask('CALL journey_privacy.process_requests(20)')
        count('calls of process_requests()')
        time.sleep(0.5)


class Caretaker(Client):
    """What a DBA does now and then."""

    duties = ['CALL journey_privacy.resume_erasures()', 'CALL journey_privacy.purge_expired()',
              "SELECT journey_privacy.refresh_journey_store('visit_days')",
              "SELECT journey_privacy.refresh_journey_store('visit_days', true)",
              "CALL journey_privacy.scrub('visit')", 'CALL journey_privacy.scrub()',
              'SELECT journey_privacy.checkpoint_audit()', 'SELECT problem FROM journey_privacy.verify_audit()',
              "SELECT journey_privacy.rotate_key('pseudonym')", 'SELECT journey_privacy.rekey_pseudonyms()',
              'SELECT journey_privacy.rewrap_keys()', "SELECT journey_privacy.rebuild_permitted('agreed')",
              'SELECT count(*) FROM journey_privacy.doctor()', 'CHECKPOINT']

    def step(self):
        duty = self.random.choice(self.duties)
        row = self.ask(duty)
        if 'verify_audit' in duty and (problem := row.fetchone()[0]) is not None:
            failures.append(f'verify_audit: {problem}')
        count('duties done')
        count('  ' + duty.split('journey_privacy.')[-1])
        time.sleep(self.random.uniform(0, 1))


class Crowd(threading.Thread):
    """pgbench, in short runs: a crash ends one of them."""

    def __init__(self, script, user):
        super().__init__(daemon=True)
        self.script = script
        self.user = user

    def run(self):
        while not over.is_set():
            awaited().close()
            ran = subprocess.run(
                ['pgbench', '-n', '-M', 'prepared', '-c', '2', '-T', '10', '-D', f'crowd={CROWD}',
                 '-U', self.user, '-f', os.path.join(HERE, self.script)],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
            for line in ran.stdout.splitlines():
                if 'actually processed' in line:
                    count(f'transactions of pgbench, {self.script}', int(line.split(':')[1].split('/')[0]))


class Fault(threading.Thread):
    """Stops a process, waits until the server is back, lets it work a while."""

    # Not the startup process: without it PostgreSQL shuts down, as it means to.
    ENDED = ['session', 'session', 'audit worker', 'parallel worker']
    KILLED = 4 * ['session'] + 2 * ['audit worker', 'parallel worker'] + [
        'checkpointer', 'background writer', 'WAL writer', 'autovacuum', 'launcher']

    def __init__(self):
        super().__init__(daemon=True)
        self.random = random.Random(f'{SEED} faults')

    def run(self):
        try:
            while not over.wait(self.random.uniform(0.2, 2) * PAUSE):
                self.strike(self.random.choices([signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None], [12, 4, 4, 1])[0])
                awaited().close()
        except Exception as error:
            failures.append(f'the server did not come back: {error!r}')
            over.set()

    def strike(self, how):
        if how is None:
            self.kill_postmaster()
            return
        # a crash is what is asked of the others, not an end
        pids = []
        kind = self.random.choice(self.KILLED if how == signal.SIGKILL else self.ENDED)
        until = time.monotonic() + PAUSE
        while not over.is_set():
            pids = [pid for pid, title in children(postmaster()) if self.kind(title) == kind]
            if pids:
                break
            if time.monotonic() > until:  # there is none of this kind
                kind = 'session'
            time.sleep(0.002)
        try:
            os.kill(self.random.choice(pids), how)
            count(f'{how.name} to {kind}')
        except (ProcessLookupError, IndexError):
            pass

    def kind(self, title):
        for start, name in (('journey_privacy audit', 'audit worker'), ('parallel worker', 'parallel worker'),
                            ('checkpointer', 'checkpointer'), ('background writer', 'background writer'),
                            ('walwriter', 'WAL writer'), ('autovacuum', 'autovacuum'),
                            ('logical replication', 'launcher'), ('stats', 'other'), ('archiver', 'other'),
                            ('startup', 'other'), ('io worker', 'other'), ('logger', 'other')):
            if start in title:
                return name
        return 'session'

    def kill_postmaster(self):
        parent = postmaster()
        left = [pid for pid, _ in children(parent)]
        os.kill(parent, signal.SIGKILL)
        count('SIGKILL to postmaster')
        while any(map(is_running, [parent] + left)):
            time.sleep(0.02)
        revived()[0].close()


def work_off(connection):
    """Brings to its end what was begun; how many erasures had to be resumed."""
    one = lambda sql: connection.execute(sql).fetchone()[0]
    unfinished = one("SELECT count(*) FROM journey_privacy.erasure WHERE state <> 'done'")
    connection.execute('CALL journey_privacy.resume_erasures()')
    if one("SELECT count(*) FROM journey_privacy.key_version WHERE state = 'next'"):
        connection.execute('SELECT journey_privacy.rekey_pseudonyms()')
    until = time.monotonic() + WAIT
    while one("SELECT count(*) FROM journey_privacy.request WHERE status IN ('pending', 'in_progress')"):
        # whoever failed while the server went down waits for a minute, or longer
        connection.execute("UPDATE journey_privacy.request SET next_attempt_at = now() WHERE status = 'in_progress'")
        connection.execute('CALL journey_privacy.process_requests()')
        if time.monotonic() > until:
            break
    connection.execute('CALL journey_privacy.purge_expired()')
    connection.execute("SELECT journey_privacy.refresh_journey_store('visit_days')")
    return unfinished


def missing(connection, expected, sql):
    """What of a list of texts a query does not find."""
    found = {row[0] for row in connection.execute(sql)}
    return [one for one in expected if one not in found]


def judge_people(connection, judge, people):
    alive = [one for one in people if one.erasure is None]
    ended = {str(row[0]): row[1] for row in
             connection.execute('SELECT request_id, state FROM journey_privacy.erasure')}
    gone = [one for one in people if one.erasure in ended]
    asked = [one for one in people if one.erasure in one.requests]
    stays = alive + [one for one in people if one.erasure and one.erasure not in ended and one not in asked]
    judge.check('acknowledged decisions are in the ledger', missing(
        connection, [token for one in stays for token in one.decisions],
        'SELECT document FROM journey_privacy.consent_event WHERE document IS NOT NULL'))
    rows = [row for one in stays for row in one.rows]
    judge.check('acknowledged journeys are there', missing(connection, rows, 'SELECT props FROM visit'))
    judge.check('acknowledged sales are there', missing(connection, rows, 'SELECT props FROM sale WHERE props IS NOT NULL'))
    judge.check('acknowledged notes are there', missing(connection, rows, 'SELECT body FROM note WHERE body IS NOT NULL'))
    judge.check('acknowledged requests are there', missing(
        connection, [request for one in people for request in one.requests], 'SELECT id::text FROM journey_privacy.request'))
    judge.check('requests are done', [str(row) for row in connection.execute(
        "SELECT kind, status, attempts, last_error FROM journey_privacy.request WHERE status IN ('pending', 'in_progress')")])
    judge.check('acknowledged erasures are done',
                [one.erasure for one in people if one.erased and ended.get(one.erasure) != 'done'])
    judge.check('requests to erase were carried out', [one.erasure for one in asked if ended.get(one.erasure) != 'done'])
    judge.check('erasures that were begun are done', [id for id, state in ended.items() if state != 'done'])
    judge.check('the erased are known as such', [one.erasure for one in gone if not connection.execute(
        'SELECT journey_privacy.is_erased(%s)', [one.identity]).fetchone()[0]])
    left = {row[0].rpartition('-')[2] for row in connection.execute(
        'SELECT props FROM visit UNION ALL SELECT body FROM note WHERE body IS NOT NULL'
        ' UNION ALL SELECT props FROM sale WHERE props IS NOT NULL')}
    judge.check('nothing of the erased is left in tables', left & {one.canary for one in gone})
    judge.check('sealed texts of the erased are noise', [one.erasure for one in gone for id in one.sealed if connection.execute(
        'SELECT journey_privacy.unseal(%s, body) FROM letter WHERE id = %s', [one.identity, id]).fetchone()[0] is not None])
    judge.check('sealed texts of the others can be read', [id for one in stays for id in one.sealed if connection.execute(
        'SELECT journey_privacy.unseal(%s, body) FROM letter WHERE id = %s',
        [one.identity, id]).fetchone()[0] != 'Dear ' + one.canary])
    return gone, stays


def judge_ledger_file(connection, judge, gone):
    path = connection.execute('SHOW journey_privacy.erasure_ledger_file').fetchone()[0]
    if path:
        with open(path) as file:
            remembered = {line.split()[1] for line in file if line.endswith(' end\n')}
        judge.check('the file outside of the database remembers every erasure',
                    [one.erasure for one in gone if one.erasure not in remembered])


def judge_audit(connection, judge, analysts):
    connection.execute('SELECT journey_privacy.checkpoint_audit()')
    sealed = collections.Counter({int(row[0]): int(row[1]) for row in connection.execute(
        "SELECT split_part(session, '.', 2), sum(executions) FROM journey_privacy.audit_log"
        " WHERE kind = 'use' AND outcome = 'begun' AND command = 'SELECT' AND session_user_name = 'fault_analyst' GROUP BY 1")})
    judge.check('every acknowledged read is on record',
                [f'{pid}: {sealed[pid]} of {n}' for one in analysts for pid, n in one.answered.items() if sealed[pid] < n])
    judge.tell('entries of the audit', connection.execute('SELECT count(*) FROM journey_privacy.audit_entry').fetchone()[0])


def files_with(needles, directory):
    """Which of the texts are in files of a directory, and where."""
    found = {}
    for base, _, names in os.walk(directory):
        for name in names:
            try:
                with open(os.path.join(base, name), 'rb') as file:
                    content = file.read()
            except FileNotFoundError:  # the server goes on meanwhile
                continue
            if b'canary%d' % SEED in content:
                found.update({needle: name for needle in needles if needle not in found and needle.encode() in content})
    return found


def judge_files(connection, judge, gone, stays):
    """WAL is drained: no canary of the erased, and all those of others."""
    here = files_with([one.canary for one in gone], DATA)
    judge.tell('erased people whose canary is in files before scrub()', len(here))
    connection.execute('CALL journey_privacy.scrub()')
    for _ in range(2):
        connection.execute('SELECT pg_switch_wal()')
        connection.execute('CHECKPOINT')
    judge.check('no canary of the erased is in the data directory', files_with([one.canary for one in gone], DATA).items())
    kept = [one.canary for one in stays if one.rows]
    judge.check('canaries of the others are', set(kept) - set(files_with(kept, DATA)))
    if LOG:
        with open(LOG, errors='replace') as file:
            named = [line for line in file if f'canary{SEED}' in line or '@example' in line]
        judge.check('nobody is named in the server log', named)


def recoveries():
    if not LOG:
        return {}
    with open(LOG, errors='replace') as file:
        log = file.read()
    return {'recoveries': log.count('automatic recovery in progress'), 'PANIC': log.count('PANIC: '),
            'TRAP': log.count('TRAP: '), 'signal 11': log.count('terminated by signal 11'),
            'signal 6': log.count('terminated by signal 6')}


def main():
    print(f'FAULT_SEED={SEED} FAULT_SECONDS={SECONDS}', flush=True)
    judge = Judge()
    subjects = [Subjects(n) for n in range(CLIENTS)]
    analysts = [Analyst(n) for n in range(2)]
    clients = subjects + analysts + [Officer(0), Officer(1), Caretaker(0),
                                     Crowd('write.sql', os.environ.get('PGUSER', 'postgres')), Crowd('read.sql', 'fault_analyst')]
    fault = Fault()
    for one in clients + [fault]:
        one.start()
    over.wait(SECONDS)
    over.set()
    for one in [fault] + clients:
        one.join(WAIT)
    judge.check('every client came to its end', [str(one) for one in clients + [fault] if one.is_alive()])
    judge.check('no error that should not be', failures)

    connection = awaited()
    judge.tell('erasures that were stopped and resumed', work_off(connection))
    for what, n in sorted({**counts, **recoveries()}.items()):
        judge.tell(what, n)
    judge.check('no process crashed by itself', [what for what, n in recoveries().items() if what != 'recoveries' and n])
    people = [person for client in subjects for person in client.people]
    gone, stays = judge_people(connection, judge, people)
    judge.tell('people, of whom erased', f'{len(people)}, {len(gone)}')
    judge_ledger_file(connection, judge, gone)
    judge_audit(connection, judge, analysts)
    judge_files(connection, judge, gone, stays)
    connection.close()
    judge.check('test/invariants.sql holds', invariants()[1])
    judge.end()


main()
