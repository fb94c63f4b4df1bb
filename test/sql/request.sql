-- Requests of data subjects: their life, their deadlines, and who is told.
\set VERBOSITY terse
\pset null '-'
SELECT journey_privacy.open_request('erasure', 'customer_id:request1', request_id => '91000000-0000-4000-8000-000000000001');
SELECT journey_privacy.open_request('erasure', 'customer_id:request1', request_id => '91000000-0000-4000-8000-000000000001');
SELECT journey_privacy.verify_request('91000000-0000-4000-8000-000000000001');
SELECT journey_privacy.verify_request('91000000-0000-4000-8000-000000000001');
SELECT journey_privacy.confirm_request('91000000-0000-4000-8000-000000000001');
SELECT journey_privacy.complete_request('91000000-0000-4000-8000-000000000001');
SELECT journey_privacy.cancel_request('91000000-0000-4000-8000-000000000001');
