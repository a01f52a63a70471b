// Delta sync of aws-appsync 4 (client.sync, buildSync) against examples/delta-sync: what it has after schedules of writes, losses of
// the network and restarts, and where it stops for good. sync_beside_test.js has lua-appsync beside it.
'use strict';

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { test } = require('./support/harness');
const legacy = require('./support/legacy');
const { Service, byId } = require('./sync/posts');
const { Theirs } = require('./sync/theirs');
const { play, settle } = require('./sync/play');

const SEED = Number(process.env.SEED) || 1;
const SCHEDULES = 4;
const N = Number(process.env.N) || 40; // steps

for (let seed = SEED; seed < SEED + SCHEDULES; seed++) {
	test(`aws-appsync has what the service has after the schedule of SEED=${seed}`, async () => {
		const { service, dumps: [theirs], unsettled } = await play(seed, N, [(one) => new Theirs(one)]);
		assert.deepEqual(unsettled, []);
		const posts = byId(service);
		assert.deepEqual(byId(theirs.posts), posts);
		for (const [id, single] of Object.entries(theirs.single)) {
			if (posts[id]) assert.deepEqual(byId([single])[id], posts[id]);
		}
	});
}

/** A service with a post, and a client that has it. */
async function begun() {
	const service = await Service.start();
	await service.write({ write: 'create', input: { id: 'one', title: 'one', author: 'a' } });
	const client = new Theirs(service);
	await client.start();
	assert.equal(await settle(service, client), undefined);
	return { service, client };
}

/** Another client has seen a new post: time enough for the first one, if it does anything. */
async function later(service) {
	await service.write({ write: 'create', input: { id: 'two', title: 'two', author: 'a' } });
	const other = new Theirs(service);
	await other.start();
	assert.equal(await settle(service, other), undefined);
	other.stop();
}

test('aws-appsync that went offline before its subscription was acknowledged does not sync when the network is back', async () => {
	const service = await Service.start();
	const client = new Theirs(service);
	await service.write({ write: 'create', input: { id: 'one', title: 'one', author: 'a' } });
	await service.server.control.play({ match: { on: 'start', times: 1 }, fault: { lose: true } });
	const starts = () => service.server.control.log({ on: 'start' });
	const started = client.start().catch(() => {}); // it waits for the acknowledgement
	while ((await starts()).length === 0) await sleep(5);
	await legacy.network(false, client.client);
	await legacy.network(true, client.client);
	await later(service);
	assert.equal(await client.posts(), null);
	assert.equal((await starts()).length, 2); // the other client's is the second one
	client.stop();
	await service.stop();
	await started;
});

test('aws-appsync shows a post that was deleted where getPost is read, and not in the list', async () => {
	const { service, client } = await begun();
	await service.write({ write: 'delete', input: { id: 'one' } });
	assert.equal(await settle(service, client), undefined);
	const { posts, single } = await client.dump(['one']);
	assert.deepEqual([posts, single.one.title], [[], 'one']);
	client.stop();
	await service.stop();
});

// Found by a schedule: it stores the time of the base query and its data in two writes.
test('aws-appsync that ended between storing the time of the base query and its data has no list until the next one is due', async () => {
	const { service, client } = await begun();
	await client.stored();
	client.stop();
	for (const [key, value] of client.storage.items) {
		if (key.endsWith(':appsync')) client.storage.items.delete(key);
		else if (key.endsWith(':appsync-metadata')) client.storage.items.set(key, withoutSnapshot(value));
	}
	await client.start();
	await later(service);
	assert.equal(await client.posts(), null);
	client.stop();
	await service.stop();
});

function withoutSnapshot(text) {
	const metadata = JSON.parse(text);
	metadata.snapshot.cache = {};
	return JSON.stringify(metadata);
}
