// Peer of the replay: aws-appsync 4 with the mutations of spec/interop/aws_appsync_offline.js, against a server of the same
// kind, which it starts. Environment: N (100), NODE_PATH with the packages of spec/interop.
'use strict';

const { test } = require('../../spec/interop/support/harness');
const { scenarios } = require('../../spec/interop/aws_appsync_offline');
const { version } = require('aws-appsync/package.json');

const n = Number(process.env.N) || 100;

test('many creates are replayed', async () => {
	const events = await scenarios['many creates are replayed'](n);
	const { timing, ...replayed } = events.find(({ event }) => event === 'replayed');
	console.log(JSON.stringify({
		workload: 'w10-replay', peer: `FLOOR aws-appsync ${version}, ${n} creates`, version, n, wall_s: timing.replay_ms / 1000,
		cpu_s: timing.replay_cpu_ms / 1000, unit: 'mutations/s', ok: replayed.serial && replayed.listed === n,
	}));
});
