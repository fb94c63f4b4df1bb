"""operations.py: every operation that takes a while, to be stopped in its midst.

Each prepares what it works on and returns the statement; the same statement
again, undisturbed, must bring it to its end.
"""
import uuid

from common import *

ROWS = int(os.environ.get('FAULT_ROWS', 2000))  # of one person, or people, or decisions

people = 0


def someone(db):
    """A new person with journeys, pages, notes, a sale and a letter."""
    global people
    people += 1
    identity = f'op{SEED}x{people}'
    with db.transaction():
        db.execute('WITH v AS (INSERT INTO visit (visitor, event, props) SELECT journey_privacy.pseudonymize(%s, %s),'
                   " (ARRAY['home', 'cart', 'buy'])[1 + i %% 3], 'operation' FROM generate_series(1, %s) i RETURNING id),"
                   ' p AS (INSERT INTO page (visit) SELECT id FROM v RETURNING id)'
                   " INSERT INTO note SELECT id, 'operation' FROM p", ['other', identity, ROWS])
        db.execute("INSERT INTO letter (body) VALUES (journey_privacy.seal(%s, 'Dear'))", ['other:' + identity])
        db.execute("SELECT journey_privacy.record_consent(%s, 'agreed', true)", ['other:' + identity])
    return 'other:' + identity


def many(db):
    """Names of new people with a row each."""
    global people
    first = people + 1
    people += ROWS
    db.execute("INSERT INTO visit (visitor, event, props) SELECT journey_privacy.pseudonymize('other', %s || i), 'home', 'operation'"
               ' FROM generate_series(%s::int, %s) i', [f'op{SEED}x', first, people])
    return [f'other:op{SEED}x{n}' for n in range(first, people + 1)]


def erase(db):
    return 'CALL journey_privacy.erase(%s, %s, %s)', [someone(db), 'operation', str(uuid.uuid4())]


def erase_many(db):
    return ('CALL journey_privacy.erase_many(%s::text[]::journey_privacy.pseudonym[], %s, %s)',
            [many(db), 'operation', str(uuid.uuid4())])


def record_consents(db):
    return ("SELECT journey_privacy.record_consents(%s::text[]::journey_privacy.pseudonym[],"
            " array_fill('agreed'::text, ARRAY[%s]), array_fill(true, ARRAY[%s]))", [many(db), ROWS, ROWS])


def rekey(db):
    if not db.execute("SELECT FROM journey_privacy.key_version WHERE kind = 'pseudonym' AND state = 'next'").rowcount:
        db.execute("SELECT journey_privacy.rotate_key('pseudonym')")
    return ("DO $$ BEGIN IF EXISTS (SELECT FROM journey_privacy.key_version WHERE kind = 'pseudonym' AND state = 'next')"
            ' THEN PERFORM journey_privacy.rekey_pseudonyms(); END IF; END $$', [])


def purge(db):
    db.execute("INSERT INTO visit (visitor, event, props, at) SELECT journey_privacy.pseudonymize('customer_id', 1), 'home', 'old',"
               " now() - interval '500 days' FROM generate_series(1, %s)", [ROWS])
    return 'CALL journey_privacy.purge_expired(batch => 300)', []


def requests(db):
    for kind in ('access', 'portability', 'objection', 'restriction', 'erasure'):
        db.execute('SELECT journey_privacy.open_request(%s, %s, verified => true)', [kind, someone(db)])
    return 'CALL journey_privacy.process_requests()', []


def link(db):
    return 'SELECT journey_privacy.link_identity(%s, %s)', [someone(db), someone(db)]


def export(db):
    return 'SELECT journey_privacy.export_subject(%s)', [someone(db)]


def protect(db):
    db.execute('DROP TABLE IF EXISTS operation')
    db.execute("CREATE TABLE operation AS SELECT journey_privacy.pseudonymize('other', %s || i) AS who, i"
               ' FROM generate_series(1, %s) i', ['new', ROWS * 5])
    return ("DO $$ BEGIN IF NOT EXISTS (SELECT FROM journey_privacy.protection WHERE relation = 'operation'::regclass)"
            " THEN PERFORM journey_privacy.protect('operation', 'who'); END IF; END $$", [])


def plain(sql):
    return lambda db: (sql, [])


ALL = {
    'erase()': erase,
    'erase_many()': erase_many,
    'record_consents()': record_consents,
    'rekey_pseudonyms()': rekey,
    'purge_expired()': purge,
    'process_requests()': requests,
    'link_identity()': link,
    'export_subject()': export,
    'protect()': protect,
    "scrub('visit')": plain("CALL journey_privacy.scrub('visit')"),
    'scrub()': plain('CALL journey_privacy.scrub()'),
    'rebuild_permitted()': plain('SELECT journey_privacy.rebuild_permitted()'),
    'refresh_journey_store()': plain("SELECT journey_privacy.refresh_journey_store('visit_days', true)"),
    'rewrap_keys()': plain('SELECT journey_privacy.rewrap_keys()'),
    'funnel()': plain("SET journey_privacy.purpose = 'shop';"
                      " SELECT count(*) FROM journey_privacy.funnel('visit', ARRAY['home', 'cart', 'buy'], within => '90 days')"),
    'doctor()': plain('SELECT count(*) FROM journey_privacy.doctor()'),
    'verify_audit()': plain('SELECT * FROM journey_privacy.verify_audit()'),
    'checkpoint_audit()': plain('SELECT journey_privacy.checkpoint_audit()'),
}
