-- Erasing: all that refers to a subject goes, nothing else does.
\set VERBOSITY terse
\pset null '-'
SELECT journey_privacy.create_purpose('e_analytics', 'consent');
CREATE TABLE e_visit (id int PRIMARY KEY, visitor journey_privacy.pseudonym, cart int);
SELECT journey_privacy.protect('e_visit', 'visitor');
CREATE PROCEDURE people() LANGUAGE sql AS $$
  INSERT INTO e_visit SELECT i, ('customer_id:e' || i % 3)::journey_privacy.pseudonym FROM generate_series(1, 30) i;
  SELECT journey_privacy.record_consent(('customer_id:e' || i)::journey_privacy.pseudonym, 'e_analytics', true)
    FROM generate_series(0, 2) i;
$$;
CALL people();

-- Shapes: chain, composite key, self-reference, cycle, shared child, partitions,
-- kept rows that lose their reference, a constraint checked at commit, two owners
CREATE TABLE e_order (no int, shop int, visit int NOT NULL REFERENCES e_visit, PRIMARY KEY (shop, no));
CREATE TABLE e_item (id int PRIMARY KEY, no int, shop int, replaces int REFERENCES e_item,
                     FOREIGN KEY (shop, no) REFERENCES e_order (shop, no) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE e_cart (id int PRIMARY KEY, opened_by int REFERENCES e_visit ON DELETE CASCADE);
ALTER TABLE e_visit ADD FOREIGN KEY (cart) REFERENCES e_cart;
CREATE TABLE e_review (id int PRIMARY KEY, visit int REFERENCES e_visit ON DELETE SET NULL, stars int);
CREATE TABLE e_event (visit bigint REFERENCES e_visit, at date) PARTITION BY RANGE (at);
CREATE TABLE e_event_1 PARTITION OF e_event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE e_event_2 PARTITION OF e_event DEFAULT;
CREATE ROLE regress_eraser;
CREATE ROLE regress_warehouse;
CREATE TABLE e_parcel (id int PRIMARY KEY, item int REFERENCES e_item ON DELETE RESTRICT);
ALTER TABLE e_parcel OWNER TO regress_warehouse;
GRANT USAGE ON SCHEMA public TO regress_warehouse;
INSERT INTO e_order SELECT i, i % 2, i FROM generate_series(1, 30) i;
-- every fourth item replaces one of the next person: it goes along
INSERT INTO e_item SELECT i, i, i % 2, CASE WHEN i % 4 = 0 THEN i - 1 END FROM generate_series(1, 30) i;
INSERT INTO e_cart SELECT i, i FROM generate_series(1, 30) i;
UPDATE e_visit SET cart = id;
INSERT INTO e_review SELECT i, i, 5 FROM generate_series(1, 30) i;
INSERT INTO e_event SELECT i, '2026-01-30'::date + i FROM generate_series(1, 30) i;
INSERT INTO e_parcel SELECT i, i FROM generate_series(1, 30) i;
CREATE FUNCTION counts() RETURNS TABLE (t text, n bigint) LANGUAGE sql AS $$
  SELECT 'visit', count(*) FROM e_visit UNION ALL SELECT 'order', count(*) FROM e_order
  UNION ALL SELECT 'item', count(*) FROM e_item UNION ALL SELECT 'cart', count(*) FROM e_cart
  UNION ALL SELECT 'review', count(*) FROM e_review UNION ALL SELECT 'event', count(*) FROM e_event
  UNION ALL SELECT 'review of nobody', count(*) FROM e_review WHERE visit IS NULL
  UNION ALL SELECT 'parcel', count(*) FROM e_parcel $$;

SELECT * FROM journey_privacy.preview_erasure('customer_id:e1') ORDER BY relation::text COLLATE "C", action;
CREATE TEMP TABLE preview AS SELECT * FROM journey_privacy.preview_erasure('customer_id:e1');
-- looking changes nothing
SELECT * FROM counts();
CALL journey_privacy.erase('customer_id:e1', 'asked by letter', '00000000-0000-4000-8000-000000000001') \gset
SELECT * FROM counts();
-- the receipt says what the preview said, and names nobody
SELECT :'receipt'::jsonb - '{erased_at,requested_at,tables,signed,number,previous,key_versions}'::text[] AS receipt;
SELECT count(*) AS tables, count(*) FILTER (WHERE p.rows IS DISTINCT FROM d.rows) AS differing
FROM (SELECT x.relation::text, x.action, x.rows FROM preview x) p
FULL JOIN (SELECT (t ->> 'table')::regclass::text AS relation, t ->> 'action' AS action, (t ->> 'rows')::bigint AS rows
           FROM jsonb_array_elements(:'receipt'::jsonb -> 'tables') t) d USING (relation, action);
SELECT (:'receipt'::jsonb - 'signed')::text ~ '\me1\M' OR :'receipt' ~ 'letter' OR strpos(:'receipt', 'customer_id:e1'::journey_privacy.pseudonym::text) > 0
  AS names_somebody;
-- a second time: nothing there any more; the same request: the same receipt
SELECT * FROM journey_privacy.preview_erasure('customer_id:e1');
CALL journey_privacy.erase('customer_id:e1', NULL, '00000000-0000-4000-8000-000000000001') \gset again_
SELECT :'again_receipt' = :'receipt' AS same_receipt;
CALL journey_privacy.erase('customer_id:e2', NULL, '00000000-0000-4000-8000-000000000001');
CALL journey_privacy.erase('customer_id:e1') \gset third_
SELECT :'third_receipt'::jsonb -> 'tables' AS tables;
-- somebody never seen can ask, too: the tombstone keeps them out
CALL journey_privacy.erase('customer_id:never') \gset
SELECT journey_privacy.is_erased('customer_id:never');
CALL journey_privacy.erase(NULL);
CALL journey_privacy.erase('no kind');

-- all or nothing: a trigger that keeps rows
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON e_item FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TEMP TABLE before AS SELECT * FROM counts();
BEGIN;
CALL journey_privacy.erase('customer_id:e2');
ROLLBACK;
SELECT count(*) AS changed FROM before FULL JOIN counts() c USING (t, n) WHERE c.t IS NULL OR before.t IS NULL;
SELECT journey_privacy.is_erased('customer_id:e2');
-- at top level the tombstone is there, nothing else was lost, and the same request goes on
CALL journey_privacy.erase('customer_id:e2', NULL, '00000000-0000-4000-8000-000000000002');
SELECT journey_privacy.is_erased('customer_id:e2');
SELECT state, relation, action, found, done FROM journey_privacy.erasure_progress
  WHERE action = 'delete' AND relation LIKE 'public.%' ORDER BY relation COLLATE "C";
SELECT journey_privacy.record_consent('customer_id:e2', 'e_analytics', true);
DROP TRIGGER keep ON e_item;
-- in a transaction block, with rollback
BEGIN;
CALL journey_privacy.erase('customer_id:e0') \gset
SELECT count(*) FROM e_visit;
ROLLBACK;
SELECT count(*) AS changed FROM before FULL JOIN counts() c USING (t, n) WHERE c.t IS NULL OR before.t IS NULL;

-- the owner's triggers run with the owner's rights
CREATE TABLE stolen (who name);
GRANT INSERT ON stolen TO PUBLIC;
CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO stolen VALUES (current_user); RETURN OLD; END $$;
CREATE TRIGGER steal BEFORE DELETE ON e_parcel FOR EACH ROW EXECUTE FUNCTION steal();
GRANT EXECUTE ON PROCEDURE journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb) TO regress_eraser;
GRANT EXECUTE ON FUNCTION journey_privacy.pseudonymize(text, text) TO regress_eraser;
SET ROLE regress_eraser;
CALL journey_privacy.erase('customer_id:e2', NULL, '00000000-0000-4000-8000-000000000002') \gset
SELECT * FROM journey_privacy.preview_erasure('customer_id:e0');
SELECT count(*) FROM e_visit;
SELECT count(*) FROM journey_privacy.erasure;
RESET ROLE;
SELECT DISTINCT who FROM stolen;
SELECT * FROM counts();
SELECT requested_by = session_user AS by_us, reason FROM journey_privacy.erasure
  WHERE request_id = '00000000-0000-4000-8000-000000000001';
