// `appsync serve` as a process of its own, on a free port.
'use strict';

const childProcess = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { atEnd } = require('./harness');

const ROOT = path.resolve(__dirname, '../../..');
const API_KEY = 'da2-interop';
const ACCESS_KEY_ID = 'AKIDINTEROP';
const SECRET_ACCESS_KEY = 'secret/of+the/tests';

let folder;
let files = 0;

/** The path of a new file, which goes with the tests. */
function temporary(name, text) {
	if (!folder) {
		folder = fs.mkdtempSync(path.join(os.tmpdir(), 'interop-'));
		atEnd(() => fs.rmSync(folder, { recursive: true }));
	}
	files++;
	const file = path.join(folder, `${files}-${name}`);
	fs.writeFileSync(file, text);
	return file;
}

function stop(child) {
	if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
	return new Promise((resolve) => {
		child.once('exit', resolve);
		child.kill('SIGTERM');
	});
}

// The control endpoint of `--control`: rules of faults, and what really happened.
function controlOf(line) {
	const found = /control=(\S+)/.exec(line);
	if (!found) return undefined;
	const url = found[1];
	const call = async (method, route, body) => {
		const response = await fetch(url.replace(/\/$/, '') + route, { method, body: body && JSON.stringify(body) });
		const answer = await response.json();
		if (!response.ok) throw new Error(JSON.stringify(answer));
		return answer;
	};
	return {
		url: url.replace(/\/$/, ''),
		play: (...rules) => call('PUT', '/rules', rules),
		log: async (wanted) => (await call('GET', `/log?${new URLSearchParams(wanted)}`)).log,
		connections: async () => (await call('GET', '/connections')).connections,
		disconnect: (code) => call('DELETE', `/connections${code ? `?code=${code}` : ''}`),
		clock: (change) => call('POST', '/clock', change),
		effects: async () => (await call('GET', '/effects')).effects,
		forget: async () => {
			await call('DELETE', '/rules');
			await call('DELETE', '/effects');
		},
	};
}

function words({ schema, schemaFile, resolversFile, args = [] }) {
	const list = ['serve', schemaFile || temporary('schema.graphql', schema), '--api-key', API_KEY,
		'--iam', `${ACCESS_KEY_ID}:${SECRET_ACCESS_KEY}`, '--auth-default', 'API_KEY'];
	if (resolversFile) list.push('--resolvers', resolversFile);
	return list.concat(args);
}

/** {endpoint, realtime, port, stop(), control}; the server ends with the tests. `tls`: https and wss for the name localhost. */
async function start(options) {
	const args = words(options);
	if (options.tls) args.push('--tls', `${process.env.INTEROP_CERT},${process.env.INTEROP_KEY}`);
	const child = childProcess.spawn(path.join(ROOT, 'bin/appsync'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
	let log = '';
	child.stderr.on('data', (text) => { log += text; });
	atEnd(() => stop(child));
	const lines = readline.createInterface({ input: child.stdout });
	const first = await new Promise((resolve) => {
		lines.once('line', resolve);
		child.once('exit', () => resolve(null));
	});
	const ready = /^READY (\S+) (\S+)/.exec(first || '');
	if (!ready) throw new Error(`the server did not start: ${first}\n${log}`);
	// The certificate names localhost.
	const endpoint = options.tls ? ready[1].replace('127.0.0.1', 'localhost') : ready[1];
	return { endpoint, realtime: ready[2], port: new URL(endpoint).port, stop: () => stop(child), log: () => log,
		control: controlOf(first) };
}

module.exports = { start, temporary, ROOT, API_KEY, ACCESS_KEY_ID, SECRET_ACCESS_KEY };
