// Runs a scenario of ours.lua against a server of its own: its list of events.
// usage: [N=100] node spec/interop/offline/ours.js [SCENARIO…]   prints each event as a line of JSON, as aws_appsync_offline.js does
'use strict';

const childProcess = require('node:child_process');
const path = require('node:path');
const { test, atEnd } = require('../support/harness');
const { start, temporary, ROOT, API_KEY } = require('../support/server');
const recorder = require('./recorder');

const MS = 100000; // of one scenario

function program(words, interpreter) {
	return new Promise((resolve, reject) => {
		const child = childProcess.spawn(interpreter, [path.join(__dirname, 'ours.lua'), ...words], { cwd: ROOT, timeout: MS });
		atEnd(() => child.kill());
		let [out, err] = ['', ''];
		child.stdout.on('data', (text) => { out += text; });
		child.stderr.on('data', (text) => { err += text; });
		child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`${code}: ${err}\n${out}`))));
	});
}

async function play(name, n, interpreter = process.env.APPSYNC_LUA) {
	const folder = path.join(ROOT, 'examples/posts');
	const server = await start({
		schemaFile: path.join(folder, 'schema.graphql'), resolversFile: path.join(folder, 'resolvers.lua'), args: ['--control', '0'],
	});
	const recording = await recorder.start(server);
	const store = temporary('offline.db', '').replace(/\.db$/, '-own.db');
	try {
		const words = [name, recording.endpoint, API_KEY, server.control.url, recording.sent, store, n];
		const text = await program(words, interpreter);
		return text.split('\n').slice(0, -1).map((line) => JSON.parse(line));
	} finally {
		await recording.stop();
		await server.stop();
	}
}

module.exports = { play };

if (require.main === module) {
	const { names } = require('../aws_appsync_offline');
	const wanted = process.argv.slice(2);
	for (const name of names) {
		if (wanted.length > 0 && !wanted.includes(name)) continue;
		test(name, async () => {
			for (const event of await play(name, Number(process.env.N) || 100)) console.log(JSON.stringify({ scenario: name, ...event }));
		});
	}
}
