// Offline mutations of lua-appsync beside those of aws-appsync 4: the same scenarios, server and faults. What isn't the same is in
// offline/differences.js, and in the table of docs/offline.md.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('./support/harness');
const { ROOT } = require('./support/server');
const { names, recording } = require('./aws_appsync_offline');
const { DIFFERENCES, rows } = require('./offline/differences');
const facts = require('./offline/facts');
const ours = require('./offline/ours');

const N = 20; // creates to replay, as in the recording
const recorded = recording();

/** What is different by intent, by scenario; each may differ once. */
function differencesOf(name) {
	return Object.assign({}, ...DIFFERENCES.filter(({ scenario }) => scenario === name).map(({ differs }) => differs));
}

/** What facts.js leaves out. */
function checkSuccesses(there, here) {
	const successes = (events) => events.map(({ success }) => success).filter(Boolean);
	for (const { notified } of successes(there)) assert.equal(notified, true);
	for (const { notified, variables } of successes(here)) {
		assert.equal(notified, false);
		assert.ok(!('@@skipRetry' in variables));
	}
	for (const { success, keys } of here) assert.ok(!success || keys.includes('id'));
}

for (const name of names) {
	test(`offline, both: ${name}`, async () => {
		const events = { there: recorded[name], here: await ours.play(name, N) };
		checkSuccesses(events.there, events.here);
		const there = facts.of(events.there);
		const here = facts.of(events.here);
		const differs = differencesOf(name);
		for (const [fact, value] of Object.entries(here)) {
			if (fact in differs) assert.notDeepEqual(there[fact], differs[fact], `${fact} is the same by now`);
			assert.deepEqual(value, differs[fact] || there[fact], fact);
		}
	});
}

test('offline, both: the manual has each difference', () => {
	const manual = fs.readFileSync(path.join(ROOT, 'docs/offline.md'), 'utf8').split('\n');
	for (const row of rows) assert.ok(manual.includes(row), `docs/offline.md lacks ${row}`);
	for (const { scenario } of DIFFERENCES) assert.ok(names.includes(scenario), scenario);
});