DROP TABLE e_parcel, e_event, e_review, e_item, e_order;
ALTER TABLE e_visit DROP COLUMN cart;
DROP TABLE e_cart;

-- Links that no foreign key tells of: of other types, of several columns, and their warnings
CREATE TABLE l_person (id int PRIMARY KEY, visitor journey_privacy.pseudonym, region text);
SELECT journey_privacy.protect('l_person', 'visitor');
CREATE TABLE l_note (id int PRIMARY KEY, person text, region text, body text NOT NULL, CHECK (body <> ''));
CREATE TABLE l_plain (email text, phone_number text);
INSERT INTO l_person SELECT i, ('customer_id:l' || i)::journey_privacy.pseudonym, 'r' || i % 2 FROM generate_series(1, 4) i;
INSERT INTO l_note SELECT i, (1 + i % 4)::text, 'r' || (i / 4) % 2, 'note' FROM generate_series(1, 16) i;
SELECT journey_privacy.link_table('l_note', '{person,region}', 'l_person', '{id,region}');
SELECT child, child_columns, parent, declared_by, on_erase, warnings FROM journey_privacy.link
  WHERE child::text LIKE 'l\_%' ORDER BY child::text;
SELECT relation, action, rows FROM journey_privacy.preview_erasure('customer_id:l1') ORDER BY relation::text;
CALL journey_privacy.erase('customer_id:l1') \gset
SELECT string_agg(id::text, ' ' ORDER BY id) AS "left" FROM l_note;
-- redacted instead; the link can be declared again
SELECT journey_privacy.link_table('l_note', '{person,region}', 'l_person', '{id,region}', 'redact', '{"body": "erased", "region": null}');
CALL journey_privacy.erase('customer_id:l2') \gset
SELECT id, body, region FROM l_note WHERE person = '2' ORDER BY id;
SELECT t ->> 'action' AS action, t ->> 'rows' AS rows FROM jsonb_array_elements(:'receipt'::jsonb -> 'tables') t
  WHERE t ->> 'table' = 'public.l_note';
