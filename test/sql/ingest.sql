-- Batches of mParticle's events: what is stored, under whom, once; and that
-- what is malformed is refused whole, by its path.
\set VERBOSITY terse
\pset null '-'
SELECT journey_privacy.create_purpose('in_analytics', 'consent');
SELECT journey_privacy.create_purpose('in_sale', 'opt_out');
-- what tests before this one have left
DELETE FROM journey_privacy.consent_mapping WHERE format = 'mparticle';
SELECT journey_privacy.map_consent('mparticle', 'gdpr:in_analytics', 'in_analytics'),
       journey_privacy.map_consent('mparticle', 'ccpa:data_sale_opt_out', 'in_sale');
CREATE TABLE in_visit (id int GENERATED ALWAYS AS IDENTITY, visitor journey_privacy.pseudonym NOT NULL,
  at timestamptz NOT NULL, event text NOT NULL, props jsonb, event_id numeric(20), os text, lat float8,
  twice int GENERATED ALWAYS AS (1) STORED, tags text[], seen_at timestamptz);

-- The mapping: what it refuses.
SELECT journey_privacy.map_mparticle('in_visit', 'event');
SELECT * FROM journey_privacy.ingest_mparticle('{}', 'in_visit');
SELECT journey_privacy.protect('in_visit', 'visitor');
SELECT journey_privacy.map_mparticle('in_visit', 'event');
SELECT journey_privacy.unprotect('in_visit');
SELECT journey_privacy.protect('in_visit', 'visitor', occurred_at => 'at', on_refused => 'skip',
                               collected_for => '{in_analytics}');
SELECT journey_privacy.map_mparticle('in_visit', NULL);
SELECT journey_privacy.map_mparticle('in_visit', 'name');
SELECT journey_privacy.map_mparticle('in_visit', 'twice');
SELECT journey_privacy.map_mparticle('in_visit', 'tags');
SELECT journey_privacy.map_mparticle('in_visit', 'event', 'os');
SELECT journey_privacy.map_mparticle('in_visit', 'event', 'event');
SELECT journey_privacy.map_mparticle('in_visit', 'at');
SELECT journey_privacy.map_mparticle('in_visit', 'event', columns => '{"visitor": "ip"}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', columns => '{"journey_subject": "ip"}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', columns => '[]');
SELECT journey_privacy.map_mparticle('in_visit', 'event', columns => '{"os": 1}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', columns => '{"os": "a..b"}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', columns => '{"os": ""}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', columns => '{"os": "ip."}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', columns => '{"os": "user_identities.email"}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', identities => '{}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', identities => '{email,NULL}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', identities => '{email,email}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', identities => '{shoe_size}');
SELECT journey_privacy.map_mparticle('in_visit', 'event', event_types => '{NULL}');
SELECT journey_privacy.unmap_mparticle('in_visit');
SELECT count(*) AS mapped FROM journey_privacy.mparticle_mapping;

SELECT journey_privacy.map_mparticle('in_visit', 'event', 'props', 'event_id',
         '{"os": "device_info.platform", "lat": "location.latitude", "seen_at": "session_start_unixtime_ms"}');
SELECT * FROM journey_privacy.ingest_mparticle(NULL);
SELECT * FROM journey_privacy.ingest_mparticle('[]');
SELECT * FROM journey_privacy.ingest_mparticle('"in_visit"');
SELECT * FROM journey_privacy.ingest_mparticle('{}');

-- One batch with an event of each kind.
CREATE FUNCTION in_event(type text, id numeric, data jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('event_type', type, 'data',
     jsonb_build_object('event_id', id, 'timestamp_unixtime_ms', 1700000000000 + coalesce(id, 0) % 100000) || data) $$;
CREATE FUNCTION in_consent(yes boolean, at timestamptz, opted_out boolean DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('gdpr', jsonb_build_object('in_analytics', jsonb_build_object('consented', yes,
     'timestamp_unixtime_ms', (extract(epoch FROM at) * 1000)::bigint, 'hardware_id', 'hw-1')))
   || CASE WHEN opted_out IS NULL THEN '{}' ELSE jsonb_build_object('ccpa', jsonb_build_object('data_sale_opt_out',
     jsonb_build_object('consented', opted_out, 'timestamp_unixtime_ms', 1699990000000))) END $$;
CREATE FUNCTION in_batch(who jsonb, consent jsonb, VARIADIC events jsonb[]) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('user_identities', who, 'consent_state', consent, 'events', to_jsonb(events),
     'environment', 'production', 'ip', '203.0.113.7', 'device_info', '{"platform": "iOS"}'::jsonb) $$;
SELECT in_batch('{"customer_id": "in1", "email": "In1@Example.com", "mobile_number": null, "other": ""}',
    in_consent(true, '2024-05-01', true),
    in_event('session_start', 9500001, '{"session_id": 1, "session_start_unixtime_ms": 1700000000001}'),
    in_event('screen_view', 9500002, '{"screen_name": "Home", "activity_type": null}'),
    in_event('custom_event', 18446744073709551615, '{"event_name": "Search", "custom_event_type": "search",
      "location": {"latitude": 52.5309, "longitude": 13.3847}, "custom_attributes": {"query": "x", "n": [1, {"a": null}],
      "custom_event_type": "mine", "none": null}}'),
    in_event('custom_event', -9223372036854775808, '{"event_name": "Search"}'),
    in_event('commerce_event', 9500004, '{"product_action": {"action": "purchase", "total_amount": 94.85},
      "currency_code": "EUR", "is_non_interactive": false, "shopping_cart": {"products": []}}'),
    in_event('commerce_event', 9500005, '{"promotion_action": {"action": "view", "promotions": []}}'),
    in_event('commerce_event', 9500006, '{"product_impressions": []}'),
    in_event('commerce_event', 9500007),
    in_event('application_state_transition', 9500008, '{"application_transition_type": "application_foreground",
      "is_first_run": true, "launch_referral": "https://example.com/?token=1"}'),
    in_event('user_attribute_change', 9500009, '{"user_attribute_name": "vip", "new": "true", "old": "false"}'),
    in_event('user_identity_change', 9500010, '{"new": {"identity": "new@example.com"}, "old": null}'),
    in_event('opt_out', 9500011, '{"is_opted_out": true}'),
    in_event('push_message', 9500012, '{"push_message_token": "t", "push_message_type": "sent", "push_notification_payload": "p"}'),
    in_event('session_end', 9500013, '{"session_duration_ms": 4500}'),
    in_event('something_new', 9500014, '{"custom_attributes": {"a": 1}, "b": 2}')) || '{"mpid": 9500001}' AS batch \gset
SELECT * FROM journey_privacy.ingest_mparticle(:'batch');
SELECT event_id, to_char(at AT TIME ZONE 'UTC', 'HH24:MI:SS.MS') AS at, event, props, os, lat,
       to_char(seen_at AT TIME ZONE 'UTC', 'HH24:MI:SS.MS') AS seen_at,
       visitor = 'customer_id:in1' AS visitor FROM in_visit ORDER BY id;
-- again: nothing; nor when only the events are the same, or some of them
SELECT * FROM journey_privacy.ingest_mparticle(:'batch');
SELECT * FROM journey_privacy.ingest_mparticle(:'batch'::jsonb || '{"batch_id": 2}');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in1"}', NULL,
    in_event('session_start', 9500001), in_event('session_start', 9500015), in_event('session_start', 9500015)));
