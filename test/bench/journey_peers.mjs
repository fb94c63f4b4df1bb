// journey_peers.mjs ENGINE MODULES DATA: DuckDB or ClickHouse in this process, for
// journey.sh.  Loads DATA (CSV: subject, seconds of the epoch, event), prints
// "ready VERSION", then answers requests, each a line of JSON {sql, threads,
// answer}: with the milliseconds that sql took, or, with answer, the file that
// now holds its rows, columns joined by |; "error MESSAGE" if it fails.
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [engine, modules, data] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const oneLine = (error) => String(error.message ?? error).replace(/\s+/g, ' ').slice(0, 200);

// Each engine: run(sql, threads) gives rows as lines.
async function duckdb() {
	const { DuckDBInstance } = require('@duckdb/node-api');
	const connection = await (await DuckDBInstance.create(':memory:')).connect();
	const rows = async (sql) => (await connection.runAndReadAll(sql)).getRows();

	await connection.run("SET timezone = 'UTC'").catch(() => {});
	await connection.run(`CREATE TABLE raw AS SELECT * FROM read_csv('${data}', header = false,
		columns = {'subject': 'INTEGER', 'second': 'BIGINT', 'event': 'VARCHAR'})`);
	await connection.run('CREATE TYPE name AS ENUM (SELECT DISTINCT event FROM raw ORDER BY event)');
	await connection.run(`CREATE TABLE events AS SELECT subject, make_timestamp(second * 1000000) AS moment, event::name AS event FROM raw`);
	await connection.run('DROP TABLE raw');
	return {
		version: (await rows('SELECT version()'))[0][0],
		async run(sql, threads) {
			await connection.run(`SET threads = ${threads}`);
			return async () => (await rows(sql)).map((row) => row.map((value) => value ?? '').join('|'));
		},
	};
}

async function clickhouse() {
	const { Session } = require('chdb');
	const session = new Session(`${data}.clickhouse`);
	const lines = (sql) => session.query(sql, 'TSV').split('\n').filter((line) => line !== '');
	const raw = `file('${data}', CSV, 'subject UInt32, second UInt32, event String')`;
	const names = lines(`SELECT DISTINCT event FROM ${raw} ORDER BY event`);
	const type = `Enum8(${names.map((name, i) => `'${name}' = ${i + 1}`)})`;
	const literal = `'${type.replaceAll("'", "\\'")}'`;

	session.query('CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic');
	for (const [table, order] of [['by_time', 'at'], ['by_subject', '(subject, at)']]) {
		session.query(`CREATE TABLE bench.${table} (subject UInt32, at DateTime('UTC'), event ${type}) ENGINE = MergeTree ORDER BY ${order}`);
		session.query(`INSERT INTO bench.${table} SELECT subject, toDateTime(second, 'UTC'), event FROM ${raw}`);
		session.query(`OPTIMIZE TABLE bench.${table} FINAL`);
	}
	return {
		version: lines('SELECT version()')[0],
		async run(sql, threads) {
			session.query(`SET max_threads = ${threads}`);
			const typed = sql.replaceAll("'%e'", literal);
			return async () => lines(typed).map((line) => line.replaceAll('\t', '|'));
		},
	};
}

const peer = await { duckdb, clickhouse }[engine]();
console.log(`ready ${peer.version}`);
for await (const line of createInterface({ input: process.stdin })) {
	const { sql, threads, answer } = JSON.parse(line);
	try {
		const run = await peer.run(sql, threads);
		const started = performance.now();
		const rows = await run();
		const took = performance.now() - started;

		if (answer)
			writeFileSync(answer, rows.map((row) => `${row}\n`).join(''));
		console.log(answer ?? took.toFixed(1));
	} catch (error) {
		console.log(`error ${oneLine(error)}`);
	}
}
process.exit(0);
