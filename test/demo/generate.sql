-- Journeys of the shape of an online shop's clickstream: 600 visitors, some
-- 3,600 visits, some 31,000 events.  Every choice hashes its place and the
-- seed, so that each run makes the same file.
\set seed 20240104

CREATE FUNCTION pg_temp.draw(variadic place int[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS
  $$ SELECT ('x' || substr(md5(place::text), 1, 7))::bit(28)::int / 268435456.0 $$;

-- A visitor who put something into the cart goes on to buy more often than not.
CREATE FUNCTION pg_temp.event(step int, choice float8, goes_on float8) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN step = 1 THEN (ARRAY['home','search','catalog','promo_page'])[1 + floor(choice * 4)]
    WHEN goes_on > 0.55 AND step BETWEEN 5 AND 9
      THEN (ARRAY['add_to_cart','cart','shipping_details','payment_details','purchase'])[step - 4]
    ELSE (ARRAY['product_view','product_view','catalog','catalog','search','filter_results',
                'home','wishlist_add','review_page','error_page'])[1 + floor(choice * 10)]
  END $$;

CREATE TEMP TABLE generated AS
SELECT format('user_%s', lpad(u::text, 4, '0')) AS user_id,
       format('sess_%s_%s', u, s) AS session_id,
       pg_temp.event(e, pg_temp.draw(:seed, 1, u, s, e), pg_temp.draw(:seed, 2, u, s)) AS event,
       timestamp '2024-01-04 08:00'
         + floor(pg_temp.draw(:seed, 3, u, s) * 176) * interval '1 day'
         + floor(pg_temp.draw(:seed, 4, u, s) * 43200) * interval '1 second'
         + e * interval '41 seconds' AS "timestamp",
       (ARRAY['desktop','mobile','mobile','tablet'])[1 + floor(pg_temp.draw(:seed, 5, u) * 4)] AS platform,
       (ARRAY['organic','paid_search','social','email','direct'])
         [1 + floor(pg_temp.draw(:seed, 6, u) * 5)] AS acquisition_channel,
       '2024-01' AS user_cohort, 'returning' AS user_lifecycle
FROM generate_series(0, 599) u,
     generate_series(1, 1 + floor(pg_temp.draw(:seed, 7, u) * 11)::int) s,
     generate_series(1, 4 + floor(pg_temp.draw(:seed, 8, u, s) * 10)::int) e;

\o :csv
COPY generated TO STDOUT (FORMAT csv, HEADER);
\o
