// Delta sync of lua-appsync beside aws-appsync 4 (client.sync, buildSync): both on one server, through the same schedule of writes,
// losses of the network and restarts. Both must have the same posts, with the same fields, in the end; the order of their lists is
// told, and not compared. docs/sync.md names what isn't the same.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('./support/harness');
const { Service, byId } = require('./sync/posts');
const { Theirs } = require('./sync/theirs');
const { Ours } = require('./sync/ours');
const { play, settle } = require('./sync/play');

const SEED = Number(process.env.SEED) || 1;
const SCHEDULES = 4;
const N = Number(process.env.N) || 40; // steps

const theirs = (service) => new Theirs(service);
const ours = (service) => new Ours(service);

const order = (posts) => posts.map(({ id }) => id.replace('post-', '')).join(' ');

for (let seed = SEED; seed < SEED + SCHEDULES; seed++) {
	test(`both have the same posts after the schedule of SEED=${seed}`, async () => {
		const { service, dumps: [there, here], unsettled } = await play(seed, N, [theirs, ours]);
		assert.deepEqual(unsettled, []);
		const posts = byId(service);
		assert.deepEqual(byId(here.posts), posts);
		assert.deepEqual(byId(there.posts), posts);
		for (const id of Object.keys(there.single)) {
			if (posts[id]) {
				assert.deepEqual(byId([here.single[id]])[id], posts[id]);
				assert.deepEqual(byId([there.single[id]])[id], posts[id]);
			} else {
				assert.equal(here.single[id] || null, null, `${id} was deleted`);
			}
		}
		console.log(`    the order of the service: ${order(service)}; aws-appsync: ${order(there.posts)}; lua-appsync: ${order(here.posts)}`);
	});
}

for (let seed = SEED; seed < SEED + SCHEDULES; seed++) {
	test(`lua-appsync has what the service has where connections break, too, after the schedule of SEED=${seed}`, async () => {
		const { service, dumps: [here], unsettled } = await play(seed, N, [ours], { disconnects: true });
		assert.deepEqual(unsettled, []);
		assert.deepEqual(byId(here.posts), byId(service));
	});
}

// What aws-appsync doesn't get over: see sync_test.js.
test('lua-appsync that goes offline before its subscription is acknowledged syncs when the network is back', async () => {
	const service = await Service.start();
	await service.write({ write: 'create', input: { id: 'one', title: 'one', author: 'a' } });
	await service.server.control.play({ match: { on: 'start', times: 1 }, fault: { lose: true } });
	const client = new Ours(service);
	await client.begin();
	while ((await service.server.control.log({ on: 'start' })).length === 0) await client.posts();
	await client.network(false);
	await client.network(true);
	assert.equal(await settle(service, client), undefined);
	await client.stop();
	await service.stop();
});