-- an id is somebody's own: another's event of that id is another event
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in2"}', in_consent(true, '2024-05-01'),
    in_event('session_start', 9500001)));
-- what is stored besides
SELECT count(*) AS identities, count(*) FILTER (WHERE s.linked) AS heads,
       count(DISTINCT coalesce(s.head, s.number)) AS subjects
FROM journey_privacy.subject s
WHERE pseudonym IN ('customer_id:in1', 'email:in1@example.com', 'mpid:9500001', 'device_id:hw-1');
SELECT i, c.purpose, c.granted, c.decided_at AT TIME ZONE 'UTC' AS decided_at, c.valid_until,
       get_bit(p.bits, s.number % 8192) AS bit
FROM unnest('{customer_id:in1,email:in1@example.com,mpid:9500001,customer_id:in2}'::text[]) i
JOIN journey_privacy.subject s ON s.pseudonym = i::journey_privacy.pseudonym
JOIN journey_privacy.consent_state c USING (number)
JOIN journey_privacy.permitted p ON p.purpose = c.purpose AND p.chunk = s.number / 8192 ORDER BY 1, 2;
SELECT decision, purpose, source, evidence -> 'statements' AS statements FROM journey_privacy.consent_event
WHERE subject = 'customer_id:in1' ORDER BY purpose;
SELECT bool_and(length(trace::text) = 36 AND seen_on BETWEEN current_date - 1 AND current_date) AS traces
FROM journey_privacy.ingested;

-- Known by source_message_id, or by place and content in a request; else not.
SELECT i, r.* FROM (VALUES
  (1, in_batch('{"customer_id": "in1"}', NULL, in_event('screen_view', NULL, '{"source_message_id": "m1", "screen_name": "a"}'))),
  (2, in_batch('{"customer_id": "in1"}', NULL, in_event('screen_view', NULL, '{"source_message_id": "m1", "screen_name": "b"}'))),
  (3, in_batch('{"customer_id": "in1"}', NULL, in_event('first_run', NULL), in_event('first_run', NULL)) || '{"source_request_id": "r1"}'),
  (4, in_batch('{"customer_id": "in1"}', NULL, in_event('first_run', NULL), in_event('first_run', NULL)) || '{"source_request_id": "r1"}'),
  (5, in_batch('{"customer_id": "in1"}', NULL, in_event('first_run', NULL), in_event('uninstall', NULL)) || '{"source_request_id": "r1", "batch_id": 1}'),
  (6, in_batch('{"customer_id": "in1"}', NULL, in_event('uninstall', NULL)) || '{"batch_id": 1}'),
  (7, in_batch('{"customer_id": "in1"}', NULL, in_event('uninstall', NULL)) || '{"batch_id": 2}'),
  (8, in_batch('{"customer_id": "in1"}', NULL, in_event('uninstall', NULL)) || '{"batch_id": 2}')) v(i, b),
LATERAL journey_privacy.ingest_mparticle(b) r ORDER BY i;
-- no events, no consent: nothing to do, but to know an identity
SELECT * FROM journey_privacy.ingest_mparticle('{"user_identities": {"customer_id": "in1", "google": "in1"}}');
SELECT * FROM journey_privacy.ingest_mparticle('{"user_identities": {"customer_id": "in1"}, "events": null, "consent_state": {}}');
-- of another environment
SELECT * FROM journey_privacy.ingest_mparticle(:'batch'::jsonb || '{"environment": "development"}');

