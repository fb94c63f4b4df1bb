-- notice
-- Documents for people, from what the catalog knows: the record of processing,
-- the privacy notice, and the report to one subject.  What no catalog can know
-- is said here first.

-- One row: who answers for the processing.
CREATE TABLE journey_privacy.controller (
  one                     boolean PRIMARY KEY DEFAULT true CHECK (one),
  name                    text NOT NULL,
  contact                 text NOT NULL,
  representative          text,
  data_protection_officer text,
  authority               text,
  website                 text,
  set_at                  timestamptz NOT NULL DEFAULT pg_catalog.now());
COMMENT ON TABLE journey_privacy.controller IS
  'who answers for the processing, and how people reach them; change it with set_controller()';
COMMENT ON COLUMN journey_privacy.controller.one IS 'there is one row';
COMMENT ON COLUMN journey_privacy.controller.name IS 'of the controller';
COMMENT ON COLUMN journey_privacy.controller.contact IS 'how to reach them';
COMMENT ON COLUMN journey_privacy.controller.representative IS 'in the Union';
COMMENT ON COLUMN journey_privacy.controller.data_protection_officer IS 'how to reach them';
COMMENT ON COLUMN journey_privacy.controller.authority IS 'for complaints';
COMMENT ON COLUMN journey_privacy.controller.website IS 'of the privacy centre';
COMMENT ON COLUMN journey_privacy.controller.set_at IS 'when it was said';

-- No foreign keys: a parallel restore loads the tables in any order.
CREATE TABLE journey_privacy.recipient (
  name        text PRIMARY KEY,
  description text NOT NULL,
  country     text,
  safeguard   text);
COMMENT ON TABLE journey_privacy.recipient IS
  'who receives data, by the name of a role or of anybody else, and in which country; change it with set_recipient()';
COMMENT ON COLUMN journey_privacy.recipient.name IS 'of a role, or of anybody else';
COMMENT ON COLUMN journey_privacy.recipient.description IS 'who that is';
COMMENT ON COLUMN journey_privacy.recipient.country IS 'outside of the European Economic Area';
COMMENT ON COLUMN journey_privacy.recipient.safeguard IS 'what protects the data there';

-- An empty column_name: the table as a whole.
CREATE TABLE journey_privacy.column_description (
  relation    regclass NOT NULL,
  column_name name NOT NULL,
  category    text,
  description text,
  PRIMARY KEY (relation, column_name));
COMMENT ON TABLE journey_privacy.column_description IS
  'what columns hold, and of whom tables tell; change it with describe_column()';
COMMENT ON COLUMN journey_privacy.column_description.relation IS 'the table';
COMMENT ON COLUMN journey_privacy.column_description.column_name IS 'NULL: the table as a whole';
COMMENT ON COLUMN journey_privacy.column_description.category IS 'of personal data, or of people';
COMMENT ON COLUMN journey_privacy.column_description.description IS 'what that is';

CREATE TABLE journey_privacy.purpose_translation (
  purpose     text COLLATE "C" NOT NULL,
  language    text COLLATE "C" NOT NULL CHECK (language IN ('en', 'de', 'fr', 'es')),
  name        text NOT NULL,
  description text,
  PRIMARY KEY (purpose, language));
COMMENT ON TABLE journey_privacy.purpose_translation IS
  'how purposes are called and described in a language; change it with translate_purpose()';
COMMENT ON COLUMN journey_privacy.purpose_translation.purpose IS 'which';
COMMENT ON COLUMN journey_privacy.purpose_translation.language IS 'en, de, fr or es';
COMMENT ON COLUMN journey_privacy.purpose_translation.name IS 'how it is called';
COMMENT ON COLUMN journey_privacy.purpose_translation.description IS 'what people are told';

REVOKE ALL ON journey_privacy.controller, journey_privacy.recipient,
  journey_privacy.column_description, journey_privacy.purpose_translation FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.controller', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.recipient', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.column_description', '');
SELECT pg_catalog.pg_extension_config_dump('journey_privacy.purpose_translation', '');

