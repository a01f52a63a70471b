// Peer of an enqueue: DataStore of aws-amplify, as spec/interop drives it, without a network and with its records in memory. It
// takes the longer for each save the more wait. Environment: N (1000), NODE_PATH with the packages of spec/interop.
'use strict';

const { scenario } = require('../../spec/interop/support/datastore');
const { version } = require('aws-amplify/package.json');

const n = Number(process.env.N) || 1000;

const seconds = ({ user, system }) => (user + system) / 1e6;

scenario('saves wait for the network', { conflicts: ['automerge'] }, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	await client.goOffline();
	await DataStore.save(new Todo({ name: 'first', priority: 0 }));
	const began = process.hrtime.bigint();
	const before = process.cpuUsage();
	for (let i = 1; i <= n; i++) await DataStore.save(new Todo({ name: `todo ${i}`, description: `user${i % 100}`, priority: i }));
	const cpu = process.cpuUsage(before);
	const wall = Number(process.hrtime.bigint() - began) / 1e9;
	const stored = await DataStore.query(Todo);
	console.log(JSON.stringify({
		workload: 'w10-enqueue', peer: `DataStore of aws-amplify ${version}, save, in memory, ${n} of them`, version, n, wall_s: wall,
		cpu_s: seconds(cpu), unit: 'saves/s', ok: stored.length === n + 1 && client.problems.length === 0,
	}));
});