-- Who the subject is, and whose an identity.  mParticle's numbers of 64 bits
-- keep their digits, signed or not.
SELECT w.n, r.inserted, r.linked, r.conflicts
FROM (VALUES (1, '{"email": "IN3@example.com", "yahoo": "in3"}'::jsonb, '{"mpid": 9500003}'::jsonb),
             (2, '{"yahoo": "in4"}', '{"mpid": -9223372036854775808}'),
             (3, '{"yahoo": "in5"}', '{"mpid": 18446744073709551615}'),
             (4, NULL, '{"mpid": "9007199254740993"}'),
             (5, '{"mobile_number": "0049 151 12345678"}', '{"mpid": 0}'),
             (6, '{"customer_id": 9500006}', '{}')) w(n, who, more),
LATERAL journey_privacy.ingest_mparticle(in_batch(who, in_consent(true, '2024-05-01'),
          in_event('screen_view', 9500100 + n, '{"screen_name": "x"}')) || more) r ORDER BY 1;
SELECT i, visitor = i::journey_privacy.pseudonym AS visitor
FROM (VALUES (1, 'email:in3@example.com'), (2, 'mpid:-9223372036854775808'), (3, 'mpid:18446744073709551615'),
             (4, 'mpid:9007199254740993'), (5, 'mobile_number:+4915112345678'), (6, 'customer_id:9500006')) w(n, i)
JOIN in_visit ON event_id = 9500100 + n ORDER BY n;

-- An attacker's batch names somebody else's e-mail address and number: nobody
-- is merged, nobody's decision overridden, and the owner of the address is not
-- shut out.
CREATE FUNCTION in_person(VARIADIC text[]) RETURNS TABLE (identity text, person bigint, analytics boolean) LANGUAGE sql AS
$$ SELECT i, dense_rank() OVER (ORDER BY coalesce(s.head, s.number)), c.granted
   FROM unnest($1) i LEFT JOIN journey_privacy.subject s ON s.pseudonym = i::journey_privacy.pseudonym
   LEFT JOIN journey_privacy.consent_state c ON c.number = s.number AND c.purpose = 'in_analytics' ORDER BY 1 $$;
SELECT journey_privacy.record_consent('email:victim@example.com', 'in_analytics', false, at => '2024-01-01') IS NOT NULL AS said;
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "mallory", "email": "victim@example.com", "twitter": "m"}',
  in_consent(true, '2024-05-01'), in_event('first_run', 9500200)) || '{"mpid": 9500001}');
SELECT * FROM in_person('customer_id:mallory', 'twitter:m', 'email:victim@example.com', 'mpid:9500001', 'customer_id:in1');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "victim", "email": "victim@example.com"}',
  in_consent(true, '2024-05-01'), in_event('first_run', 9500201)));
SELECT * FROM in_person('customer_id:mallory', 'customer_id:victim', 'email:victim@example.com');
-- who has seen to it that they are one person links them, or lets batches do it
SELECT journey_privacy.link_identity('email:victim@example.com', 'customer_id:victim');
SELECT * FROM in_person('customer_id:victim', 'email:victim@example.com');
SELECT journey_privacy.map_mparticle('in_visit', 'event', 'props', 'event_id', merge => true, development => true,
         identities => '{customer_id,email,mpid,ios_idfv}', event_types => '{first_run,screen_view}');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"email": "in7@example.com"}', in_consent(true, '2024-05-01'),
  in_event('first_run', 9500202), in_event('uninstall', 9500203)) || '{"mpid": 9500007, "environment": "development"}');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in7", "email": "in7@example.com"}', in_consent(false, '2024-05-02'),
  in_event('uninstall', 9500204)) || '{"device_info": {"ios_idfv": "44ff7538-ddf4-404f-9e8a-944bf5f75ff3"}}');
SELECT * FROM in_person('customer_id:in7', 'email:in7@example.com', 'mpid:9500007', 'ios_idfv:44ff7538-ddf4-404f-9e8a-944bf5f75ff3');
-- a restricted subject's new alias is hidden too
SELECT journey_privacy.restrict_processing('customer_id:in1') IS NOT NULL AS restricted;
SELECT * FROM journey_privacy.ingest_mparticle('{"user_identities": {"customer_id": "in1"}, "device_info": {"ios_idfv": "54ff7538-ddf4-404f-9e8a-944bf5f75ff3"}}');
SELECT s.restricted, p.purpose, get_bit(p.bits, s.number % 8192) AS bit
FROM journey_privacy.subject s JOIN journey_privacy.permitted p ON p.chunk = s.number / 8192
WHERE s.pseudonym = 'ios_idfv:54ff7538-ddf4-404f-9e8a-944bf5f75ff3' AND p.purpose LIKE 'in\_%' ORDER BY 2;
SELECT journey_privacy.lift_restriction('customer_id:in1') IS NOT NULL AS lifted;

-- Without a basis, and erased.  Nothing of what is refused makes anybody known.
SELECT journey_privacy.map_mparticle('in_visit', 'event', 'props', 'event_id');
SELECT in_batch('{"customer_id": "in8", "email": "in8@example.com"}', NULL, in_event('first_run', 9500300)) AS undecided \gset
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided');
SELECT count(*) AS known FROM journey_privacy.subject WHERE pseudonym IN ('customer_id:in8', 'email:in8@example.com');
SELECT journey_privacy.record_consent('customer_id:in8', 'in_analytics', true, at => '2024-05-01') IS NOT NULL AS said;
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided');
DO $$ DECLARE receipt jsonb; BEGIN CALL journey_privacy.erase('email:in8@example.com', receipt => receipt); END $$;
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided');
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided'::jsonb || '{"batch_id": 1}');
SELECT journey_privacy.purge_ingested('-1 day') AS purged, journey_privacy.purge_ingested('1 day') AS purged_of_yesterday;
-- forgotten, as after a purge: the tombstone refuses it again
DELETE FROM journey_privacy.ingested;
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided');
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided'::jsonb
  || jsonb_build_object('consent_state', in_consent(true, '2024-05-01')));
