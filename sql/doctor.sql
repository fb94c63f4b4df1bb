-- doctor
-- What is wrong, and the statement that mends it.

-- Not SECURITY DEFINER: it reads as the extension's owner by itself.
CREATE FUNCTION journey_privacy.doctor(
    OUT severity text, OUT "check" text, OUT object text, OUT finding text, OUT statement text)
  RETURNS SETOF record
  LANGUAGE c VOLATILE ROWS 20
  AS 'MODULE_PATHNAME', 'jp_doctor';
REVOKE ALL ON FUNCTION journey_privacy.doctor() FROM PUBLIC;
COMMENT ON FUNCTION journey_privacy.doctor() IS
'what is wrong with the protection of this database, the gravest first
Returns: a row for each finding: severity (critical, warning, advice), "check", object (NULL: the
  server), finding, and the statement that mends it, or as a comment what to do
Errors: 57014 it was cancelled
Source: Art. 32(1)(d) GDPR';
