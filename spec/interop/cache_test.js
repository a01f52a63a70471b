// csrc/cache against Apollo Client 3's InMemoryCache: random operations have the same answers, in memory, from a store
// with nothing kept between two of them, and from one that is read as an application's thread reads it.
// N operations (default 600), SEED; DUMP=file writes them down, with the answers that are expected, as lines of JSON.
'use strict';

const fs = require('node:fs');
const { test } = require('./support/harness');
const { Case } = require('./cache/cases');
const { PLACES, ask, firstDifference, shrink, describe } = require('./cache/driver');

const N = Number(process.env.N || 600);
const SEED = Number(process.env.SEED || Date.now() % 1000000);
const PER_CASE = 30;
const PER_TEST = 600;

function dump(one) {
	const lines = [one.opening, ...one.ops.map((op, i) => ({ ...op, expected: one.answers[i] }))];
	fs.appendFileSync(process.env.DUMP, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

function make(seed, count) {
	const made = new Case(seed, count);
	const { ops, answers, setting } = made;
	const one = { seed, ops, answers, setting, opening: made.opening(), sdl: made.schema.sdl() };
	if (process.env.DUMP) dump(one);
	return one;
}

/** The first case that differs, made small. */
function compare(cases, place) {
	const got = ask(cases, place);
	const wrong = cases.find((one, i) => Boolean(got.fault ? ask([one], place).fault : firstDifference(one.ops, one.answers, got[i])));
	if (wrong) throw new Error(describe(wrong, shrink(wrong, place) || { ops: wrong.ops, what: 'only sometimes' }));
	if (got.fault) throw new Error(got.fault);
}

function tally(cases) {
	const counts = {};
	for (const { ops, answers } of cases) {
		ops.forEach(({ op }, i) => {
			const kind = op !== 'read' ? op : answers[i].missing.length > 0 ? 'partial reads' : 'whole reads';
			counts[kind] = (counts[kind] || 0) + 1;
		});
	}
	console.log(`# ${Object.entries(counts).map((pair) => pair.join(' ')).join(', ')}`);
}

for (let done = 0, seed = SEED; done < N; done += PER_TEST, seed += PER_TEST) {
	const count = Math.min(PER_TEST, N - done);
	test(`${count} operations on the cache have the same answers as in Apollo Client (N=${count} SEED=${seed})`, () => {
		const cases = [];
		for (let left = count, i = 0; left > 0; left -= PER_CASE, i++) cases.push(make(seed + i, Math.min(PER_CASE, left)));
		tally(cases);
		for (const place of PLACES) compare(cases, place);
	});
}
