-- read.sql: for pgbench, what analysts ask, with workers to help
SET journey_privacy.purpose = 'shop';
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT event, count(*) FROM visit GROUP BY event;
SELECT * FROM journey_privacy.funnel('visit', ARRAY['home', 'cart', 'buy'], within => '90 days');