-- nor by the side door of another number
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in8new", "email": "in8@example.com"}',
  in_consent(true, '2024-05-01'), in_event('first_run', 9500301)));
SELECT count(*) AS known, (SELECT count(*) FROM journey_privacy.ingested) AS traces,
       (SELECT count(*) FROM in_visit WHERE event_id IN (9500300, 9500301)) AS rows FROM journey_privacy.subject
WHERE pseudonym IN ('customer_id:in8', 'email:in8@example.com', 'customer_id:in8new');
SELECT journey_privacy.is_erased('customer_id:in8'), journey_privacy.is_erased('email:in8@example.com'),
       journey_privacy.is_erased('customer_id:in8new');
-- but agreeing anew brings them back; the address stays erased until it agrees itself
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in8new", "email": "in8@example.com"}',
  in_consent(true, clock_timestamp()), in_event('first_run', 9500301)));
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided'::jsonb
  || jsonb_build_object('consent_state', in_consent(true, clock_timestamp())));
SELECT journey_privacy.is_erased('customer_id:in8'), journey_privacy.is_erased('email:in8@example.com'),
       (SELECT count(*) FROM in_visit WHERE event_id IN (9500300, 9500301)) AS rows;
-- a table that refuses with an error: all of the batch is one
CREATE DOMAIN in_ip AS inet CHECK (family(VALUE) = 4);
CREATE TABLE in_strict (customer text, at timestamptz NOT NULL, event varchar(20), event_id bigint, lat numeric(6, 3), ip in_ip, kind jsonb);
CREATE UNIQUE INDEX ON in_strict (event_id, at);
SELECT journey_privacy.protect('in_strict', 'customer', kind => 'customer_id', occurred_at => 'at', collected_for => '{in_analytics}');
SELECT journey_privacy.map_mparticle('in_strict', 'event', identities => '{email}');
SELECT journey_privacy.map_mparticle('in_strict', 'event', event_id_column => 'event_id', identities => '{email,customer_id}',
         columns => '{"lat": "location.latitude", "ip": "ip", "kind": "user_attributes.vip"}');
SELECT * FROM journey_privacy.ingest_mparticle('{}');
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided'::jsonb || '{"user_identities": {"email": "in9@example.com"}}', 'in_strict');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in9", "email": "in9@example.com"}',
  in_consent(false, '2024-05-01'), in_event('first_run', 9500400)), 'in_strict');
SELECT count(*) AS known FROM journey_privacy.subject WHERE pseudonym IN ('customer_id:in9', 'email:in9@example.com');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": " in9 ", "email": "in9@example.com"}', in_consent(true, '2024-05-01'),
  in_event('first_run', 9500400, '{"location": {"latitude": 52.53094}}')) || '{"user_attributes": {"vip": ["a", null]}}', 'in_strict');
SELECT customer, event, event_id, lat, ip, kind FROM in_strict;
SELECT * FROM in_person('customer_id:in9', 'email:in9@example.com');
-- the unique index knows what was forgotten
DELETE FROM journey_privacy.ingested;
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": " in9 "}', NULL,
  in_event('first_run', 9500400), in_event('first_run', 9500401)), 'in_strict');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in9"}', NULL, in_event('first_run', 9223372036854775808)), 'in_strict');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in9"}', NULL, in_event('first_run', 9500402)) || '{"ip": "1.2.3"}', 'in_strict');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in9"}', NULL, in_event('first_run', 9500402)) || '{"ip": "2001:db8::1"}', 'in_strict');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in9"}', NULL,
  in_event('custom_event', 9500402, '{"event_name": "longer than twenty letters"}')), 'in_strict');
DO $$ DECLARE receipt jsonb; BEGIN CALL journey_privacy.erase('email:in9@example.com', receipt => receipt); END $$;
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in9"}', NULL, in_event('first_run', 9500403)), 'in_strict');
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in9new", "email": "in9@example.com"}', in_consent(true, '2024-05-01'),
  in_event('first_run', 9500404)), 'in_strict');
SELECT count(*) AS rows FROM in_strict;
DROP TABLE in_strict;
DROP DOMAIN in_ip;
SELECT relation FROM journey_privacy.mparticle_mapping;

-- Whose rights: closed, and then it inserts as the caller.
CREATE ROLE regress_ingest_app;
GRANT USAGE ON SCHEMA public TO regress_ingest_app;
SET ROLE regress_ingest_app;
SELECT * FROM journey_privacy.ingest_mparticle('{}');
SELECT journey_privacy.purge_ingested();
RESET ROLE;
GRANT EXECUTE ON FUNCTION journey_privacy.ingest_mparticle(jsonb, regclass),
  journey_privacy.map_mparticle(regclass, name, name, name, jsonb, text[], text[], boolean, boolean),
  journey_privacy.unmap_mparticle(regclass) TO regress_ingest_app;
SET ROLE regress_ingest_app;
SELECT journey_privacy.map_mparticle('in_visit', 'event');
SELECT journey_privacy.unmap_mparticle('in_visit');
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided');
RESET ROLE;
GRANT INSERT ON in_visit TO regress_ingest_app;
SET ROLE regress_ingest_app;
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in10", "google": "in10"}', in_consent(true, '2024-05-01'),
  in_event('first_run', 9500500)));