-- None of these is SECURITY DEFINER: they use our tables as the extension's
-- owner, and describe_column() asks whether the caller owns the table.
CREATE FUNCTION journey_privacy.set_controller(
    name text, contact text, representative text DEFAULT NULL,
    data_protection_officer text DEFAULT NULL, authority text DEFAULT NULL,
    website text DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_set_controller';
COMMENT ON FUNCTION journey_privacy.set_controller(text, text, text, text, text, text) IS
'says who answers for the processing and how people reach them; what is left out is taken back
name: of the controller
contact: address, telephone or e-mail
representative: in the Union
data_protection_officer: how to reach them
authority: the supervisory authority
website: where the privacy centre is
Errors: 22004 name or contact is NULL; 22023 an empty text, or one of more than 10,000 bytes
Source: Art. 13(1)(a) and (b), Art. 30(1)(a) GDPR';

CREATE FUNCTION journey_privacy.set_recipient(
    name text, description text, country text DEFAULT NULL, safeguard text DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_set_recipient';
COMMENT ON FUNCTION journey_privacy.set_recipient(text, text, text, text) IS
'says who receives data
name: of a role, or of anybody else
description: who that is; NULL takes it back
country: if it is outside of the European Economic Area
safeguard: what protects the data there
Errors: 22004 name is NULL; 22023 an empty text, or one of more than 10,000 bytes
Source: Art. 13(1)(e) and (f), Art. 30(1)(d) and (e) GDPR';

CREATE FUNCTION journey_privacy.describe_column(
    "table" regclass, "column" name, category text, description text DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_describe_column';
COMMENT ON FUNCTION journey_privacy.describe_column(regclass, name, text, text) IS
'says what a column holds, or of whom a table tells
table: the caller''s
column: its name; NULL: the table as a whole, with a category of people
category: of personal data, such as contact; NULL, with no description, takes it back
description: what that is
Errors: 22004 table is NULL; 22023 an empty text, or one of more than 10,000 bytes; 42501 not the
  owner; 42703 no such column
Source: Art. 30(1)(c) GDPR';

CREATE FUNCTION journey_privacy.translate_purpose(
    purpose text, language text, name text, description text DEFAULT NULL)
  RETURNS void
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_translate_purpose';
COMMENT ON FUNCTION journey_privacy.translate_purpose(text, text, text, text) IS
'says how a purpose is called and described in a language
purpose: its name
language: en, de, fr or es
name: how it is called; NULL takes it back
description: what people are told
Errors: 22004 purpose or language is NULL; 22023 an unknown language, an empty text, or one of more
  than 10,000 bytes; 42704 unknown purpose
Source: Art. 12(1) GDPR';

CREATE FUNCTION journey_privacy.processing_record(format text DEFAULT 'markdown')
  RETURNS text
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_processing_record';
COMMENT ON FUNCTION journey_privacy.processing_record(text) IS
'the record of processing activities from the catalog
format: markdown, html or json
Returns: the document
Errors: 22004 format is NULL; 22023 unknown format; 54000 a document that would be too large
Source: Art. 30(1) GDPR';

CREATE FUNCTION journey_privacy.privacy_notice(
    language text DEFAULT 'en', format text DEFAULT 'markdown')
  RETURNS text
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_privacy_notice';
COMMENT ON FUNCTION journey_privacy.privacy_notice(text, text) IS
'what people are told of the processing, from the catalog
language: en, de, fr or es
format: markdown, html or json
Returns: the document
Errors: 22004 an argument is NULL; 22023 unknown language or format; 54000 a document that would be
  too large
Source: Art. 13 GDPR';

CREATE FUNCTION journey_privacy.subject_report(
    subject journey_privacy.pseudonym, format text DEFAULT 'markdown', language text DEFAULT 'en')
  RETURNS text
  LANGUAGE c VOLATILE
  AS 'MODULE_PATHNAME', 'jp_subject_report';
COMMENT ON FUNCTION journey_privacy.subject_report(journey_privacy.pseudonym, text, text) IS
'what a privacy centre shows a subject: what is held of them, their decisions, who used it for what,
  their requests
subject: who asks
format: markdown, html or json
language: en, de, fr or es
Returns: the document
Errors: 0A000 a foreign key that cannot be followed; 22004 an argument is NULL; 22023 unknown
  language or format; 54000 a document that would be too large, or too many links; 55000 no keyring,
  or a column that a link rests on is gone
Source: Art. 15(1) GDPR';

REVOKE ALL ON FUNCTION
  journey_privacy.set_controller(text, text, text, text, text, text),
  journey_privacy.set_recipient(text, text, text, text),
  journey_privacy.describe_column(regclass, name, text, text),
  journey_privacy.translate_purpose(text, text, text, text),
  journey_privacy.processing_record(text),
  journey_privacy.privacy_notice(text, text),
  journey_privacy.subject_report(journey_privacy.pseudonym, text, text)
  FROM PUBLIC;
