-- The works of journey_postgres.sql with our functions.  After the work and what
-- the contestant is called come, behind semicolons, where it is asked and which
-- functions or types of journey_privacy it needs; without them it is skipped.
--
--   open      visit_open, the same rows without protection (%t), by a superuser
--   contract  visit, by an analyst for a purpose that needs no consent
--   consent   visit, by an analyst for a purpose that everybody consented to
--   store     visit_stored, likewise, which has a store (journey_store.sql)

--# funnel3: GROUP BY visitor; open consent; window_funnel
SELECT count(*) FILTER (WHERE n > 0), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2)
FROM (SELECT journey_privacy.window_funnel(at, '1 day', 'default', event = 'home', event = 'cart', event = 'buy') AS n
      FROM %t GROUP BY visitor) s

--# funnel3: GROUP BY journey_subject; open consent; window_funnel
SELECT count(*) FILTER (WHERE n > 0), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2)
FROM (SELECT journey_privacy.window_funnel(at, '1 day', 'default', event = 'home', event = 'cart', event = 'buy') AS n
      FROM %t WHERE event IN ('home', 'cart', 'buy') GROUP BY journey_subject) s

--# funnel3: one aggregate; open consent; funnel_counts
SELECT array_to_string(journey_privacy.funnel_counts(journey_subject, at, event, ARRAY['home', 'cart', 'buy'], '1 day'), '|') FROM %t

--# funnel3: one call; consent contract store; funnel
SELECT string_agg(subjects::text, '|' ORDER BY step)
FROM journey_privacy.funnel('%t', ARRAY['home', 'cart', 'buy'], within => '1 day')

--# funnel5: GROUP BY visitor; open consent; window_funnel
SELECT count(*) FILTER (WHERE n > 0), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2),
  count(*) FILTER (WHERE n > 3), count(*) FILTER (WHERE n > 4)
FROM (SELECT journey_privacy.window_funnel(at, '1 day', 'default', event = 'home', event = 'search', event = 'product',
        event = 'cart', event = 'buy') AS n
      FROM %t GROUP BY visitor) s

--# funnel5: GROUP BY journey_subject; open consent; window_funnel
SELECT count(*) FILTER (WHERE n > 0), count(*) FILTER (WHERE n > 1), count(*) FILTER (WHERE n > 2),
  count(*) FILTER (WHERE n > 3), count(*) FILTER (WHERE n > 4)
FROM (SELECT journey_privacy.window_funnel(at, '1 day', 'default', event = 'home', event = 'search', event = 'product',
        event = 'cart', event = 'buy') AS n
      FROM %t WHERE event IN ('home', 'search', 'product', 'cart', 'buy') GROUP BY journey_subject) s

--# funnel5: one aggregate; open consent; funnel_counts
SELECT array_to_string(journey_privacy.funnel_counts(journey_subject, at, event, ARRAY['home', 'search', 'product', 'cart', 'buy'], '1 day'), '|') FROM %t

--# funnel5: one call; consent contract store; funnel
SELECT string_agg(subjects::text, '|' ORDER BY step)
FROM journey_privacy.funnel('%t', ARRAY['home', 'search', 'product', 'cart', 'buy'], within => '1 day')

--# sessions: GROUP BY journey_subject; open consent; sessions,session_summary
SELECT sum((s).sessions), round(1000 * extract(epoch FROM sum((s).total_duration)) / sum((s).sessions))::bigint, sum((s).bounces)
FROM (SELECT journey_privacy.sessions(at, '30 minutes') AS s FROM %t GROUP BY journey_subject OFFSET 0) s

--# sessions: one aggregate; open consent; session_counts
SELECT sessions, round(1000 * extract(epoch FROM mean_duration))::bigint, bounces
FROM unnest((SELECT journey_privacy.session_counts(journey_subject, at, NULL, '30 minutes') FROM %t)) s

--# sessions: one call; consent contract store; sessions
SELECT sessions, round(1000 * extract(epoch FROM mean_duration))::bigint, bounces
FROM journey_privacy.sessions('%t', gap => '30 minutes')

--# paths: GROUP BY journey_subject; open consent; path
SELECT array_to_string(path, '>'), count(*)
FROM (SELECT journey_privacy.path(at, event, 5, false, NULL, 'first', 'from') AS path FROM %t GROUP BY journey_subject) s
GROUP BY s.path ORDER BY count(*) DESC, 1 LIMIT 20

--# paths: one aggregate; open consent; path_counts
SELECT array_to_string(path, '>'), times
FROM unnest((SELECT journey_privacy.path_counts(journey_subject, at, event, NULL, 5, NULL, false, NULL, 'first', 'from') FROM %t)) s
ORDER BY times DESC, 1 LIMIT 20

--# paths: one aggregate; store; path_counts
SELECT array_to_string(path, '>'), times
FROM unnest((SELECT journey_privacy.path_counts(journey_subject, events, NULL, NULL, 5, NULL, false, NULL, 'first', 'from') FROM visit_store)) s
ORDER BY times DESC, 1 LIMIT 20

--# edges: one aggregate; open consent; edge_counts
SELECT from_event, to_event, times, subjects
FROM unnest((SELECT journey_privacy.edge_counts(journey_subject, at, event, NULL, NULL, NULL, false, NULL, 'first', 'from') FROM %t)) s

--# edges: one call; consent contract store; paths
SELECT from_event, to_event, events, subjects FROM journey_privacy.paths('%t', depth => NULL, "collapse" => false)

--# weeks: one aggregate; open consent; retention_counts
SELECT (cohort AT TIME ZONE 'UTC')::date, period, subjects
FROM unnest((SELECT journey_privacy.retention_counts(journey_subject, at, event, NULL, NULL, NULL, 'week', 20, 'on', 'UTC') FROM %t)) s WHERE subjects > 0

--# weeks: one call; consent contract store; retention
SELECT cohort, period, subjects FROM journey_privacy.retention('%t', period => 'week', periods => 20, time_zone => 'UTC') WHERE subjects > 0
