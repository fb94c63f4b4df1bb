-- Funnels by names of events, with options.
\set VERBOSITY terse
SET search_path = public, journey_privacy;
SELECT funnel(t, e, ARRAY['a','b'], '1 day') FROM (VALUES (now(), 'a'), (now(), 'b')) v(t,e);
