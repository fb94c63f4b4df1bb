#!/usr/bin/env bash
#
# test/bench/retention.sh: purge_expired() beside what a careful engineer would
# write by hand, as ratios of medians in one run: batches of 10,000 rows in a
# transaction each, one DELETE, and DROP TABLE of a partition.  Connects as
# PGHOST and PGUSER say, to a server that has the extension preloaded and a
# keyring; makes and drops databases of its own.
#
# ROWS=1000000	rows of each table; a tenth of them is too old
# RUNS=5	how often each is measured

set -euo pipefail
rows=${ROWS:-1000000}
runs=${RUNS:-5}
base=jp_bench_retention

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$base" "$@"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
took()
{
	local start end

	start=$(date +%s%N)
	"$@" >/dev/null 2>&1
	end=$(date +%s%N)
	echo $(((end - start) / 1000))
}

# What is too old lies at random places, as after updates, or in order of time.
fill()
{
	sql >/dev/null <<-EOF
		SET client_min_messages = warning;
		DROP TABLE IF EXISTS visit, hand, item, hand_item, part, hand_part CASCADE;
		CREATE TABLE visit (id bigint, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text);
		SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at', retain_for => '90 days');
		INSERT INTO visit SELECT i, p.pseudonym, now() - ($1) * interval '100 days', 'event ' || i % 10
			FROM generate_series(1, $rows) i JOIN person p ON p.number = i % 1000;
		CREATE TABLE hand (LIKE visit);
		INSERT INTO hand SELECT * FROM visit;
		ALTER TABLE visit ADD PRIMARY KEY (id);
		ALTER TABLE hand ADD PRIMARY KEY (id);
		CREATE INDEX ON visit (at);
		CREATE INDEX ON hand (at);
		CREATE INDEX ON visit (journey_subject);
		CREATE INDEX ON hand (journey_subject);
	EOF
	# statements that PostgreSQL runs in no transaction block
	sql -c 'VACUUM ANALYZE visit' -c 'VACUUM ANALYZE hand' -c CHECKPOINT
}

linked()
{
	sql >/dev/null <<-EOF
		CREATE TABLE item (id bigint PRIMARY KEY, visit bigint NOT NULL REFERENCES visit, body text);
		CREATE TABLE hand_item (id bigint PRIMARY KEY, visit bigint NOT NULL REFERENCES hand, body text);
		INSERT INTO item SELECT i, i, 'body' FROM generate_series(1, $rows) i;
		INSERT INTO hand_item SELECT i, i, 'body' FROM generate_series(1, $rows) i;
		CREATE INDEX ON item (visit);
		CREATE INDEX ON hand_item (visit);
	EOF
	sql -c 'VACUUM ANALYZE item' -c 'VACUUM ANALYZE hand_item' -c CHECKPOINT
}

by_hand()
{
	sql <<-EOF
		DO \$\$ DECLARE gone bigint; BEGIN LOOP
		  DELETE FROM hand WHERE ctid = ANY (ARRAY(SELECT ctid FROM hand WHERE at < now() - interval '90 days' LIMIT 10000));
		  GET DIAGNOSTICS gone = ROW_COUNT;
		  COMMIT;
		  EXIT WHEN gone = 0;
		END LOOP; END \$\$
	EOF
}

by_hand_linked()
{
	sql <<-EOF
		DO \$\$ DECLARE gone bigint[]; BEGIN LOOP
		  gone := ARRAY(SELECT id FROM hand WHERE at < now() - interval '90 days' LIMIT 10000);
		  EXIT WHEN cardinality(gone) = 0;
		  DELETE FROM hand_item WHERE visit = ANY (gone);
		  DELETE FROM hand WHERE id = ANY (gone);
		  COMMIT;
		END LOOP; END \$\$
	EOF
}

