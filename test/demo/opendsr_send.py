#!/usr/bin/python3
"""opendsr_send.py: posts the callbacks of OpenDSR that are due, then ends; for cron.

PG* and OPENDSR_KEY as for opendsr.py; the role may execute opendsr_callbacks(),
opendsr_delivered() and opendsr_failed().  A URL comes from outside and its name
may lead anywhere: it is looked up once, and only a public address is called,
over TLS with a certificate for that name; redirections are not followed.
For tests: OPENDSR_CA trusts a CA, OPENDSR_CONNECT calls this address instead.
"""
import http.client, ipaddress, os, signal, socket, ssl
from urllib.parse import urlsplit
import psycopg
from opendsr import sign

TIMEOUT = 10  # seconds for each wait
LONGEST = 25  # seconds for a callback in all, so that ten of them end within the lease
trust = ssl.create_default_context(cafile=os.environ.get('OPENDSR_CA'))

def address(host, port):
    if 'OPENDSR_CONNECT' in os.environ:
        host, port = os.environ['OPENDSR_CONNECT'].rsplit(':', 1)
        return host, int(port)
    found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not all(public(ipaddress.ip_address(one)) for one in found):
        raise OSError('the address is not public')
    return found[0], port

INSIDE = [ipaddress.ip_network(net) for net in ('64:ff9b::/96', '64:ff9b:1::/48', '2002::/16', '2001::/32')]

def public(ip):
    """Nor one that holds an address of version 4, which may lie inside."""
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in INSIDE)

def give_up(number, frame):
    raise TimeoutError

signal.signal(signal.SIGALRM, give_up)

def post(url, headers, body):
    signal.alarm(LONGEST)  # whoever answers byte by byte is never silent for long
    try:
        return post_unhurried(url, headers, body)
    finally:
        signal.alarm(0)

def post_unhurried(url, headers, body):
    parts = urlsplit(url)
    target = parts.path + ('?' + parts.query if parts.query else '')
    plain = socket.create_connection(address(parts.hostname, parts.port or 443), TIMEOUT)
    connection = http.client.HTTPSConnection(parts.hostname, parts.port or 443, timeout=TIMEOUT)
    with trust.wrap_socket(plain, server_hostname=parts.hostname) as connection.sock:
        connection.request('POST', target or '/', body, {**headers, 'X-OpenDSR-Signature': sign(body)})
        return connection.getresponse().status

def main():
    database = psycopg.connect(autocommit=True, client_encoding='utf8')
    while taken := database.execute("SELECT * FROM journey_privacy.opendsr_callbacks(10, '5 minutes')").fetchall():
        for number, url, headers, body in taken:
            try:
                status = post(url, headers, body)
                failure = None if 200 <= status < 300 else 'HTTP %d' % status
            except (OSError, ValueError, http.client.HTTPException) as problem:
                failure = type(problem).__name__
            if failure is None:
                database.execute('SELECT journey_privacy.opendsr_delivered(%s)', (number,))
            else:
                database.execute('SELECT journey_privacy.opendsr_failed(%s, %s)', (number, failure))

if __name__ == '__main__':
    main()
