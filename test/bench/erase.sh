#!/usr/bin/env bash
#
# test/bench/erase.sh: erasing beside what a careful engineer would write by
# hand, as ratios of medians in one run.  Connects as PGHOST and PGUSER say, to
# a server that has the extension preloaded and a keyring; makes and drops
# databases of its own.
#
# SUBJECTS=100000	people in the tables
# MANY=10000		how many of them are erased at once
# RUNS=5		how often each is measured

set -euo pipefail
subjects=${SUBJECTS:-100000}
many=${MANY:-10000}
runs=${RUNS:-5}
base=jp_bench_erase

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$1" "${@:2}"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

make()
{
	psql -XAtq -d postgres -c "DROP DATABASE IF EXISTS $base" -c "CREATE DATABASE $base"
	sql $base >/dev/null <<-EOF
		SET client_min_messages = warning;
		CREATE EXTENSION journey_privacy CASCADE;
		SELECT journey_privacy.create_keyring();
		SELECT journey_privacy.create_purpose('bench', 'consent');
		CREATE TABLE visit (id bigint PRIMARY KEY, visitor journey_privacy.pseudonym NOT NULL, at timestamptz, event text);
		SELECT journey_privacy.protect('visit', 'visitor');
		CREATE TABLE hand (id bigint PRIMARY KEY, person int, at timestamptz, event text);
		CREATE TABLE person (number int, pseudonym journey_privacy.pseudonym);
		INSERT INTO person SELECT i, journey_privacy.pseudonymize('customer_id', i) FROM generate_series(1, $subjects) i;
		INSERT INTO visit SELECT i, p.pseudonym, now(), 'event ' || i % 10 FROM generate_series(1, $subjects * 10) i
			JOIN person p ON p.number = 1 + i % $subjects;
		INSERT INTO hand SELECT i, 1 + i % $subjects, now(), 'event ' || i % 10 FROM generate_series(1, $subjects * 10) i;
		CREATE INDEX ON visit (journey_subject);
		CREATE INDEX ON visit (visitor);
		CREATE INDEX ON hand (person);
		CREATE INDEX ON person (number);
	EOF
	for table in item payment note; do
		sql $base >/dev/null <<-EOF
			CREATE TABLE $table (id bigint PRIMARY KEY, visit bigint NOT NULL REFERENCES visit, body text);
			CREATE TABLE hand_$table (id bigint PRIMARY KEY, visit bigint NOT NULL REFERENCES hand, body text);
			INSERT INTO $table SELECT i, i * 2, 'body' FROM generate_series(1, $subjects * 5) i;
			INSERT INTO hand_$table SELECT i, i * 2, 'body' FROM generate_series(1, $subjects * 5) i;
			CREATE INDEX ON $table (visit);
			CREATE INDEX ON hand_$table (visit);
		EOF
	done
	sql $base >/dev/null <<-EOF
		CREATE TABLE item2 (id bigint PRIMARY KEY, item bigint NOT NULL REFERENCES item);
		CREATE TABLE hand_item2 (id bigint PRIMARY KEY, item bigint NOT NULL REFERENCES hand_item);
		INSERT INTO item2 SELECT i, i FROM generate_series(1, $subjects * 5) i;
		INSERT INTO hand_item2 SELECT i, i FROM generate_series(1, $subjects * 5) i;
		CREATE INDEX ON item2 (item);
		CREATE INDEX ON hand_item2 (item);
		SELECT journey_privacy.record_consents(array_agg(pseudonym), array_agg('bench'::text), array_agg(true)) FROM person;
		VACUUM ANALYZE;
		CHECKPOINT;
	EOF
}

# The same tables by hand, for one subject: the foreign keys cascade.
cascade()
{
	for table in item payment note; do
		sql $base -c "ALTER TABLE hand_$table DROP CONSTRAINT hand_${table}_visit_fkey,
			ADD FOREIGN KEY (visit) REFERENCES hand ON DELETE CASCADE"
	done
	sql $base -c "ALTER TABLE hand_item2 DROP CONSTRAINT hand_item2_item_fkey,
		ADD FOREIGN KEY (item) REFERENCES hand_item ON DELETE CASCADE"
}

# What a careful engineer writes: children first, all in one transaction.
by_hand()
{
	cat <<-EOF
		BEGIN;
		DELETE FROM hand_item2 x USING hand_item i, hand h, gone g WHERE x.item = i.id AND i.visit = h.id AND h.person = g.number;
		DELETE FROM hand_item x USING hand h, gone g WHERE x.visit = h.id AND h.person = g.number;
		DELETE FROM hand_payment x USING hand h, gone g WHERE x.visit = h.id AND h.person = g.number;
		DELETE FROM hand_note x USING hand h, gone g WHERE x.visit = h.id AND h.person = g.number;
		DELETE FROM hand h USING gone g WHERE h.person = g.number;
		COMMIT;
	EOF
}

make
: > /tmp/$$.ours; : > /tmp/$$.hand; : > /tmp/$$.one; : > /tmp/$$.cascade
for ((run = 0; run < runs; run++)); do
	from=$((1 + run * many))
	sql $base -c "DROP TABLE IF EXISTS gone" -c "CREATE TABLE gone AS SELECT number, pseudonym FROM person WHERE number BETWEEN $from AND $((from + many - 1))" -c 'ANALYZE gone'
	people=$(sql $base -c 'SELECT array_agg(pseudonym) FROM gone')
	echo "CALL journey_privacy.erase_many('$people'); " > /tmp/$$.sql
	start=$(date +%s%N); sql $base -f /tmp/$$.sql >/dev/null; end=$(date +%s%N)
	echo $(((end - start) / 1000)) >> /tmp/$$.ours
	by_hand > /tmp/$$.sql
	start=$(date +%s%N); sql $base -f /tmp/$$.sql >/dev/null; end=$(date +%s%N)
	echo $(((end - start) / 1000)) >> /tmp/$$.hand
done
cascade
# in one session, in turns; the first two warm it up
{
	echo '\timing on'
	for ((run = 0; run < 4 * runs; run++)); do
		one=$((subjects - run))
		echo '\echo one'
		echo "CALL journey_privacy.erase('customer_id:$one') \g /dev/null"
		echo '\echo cascade'
		echo "DELETE FROM hand WHERE person = $one;"
	done
} > /tmp/$$.sql
sql $base -f /tmp/$$.sql | awk '/^(one|cascade)$/ { what = $1 } /^Time/ { print what, $2 }' | tail -n +5 > /tmp/$$.single
grep '^one' /tmp/$$.single | cut -d' ' -f2 > /tmp/$$.one
grep '^cascade' /tmp/$$.single | cut -d' ' -f2 > /tmp/$$.cascade
ours=$(median < /tmp/$$.ours) hand=$(median < /tmp/$$.hand)
one=$(median < /tmp/$$.one) cascade=$(median < /tmp/$$.cascade)
echo "erase_many of $many subjects: $((ours / 1000)) ms, by hand $((hand / 1000)) ms, ratio $(awk "BEGIN { printf \"%.2f\", $ours / $hand }")"
echo "erase of one subject: $one ms, indexed ON DELETE CASCADE $cascade ms"
rm -f /tmp/$$.*
psql -XAtq -d postgres -c "DROP DATABASE $base"