compare()
{
	local ours=/tmp/$$.ours hand=/tmp/$$.hand one=/tmp/$$.one

	: >$ours; : >$hand; : >$one
	for ((run = 0; run < runs; run++)); do
		fill "$2"
		[[ $3 == by_hand ]] || linked
		took sql -c 'CALL journey_privacy.purge_expired()' >>$ours
		took "$3" >>$hand
		[[ $(sql -c 'SELECT count(*) FROM visit') == $(sql -c 'SELECT count(*) FROM hand') ]] ||
			echo "they do not delete the same" >&2
	done
	awk -v o="$(median <$ours)" -v h="$(median <$hand)" -v w="$1" \
		'BEGIN { printf "%s: %.0f ms, by hand %.0f ms, ratio %.2f\n", w, o / 1000, h / 1000, o / h }'
	rm -f $ours $hand $one
}

one_delete()
{
	: >/tmp/$$.one
	for ((run = 0; run < runs; run++)); do
		fill 'random()'
		took sql -c "DELETE FROM hand WHERE at < now() - interval '90 days'" >>/tmp/$$.one
	done
	awk -v o="$(median </tmp/$$.one)" 'BEGIN { printf "one DELETE of the same rows: %.0f ms\n", o / 1000 }'
	rm -f /tmp/$$.one
}

# One partition that is too old, with a tenth of the rows.
partition()
{
	: >/tmp/$$.ours; : >/tmp/$$.hand
	for ((run = 0; run < runs; run++)); do
		sql >/dev/null <<-EOF
			SET client_min_messages = warning;
			DROP TABLE IF EXISTS visit, hand, item, hand_item, part, hand_part CASCADE;
			CREATE TABLE part (id bigint, visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL) PARTITION BY RANGE (at);
			CREATE TABLE part_old PARTITION OF part FOR VALUES FROM (MINVALUE) TO ('2000-01-01');
			CREATE TABLE part_new PARTITION OF part FOR VALUES FROM ('2000-01-01') TO (MAXVALUE);
			SELECT journey_privacy.protect('part', 'visitor', occurred_at => 'at', retain_for => '1 year');
			CREATE TABLE hand_part (LIKE part) PARTITION BY RANGE (at);
			CREATE TABLE hand_part_old PARTITION OF hand_part FOR VALUES FROM (MINVALUE) TO ('2000-01-01');
			CREATE TABLE hand_part_new PARTITION OF hand_part FOR VALUES FROM ('2000-01-01') TO (MAXVALUE);
			INSERT INTO part SELECT i, p.pseudonym, '1999-01-01' FROM generate_series(1, $rows / 10) i JOIN person p ON p.number = i % 1000;
			INSERT INTO hand_part SELECT * FROM part;
			CHECKPOINT;
		EOF
		took sql -c "CALL journey_privacy.purge_expired('part')" >>/tmp/$$.ours
		took sql -c 'DROP TABLE hand_part_old' >>/tmp/$$.hand
	done
	awk -v o="$(median </tmp/$$.ours)" -v h="$(median </tmp/$$.hand)" \
		'BEGIN { printf "a partition: %.0f ms, DROP TABLE %.0f ms (both with a new connection)\n", o / 1000, h / 1000 }'
	rm -f /tmp/$$.ours /tmp/$$.hand
}

psql -XAtq -d postgres -c "DROP DATABASE IF EXISTS $base" -c "CREATE DATABASE $base"
sql >/dev/null <<-EOF
	SET client_min_messages = warning;
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	CREATE TABLE person AS SELECT i AS number, journey_privacy.pseudonymize('customer_id', i::bigint) AS pseudonym FROM generate_series(0, 999) i;
EOF
compare "purge_expired, in order of time" "($rows - i) / $rows.0" by_hand
compare "purge_expired, at random places" "random()" by_hand
one_delete
compare "purge_expired, a linked row each" "random()" by_hand_linked
partition
psql -XAtq -d postgres -c "DROP DATABASE $base"
