-- write.sql: for pgbench, journeys and decisions of the crowd
\set person random(0, :crowd - 1)
\set yes random(0, 1)
INSERT INTO visit (visitor, event, props) VALUES (journey_privacy.pseudonymize('customer_id', :person::bigint), 'home', 'crowd');
SELECT journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', :person::bigint), 'agreed', :yes::int = 1);