-- what the table would not take is refused when it is declared
SELECT journey_privacy.link_table('l_note', '{person}', 'l_person', '{id}', 'redact', '{"body": null}');
SELECT journey_privacy.link_table('l_note', '{person}', 'l_person', '{id}', 'redact', '{"body": ""}');
SELECT journey_privacy.link_table('l_note', '{person}', 'l_person', '{id}', 'redact', '{"id": 1}');
SELECT journey_privacy.link_table('l_note', '{person}', 'l_person', '{id}', 'redact', '{"nowhere": 1}');
SELECT journey_privacy.link_table('l_note', '{person}', 'l_person', '{id}', 'redact');
SELECT journey_privacy.link_table('l_note', '{person}', 'l_person', '{id}', 'shared', '{"body": "x"}');
SELECT journey_privacy.link_table('l_note', '{person}', 'l_person', '{id}', 'vanish');
SELECT journey_privacy.link_table('l_note', '{person}', 'l_person', '{nowhere}');
SELECT journey_privacy.link_table('l_note', '{person}', 'l_person', '{id,region}');
SELECT journey_privacy.protect('l_plain', 'email', kind => 'email', on_erase => 'redact', redact => '{"phone_number": null}');
SELECT journey_privacy.unlink_table('l_note', '{person,region}', 'l_person', '{id,region}');
SELECT journey_privacy.unlink_table('l_note', '{person,region}', 'l_person', '{id,region}');

-- Rows that belong to several people: redacted until the last of them goes
CREATE TABLE m_message (id int PRIMARY KEY, sender journey_privacy.pseudonym, recipient journey_privacy.pseudonym,
                        sender_name text, recipient_name text, body text);
SELECT journey_privacy.protect('m_message', 'sender', on_erase => 'shared', redact => '{"sender": null, "sender_name": null}');
SELECT journey_privacy.link_table('m_message', '{recipient}', 'journey_privacy.subject', '{pseudonym}', 'shared',
                                  '{"recipient": null, "recipient_name": "somebody"}');
SELECT journey_privacy.register_pseudonym_column('m_message', 'recipient');
CREATE TABLE m_file (id int PRIMARY KEY, message int REFERENCES m_message);
INSERT INTO m_message VALUES
  (1, 'customer_id:m1', 'customer_id:m2', 'Ann', 'Bob', 'a'), (2, 'customer_id:m2', 'customer_id:m1', 'Bob', 'Ann', 'b'),
  (3, 'customer_id:m1', 'customer_id:m1', 'Ann', 'Ann', 'c'), (4, 'customer_id:m1', NULL, 'Ann', NULL, 'd'),
  (5, 'customer_id:m3', 'customer_id:m2', 'Cyd', 'Bob', 'e');