SELECT count(*) FROM in_visit;
SELECT count(*) FROM journey_privacy.ingested;
RESET ROLE;
REVOKE INSERT ON in_visit FROM regress_ingest_app;
GRANT INSERT (visitor, at, event) ON in_visit TO regress_ingest_app;
SET ROLE regress_ingest_app;
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in10"}', NULL, in_event('first_run', 9500501)));
RESET ROLE;
SELECT * FROM in_person('customer_id:in10', 'google:in10');
-- who may not link people may not let batches merge them
CREATE TABLE in_own (visitor journey_privacy.pseudonym, at timestamptz, event text, size text);
SELECT journey_privacy.protect('in_own', 'visitor', occurred_at => 'at');
ALTER TABLE in_own OWNER TO regress_ingest_app;
SET ROLE regress_ingest_app;
SELECT journey_privacy.map_mparticle('in_own', 'event', merge => true);
SELECT journey_privacy.map_mparticle('in_own', 'event', columns => '{"size": "custom_attributes.size"}');
-- a number of few bytes that would be a text of many
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in10"}', NULL,
  in_event('first_run', 9500502, '{"custom_attributes": {"size": 1e131000}}')), 'in_own');
RESET ROLE;
DROP TABLE in_own;
-- a batch of too many
SELECT * FROM journey_privacy.ingest_mparticle(in_batch('{"customer_id": "in10"}', NULL, VARIADIC array_fill('{}'::jsonb, '{10001}')));

-- Random batches against plain SQL.  First what may be said and what it comes to:
CREATE FUNCTION in_text(v jsonb, required boolean DEFAULT false) RETURNS boolean LANGUAGE sql AS
$$ SELECT CASE WHEN coalesce(v, 'null') IN ('null', '""') AND required THEN false
               ELSE coalesce(jsonb_typeof(v), 'null') IN ('null', 'string') END $$;
