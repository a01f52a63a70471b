// aws-appsync 4 does with mutations that were made offline what aws_appsync_offline.json has recorded; RECORD=1 records anew.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test, atEnd } = require('./support/harness');
const { names, record } = require('./aws_appsync_offline');

const FILE = path.join(__dirname, 'aws_appsync_offline.json');
const isRecording = process.env.RECORD === '1';
const recorded = isRecording ? {} : JSON.parse(fs.readFileSync(FILE));

for (const name of names) {
	test(`offline, aws-appsync: ${name}`, async () => {
		const events = await record(name);
		if (isRecording) recorded[name] = events;
		else assert.deepEqual(events, recorded[name]);
	});
}

// One event a line, so that what has changed shows.
function text() {
	const list = Object.entries(recorded).map(([name, events]) => (
		`${JSON.stringify(name)}: [\n${events.map((event) => `  ${JSON.stringify(event)}`).join(',\n')}\n]`));
	return `{\n${list.join(',\n')}\n}\n`;
}

if (isRecording) atEnd(() => fs.writeFileSync(FILE, text()));