INSERT INTO m_file SELECT i, i FROM generate_series(1, 5) i;
SELECT relation, action, rows FROM journey_privacy.preview_erasure('customer_id:m1') WHERE relation::text LIKE 'm\_%' ORDER BY 1, 2;
SELECT journey_privacy.export_subject('customer_id:m1') -> 'tables' -> 'public.m_message' -> 1 ->> 'recipient_name' AS mine,
       journey_privacy.export_subject('customer_id:m1') -> 'tables' -> 'public.m_message' -> 1 ? 'sender_name' AS with_bob;
CALL journey_privacy.erase('customer_id:m1') \gset
SELECT id, sender IS NULL AS no_sender, recipient IS NULL AS no_recipient, sender_name, recipient_name FROM m_message ORDER BY id;
SELECT id FROM m_file ORDER BY id;
CALL journey_privacy.erase('customer_id:m2') \gset
SELECT id, sender_name, recipient_name FROM m_message ORDER BY id;

-- Many at once: one pass over each table, one receipt
INSERT INTO e_visit SELECT 100 + i, ('customer_id:many' || i % 20)::journey_privacy.pseudonym FROM generate_series(1, 60) i;
SELECT journey_privacy.record_consent(('customer_id:many' || i)::journey_privacy.pseudonym, 'e_analytics', true) IS NULL AS missing
  FROM generate_series(0, 4) i GROUP BY 1;
SELECT array_agg(('customer_id:many' || i)::journey_privacy.pseudonym) AS many FROM generate_series(0, 9) i \gset
CALL journey_privacy.erase_many(:'many') \gset
SELECT :'receipt'::jsonb -> 'subjects' AS subjects, t ->> 'table' AS "table", t ->> 'rows' AS rows
  FROM jsonb_array_elements(:'receipt'::jsonb -> 'tables') t;
SELECT count(*) FROM e_visit WHERE id > 100;
-- named more than once, known or not
SELECT array_agg(('customer_id:' || CASE i % 2 WHEN 0 THEN 'many15' ELSE 'many_unknown' END)::journey_privacy.pseudonym) AS twice FROM generate_series(1, 400) i \gset
CALL journey_privacy.erase_many(:'twice') \gset
SELECT :'receipt'::jsonb -> 'subjects' AS subjects, t ->> 'table' AS "table", t ->> 'rows' AS rows
  FROM jsonb_array_elements(:'receipt'::jsonb -> 'tables') t;
CALL journey_privacy.erase_many('{}');
CALL journey_privacy.erase_many(ARRAY[NULL]::journey_privacy.pseudonym[]);

-- Holds: on a subject, on a table, on a subject's rows in a table
CREATE TABLE h_invoice (id int PRIMARY KEY, visit int REFERENCES e_visit);
CREATE TABLE h_click (id int PRIMARY KEY, visit int REFERENCES e_visit);
INSERT INTO h_invoice VALUES (1, 110), (2, 111);
INSERT INTO h_click VALUES (1, 110), (2, 111), (3, 130);
SELECT journey_privacy.place_hold('tax law', "table" => 'h_invoice', held_until => '2999-01-01') AS hold \gset
SELECT relation, action, rows, reason, held_until > now() AS until FROM journey_privacy.preview_erasure('customer_id:many10')
  WHERE relation::text !~ 'journey' ORDER BY relation::text, action;
-- 110 is needed by an invoice, 130 and 150 are not
CALL journey_privacy.erase('customer_id:many10', NULL, '00000000-0000-4000-8000-00000000000a') \gset
SELECT :'receipt'::jsonb ->> 'state' AS state, :'receipt'::jsonb ->> 'level' AS level, w ->> 'table' AS "table", w ->> 'rows' AS rows, w ->> 'reason' AS reason
  FROM jsonb_array_elements(:'receipt'::jsonb -> 'withheld') w ORDER BY 3;