CREATE FUNCTION in_object(v jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(jsonb_typeof(v), 'null') IN ('null', 'object') $$;
CREATE FUNCTION in_plain(v jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT coalesce(jsonb_typeof(v), 'null') NOT IN ('object', 'array') $$;
CREATE FUNCTION in_ms(v jsonb, required boolean DEFAULT true) RETURNS boolean LANGUAGE sql AS
$$ SELECT CASE WHEN coalesce(v, 'null') = 'null' THEN NOT required
               ELSE jsonb_typeof(v) = 'number' AND v::text ~ '^[0-9]{1,15}$' END $$;
CREATE FUNCTION in_past(v jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT CASE WHEN in_ms(v) THEN (v #>> '{}')::numeric < extract(epoch FROM now() + '1 day') * 1000 ELSE true END $$;
CREATE FUNCTION in_identity(kind text, v jsonb) RETURNS boolean LANGUAGE sql AS
$$ SELECT CASE WHEN coalesce(v, 'null') IN ('null', '""') THEN true
     WHEN jsonb_typeof(v) NOT IN ('string', 'number') THEN false
     WHEN jsonb_typeof(v) = 'number' AND v::text !~ '^-?[0-9]+$' THEN false
     WHEN kind = 'mpid' THEN v #>> '{}' ~ '^-?[0-9]+$' AND length(v #>> '{}') <= 20
     WHEN kind = 'mobile_number' THEN v #>> '{}' ~ '^\+[0-9]{8,15}$' ELSE v #>> '{}' ~ '[^ ]' END $$;
CREATE FUNCTION in_event_ok(e jsonb) RETURNS boolean LANGUAGE sql AS $$
SELECT CASE WHEN NOT (jsonb_typeof(e) = 'object' AND in_text(e -> 'event_type', true) AND coalesce(jsonb_typeof(e -> 'data'), '') = 'object') THEN false
  ELSE (SELECT in_ms(d -> 'timestamp_unixtime_ms') AND in_past(d -> 'timestamp_unixtime_ms') AND in_text(d -> 'source_message_id')
    AND (coalesce(jsonb_typeof(d -> 'event_id'), 'null') = 'null' OR d ->> 'event_id' ~ '^-?[0-9]{1,19}$' AND in_plain(d -> 'event_id'))
    AND in_object(d -> 'custom_attributes') AND in_plain(d #> '{location,latitude}')
    AND coalesce(d #>> '{location,latitude}' ~ '^-?[0-9.]+$', true)
    AND CASE t WHEN 'custom_event' THEN in_text(d -> 'event_name', true) AND in_plain(d -> 'custom_event_type')
      WHEN 'screen_view' THEN in_plain(d -> 'screen_name') AND coalesce(d -> 'screen_name', 'null') <> 'null'
      WHEN 'session_end' THEN in_plain(d -> 'session_duration_ms')
      WHEN 'commerce_event' THEN in_object(d -> 'product_action') AND in_object(d -> 'promotion_action')
        AND CASE WHEN coalesce(d -> 'product_action', 'null') <> 'null' THEN in_text(d #> '{product_action,action}', true)
                 WHEN coalesce(d -> 'promotion_action', 'null') <> 'null' THEN in_text(d #> '{promotion_action,action}', true) ELSE true END
        AND coalesce(jsonb_typeof(d -> 'product_impressions'), 'null') IN ('null', 'array')
        AND in_plain(d -> 'currency_code') AND in_plain(d -> 'screen_name') AND in_plain(d -> 'is_non_interactive')
      ELSE true END
    FROM (SELECT e ->> 'event_type' AS t, e -> 'data' AS d) x) END $$;
CREATE FUNCTION in_ok(b jsonb) RETURNS boolean LANGUAGE sql AS $$
SELECT CASE WHEN NOT in_object(b -> 'user_identities') OR NOT in_object(b -> 'consent_state')
    OR coalesce(jsonb_typeof(b -> 'events'), 'null') NOT IN ('null', 'array') THEN false
  ELSE coalesce(b -> 'environment', 'null') IN ('null', '""', '"production"', '"development"') AND in_text(b -> 'source_request_id')
    AND in_identity('mpid', b -> 'mpid')
    AND (SELECT coalesce(bool_and(in_identity(k, b -> 'user_identities' -> k)), true) FROM unnest('{customer_id,email,mobile_number}'::text[]) k)
    AND (coalesce(b ->> 'mpid', '0') NOT IN ('', '0') OR EXISTS (SELECT FROM unnest('{customer_id,email,mobile_number}'::text[]) k
                                       WHERE coalesce(b -> 'user_identities' ->> k, '') <> ''))
    AND in_plain(b #> '{device_info,platform}')
    AND (coalesce(jsonb_typeof(b -> 'consent_state'), 'null') = 'null' OR (SELECT bool_and(k IN ('gdpr', 'ccpa') AND in_object(v)) IS NOT FALSE
           FROM jsonb_each(CASE jsonb_typeof(b -> 'consent_state') WHEN 'object' THEN b -> 'consent_state' ELSE '{}' END) c(k, v)))
    AND (SELECT bool_and(jsonb_typeof(v) = 'object' AND coalesce(jsonb_typeof(v -> 'consented'), '') = 'boolean'
                 AND in_ms(v -> 'timestamp_unixtime_ms', false) AND (v ->> 'timestamp_unixtime_ms')::numeric < extract(epoch FROM now() + '5 min') * 1000 IS NOT FALSE
                 AND in_text(v -> 'document') AND in_text(v -> 'location') AND in_text(v -> 'hardware_id')) IS NOT FALSE
         FROM jsonb_each(CASE jsonb_typeof(b #> '{consent_state,gdpr}') WHEN 'object' THEN b #> '{consent_state,gdpr}' ELSE '{}' END) c(k, v))
    AND (SELECT bool_and(in_event_ok(e)) IS NOT FALSE
         FROM jsonb_array_elements(CASE jsonb_typeof(b -> 'events') WHEN 'array' THEN b -> 'events' ELSE '[]' END) e) END $$;
CREATE FUNCTION in_rows(b jsonb) RETURNS TABLE (at timestamptz, event text, props jsonb, event_id numeric, os text, lat float8) LANGUAGE sql AS $$
SELECT timestamptz 'epoch' + (d ->> 'timestamp_unixtime_ms')::bigint * interval '1 millisecond',
  CASE t WHEN 'custom_event' THEN d ->> 'event_name'
    WHEN 'commerce_event' THEN coalesce(d #>> '{product_action,action}', 'promotion_' || (d #>> '{promotion_action,action}'),
      CASE WHEN coalesce(d -> 'product_impressions', 'null') <> 'null' THEN 'impression' ELSE t END) ELSE t END,
  coalesce((SELECT jsonb_object_agg(k, v) FROM jsonb_each(CASE jsonb_typeof(d -> 'custom_attributes') WHEN 'object' THEN d -> 'custom_attributes' ELSE '{}' END) a(k, v) WHERE v <> 'null'), '{}')
  || coalesce((SELECT jsonb_object_agg(k, v) FROM jsonb_each(d) a(k, v) WHERE v <> 'null' AND k = ANY (
       CASE t WHEN 'custom_event' THEN ARRAY['custom_event_type'] WHEN 'screen_view' THEN ARRAY['screen_name']
         WHEN 'session_end' THEN ARRAY['session_duration_ms']
         WHEN 'commerce_event' THEN ARRAY['product_action', 'promotion_action', 'product_impressions', 'currency_code', 'screen_name', 'is_non_interactive']
         ELSE '{}' END)), '{}'),
  (d ->> 'event_id')::numeric, b #>> '{device_info,platform}', (d #>> '{location,latitude}')::float8
FROM (SELECT DISTINCT ON (coalesce('e' || (d ->> 'event_id'), 'm' || nullif(d ->> 'source_message_id', ''), 'n' || n)) *
      FROM (SELECT e ->> 'event_type' AS t, e -> 'data' AS d, n
            FROM jsonb_array_elements(CASE jsonb_typeof(b -> 'events') WHEN 'array' THEN b -> 'events' ELSE '[]' END) WITH ORDINALITY x(e, n)) y
      ORDER BY coalesce('e' || (d ->> 'event_id'), 'm' || nullif(d ->> 'source_message_id', ''), 'n' || n), n) z
WHERE coalesce(b ->> 'environment', '') <> 'development' $$;
-- then what comes of a batch: what differs from the above, or the error
CREATE FUNCTION in_try(b jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text; said text; verdict text := 'taken';
BEGIN
  BEGIN
    PERFORM journey_privacy.ingest_mparticle(b);
    IF NOT in_ok(b) THEN verdict := 'taken, though malformed';
    ELSIF EXISTS ((TABLE in_news EXCEPT ALL SELECT * FROM in_rows(b)) UNION ALL (SELECT * FROM in_rows(b) EXCEPT ALL TABLE in_news)) THEN
      verdict := 'other rows than expected';
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'JPOK0', MESSAGE = verdict;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT;
  END;
  IF state = 'JPOK0' THEN RETURN said; END IF;
  IF state <> '22023' OR said NOT LIKE 'invalid mParticle batch: %' THEN RETURN state || ' ' || said; END IF;
  IF in_ok(b) THEN RETURN 'refused, though well formed: ' || said; END IF;
  IF said ~ 'in11|zzz' THEN RETURN 'tells a value: ' || said; END IF;
  RETURN 'refused';
END $$;
SELECT journey_privacy.unprotect('in_visit');
SELECT * FROM journey_privacy.ingest_mparticle(:'undecided');
TRUNCATE in_visit;
SELECT journey_privacy.protect('in_visit', 'visitor', occurred_at => 'at');
SELECT journey_privacy.map_mparticle('in_visit', 'event', 'props', 'event_id',
         '{"os": "device_info.platform", "lat": "location.latitude"}', '{customer_id,email,mpid,mobile_number}');
CREATE VIEW in_news AS SELECT at, event, props, event_id, os, lat FROM in_visit;
CREATE FUNCTION in_pick(VARIADIC jsonb[]) RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT $1[1 + floor(random() * cardinality($1))::int] $$;
CREATE FUNCTION in_random_event() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
SELECT jsonb_build_object('event_type', in_pick('"custom_event"', '"screen_view"', '"commerce_event"', '"session_end"', '"first_run"'),
  'data', jsonb_strip_nulls(jsonb_build_object('timestamp_unixtime_ms', floor(random() * 2e12),
    'event_id', in_pick(to_jsonb(floor(random() * 3)), to_jsonb(floor(random() * 1e18)), to_jsonb(floor(random() * 1e18)::bigint::text), 'null'),
    'source_message_id', in_pick('"m1"', '"m2"', to_jsonb(random()::text), 'null'),
    'event_name', in_pick('"Search"', '"B\u00e9b\u00e9 \ud83d\ude00"'), 'custom_event_type', in_pick('"search"', 'null'),
    'screen_name', in_pick('"Home"', '"zzz"'), 'session_duration_ms', in_pick('4500', 'null'),
    'location', in_pick('null', '{"latitude": 52.5}', '{"latitude": "-0.25"}', '{"longitude": 1}'),
    'currency_code', in_pick('"EUR"', 'null'), 'is_non_interactive', in_pick('true', 'null'),
    'product_action', in_pick('null', '{"action": "purchase", "coupon_code": null, "products": [{"id": "1", "price": 89.90}]}'),
    'promotion_action', in_pick('null', '{"action": "click"}'), 'product_impressions', in_pick('null', '[]', '[{"products": [1]}]')))
    || jsonb_build_object('custom_attributes', in_pick('null', '{}', '{"a": "zzz", "b": null, "screen_name": "mine", "c": {"d": [null, 1.50]}}'))) $$;
CREATE FUNCTION in_random() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
SELECT jsonb_build_object('user_identities', in_pick('null', '{"customer_id": "in11", "email": "in11@example.com"}',
      '{"customer_id": 11000000000000000000011, "mobile_number": "+4915112345679"}', '{"email": "", "google": "x"}'),
    'mpid', in_pick('9500011', '"-11"', '0', 'null'), 'environment', in_pick('"production"', 'null', '"production"', '"development"'),
    'source_request_id', in_pick('"r"', 'null'), 'device_info', in_pick('null', '{"platform": "iOS"}', '{"platform": 1.0}', '{}'),
    'consent_state', in_pick('null', '{}', in_consent(true, '2024-05-01'), in_consent(false, '2024-05-02', true)),
    'events', (SELECT jsonb_agg(in_random_event()) FROM generate_series(1, floor(random() * 8)::int)), 'unknown', '{"a": [1]}'::jsonb) $$;
SELECT 0.9505 AS seed, setseed(0.9505);
SELECT came, count(*) > 20 AS many FROM (SELECT in_try(in_random()) AS came FROM generate_series(1, 400)) t GROUP BY 1 ORDER BY 1;

-- Then each of its parts left out, or of another type, at every path.
CREATE FUNCTION in_paths(b jsonb) RETURNS SETOF text[] LANGUAGE sql AS $$
WITH RECURSIVE p(path, v) AS (
  SELECT '{}'::text[], b
  UNION ALL
  SELECT p.path || x.k, x.v FROM p, LATERAL (
    SELECT k, v FROM jsonb_each(CASE jsonb_typeof(p.v) WHEN 'object' THEN p.v ELSE '{}' END) e(k, v)
    UNION ALL SELECT (n - 1)::text, v FROM jsonb_array_elements(CASE jsonb_typeof(p.v) WHEN 'array' THEN p.v ELSE '[]' END) WITH ORDINALITY e(v, n)) x)
SELECT path FROM p WHERE path <> '{}' ORDER BY path $$;
SELECT in_batch('{"customer_id": "in11", "email": "in11@example.com", "mobile_number": "+4915112345679"}', in_consent(true, '2024-05-01'),
    in_event('screen_view', 1, '{"screen_name": "zzz", "source_message_id": "zzz1"}'),
    in_event('custom_event', 2, '{"event_name": "zzz", "custom_event_type": "search", "location": {"latitude": 1.5}, "custom_attributes": {"a": "zzz", "b": [1]}}'),
    in_event('commerce_event', 3, '{"product_action": {"action": "purchase", "products": [{"id": "1"}]}, "currency_code": "EUR", "is_non_interactive": true}'),
    in_event('commerce_event', 4, '{"promotion_action": {"action": "view"}, "screen_name": "zzz"}'),
    in_event('commerce_event', 5, '{"product_impressions": [1]}'),
    in_event('session_end', 6, '{"session_duration_ms": 1}')) || '{"mpid": 9500012, "source_request_id": "zzz"}' AS whole \gset
SELECT in_try(:'whole');
SELECT came, count(*) AS cases FROM (
  SELECT in_try(CASE WHEN v IS NULL THEN :'whole'::jsonb #- path ELSE jsonb_set(:'whole', path, v) END) AS came
  FROM in_paths(:'whole') path, unnest(ARRAY[NULL, 'null', '"zzz"', '""', '1', '-1.5', '1e30', 'true', '[]', '{}', '[{"zzz": 1}]']::jsonb[]) v) t
GROUP BY 1 ORDER BY 1;
-- the paths are told, names that are the sender's only where they are mapped
CREATE FUNCTION in_message(b jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE said text;
BEGIN
  PERFORM journey_privacy.ingest_mparticle(b);
  RAISE EXCEPTION SQLSTATE 'JPOK0';
EXCEPTION WHEN SQLSTATE 'JPOK0' THEN RETURN NULL;
WHEN OTHERS THEN GET STACKED DIAGNOSTICS said = MESSAGE_TEXT; RETURN replace(said, 'invalid mParticle batch: ', ''); END $$;
SELECT in_message(jsonb_set(:'whole', '{consent_state,gdpr,ann@example.com}', '{"consented": 1}'));
SELECT in_message(jsonb_set(:'whole', '{consent_state,hipaa}', '{}'));
SELECT in_message(jsonb_set(:'whole', '{consent_state,ccpa}', '{"zzz": {"consented": true}}'));
SELECT in_message(jsonb_set(:'whole', '{consent_state,gdpr,in_analytics,timestamp_unixtime_ms}',
  to_jsonb((extract(epoch FROM now() + interval '1 hour') * 1000)::bigint)));
SELECT DISTINCT m.message FROM in_paths(:'whole') path, unnest(ARRAY[NULL, '"zzz"', '[]', '1.5']::jsonb[]) v,
LATERAL (SELECT in_message(CASE WHEN v IS NULL THEN :'whole'::jsonb #- path ELSE jsonb_set(:'whole', path, v) END) AS message) m
WHERE m.message IS NOT NULL ORDER BY 1;

-- What has no time is as of the batch: a yes in an old one does not undo a later no; nothing is of a time to come.
SELECT journey_privacy.withdraw('customer_id:in10', 'in_analytics') IS NOT NULL AS withdrawn;
CREATE FUNCTION in_undated(made timestamptz) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('timestamp_unixtime_ms', (extract(epoch FROM made) * 1000)::bigint) ||
     in_batch('{"customer_id": "in10"}', '{"gdpr": {"in_analytics": {"consented": true}}}', VARIADIC '{}'::jsonb[]) $$;
SELECT decisions FROM journey_privacy.ingest_mparticle(in_undated(now() - interval '1 hour'), 'in_visit');
SELECT granted FROM journey_privacy.consent_of('customer_id:in10') WHERE purpose = 'in_analytics';
SELECT decisions FROM journey_privacy.ingest_mparticle(in_undated(clock_timestamp()), 'in_visit');
SELECT granted FROM journey_privacy.consent_of('customer_id:in10') WHERE purpose = 'in_analytics';
SELECT in_message(in_undated(now() + interval '2 days'));
SELECT in_message(in_batch('{"customer_id": "in10"}', NULL, in_event('session_start', 1, '{"timestamp_unixtime_ms": 999999999999999}')));

-- tidy up
SELECT journey_privacy.unmap_mparticle('in_visit');
DROP TABLE in_visit CASCADE;
DO $$ DECLARE receipt jsonb; i text; BEGIN
  FOREACH i IN ARRAY '{customer_id:in1,customer_id:in2,email:in3@example.com,mpid:-9223372036854775808,mpid:18446744073709551615,mpid:9007199254740993,mobile_number:+4915112345678,customer_id:9500006,customer_id:mallory,customer_id:victim,customer_id:in7,customer_id:in8,customer_id:in8new,customer_id:in10}'::text[] LOOP
    CALL journey_privacy.erase(i::journey_privacy.pseudonym, receipt => receipt);
  END LOOP;
END $$;
DELETE FROM journey_privacy.ingested;
SELECT journey_privacy.unmap_consent('mparticle', 'gdpr:in_analytics', 'in_analytics'),
       journey_privacy.unmap_consent('mparticle', 'ccpa:data_sale_opt_out', 'in_sale');
SELECT journey_privacy.drop_purpose('in_analytics'), journey_privacy.drop_purpose('in_sale');
DO $$ DECLARE f text; BEGIN
  FOR f IN SELECT oid::regprocedure FROM pg_proc WHERE proname ~ '^in_' AND pronamespace = 'public'::regnamespace LOOP
    EXECUTE 'DROP FUNCTION ' || f;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION journey_privacy.ingest_mparticle(jsonb, regclass),
  journey_privacy.map_mparticle(regclass, name, name, name, jsonb, text[], text[], boolean, boolean),
  journey_privacy.unmap_mparticle(regclass) FROM regress_ingest_app;
REVOKE USAGE ON SCHEMA public FROM regress_ingest_app;
DROP ROLE regress_ingest_app;
