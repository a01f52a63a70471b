// aws-appsync 4 does with mutations that were made offline what aws_appsync_offline.json has recorded; RECORD=1 records anew.
'use strict';

const assert = require('node:assert/strict');
const { isDeepStrictEqual } = require('node:util');
const fs = require('node:fs');
const { test, atEnd } = require('./support/harness');
const { names, record, recording, RECORDING } = require('./aws_appsync_offline');

const isRecording = process.env.RECORD === '1';
const recorded = isRecording ? {} : recording();

/** Where two lists of events part, in one line; undefined where they don't. */
function difference(events, wanted) {
	const n = Math.max(events.length, wanted.length);
	for (let i = 0; i < n; i++) {
		if (!isDeepStrictEqual(events[i], wanted[i])) return `event ${i + 1}: ${JSON.stringify(events[i])} instead of ${JSON.stringify(wanted[i])}`;
	}
	return undefined;
}

for (const name of names) {
	test(`offline, aws-appsync: ${name}`, async () => {
		if (isRecording) recorded[name] = await record(name);
		else assert.equal(difference(await record(name), recorded[name]), undefined);
	});
}

// One event a line, so that what has changed shows.
function text() {
	const list = Object.entries(recorded).map(([name, events]) => (
		`${JSON.stringify(name)}: [\n${events.map((event) => `  ${JSON.stringify(event)}`).join(',\n')}\n]`));
	return `{\n${list.join(',\n')}\n}\n`;
}

if (isRecording) atEnd(() => fs.writeFileSync(RECORDING, text()));
