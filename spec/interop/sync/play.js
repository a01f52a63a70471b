// Plays a schedule with one or several clients on one server: what each has in the end.
// usage: [N=40] [SEED=1] node spec/interop/sync/play.js [ours]   prints what aws-appsync (or lua-appsync) has, as JSON
'use strict';

const { isDeepStrictEqual } = require('node:util');
const { setTimeout: sleep } = require('node:timers/promises');
const { schedule } = require('./schedule');
const { Service, byId } = require('./posts');

const SETTLE_MS = 15000;

/** What differs between two maps of posts, for people. */
function difference(there, here) {
	const ids = [...new Set([...Object.keys(there), ...Object.keys(here)])];
	return ids.filter((id) => !isDeepStrictEqual(there[id], here[id]))
		.map((id) => `${id}: ${JSON.stringify(here[id])}, the service has ${JSON.stringify(there[id])}`);
}

/** Waits until a client has what the service has: nothing, or how the two differ after SETTLE_MS. */
async function settle(service, client) {
	const there = byId(await service.posts());
	const deadline = Date.now() + SETTLE_MS;
	for (;;) {
		const posts = await client.posts();
		const differs = posts ? difference(there, byId(posts)) : ['there is no list'];
		if (differs.length === 0) return undefined;
		if (Date.now() > deadline) return differs;
		await sleep(10);
	}
}

/** One step; where it is one to settle, what each client lacks. */
async function run(step, service, clients) {
	const each = (fn) => Promise.all(clients.map(fn));
	if (step.write) await service.write(step);
	else if (step.online !== undefined) await each((client) => client.network(step.online));
	else if (step.disconnect) await service.server.control.disconnect(1001);
	else if (step.restart) {
		let writes;
		const meanwhile = () => {
			writes = writes || (async () => { for (const write of step.meanwhile) await service.write(write); })();
			return writes;
		};
		await each((client) => client.restart(meanwhile));
	} else return each((client) => settle(service, client));
	return undefined;
}

async function playOnce(seed, n, make, options) {
	const { before, steps, ids } = schedule(seed, n, options);
	const service = await Service.start();
	const clients = make.map((one) => one(service));
	const unsettled = [];
	try {
		for (const write of before) await service.write(write);
		await Promise.all(clients.map((client) => client.start()));
		for (const [i, step] of steps.entries()) {
			const found = (await run(step, service, clients)) || [];
			found.forEach((differs, c) => { if (differs) unsettled.push([i, clients[c].constructor.name, differs]); });
		}
		const dumps = await Promise.all(clients.map((client) => client.dump(ids)));
		return { service: await service.posts(), dumps, unsettled, steps };
	} finally {
		await Promise.all(clients.map((client) => client.stop()));
		await service.stop();
	}
}

const TIMES = 3;

/** {service: posts, dumps, unsettled: [[step, client, differences]]}. `make`: functions that give a client for a service. What
 * aws-appsync alone can't go on with is played once more. */
async function play(seed, n, make, options = {}) {
	for (let left = TIMES - 1; ; left--) {
		try {
			return await playOnce(seed, n, make, options);
		} catch (error) {
			if (!error.isOfPeer || left === 0) throw error;
			console.log(`    SEED=${seed} once more: ${error.message}`);
		}
	}
}

module.exports = { play, settle };

if (require.main === module) {
	const { test } = require('../support/harness');
	const { Theirs } = require('./theirs');
	const { Ours } = require('./ours');
	const Client = process.argv[2] === 'ours' ? Ours : Theirs;
	const seed = Number(process.env.SEED) || 1;
	test(`seed ${seed}`, async () => {
		const { dumps: [dump], unsettled } = await play(seed, Number(process.env.N) || 40, [(service) => new Client(service)]);
		console.log(JSON.stringify(dump, null, 2));
		if (unsettled.length > 0) throw new Error(JSON.stringify(unsettled, null, 2));
	});
}
