-- Foreign consent formats.  All strings here are built by an encoder of the
-- test's own, written from the published specifications.
\set VERBOSITY terse
\pset null '-'

CREATE FUNCTION pg_temp.n(value bigint, width int) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN width = 0 THEN '' ELSE right(value::bit(64)::text, width) END;

-- ids as a bit field
CREATE FUNCTION pg_temp.field(ids int[], width int) RETURNS text LANGUAGE sql IMMUTABLE
RETURN (SELECT coalesce(string_agg(CASE WHEN i = ANY (ids) THEN '1' ELSE '0' END, '' ORDER BY i), '')
        FROM generate_series(1, width) i);

-- bits as base64url, filled up to a multiple of pad bits first
CREATE FUNCTION pg_temp.b64(bits text, pad int DEFAULT 8) RETURNS text LANGUAGE sql IMMUTABLE
RETURN (SELECT string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
                 rpad(substr(bits || repeat('0', -length(bits) & (pad - 1)), i, 6), 6, '0')::bit(6)::int + 1, 1),
                 '' ORDER BY i)
        FROM generate_series(1, length(bits) + (-length(bits) & (pad - 1)), 6) i);

CREATE FUNCTION pg_temp.vendors(ids int[], max int) RETURNS text LANGUAGE sql IMMUTABLE
RETURN pg_temp.n(max, 16) || '0' || pg_temp.field(ids, max);

-- ranges: [start, end, start, end ...]
CREATE FUNCTION pg_temp.entries(ranges int[]) RETURNS text LANGUAGE sql IMMUTABLE
RETURN pg_temp.n(cardinality(ranges) / 2, 12) ||
  (SELECT coalesce(string_agg(CASE WHEN ranges[i] = ranges[i + 1] THEN '0' || pg_temp.n(ranges[i], 16)
                              ELSE '1' || pg_temp.n(ranges[i], 16) || pg_temp.n(ranges[i + 1], 16) END, '' ORDER BY i), '')
   FROM generate_series(1, cardinality(ranges), 2) i);
CREATE FUNCTION pg_temp.ranges(ranges int[], max int) RETURNS text LANGUAGE sql IMMUTABLE
RETURN pg_temp.n(max, 16) || '1' || pg_temp.entries(ranges);

