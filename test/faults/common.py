"""common.py: what the programs of the fault run have in common.

They connect as PG* say and start nothing but what they end themselves.
"""
import os, random, signal, subprocess, sys, time

import psycopg

SEED = int(os.environ.get('FAULT_SEED') or time.time_ns() % 1000000000)
DATA = os.environ.get('FAULT_DATA', '')  # the data directory, of a server that is ours
ONLY = os.environ.get('FAULT_ONLY', '').split()  # names of operations, without blanks
WAIT = 120  # seconds after which a server that does not come up is in a crash loop
HERE = os.path.dirname(os.path.abspath(__file__))

GONE = (psycopg.OperationalError, psycopg.InterfaceError)


def connect(**parameters):
    return psycopg.connect(autocommit=True, connect_timeout=10, prepare_threshold=None, **parameters)


def awaited(**parameters):
    """A connection, as soon as there is one again."""
    until = time.monotonic() + WAIT
    while True:
        try:
            connection = connect(**parameters)
            connection.execute('SELECT')
            return connection
        except GONE:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def postmaster():
    with open(os.path.join(DATA, 'postmaster.pid')) as file:
        return int(file.readline())


def is_running(pid):
    return os.path.exists(f'/proc/{pid}')


def revived():
    """A connection, after the server was started if it has ended altogether; whether it had."""
    started = False
    until = time.monotonic() + WAIT
    while True:
        try:
            return connect(), started
        except GONE:
            if time.monotonic() > until:
                raise
        if not os.path.exists(os.path.join(DATA, 'postmaster.pid')) or not is_running(postmaster()):
            subprocess.run(['pg_ctl', '-s', '-w', '-t', str(WAIT), '-D', DATA, '-l', os.environ.get('FAULT_LOG') or os.devnull,
                            'start'], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            started = True
        time.sleep(0.2)


def children(parent):
    """Processes of the server, as (pid, what it calls itself)."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat') as file:
                if int(file.read().rsplit(')', 1)[1].split()[1]) != parent:
                    continue
            with open(f'/proc/{pid}/cmdline') as file:
                title = file.read().replace('\0', ' ').strip()
        except (OSError, IndexError):
            continue
        found.append((int(pid), title.partition(': ')[2]))
    return found


def invariants(connection_parameters=()):
    """Runs test/invariants.sql; exit status, and the lines that are not "ok"."""
    ran = subprocess.run(['psql', '-X', '-f', os.path.join(HERE, '..', 'invariants.sql'), *connection_parameters],
                         capture_output=True, text=True, stdin=subprocess.DEVNULL)
    red = [line for line in ran.stdout.splitlines() if not line.endswith(' ok')]
    return ran.returncode, red + ([ran.stderr.strip()] if ran.returncode else [])


class Judge:
    """Tells what was found, and remembers whether anything was wrong."""

    def __init__(self):
        self.wrong = 0

    def tell(self, what, found):
        print(f'{what}: {found}', flush=True)

    def check(self, what, wrong):
        wrong = list(wrong)
        self.wrong += len(wrong) > 0
        print(f'{what}: ' + (f'{len(wrong)} WRONG, such as {wrong[:3]}' if wrong else 'ok'), flush=True)

    def end(self):
        print('the fault run found nothing wrong' if not self.wrong else f'{self.wrong} checks FAILED', flush=True)
        sys.exit(self.wrong > 0)
