#!/usr/bin/env bash
#
# test/bench/ingest.sh: what ingest_mparticle() costs, on the server that PG*
# names, in a database of its own.  Prints Markdown rows; every figure is the
# median of RUNS (default 3), the reference measured in the same run: a plain
# table filled from the same batches by one careful statement.
#
#	PGHOST=/tmp PGUSER=postgres test/bench/ingest.sh
#
# BATCHES (default 300) of 100 events each, one transaction and one person a
# batch, from one session, as text.  The server must be preloaded and have a
# keyring setting; fsync is changed for the second half, and then put back.

set -euo pipefail
runs=${RUNS:-3}
batches=${BATCHES:-300}
db=journey_privacy_bench
work=$(mktemp -d)
trap 'rm -rf "$work"; psql -XAtq -d postgres -c "ALTER SYSTEM RESET fsync" -c "SELECT pg_reload_conf()" >/dev/null; dropdb --if-exists "$db"' EXIT

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$db" "$@"; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# Events a second of a procedure over the batches of a round.
rate()
{
	sql -c '\timing on' -c "CALL $1($2, $3)" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 1 |
		awk -v n=$((batches * 100)) '{ print n / ($1 / 1000) }'
}

dropdb --if-exists "$db" 2>/dev/null
createdb "$db"
sql >/dev/null <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.create_purpose('analytics', 'consent', consent_valid_for => '13 months');
SELECT journey_privacy.create_purpose('marketing', 'consent', consent_valid_for => '13 months');
SELECT journey_privacy.map_consent('mparticle', 'gdpr:' || p, p) FROM unnest(ARRAY['analytics', 'marketing']) p;
CREATE TABLE visit (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL,
  event text NOT NULL, props jsonb, event_id bigint);
SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', collected_for => '{analytics}', on_refused => 'skip');
SELECT journey_privacy.map_mparticle('visit', 'event', 'props', 'event_id');
CREATE TABLE plain (visitor text NOT NULL, at timestamptz NOT NULL, event text NOT NULL, props jsonb,
  event_id bigint UNIQUE);

-- A batch of a person: 100 events of four kinds, four identities, two consents.
CREATE FUNCTION batch(person bigint, round int) RETURNS text LANGUAGE sql AS $$
SELECT jsonb_build_object(
  'source_request_id', gen_random_uuid(), 'environment', 'production',
  'mpid', 7000000000000000000 + person, 'ip', '203.0.113.7',
  'device_info', '{"platform": "iOS", "os_version": "17.1", "device_model": "iPhone15,2"}'::jsonb,
  'user_identities', jsonb_build_object('customer_id', 'c' || person, 'email', 'p' || person || '@example.com',
                                        'other_id_2', 'l' || person),
  'consent_state', jsonb_build_object('gdpr', jsonb_build_object(
     'analytics', jsonb_build_object('consented', true, 'timestamp_unixtime_ms',
        (extract(epoch FROM now() - interval '1 day') * 1000)::bigint, 'document', 'notice 4'),
     'marketing', jsonb_build_object('consented', person % 2 = 0, 'timestamp_unixtime_ms',
        (extract(epoch FROM now() - interval '1 day') * 1000)::bigint, 'document', 'notice 4'))),
  'events', (SELECT jsonb_agg(jsonb_build_object(
     'event_type', (ARRAY['screen_view', 'custom_event', 'custom_event', 'commerce_event'])[n % 4 + 1],
     'data', jsonb_build_object(
        'event_id', (random() * 9e18)::bigint, 'timestamp_unixtime_ms', 1700000000000 + n,
        'source_message_id', gen_random_uuid(), 'session_id', 6051321688317951794,
        'screen_name', 'Home', 'event_name', 'Search', 'custom_event_type', 'search',
        'custom_attributes', jsonb_build_object('query', 'trail shoes', 'results', n::text),
        'product_action', '{"action": "add_to_cart", "products": [{"id": "sku-1", "price": 89.9}]}'::jsonb)))
   FROM generate_series(1, 100) n))::text $$;
CREATE TABLE batch (id bigint PRIMARY KEY, doc text);

CREATE PROCEDURE ours(first bigint, last bigint) LANGUAGE plpgsql AS $$
DECLARE d text; n bigint := 0;
BEGIN
  FOR i IN first .. last LOOP
    SELECT doc INTO d FROM batch WHERE id = i;
    n := n + (SELECT inserted FROM journey_privacy.ingest_mparticle(d::jsonb));
    COMMIT;
  END LOOP;
  ASSERT n = 100 * (last - first + 1);
END $$;
CREATE PROCEDURE by_hand(first bigint, last bigint) LANGUAGE plpgsql AS $$
DECLARE d text; b jsonb; m bigint; n bigint := 0;
BEGIN
  FOR i IN first .. last LOOP
    SELECT doc INTO d FROM batch WHERE id = i;
    b := d::jsonb;
    INSERT INTO plain (visitor, at, event, props, event_id)
    SELECT b #>> '{user_identities,customer_id}', to_timestamp((e.data ->> 'timestamp_unixtime_ms')::bigint / 1000.0),
           CASE e.event_type WHEN 'custom_event' THEN e.data ->> 'event_name'
             WHEN 'commerce_event' THEN e.data #>> '{product_action,action}' ELSE e.event_type END,
           coalesce(e.data -> 'custom_attributes', '{}') || CASE e.event_type
             WHEN 'screen_view' THEN jsonb_build_object('screen_name', e.data -> 'screen_name')
             WHEN 'commerce_event' THEN jsonb_build_object('product_action', e.data -> 'product_action')
             ELSE jsonb_build_object('custom_event_type', e.data -> 'custom_event_type') END,
           (e.data ->> 'event_id')::bigint
    FROM jsonb_to_recordset(b -> 'events') e(event_type text, data jsonb)
    ON CONFLICT (event_id) DO NOTHING;
    GET DIAGNOSTICS m = ROW_COUNT;
    n := n + m;
    COMMIT;
  END LOOP;
  ASSERT n = 100 * (last - first + 1);
END $$;
SQL

echo "| one session, batches of 100 events | events a second | by hand, a plain table | ratio |"
echo "|---|---|---|---|"
base=0
for fsync in on off; do
	psql -XAtq -d postgres -c "ALTER SYSTEM SET fsync = $fsync" -c 'SELECT pg_reload_conf()' >/dev/null
	sleep 1
	: >"$work/new"; : >"$work/back"; : >"$work/hand"
	for ((run = 0; run < runs; run++)); do
		# the first round of a person is of somebody new, the second of somebody known
		sql -c "INSERT INTO batch SELECT $base + i, batch($base + (i - 1) % $batches, i / $batches) FROM generate_series(1, 2 * $batches) i" \
			-c 'VACUUM ANALYZE' -c 'CHECKPOINT'
		rate ours $((base + 1)) $((base + batches)) >>"$work/new"
		rate ours $((base + batches + 1)) $((base + 2 * batches)) >>"$work/back"
		sql -c 'CHECKPOINT'
		rate by_hand $((base + 1)) $((base + batches)) >>"$work/hand"
		base=$((base + 2 * batches))
	done
	hand=$(median <"$work/hand")
	for who in new back; do
		awk -v a="$(median <"$work/$who")" -v b="$hand" -v who=$([[ $who = new ]] && echo "new" || echo "known") -v f="$fsync" 'BEGIN {
			printf "| fsync %s, everybody %s | %d | %d | %.2f |\n", f, who, a, b, b / a }'
	done
	rm -f "$work/new" "$work/back" "$work/hand"
done