CREATE FUNCTION pg_temp.two(letters text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN pg_temp.n(ascii(letters) - 65, 6) || pg_temp.n(ascii(substr(letters, 2)) - 65, 6);

CREATE FUNCTION pg_temp.tenths(at timestamptz) RETURNS text LANGUAGE sql
RETURN pg_temp.n(round(extract(epoch FROM at) * 10)::bigint, 36);

CREATE FUNCTION pg_temp.core(
    version int DEFAULT 2, at timestamptz DEFAULT '2024-05-06 07:08:09.5+00', policy int DEFAULT 2,
    language text DEFAULT 'EN', features int[] DEFAULT '{}', purposes int[] DEFAULT '{}',
    interests int[] DEFAULT '{}', untold boolean DEFAULT false,
    vendors text DEFAULT pg_temp.vendors('{}', 0), vendor_interests text DEFAULT pg_temp.vendors('{}', 0),
    restrictions text DEFAULT pg_temp.n(0, 12)) RETURNS text LANGUAGE sql
RETURN pg_temp.n(version, 6) || pg_temp.tenths('2024-01-02 03:04:05+00') || pg_temp.tenths(at) ||
  pg_temp.n(31, 12) || pg_temp.n(640, 12) || pg_temp.n(1, 6) || pg_temp.two(language) ||
  pg_temp.n(126, 12) || pg_temp.n(policy, 6) || '10' || pg_temp.field(features, 12) ||
  pg_temp.field(purposes, 24) || pg_temp.field(interests, 24) ||
  CASE WHEN untold THEN '1' ELSE '0' END || pg_temp.two('DE') || vendors || vendor_interests || restrictions;

CREATE FUNCTION pg_temp.publisher(purposes int[], interests int[], custom int[], custom_interests int[], count int)
  RETURNS text LANGUAGE sql
RETURN '011' || pg_temp.field(purposes, 24) || pg_temp.field(interests, 24) || pg_temp.n(count, 6) ||
  pg_temp.field(custom, count) || pg_temp.field(custom_interests, count);

CREATE FUNCTION pg_temp.complaint(statement text, argument text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  hint text;
BEGIN
  EXECUTE statement USING argument;
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' | ', sqlstate, sqlerrm, nullif(detail, ''), nullif(hint, ''));
END $$;

-- TCF: everything a string can hold
SELECT jsonb_pretty(journey_privacy.tcf_decode(
  pg_temp.b64(pg_temp.core(features => '{1}', purposes => '{1,2,10,24}', interests => '{2,7}', policy => 5,
    vendors => pg_temp.vendors('{1,755,9}', 800),
    vendor_interests => pg_temp.ranges('{3,3,12,15,14,16}', 16),
    restrictions => pg_temp.n(2, 12) || pg_temp.n(2, 6) || pg_temp.n(1, 2) || pg_temp.entries('{5,7}')
                    || pg_temp.n(24, 6) || pg_temp.n(0, 2) || pg_temp.entries('{65535,65535}'))) || '.' ||
  pg_temp.b64(pg_temp.publisher('{1,3}', '{2}', '{2}', '{1,3}', 3)) || '.' ||
  pg_temp.b64('010' || pg_temp.ranges('{8,9}', 9)) || '.' ||
  pg_temp.b64('001' || pg_temp.vendors('{8,10}', 12))));

-- both encodings say the same, ranges may overlap and come in any order
SELECT journey_privacy.tcf_decode(pg_temp.b64(pg_temp.core(vendors => pg_temp.vendors('{2,3,4,5,9}', 9))))
         ->> 'vendorConsents' AS field,
       journey_privacy.tcf_decode(pg_temp.b64(pg_temp.core(vendors => pg_temp.ranges('{9,9,4,5,2,4,4,4}', 9))))
         ->> 'vendorConsents' AS ranges;

-- the last character, byte or group of four may be filled; nothing may follow
SELECT pad, pg_temp.complaint('SELECT journey_privacy.tcf_decode($1)',
  pg_temp.b64(pg_temp.core(), 1) || '.' || rpad(pg_temp.b64('001' || pg_temp.vendors('{1}', 38), 1), pad, 'A'))
FROM generate_series(9, 14) pad;

-- random strings, both ways; the seed is told when they differ
DO $$
DECLARE
  seed int := coalesce(nullif(current_setting('jp.seed', true), ''), (random() * 1000000)::int::text);
  said record;
  differ int := 0;
BEGIN
  PERFORM setseed(seed / 1000000.0);
  FOR said IN
    WITH random AS MATERIALIZED (
      SELECT g,
        ARRAY(SELECT i FROM generate_series(1, 24) i WHERE random() < 0.4 AND g > 0) AS purposes,
        ARRAY(SELECT i FROM generate_series(7, 24) i WHERE random() < 0.4 AND g > 0) AS interests,
        ARRAY(SELECT i FROM generate_series(1, 12) i WHERE random() < 0.4 AND g > 0) AS features,
        ARRAY(SELECT i FROM generate_series(1, (random() * 300)::int) i WHERE random() < 0.3 AND g > 0) AS vendors,
        ARRAY(SELECT DISTINCT (random() * 65534)::int + 1 AS i FROM generate_series(0, (random() * 9)::int) WHERE g > 0 ORDER BY i) AS others,
        ARRAY(SELECT i FROM generate_series(1, 63) i WHERE random() < 0.3 AND g > 0) AS custom,
        (random() * 5)::int AS policy, 2 ^ (random() * 3)::int AS pad,
        to_timestamp(round((random() * 4e9)::numeric, 1)) AS at
      FROM generate_series(1, 300) g)
    SELECT random.*, journey_privacy.tcf_decode(
        pg_temp.b64(pg_temp.core(policy => policy, at => at, features => features, purposes => purposes,
          interests => interests,
          vendors => pg_temp.vendors(vendors, coalesce(vendors[cardinality(vendors)], 0)),
          vendor_interests => pg_temp.ranges(ARRAY(SELECT unnest(ARRAY[i, i]) FROM unnest(others) i), others[cardinality(others)])), 8)
        || '.' || pg_temp.b64('001' || pg_temp.ranges(ARRAY(SELECT unnest(ARRAY[i, i]) FROM unnest(vendors) i ORDER BY random()), 300), 2)
        || '.' || pg_temp.b64(pg_temp.publisher(purposes, interests, custom, custom, 63), 1)) AS decoded
    FROM random
  LOOP
    IF NOT (said.decoded -> 'purposeConsents' = to_jsonb(said.purposes)
        AND said.decoded -> 'purposeLegitimateInterests' = to_jsonb(said.interests)
        AND said.decoded -> 'specialFeatureOptins' = to_jsonb(said.features)
        AND said.decoded -> 'vendorConsents' = to_jsonb(said.vendors)
        AND said.decoded -> 'vendorLegitimateInterests' = to_jsonb(said.others)
        AND said.decoded -> 'vendorsDisclosed' = to_jsonb(ARRAY(SELECT DISTINCT i FROM unnest(said.vendors) i ORDER BY i))
        AND said.decoded -> 'publisherConsents' = to_jsonb(said.purposes)
        AND said.decoded -> 'publisherCustomConsents' = to_jsonb(said.custom)
        AND said.decoded -> 'publisherCustomLegitimateInterests' = to_jsonb(said.custom)
        AND (said.decoded ->> 'lastUpdated')::timestamptz = said.at) THEN
      differ := differ + 1;
    END IF;
  END LOOP;
  IF differ > 0 THEN
    RAISE EXCEPTION '% strings differ, seed %', differ, seed;
  END IF;
END $$;

-- TCF: what is refused, and how
SELECT what, pg_temp.complaint('SELECT journey_privacy.tcf_decode($1)', string) AS complaint
FROM (VALUES
  (1, 'empty', ''),
  (2, 'version 1', pg_temp.b64(pg_temp.core(version => 1))),
  (3, 'version 3', pg_temp.b64(pg_temp.core(version => 3))),
  (4, 'truncated in the middle', left(pg_temp.b64(pg_temp.core()), 30)),
  (5, 'truncated by a character', left(pg_temp.b64(pg_temp.core()), -1)),
  (6, 'truncated bit field', pg_temp.b64(pg_temp.core(vendors => pg_temp.n(2000, 16) || '0' || repeat('1', 100)))),
  (7, 'truncated ranges', left(pg_temp.b64(pg_temp.core(vendors => pg_temp.ranges('{1,2,3,4}', 9))), 46)),
  (8, 'not base64url', pg_temp.b64(pg_temp.core()) || '='),
  (9, 'base64 but not url', overlay(pg_temp.b64(pg_temp.core()) PLACING '+' FROM 20)),
  (10, 'space', ' ' || pg_temp.b64(pg_temp.core())),
  (11, 'newline', pg_temp.b64(pg_temp.core()) || E'\n'),
  (12, 'too long by zeros', pg_temp.b64(pg_temp.core()) || 'AAAA'),
  (13, 'too long by one character', pg_temp.b64(pg_temp.core()) || 'A'),
  (14, 'bits after the end', overlay(pg_temp.b64(pg_temp.core()) PLACING 'B' FROM 44)),
  (15, 'not a language', pg_temp.b64(pg_temp.core(language => 'E['))),
  (16, 'a range backwards', pg_temp.b64(pg_temp.core(vendors => pg_temp.ranges('{7,5}', 9)))),
  (17, 'a range past the maximum', pg_temp.b64(pg_temp.core(vendors => pg_temp.ranges('{7,10}', 9)))),
  (18, 'one vendor past the maximum', pg_temp.b64(pg_temp.core(vendor_interests => pg_temp.ranges('{10,10}', 9)))),
  (19, 'vendor 0', pg_temp.b64(pg_temp.core(vendors => pg_temp.ranges('{0,3}', 9)))),
  (20, 'restricted purpose 0', pg_temp.b64(pg_temp.core(restrictions => pg_temp.n(1, 12) || pg_temp.n(0, 8) || pg_temp.entries('{1,2}')))),
  (21, 'restricted purpose 25', pg_temp.b64(pg_temp.core(restrictions => pg_temp.n(1, 12) || pg_temp.n(25, 6) || '00' || pg_temp.entries('{1,2}')))),
  (22, 'restriction type 3', pg_temp.b64(pg_temp.core(restrictions => pg_temp.n(1, 12) || pg_temp.n(1, 6) || '11' || pg_temp.entries('{1,2}')))),
  (23, 'restricted backwards', pg_temp.b64(pg_temp.core(restrictions => pg_temp.n(1, 12) || pg_temp.n(1, 6) || '01' || pg_temp.entries('{2,1}')))),
  (24, 'too many restrictions', pg_temp.b64(pg_temp.core(restrictions => pg_temp.n(4095, 12)))),
  (40, 'five million restricted vendors', pg_temp.b64(pg_temp.core(restrictions => pg_temp.n(72, 12) ||
    (SELECT string_agg(pg_temp.n(1 + i / 3, 6) || pg_temp.n(i % 3, 2) || pg_temp.entries('{1,65535}'), '') FROM generate_series(0, 71) i)))),
  (25, 'segment empty', pg_temp.b64(pg_temp.core()) || '.'),
  (26, 'segment of the core', pg_temp.b64(pg_temp.core()) || '.' || pg_temp.b64('000' || pg_temp.vendors('{1}', 1))),
  (27, 'segment of type 7', pg_temp.b64(pg_temp.core()) || '.' || pg_temp.b64('111' || pg_temp.vendors('{1}', 1))),
  (28, 'segment twice', pg_temp.b64(pg_temp.core()) || repeat('.' || pg_temp.b64('001' || pg_temp.vendors('{1}', 1)), 2)),
  (29, 'segment first', pg_temp.b64('001' || pg_temp.vendors('{1}', 1)) || '.' || pg_temp.b64(pg_temp.core())),
  (30, 'custom purposes truncated', pg_temp.b64(pg_temp.core()) || '.' || pg_temp.b64('011' || repeat('0', 48) || pg_temp.n(63, 6) || '1')),
  (31, 'policy 3, interest in purpose 3', pg_temp.b64(pg_temp.core(policy => 3, interests => '{3}'))),
  (32, 'policy 4, interest in purpose 3', pg_temp.b64(pg_temp.core(policy => 4, interests => '{2,3}'))),
  (33, 'policy 4, interest in purpose 6', pg_temp.b64(pg_temp.core(policy => 4, interests => '{6}'))),
  (34, 'policy 4, interest in purposes 2 and 7', pg_temp.b64(pg_temp.core(policy => 4, interests => '{2,7}'))),
  (35, 'policy 4, nothing disclosed', pg_temp.b64(pg_temp.core(policy => 4))),
  (36, 'policy 5, nothing disclosed', pg_temp.b64(pg_temp.core(policy => 5))),
  (37, 'policy 5, allowed only', pg_temp.b64(pg_temp.core(policy => 5)) || '.' || pg_temp.b64('010' || pg_temp.vendors('{1}', 1))),
  (38, 'policy 5, disclosed', pg_temp.b64(pg_temp.core(policy => 5)) || '.' || pg_temp.b64('001' || pg_temp.vendors('{1}', 1))),
  (39, 'policy 6, interest in purpose 4', pg_temp.b64(pg_temp.core(policy => 6, interests => '{4}')) || '.' || pg_temp.b64('001' || pg_temp.vendors('{1}', 1)))
) v(no, what, string) ORDER BY no;

-- hostile strings of 10 MB are refused at once, whatever they look like
SELECT pg_temp.complaint('SELECT journey_privacy.tcf_decode($1)', repeat('A', 10000000)) AS tcf,
       pg_temp.complaint('SELECT journey_privacy.gpp_decode($1)', repeat('D~', 5000000)) AS gpp;
CREATE TEMP TABLE hostile AS SELECT pg_temp.b64(pg_temp.core()) || string_agg('.' || md5(i::text), '') AS string
FROM generate_series(1, 300000) i;
DO $$
DECLARE
  string text := (SELECT string FROM hostile);
  began timestamptz := clock_timestamp();
  took interval;
BEGIN
  FOR i IN 1 .. 100 LOOP
    BEGIN
      PERFORM journey_privacy.tcf_decode(string);
    EXCEPTION WHEN invalid_text_representation THEN
      NULL;
    END;
  END LOOP;
  took := clock_timestamp() - began;
  -- sooner than they could be read
  began := clock_timestamp();
  FOR i IN 1 .. 100 LOOP
    PERFORM md5(string);
  END LOOP;
  IF took > clock_timestamp() - began THEN
    RAISE EXCEPTION 'refusing took %, reading %', took, clock_timestamp() - began;
  END IF;
END $$;

-- GPP.  Fibonacci coding: the numbers up to 30 by counting, not by formula
CREATE FUNCTION pg_temp.fibonacci(value int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  number int[] := '{1,2}';
  bits text := '';
  left_over int := value;
BEGIN
  WHILE number[cardinality(number)] <= value LOOP
    number := number || (number[cardinality(number)] + number[cardinality(number) - 1]);
  END LOOP;
  FOR i IN REVERSE cardinality(number) - 1 .. 1 LOOP
    IF number[i] <= left_over THEN
      left_over := left_over - number[i];
      bits := '1' || bits;
    ELSE
      bits := '0' || bits;
    END IF;
  END LOOP;
  RETURN bits || '1';
END $$;
SELECT string_agg(pg_temp.fibonacci(i), ' ' ORDER BY i) FROM generate_series(1, 8) i;

-- sections one by one
CREATE FUNCTION pg_temp.header(ids int[], pad int DEFAULT 1) RETURNS text LANGUAGE sql
RETURN pg_temp.b64(pg_temp.n(3, 6) || pg_temp.n(1, 6) || pg_temp.n(cardinality(ids), 12) ||
  (SELECT coalesce(string_agg('0' || pg_temp.fibonacci(ids[i] - coalesce(ids[i - 1], 0)), '' ORDER BY i), '')
   FROM generate_subscripts(ids, 1) i), pad);

SELECT pg_temp.header('{2}') AS bits, pg_temp.header('{2}', 8) AS bytes,
       journey_privacy.gpp_decode(pg_temp.header('{2}') || '~' || pg_temp.b64(pg_temp.core(purposes => '{1}')))
         = journey_privacy.gpp_decode(pg_temp.header('{2}', 8) || '~' || pg_temp.b64(pg_temp.core(purposes => '{1}'))) AS same,
       journey_privacy.gpp_decode(pg_temp.header('{2}') || '~' || pg_temp.b64(pg_temp.core(purposes => '{1}')))
         -> 'sections' -> '2' = journey_privacy.tcf_decode(pg_temp.b64(pg_temp.core(purposes => '{1}'))) AS as_tcf;
SELECT journey_privacy.gpp_decode('') AS nothing, journey_privacy.gpp_decode(pg_temp.header('{}')) AS no_section;

-- a group, and sections that are only listed
SELECT journey_privacy.gpp_decode(
  pg_temp.b64(pg_temp.n(3, 6) || pg_temp.n(1, 6) || pg_temp.n(3, 12) ||
    '0' || pg_temp.fibonacci(1) || '1' || pg_temp.fibonacci(3) || pg_temp.fibonacci(2) ||
    '0' || pg_temp.fibonacci(2028)) || '~some-thing~any_thing~CPXx.CPXx~1Yn-~x');

-- all sections of the United States: values 0, 1, 2, 0, 1 ... in their order
CREATE TEMP TABLE layout(id int, version int, field text, gpc boolean);
INSERT INTO layout VALUES
  (7, 1, 'SharingNotice SaleOptOutNotice SharingOptOutNotice TargetedAdvertisingOptOutNotice SensitiveDataProcessingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:12 KnownChildSensitiveDataConsents:2 PersonalDataConsents MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (7, 2, 'SharingNotice SaleOptOutNotice SharingOptOutNotice TargetedAdvertisingOptOutNotice SensitiveDataProcessingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:16 KnownChildSensitiveDataConsents:3 PersonalDataConsents MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (8, 1, 'SaleOptOutNotice SharingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut SensitiveDataProcessing:9 KnownChildSensitiveDataConsents:2 PersonalDataConsents MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (9, 1, 'SharingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', false),
  (10, 1, 'SharingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:7 KnownChildSensitiveDataConsents MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (11, 1, 'SharingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SensitiveDataProcessingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', false),
  (12, 1, 'SharingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents:3 MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (13, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents:3 AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', false),
  (14, 1, 'SharingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents:3 AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (15, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:11 KnownChildSensitiveDataConsents:3 AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (16, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (17, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:9 KnownChildSensitiveDataConsents:5 AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (18, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SensitiveDataOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (19, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (20, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents:3 AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (21, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:10 KnownChildSensitiveDataConsents:5 AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (22, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true),
  (23, 1, 'ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice SaleOptOut TargetedAdvertisingOptOut SensitiveDataProcessing:8 KnownChildSensitiveDataConsents AdditionalDataProcessingConsent MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode', true);
CREATE TEMP VIEW us AS
SELECT id, version, gpc, n_values,
  pg_temp.b64(pg_temp.n(version, 6) || (SELECT string_agg(pg_temp.n((i + id) % 3, 2), '' ORDER BY i)
                                        FROM generate_series(0, n_values - 1) i)) AS section,
  (SELECT jsonb_object_agg(name, CASE WHEN count IS NULL THEN to_jsonb((first + id) % 3)
                                      ELSE (SELECT jsonb_agg((i + id) % 3 ORDER BY i) FROM generate_series(first, first + count - 1) i) END)
   FROM (SELECT split_part(f, ':', 1) AS name, nullif(split_part(f, ':', 2), '')::int AS count,
                coalesce(sum(coalesce(nullif(split_part(f, ':', 2), '')::int, 1))
                  OVER (ORDER BY ord ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::int AS first
         FROM unnest(string_to_array(field, ' ')) WITH ORDINALITY u(f, ord)) f) AS expected
FROM layout, LATERAL (SELECT sum(coalesce(nullif(split_part(f, ':', 2), '')::int, 1))::int AS n_values
                      FROM unnest(string_to_array(field, ' ')) f) c;
SELECT id, version, n_values, section,
  journey_privacy.gpp_decode(pg_temp.header(ARRAY[id]) || '~' || section) -> 'sections' -> id::text
    = expected || jsonb_build_object('Version', version) AS core,
  CASE WHEN gpc THEN
    journey_privacy.gpp_decode(pg_temp.header(ARRAY[id]) || '~' || section || '.' || pg_temp.b64('011')) -> 'sections' -> id::text
      = expected || jsonb_build_object('Version', version, 'GpcSegmentType', 1, 'Gpc', true)
  ELSE
    pg_temp.complaint('SELECT journey_privacy.gpp_decode($1)', pg_temp.header(ARRAY[id]) || '~' || section || '.' || pg_temp.b64('011'))
      LIKE '22P02 | invalid GPP string: there is no such segment%' END AS control
FROM us ORDER BY id, version;

-- version 1 of the national section with the lists of version 2
SELECT journey_privacy.gpp_decode(pg_temp.header('{7}') || '~' ||
  pg_temp.b64(pg_temp.n(1, 6) || repeat('01', 9) || repeat('10', 12) || '00010001' || '0110' || '01' || '10' || '010110'))
  #> '{sections,7}' AS "long";

SELECT what, pg_temp.complaint('SELECT journey_privacy.gpp_decode($1)', string) AS complaint
FROM (VALUES
  (1, 'a TCF string', pg_temp.b64(pg_temp.core())),
  (2, 'version 2', pg_temp.b64(pg_temp.n(3, 6) || pg_temp.n(2, 6) || pg_temp.n(0, 12))),
  (3, 'header truncated', 'DBA'),
  (4, 'ids truncated', pg_temp.b64(pg_temp.n(3, 6) || pg_temp.n(1, 6) || pg_temp.n(9, 12) || '0011') || '~x'),
  (5, 'header too long', pg_temp.header('{2}') || 'AAAA~' || pg_temp.b64(pg_temp.core())),
  (6, 'a section missing', pg_temp.header('{5,6}') || '~x'),
  (7, 'all sections missing', pg_temp.header('{5,6}')),
  (8, 'a section too many', pg_temp.header('{5}') || '~x~x'),
  (9, 'a section although none is named', pg_temp.header('{}') || '~x'),
  (10, 'a section empty', pg_temp.header('{5,6}') || '~~1YNN'),
  (11, 'a character that is not safe', pg_temp.header('{5}') || '~a/b'),
  (12, 'an id that is too large', pg_temp.b64(pg_temp.n(3, 6) || pg_temp.n(1, 6) || pg_temp.n(1, 12) || '0' || repeat('0', 40) || '11') || '~x'),
  (13, 'an endless id', pg_temp.b64(pg_temp.n(3, 6) || pg_temp.n(1, 6) || pg_temp.n(1, 12) || '0' || repeat('01', 40)) || '~x'),
  (14, 'a group of thousands', pg_temp.b64(pg_temp.n(3, 6) || pg_temp.n(1, 6) || pg_temp.n(1, 12) || '1' || pg_temp.fibonacci(5) || pg_temp.fibonacci(60000)) || '~x'),
  (15, 'a bad TCF section', pg_temp.header('{2}') || '~' || left(pg_temp.b64(pg_temp.core()), 20)),
  (16, 'a bad US Privacy section', pg_temp.header('{6}') || '~1YN'),
  (17, 'another bad US Privacy section', pg_temp.header('{6}') || '~1YXN'),
  (18, 'version 2 of US Privacy', pg_temp.header('{6}') || '~2YYN'),
  (19, 'an unknown version', pg_temp.header('{8}') || '~' || pg_temp.b64(pg_temp.n(9, 6) || repeat('0', 42))),
  (20, 'a value of 3', pg_temp.header('{9}') || '~' || pg_temp.b64(pg_temp.n(1, 6) || repeat('00', 5) || '11' || repeat('00', 11))),
  (21, 'a short section', pg_temp.header('{9}') || '~' || pg_temp.b64(pg_temp.n(1, 6) || repeat('00', 13))),
  (22, 'a long section', pg_temp.header('{9}') || '~' || pg_temp.b64(pg_temp.n(1, 6) || repeat('00', 17)) || 'AAAA'),
  (23, 'two controls', pg_temp.header('{8}') || '~' || (SELECT section FROM us WHERE id = 8) || '.' || pg_temp.b64('011') || '.' || pg_temp.b64('011')),
  (24, 'no control', pg_temp.header('{8}') || '~' || (SELECT section FROM us WHERE id = 8) || '.')
) v(no, what, string) ORDER BY no;

-- Google: granted, denied, unset
SELECT journey_privacy.google_decode('{}'),
       journey_privacy.google_decode('{"ad_storage": "granted", "ad_user_data": "DENIED", "ad_personalization": null}');
SELECT journey_privacy.google_decode('{"analytics_storage": "unset", "ad_user_data": "UNSPECIFIED", "security_storage": "granted"}');
SELECT document, pg_temp.complaint('SELECT journey_privacy.google_decode($1::jsonb)', document)
FROM unnest(ARRAY['[]', '"granted"', '{"ad_storag": "denied"}', '{"ad_storage": true}', '{"ad_storage": "yes"}',
                  '{"ad_storage": "denied", "wait_for_update": 500}']) document;

-- mParticle: a batch or its consent_state; consented to the CCPA opt-out means opted out
\set batch '{"mpid": 1, "consent_state": {"gdpr": {"Analytics": {"consented": true, "timestamp_unixtime_ms": 1714979289500, "document": "notice 4", "location": "app://start", "hardware_id": "613ea528-afc1-422c-97eb-ea627c8293bc"}, "marketing": {"consented": false, "timestamp_unixtime_ms": 1714979289500}}, "ccpa": {"data_sale_opt_out": {"consented": true, "timestamp_unixtime_ms": 1714979290000}}}}'
SELECT jsonb_pretty(journey_privacy.mparticle_decode(:'batch'));
SELECT journey_privacy.mparticle_decode(:'batch') = journey_privacy.mparticle_decode(:'batch'::jsonb -> 'consent_state') AS same,
       journey_privacy.mparticle_decode('{"mpid": 1}') AS silent,
       journey_privacy.mparticle_decode('{"mpid": 1, "consent_state": {"gdpr": null}}') AS silent_too,
       journey_privacy.mparticle_decode('{"ccpa": {"data_sale_opt_out": {"consented": false}}}') AS not_opted_out;
SELECT document, pg_temp.complaint('SELECT journey_privacy.mparticle_decode($1::jsonb)', document)
FROM unnest(ARRAY['[]', '7', '{"a": 1}', '{"gdpr": []}', '{"gdpr": {"a": true}}', '{"gdpr": {"a": {}}}',
  '{"gdpr": {"a": {"consented": "true"}}}', '{"gdpr": {"a": {"consented": true, "timestamp_unixtime_ms": 1.5}}}',
  '{"gdpr": {"a": {"consented": true, "timestamp_unixtime_ms": -1}}}',
  '{"gdpr": {"a": {"consented": true, "timestamp_unixtime_ms": 1e30}}}',
  '{"gdpr": {"a": {"consented": true, "document": 4}}}', '{"consent_state": {"lgpd": {}}}',
  '{"ccpa": {"data_sale_opt_in": {"consented": true}}}', '{"consent_state": 1}']) document;

-- mappings
SELECT journey_privacy.create_purpose('x_analytics', 'consent', consent_valid_for => '13 months'),
       journey_privacy.create_purpose('x_marketing', 'consent'),
       journey_privacy.create_purpose('x_sale', 'opt_out'),
       journey_privacy.create_purpose('x_measure', 'legitimate_interests');
SELECT format, external_id, pg_temp.complaint(format('SELECT journey_privacy.map_consent(%L, $1, %L)', format, purpose), external_id)
FROM (VALUES ('tcfv2', 'purpose:1', 'x_sale'), ('tcf', 'purpose:1', 'x_none'),
  ('tcf', '1', 'x_sale'), ('tcf', 'purpose:0', 'x_sale'), ('tcf', 'purpose:25', 'x_sale'), ('tcf', 'purpose:01', 'x_sale'),
  ('tcf', 'vendor:65536', 'x_sale'), ('tcf', 'special_feature:13', 'x_sale'), ('tcf', 'purpose:1 ', 'x_sale'),
  ('gpp', 'purpose:1', 'x_sale'), ('gpp', 'usnat:SharingNotice', 'x_sale'), ('gpp', 'usnat:SensitiveDataProcessing:17', 'x_sale'),
  ('gpp', 'usva:Gpc', 'x_sale'), ('gpp', 'usxx:SaleOptOut', 'x_sale'), ('gpp', 'uspv1:Notice', 'x_sale'),
  ('google', 'ad_storag', 'x_sale'), ('mparticle', 'analytics', 'x_sale'), ('mparticle', 'gdpr:Analytics', 'x_sale'),
  ('mparticle', 'gdpr:', 'x_sale')) v(format, external_id, purpose);
SELECT count(journey_privacy.map_consent(format, external_id, purpose)) AS mapped
FROM (VALUES ('tcf', 'purpose:7', 'x_analytics'), ('tcf', 'purpose:8', 'x_analytics'), ('tcf', 'vendor:755', 'x_marketing'),
  ('tcf', 'legitimate_interest:7', 'x_measure'), ('tcf', 'legitimate_interest:8', 'x_analytics'), ('tcf', 'custom_purpose:2', 'x_sale'),
  ('tcf', 'vendor_legitimate_interest:65535', 'x_measure'),
  ('gpp', 'tcfeu:purpose:7', 'x_analytics'), ('gpp', 'tcfeu:vendor:755', 'x_marketing'),
  ('gpp', 'usnat:SaleOptOut', 'x_sale'), ('gpp', 'usca:SaleOptOut', 'x_sale'), ('gpp', 'uspv1:OptOutSale', 'x_sale'),
  ('gpp', 'usnat:Gpc', 'x_sale'), ('gpp', 'usnat:SaleOptOut', 'x_marketing'), ('gpp', 'usnat:SensitiveDataProcessing:16', 'x_analytics'),
  ('google', 'ad_storage', 'x_marketing'), ('google', 'ad_user_data', 'x_marketing'), ('google', 'analytics_storage', 'x_analytics'),
  ('mparticle', 'gdpr:analytics', 'x_analytics'), ('mparticle', 'ccpa:data_sale_opt_out', 'x_sale'),
  ('mparticle', 'ccpa:data_sale_opt_out', 'x_sale')) v(format, external_id, purpose);
SELECT journey_privacy.unmap_consent('tcf', 'vendor_legitimate_interest:65535', 'x_measure');
SELECT format, count(*) FROM journey_privacy.consent_mapping GROUP BY format ORDER BY format;

-- TCF: what is mapped is recorded at the time of the string; what said yes and is not mapped is told
CREATE TEMP TABLE doc(name text PRIMARY KEY, document text);
INSERT INTO doc VALUES
  ('tcf', pg_temp.b64(pg_temp.core(purposes => '{1,7,8}', interests => '{7}', vendors => pg_temp.ranges('{755,755}', 900)))
          || '.' || pg_temp.b64(pg_temp.publisher('{1}', '{}', '{1}', '{}', 2))),
  ('later', pg_temp.b64(pg_temp.core(at => '2024-06-01 00:00:00+00', purposes => '{1,7}', interests => '{8}'))),
  ('untold', pg_temp.b64(pg_temp.core(at => '2024-06-02 00:00:00+00', untold => true))),
  ('future', pg_temp.b64(pg_temp.core(at => '2090-01-01 00:00:00+00', purposes => '{7,8}')));
SELECT external_id, purpose, granted, decided_at AT TIME ZONE 'UTC' AS at, recorded, id IS NOT NULL AS on_record
  FROM journey_privacy.import_consent('customer_id:x1', 'tcf', (SELECT document FROM doc WHERE name = 'tcf'), region => 'DE');
SELECT external_id, purpose, granted, recorded, id IS NOT NULL AS on_record
  FROM journey_privacy.import_consent('customer_id:x1', 'tcf', (SELECT document FROM doc WHERE name = 'tcf'));
SELECT purpose, decision, at AT TIME ZONE 'UTC' AS at, source, document, region, evidence - 'string' AS evidence,
       evidence ->> 'string' = (SELECT document FROM doc WHERE name = 'tcf') AS kept
  FROM journey_privacy.consent_event WHERE subject = 'customer_id:x1' ORDER BY purpose, at;
SELECT external_id, purpose, granted, recorded
  FROM journey_privacy.import_consent('customer_id:x1', 'tcf', (SELECT document FROM doc WHERE name = 'later'));
-- the older one again, and under another identity: all on record already
SELECT journey_privacy.link_identity('customer_id:x1', 'device_id:x1');
SELECT bool_or(recorded) AS recorded, count(id)
  FROM journey_privacy.import_consent('device_id:x1', 'tcf', (SELECT document FROM doc WHERE name = 'tcf'));
SELECT purpose, count(*) FROM journey_privacy.consent_event
 WHERE subject IN ('customer_id:x1', 'device_id:x1') GROUP BY purpose ORDER BY purpose;
SELECT s.purpose, s.granted, s.decided_at AT TIME ZONE 'UTC' AS at, s.valid_until AT TIME ZONE 'UTC' AS until
  FROM journey_privacy.consent_state s JOIN journey_privacy.subject USING (number)
 WHERE pseudonym = 'customer_id:x1' ORDER BY purpose;
-- purpose 1 was not disclosed: neither yes nor no
SELECT journey_privacy.map_consent('tcf', 'purpose:1', 'x_sale');
SELECT external_id, purpose FROM journey_privacy.import_consent('customer_id:x2', 'tcf', (SELECT document FROM doc WHERE name = 'untold'))
 WHERE external_id IN ('purpose:1', 'custom_purpose:2');
SELECT journey_privacy.unmap_consent('tcf', 'purpose:1', 'x_sale');
-- a string from the future, a bad string, bad arguments: nothing is recorded
SELECT * FROM journey_privacy.import_consent('customer_id:x3', 'tcf', (SELECT document FROM doc WHERE name = 'future'));
SELECT * FROM journey_privacy.import_consent('customer_id:x3', 'tcf', 'CPXx');
SELECT * FROM journey_privacy.import_consent('customer_id:x3', 'tcf', NULL::text);
SELECT * FROM journey_privacy.import_consent('customer_id:x3', 'tcf', '{}'::jsonb);
SELECT * FROM journey_privacy.import_consent('customer_id:x3', 'usp', '1YNN');
SELECT journey_privacy.is_erased('customer_id:x3'), (SELECT count(*) FROM journey_privacy.subject WHERE pseudonym = 'customer_id:x3');

-- GPP: not to have opted out is no consent
INSERT INTO doc VALUES
  ('out', pg_temp.header('{2,7}') || '~' || pg_temp.b64(pg_temp.core(purposes => '{7}', vendors => pg_temp.vendors('{755}', 755))) || '~' ||
    pg_temp.b64(pg_temp.n(2, 6) || repeat('00', 6) || '01' || repeat('00', 17) || '10' || repeat('00', 8)) || '.' || pg_temp.b64('011')),
  ('in', pg_temp.header('{7}') || '~' || pg_temp.b64(pg_temp.n(2, 6) || repeat('00', 6) || '10' || repeat('00', 26)) || '.' || pg_temp.b64('010')),
  ('usp', pg_temp.header('{6}') || '~1YYN'), ('usp silent', pg_temp.header('{6}') || '~1---');
SELECT name, external_id, purpose, granted, recorded, id IS NOT NULL AS on_record
  FROM unnest(ARRAY['out', 'out', 'in', 'in', 'usp', 'usp silent', 'in']) WITH ORDINALITY AS o(name, no) JOIN doc USING (name),
    LATERAL journey_privacy.import_consent('customer_id:x4', 'gpp', document) ORDER BY no;
SELECT purpose, decision, evidence -> 'statements' AS statements FROM journey_privacy.consent_event
 WHERE subject = 'customer_id:x4' ORDER BY recorded_at, purpose;

-- Google: an unset signal is not a denial, and no yes; x_marketing needs two signals
SELECT name, external_id, purpose, granted, recorded, id IS NOT NULL AS on_record FROM (VALUES
    (1, 'yes and unset', '{"ad_storage": "granted", "analytics_storage": "unset"}'),
    (2, 'yes and no', '{"ad_storage": "granted", "ad_user_data": "denied"}'),
    (3, 'yes and unset', '{"ad_storage": "granted"}'),
    (4, 'both yes', '{"ad_storage": "granted", "ad_user_data": "granted", "ad_personalization": "denied"}'),
    (5, 'both yes again', '{"ad_user_data": "granted", "ad_storage": "granted"}'),
    (6, 'unset and no', '{"ad_user_data": "denied"}'),
    (7, 'both yes once more', '{"ad_user_data": "granted", "ad_storage": "granted"}'),
    (8, 'all unset', '{"ad_user_data": null}')) v(no, name, document),
  LATERAL journey_privacy.import_consent('customer_id:x5', 'google', document::jsonb) ORDER BY no;
-- a signal that stays as it was does not undo a withdrawal
SELECT journey_privacy.withdraw('customer_id:x5', 'x_marketing', at => clock_timestamp()) IS NOT NULL AS withdrawn;
SELECT DISTINCT recorded FROM journey_privacy.import_consent('customer_id:x5', 'google', '{"ad_user_data": "granted", "ad_storage": "granted"}');
SELECT granted FROM journey_privacy.consent_state s JOIN journey_privacy.subject USING (number)
 WHERE pseudonym = 'customer_id:x5' AND purpose = 'x_marketing';
SELECT external_id, purpose, recorded FROM journey_privacy.import_consent('customer_id:x5', 'google', '{"analytics_storage": "denied"}',
  at => '2024-01-01', notice => 'banner 7', region => 'FR');
SELECT external_id, purpose, recorded FROM journey_privacy.import_consent('customer_id:x5', 'google', '{"analytics_storage": "denied"}',
  at => '2024-01-01');
SELECT * FROM journey_privacy.import_consent('customer_id:x5', 'google', '{"analytics_storage": "denied"}', at => 'infinity');
-- a time a little ahead of our clock is one time, however often it is imported
SELECT now() + interval '2 minutes' AS ahead \gset
SELECT count(*) FILTER (WHERE recorded) AS recorded, count(DISTINCT id) AS decisions
  FROM unnest(ARRAY[0, 0, 0]) WITH ORDINALITY AS g(zero, no),
    LATERAL journey_privacy.import_consent('customer_id:x5', 'google', '{"analytics_storage": "granted"}',
                                           at => :'ahead'::timestamptz + zero * interval '1 s');
SELECT purpose, decision, document, region FROM journey_privacy.consent_event
 WHERE subject = 'customer_id:x5' ORDER BY recorded_at, purpose;

-- mParticle, as text and as jsonb; the device is kept as a pseudonym
SELECT external_id, purpose, granted, decided_at AT TIME ZONE 'UTC' AS at, recorded
  FROM journey_privacy.import_consent('customer_id:x6', 'mparticle', :'batch');
SELECT external_id, purpose, granted, recorded
  FROM journey_privacy.import_consent('customer_id:x6', 'mparticle', :'batch'::jsonb);
SELECT purpose, decision, at AT TIME ZONE 'UTC' AS at, document, evidence #>> '{gdpr:analytics,location}' AS location,
       evidence #>> '{gdpr:analytics,device}' = journey_privacy.pseudonymize('device_id', '613ea528-afc1-422c-97eb-ea627c8293bc')::text AS device,
       evidence::text LIKE '%613ea528%' AS shown
  FROM journey_privacy.consent_event WHERE subject = 'customer_id:x6' ORDER BY purpose;
SELECT s.purpose, s.granted, s.valid_until AT TIME ZONE 'UTC' AS until
  FROM journey_privacy.consent_state s JOIN journey_privacy.subject USING (number)
 WHERE pseudonym = 'customer_id:x6' ORDER BY purpose;
-- a yes and its fellow that is silent make no decision; a regulation is enough by itself
SELECT journey_privacy.map_consent('mparticle', 'gdpr:profiling', 'x_analytics'),
       journey_privacy.map_consent('mparticle', 'gdpr:sale', 'x_sale');
SELECT external_id, purpose, granted, recorded FROM journey_privacy.import_consent('customer_id:x7', 'mparticle', :'batch');
SELECT journey_privacy.unmap_consent('mparticle', 'gdpr:profiling', 'x_analytics');
-- errors do not show the document
SELECT pg_temp.complaint('SELECT journey_privacy.import_consent(''customer_id:x6'', ''mparticle'', $1)', document)
FROM unnest(ARRAY['{"secret', '{"gdpr": {"a": {"consented": true, "timestamp_unixtime_ms": 1e999999}}}', '"secret\u0000"', '']) document;

-- somebody who was erased comes back by a yes that is later, not by a no, and not by a
-- signal that may be older
CALL journey_privacy.erase('customer_id:x6') \gset
SELECT pg_temp.complaint('SELECT journey_privacy.import_consent(''customer_id:x6'', ''mparticle'', $1)', :'batch');
SELECT document, pg_temp.complaint('SELECT journey_privacy.import_consent(''customer_id:x6'', ''google'', $1)', document)
FROM unnest(ARRAY['{"analytics_storage": "denied"}', '{"analytics_storage": "granted"}']) document;
SELECT pg_temp.complaint('SELECT journey_privacy.import_consent(''customer_id:x6'', ''google'', $1, at => clock_timestamp())',
                         '{"analytics_storage": "denied"}');
SELECT external_id, purpose, granted, recorded FROM journey_privacy.import_consent('customer_id:x6', 'google',
  '{"analytics_storage": "denied", "ad_storage": "granted", "ad_user_data": "granted"}', at => clock_timestamp());

-- a dropped purpose takes its mappings along
SELECT journey_privacy.create_purpose('x_short', 'consent'), journey_privacy.map_consent('google', 'security_storage', 'x_short');
SELECT journey_privacy.drop_purpose('x_short');
SELECT count(*) FROM journey_privacy.consent_mapping WHERE purpose = 'x_short';

-- anyone may decode, nobody import
CREATE ROLE x_nobody;
SET ROLE x_nobody;
SELECT journey_privacy.google_decode('{"ad_storage": "denied"}') ->> 'ad_storage' AS google,
       journey_privacy.gpp_decode('DBAA') AS gpp;
SELECT journey_privacy.import_consent('p1_000000000000000000000000', 'google', '{}');
SELECT journey_privacy.map_consent('google', 'ad_storage', 'x_sale');
INSERT INTO journey_privacy.consent_mapping VALUES ('google', 'ad_storage', 'x_sale');
RESET ROLE;
DROP ROLE x_nobody;
