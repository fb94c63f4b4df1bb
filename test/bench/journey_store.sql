-- A second protected copy, with a store that the one-call answers use.
CREATE TABLE visit_stored (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text COLLATE "C" NOT NULL);
SELECT journey_privacy.protect('visit_stored', subject => 'visitor', occurred_at => 'at');
INSERT INTO visit_stored (visitor, at, event) SELECT visitor, at, event FROM visit_open;
GRANT SELECT ON visit_stored TO journey_privacy_bench_analyst;
VACUUM (FREEZE, ANALYZE) visit_stored;
SELECT journey_privacy.create_journey_store('visit_stored', 'visit_store', bucket => interval '90 days');
SELECT journey_privacy.refresh_journey_store('visit_store');
GRANT SELECT ON visit_store TO journey_privacy_bench_analyst;
VACUUM (FREEZE, ANALYZE) visit_store;
