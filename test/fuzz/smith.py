#!/usr/bin/python3
"""smith.py SOCKETS ONE OTHER HIDDEN SOURCES SECONDS COMMAND...: looks at what COMMAND gets to know.

It listens in the directory SOCKETS as a server does, and hands each statement to the servers in the
directories ONE and OTHER, whose databases differ in nothing but what nobody may see.  COMMAND gets
the answer of the first.  Findings are

- an answer of either, rows, errors or notices, that has what nobody may see: the marks of
  smith_people.sql, the pseudonyms in the file HIDDEN, the regular expression in SMITH_FORBIDDEN;
- answers that differ, whatever was made of what nobody may see; to be sure, the statement is run
  twice more on each, and must say the same twice on one and something else on the other;
- an internal error (XX) that comes from a file in the directory SOURCES.

SECONDS after its first statement (sqlsmith begins with reading the catalog), COMMAND is ended.
Ends with 1 if there is a finding, with 2 if there was no answer.
"""
import collections, os, re, signal, socket, struct, subprocess, sys, threading

PORT = '/.s.PGSQL.5432'
# what differs between servers, but stays the same for a moment, without telling of rows
RESTLESS = re.compile(rb'pg_stat(io)?_|pg_stats|pg_statistic|stat_get|pg_locks|pg_settings|xact|xid|snapshot|lsn|wal_|pg_ls|checkpoint|pg_control|'
                      rb'\bage\b|xmin|frozen|reltuples|relpages|relallvisible|backend|start_time|conf_load|_size\b|tablesample', re.I)
SELECT = re.compile(rb'\s*(select|with)\b', re.I)
FROM = re.compile(rb'^from (.*?)(?=^where |^limit |\Z)', re.M | re.S)
WHERE = re.compile(rb'^where .*?(?=^limit |\Z)', re.M | re.S)
MARKS = rb'kanarie|eiranak|6b616e61726965|177007700|2177-0[0-9]|177\.0\.77|17700770-0770'
VISIBLE = b'zebra'
tally = collections.Counter()
lock = threading.Lock()
asking = threading.Event()
suspects, findings = [], []


def message(kind, body):
    return kind + struct.pack('!I', len(body) + 4) + body


class Server:
    """A connection to a server, begun with what a client began with."""
    def __init__(self, directory, startup):
        self.socket, self.rest = socket.socket(socket.AF_UNIX), b''
        self.socket.connect(directory + PORT)
        self.greeting = self.ask(startup)

    def ask(self, request):
        """The answer to a request, up to where the server is ready for the next."""
        self.socket.sendall(request)
        chunks, size, at = [self.rest], len(self.rest), 0
        while True:
            while size - at < 5 or size - at < 1 + struct.unpack_from('!I', chunks[0], at + 1)[0]:
                chunk = self.socket.recv(1 << 18)
                if not chunk:
                    raise EOFError
                chunks, size = [b''.join(chunks + [chunk])], size + len(chunk)
            answer, kind = chunks[0], chunks[0][at:at + 1]
            at += 1 + struct.unpack_from('!I', answer, at + 1)[0]
            if kind == b'Z':
                self.rest = answer[at:]
                return answer[:at]


def messages(answer):
    at = 0
    while at < len(answer):
        size = struct.unpack_from('!I', answer, at + 1)[0]
        yield answer[at:at + 1], answer[at + 5:at + 1 + size]
        at += 1 + size


def unsealed(answer):
    """Without sealed values, which are never twice the same."""
    return re.sub(rb'AQ[E-H][\w-]{60,}', lambda value: b'#' * len(value[0]), answer)


def find(what, statement, answer):
    with lock:
        findings.append(what)
        if len(findings) <= 20:
            sys.stdout.write(f'FOUND: {what}\n{statement.decode(errors="replace")}\n{answer[:2000]!r}\n\n')
            sys.stdout.flush()


def look(statement, one, other, startup):
    """Into the answers to a statement."""
    for answer in one, other:
        hit = forbidden.search(answer)
        if hit:
            find(f'{hit[0]!r} in an answer', statement, answer[max(0, hit.start() - 500):])
    internal = []
    with lock:
        if b'sqlsmith::dut' in statement:
            asking.set()
        elif asking.is_set() and not re.match(rb'set |begin|rollback|commit', statement, re.I):
            tally['statements'] += 1
            tally['visible'] += VISIBLE in one
            for kind, body in messages(one):
                tally['rows'] += kind == b'D'
                tally['told'] += kind == b'N' and (b'told' in body or b'compared' in body)
                if kind == b'E':
                    field = {f[:1]: f[1:].decode(errors='replace') for f in body.split(b'\0')}
                    tally['errors'] += 1
                    tally[field[b'C']] += 1
                    if field[b'C'].startswith('XX'):
                        internal.append((field[b'F'], statement, body))
            if unsealed(one) != unsealed(other) and not RESTLESS.search(statement) and b'C57014\0' not in one + other:
                tally['differed'] += 1
                suspects.append((statement, startup))
    for file, statement, body in internal:
        if file in ours:
            find('an internal error', statement, body)