SELECT id FROM e_visit WHERE id IN (110, 130, 150);
SELECT id FROM h_click ORDER BY id;
SELECT journey_privacy.is_erased('customer_id:many10'), count(*) AS clicks_left FROM h_click WHERE visit IN (110, 130);
-- hidden all the same, and nothing new comes in
INSERT INTO e_visit VALUES (200, 'customer_id:many10');
-- a hold on a person keeps everything
SELECT journey_privacy.place_hold('a dispute', 'customer_id:many11') AS person_hold \gset
CALL journey_privacy.erase_many(ARRAY['customer_id:many11', 'customer_id:many12']::journey_privacy.pseudonym[]) \gset
SELECT :'receipt'::jsonb ->> 'state' AS state, :'receipt'::jsonb -> 'subjects' AS subjects;
SELECT id FROM e_visit WHERE id IN (111, 112, 131, 132) ORDER BY id;
SELECT state, relation, found, reason FROM journey_privacy.erasure_progress WHERE action = 'withhold' ORDER BY reason, relation COLLATE "C";
-- nothing to resume while the holds last; who comes back is let in, and keeps what is new
CALL journey_privacy.resume_erasures();
SELECT count(*) FROM journey_privacy.erasure WHERE state = 'withheld';
SELECT journey_privacy.record_consent('customer_id:many10', 'e_analytics', true) IS NOT NULL AS back;
INSERT INTO e_visit VALUES (201, 'customer_id:many10');
CALL journey_privacy.release_hold(:'hold');
SELECT id FROM e_visit WHERE id IN (110, 111, 201) ORDER BY id;
SELECT id FROM h_invoice;
SELECT receipt ->> 'state' AS state, journey_privacy.verify_receipt(receipt) AS verified FROM journey_privacy.erasure
  WHERE request_id = '00000000-0000-4000-8000-00000000000a';
UPDATE journey_privacy.hold SET held_until = now() WHERE id = :'person_hold';
CALL journey_privacy.resume_erasures();
SELECT count(*) AS not_done FROM journey_privacy.erasure WHERE state <> 'done';
SELECT id FROM h_invoice;
CALL journey_privacy.release_hold(:'hold');
SELECT journey_privacy.place_hold('no scope');
SELECT journey_privacy.place_hold(NULL, 'customer_id:x');
SELECT journey_privacy.place_hold(' ', 'customer_id:x');

-- Receipts: signed byte for byte, each with the digest of the one before
SELECT count(*) > 10 AS receipts, bool_and(journey_privacy.verify_receipt(receipt)) AS verified FROM journey_privacy.erasure;
SELECT count(*) FILTER (WHERE e.receipt ->> 'previous' IS DISTINCT FROM
  encode(sha256(decode(p.receipt #>> '{signed,bytes}', 'base64')), 'hex')) AS broken
  FROM journey_privacy.erasure e JOIN journey_privacy.erasure p ON p.number = e.number - 1
  WHERE e.number > (SELECT max(number) - 4 FROM journey_privacy.erasure);
SELECT journey_privacy.verify_receipt(jsonb_set(:'receipt', '{subjects}', '7')) AS changed,
       journey_privacy.verify_receipt(jsonb_set(:'receipt', '{signed,bytes}', to_jsonb(encode('{}', 'base64')))) AS other_bytes,
       journey_privacy.verify_receipt(jsonb_set(:'receipt', '{signed,key_version}', '9')) AS other_key,
       journey_privacy.verify_receipt(jsonb_set(:'receipt', '{signed,signature}', '"x"')) AS no_signature,
       journey_privacy.verify_receipt('{}') AS nothing, journey_privacy.verify_receipt('[]') AS no_object;
SELECT journey_privacy.signing_key() ~ '^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/]{59}=\n-----END PUBLIC KEY-----\n$' AS pem;
SELECT journey_privacy.signing_key(99);
-- a second look
SELECT relation, rows FROM journey_privacy.verify_erasure('00000000-0000-4000-8000-000000000001') WHERE relation = 'e_visit'::regclass;
SELECT * FROM journey_privacy.verify_erasure('00000000-0000-4000-8000-0000000000ff');

-- Everything about somebody, as an OpenPGP message; nothing without a key
SELECT journey_privacy.export_subject('customer_id:m3') -> 'tables' -> 'public.m_message' -> 0 -> 'sender_name' AS mine,
       journey_privacy.export_subject('customer_id:nobody') AS nobody;
\set VERBOSITY sqlstate
SELECT journey_privacy.export_encrypted('customer_id:m3', 'no key');
\set VERBOSITY terse
DROP TABLE h_invoice, h_click, m_file, m_message, l_note, l_person, l_plain;
SELECT count(*) AS forgotten FROM journey_privacy.declared_link;
DROP FUNCTION counts;
DROP TABLE e_visit, stolen;
DROP PROCEDURE people;
DROP FUNCTION steal, keep;
REVOKE ALL ON PROCEDURE journey_privacy.erase(journey_privacy.pseudonym, text, uuid, jsonb) FROM regress_eraser;
REVOKE ALL ON FUNCTION journey_privacy.pseudonymize(text, text) FROM regress_eraser;
REVOKE ALL ON SCHEMA public FROM regress_warehouse;
DROP ROLE regress_eraser, regress_warehouse;
