-- discovery
-- Personal data that nobody has told us of.

-- Not SECURITY DEFINER: it reads tables as its caller.
CREATE FUNCTION journey_privacy.discover(
    schema name, sample_rows integer DEFAULT 1000, min_share double precision DEFAULT 0.1,
    OUT relation regclass, OUT "column" name, OUT key text, OUT looks_like text, OUT by text,
    OUT sampled bigint, OUT share double precision, OUT statement text)
  RETURNS SETOF record
  LANGUAGE c VOLATILE STRICT
  AS 'MODULE_PATHNAME', 'jp_discover';
REVOKE ALL ON FUNCTION journey_privacy.discover(name, integer, double precision) FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.discover(name, integer, double precision) IS
'columns of a schema, and keys of its JSON documents, that look like personal data and are under no
  rule of ours; never a value
schema: its name
sample_rows: rows of a table that are looked at; 0: names only
min_share: which part of the values must look like it, above 0 and up to 1
Returns: relation, "column", key (of a JSON document, else NULL), looks_like, by (name or content),
  sampled (rows), share, and the statement that brings it under a rule
Errors: 22023 an argument out of range; 3F000 no such schema
Source: Art. 30 GDPR';

CREATE FUNCTION journey_privacy.looks_like(value text) RETURNS text[]
  LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
  AS 'MODULE_PATHNAME', 'jp_looks_like_sql';
COMMENT ON FUNCTION journey_privacy.looks_like(text) IS
'what personal data a value looks like, as a whole or in one of its words
value: any text
Returns: names of what it looks like: e-mail address, telephone number, IP address, MAC address,
  payment card, IBAN, national id; empty when none';