def looser(statement):
    """A statement without its outer condition, or with one that tells the rows it gets."""
    bare, source = WHERE.sub(b'', statement, 1), FROM.search(statement)
    if not SELECT.match(bare) or not source:
        return None
    depth, names = 0, []
    for token in re.finditer(rb'[()]|\bas (\w+)', source[1]):
        depth += {b'(': 1, b')': -1}.get(token[0], 0)
        if depth == 0 and token[1]:
            names.append(token[1])
    if not names or len(statement) % 2:
        return bare
    end = source.end()
    return bare[:end] + b'\nwhere shop.tell(' + names[-1] + b'::text)\n' + bare[end:]


class Pair:
    """Sessions on both servers."""
    def __init__(self, startup):
        self.startup = startup
        self.one, self.other = (Server(directory, startup) for directory in servers)

    def ask(self, request):
        self.other.socket.sendall(request)  # so that both work at the same time
        answer = self.one.ask(request)
        look(request[5:-1], answer, self.other.ask(b''), self.startup)
        return answer


def serve(client):
    """A client's session.  Conditions that sqlsmith makes are seldom met, so it is asked without, too."""
    def read(n):
        data = b''
        while len(data) < n:
            chunk = client.recv(n - len(data))
            if not chunk:
                raise EOFError
            data += chunk
        return data
    try:
        size = read(4)
        startup = size + read(struct.unpack('!I', size)[0] - 4)
        pair = Pair(startup)
        further = Pair(startup)
        further.ask(message(b'Q', b"SET statement_timeout = '1s'\0"))
        client.sendall(pair.one.greeting)
        while True:
            head = read(5)
            request = head + read(struct.unpack('!I', head[1:])[0] - 4)
            if head[:1] == b'X':
                return
            if head[:1] != b'Q':
                raise ValueError(f'a message of kind {head[:1]}')
            client.sendall(pair.ask(request.replace(b"client_min_messages to 'ERROR'", b"client_min_messages to notice ")))
            statement = looser(request[5:-1])
            if asking.is_set() and statement:
                further.ask(message(b'Q', statement + b'\0'))
    except (EOFError, OSError):
        tally['connections that ended'] += 1
    finally:
        client.close()


def listen():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1] + PORT)
    listener.listen()
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


def again(directory, statement, startup):
    """The answer in a session of its own, without what it says of the transaction."""
    server = Server(directory, startup)
    server.ask(message(b'Q', b"BEGIN; SET LOCAL statement_timeout = '5s'; SET LOCAL client_min_messages = error\0"))
    answer = server.ask(message(b'Q', statement + b'\0'))
    server.socket.close()
    return sorted(messages(unsealed(answer)))


def confirm():
    """Which of the differences are none of chance."""
    for n, (statement, startup) in enumerate(suspects):
        if len(findings) > 20:
            tally['not tried again'] = len(suspects) - n
            break
        one, other = ([again(directory, statement, startup) for _ in '12'] for directory in servers)
        if one[0] == one[1] and other[0] == other[1] and one[0] != other[0]:
            find('answers that differ', statement, str((one[0], other[0])).encode())


def main():
    threading.Thread(target=listen, daemon=True).start()
    command = subprocess.Popen(sys.argv[7:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        asking.wait(300)
        command.wait(int(sys.argv[6]))
    except subprocess.TimeoutExpired:
        command.send_signal(signal.SIGKILL)
        command.wait()
    confirm()
    states = sorted(((n, s) for s, n in tally.items() if re.fullmatch('[0-9A-Z]{5}', s)), reverse=True)
    print(f'{tally["statements"]} statements, {tally["errors"]} of them errors, {tally["rows"]} rows,'
          f' {tally["visible"]} answers with what may be seen, {tally["told"]} rows that a function told,'
          f' {tally["differed"]} answers that differed at first, {tally["not tried again"]} of them not tried again,'
          f' {len(findings)} findings')
    print('errors: ' + ', '.join(f'{n} {s}' for n, s in states))
    if findings:
        return 1
    return 0 if tally['rows'] else 2


servers = sys.argv[2:4]
ours = os.listdir(sys.argv[5])
with open(sys.argv[4], 'rb') as file:
    pseudonyms = [re.escape(line.strip()) for line in file if line.strip()]
forbidden = re.compile(b'|'.join([MARKS, *pseudonyms, *filter(None, [os.environ.get('SMITH_FORBIDDEN', '').encode()])]), re.I)
sys.exit(main())
