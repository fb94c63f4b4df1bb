#!/usr/bin/python3
"""opendsr.py PORT: OpenDSR 2.0 over HTTP on 127.0.0.1, for a TLS proxy before it.
PG* is a role that may execute the four functions, no more.  OPENDSR_KEY is the file of the private
key of the processor's certificate, OPENDSR_TOKENS one of lines "token controller".
"""
import base64, json, os, re, subprocess, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import psycopg

LIMIT = 256 * 1024
ROUTES = {
    '/v2/discovery/?': {'GET': 'discovery()'},
    '/v2/(?:opendsr_)?requests/?': {'POST': 'request(%(body)s, %(who)s)'},
    '/v2/(?:opendsr_)?requests/([^/]+)': {'GET': 'status(%(id)s, %(who)s)', 'DELETE': 'cancel(%(id)s, %(who)s)'}}

def sign(body):
    """Signature of the SHA-256 digest of a body, as OpenDSR wants it (4.2, 7.3)."""
    command = ['openssl', 'dgst', '-sha256', '-sign', os.environ['OPENDSR_KEY']]
    return base64.b64encode(subprocess.run(command, input=body, stdout=-1, check=True).stdout).decode()

def error(code, message, **headers):
    body = json.dumps({'error': {'code': code, 'message': message}}).encode()
    return code, {'Content-Type': 'application/json;charset=UTF-8', **headers}, body

class Handler(BaseHTTPRequestHandler):
    timeout = 30  # seconds that a caller may be silent
    def answer(self):
        length = self.headers.get('Content-Length', '0')
        if 'Transfer-Encoding' in self.headers or not re.fullmatch('[0-9]{1,9}', length):
            return error(411, 'the length of the body is not given')
        body = self.rfile.read(min(int(length), 16 * LIMIT))
        with open(os.environ['OPENDSR_TOKENS']) as lines:
            who = dict(line.split()[:2] for line in lines if line.strip()).get(self.headers.get('Authorization', '').removeprefix('Bearer '))
        match, methods = next(((m, ROUTES[path]) for path in ROUTES if (m := re.fullmatch(path, self.path))), (None, None))
        if not match:
            return error(404, 'there is nothing here')
        if self.command not in methods:
            return error(405, 'this method is not supported here', Allow=', '.join(methods))
        if who is None and methods[self.command] != 'discovery()':
            return error(401, 'who is calling is not known', **{'WWW-Authenticate': 'Bearer'})
        if int(length) > LIMIT:
            return error(413, 'the body is larger than 256 kB')
        try:
            with psycopg.connect(client_encoding='utf8') as database:  # the server binds the parameters
                return database.execute('SELECT * FROM journey_privacy.opendsr_' + methods[self.command],
                                        {'body': body, 'who': who, 'id': match[match.re.groups]}).fetchone()
        except (psycopg.Error, ValueError):
            return error(503, 'this processor cannot do that now')

    def serve(self):
        status, headers, body = self.answer()
        self.send_response(status)
        for name, value in {**headers, 'Content-Length': len(body), 'X-OpenDSR-Signature': sign(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = do_OPTIONS = serve
    log_message = lambda *ignored: None  # paths and bodies are nobody's to keep

if __name__ == '__main__':
    ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
