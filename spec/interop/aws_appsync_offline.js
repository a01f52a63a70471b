// What aws-appsync 4 does with mutations that were made offline, against examples/posts: each scenario gives a list of
// events. Ids are named in the order that they turn up, so that two runs give the same.
// usage: [N=100] node spec/interop/aws_appsync_offline.js [SCENARIO…]   prints each event as a line of JSON, which other
// programs read, and `N passed, N failed` last. offline_test.js holds them to the record, aws_appsync_offline.json.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { test, within } = require('./support/harness');
const { start, ROOT, API_KEY } = require('./support/server');
const { requests, plainFetch } = require('./support/environment');
const legacy = require('./support/legacy');
const { buildMutation } = require('aws-appsync');
const gql = require('graphql-tag');

const FIELDS = 'id title author content ups downs version';
const CREATE = gql(`mutation Create($input: CreatePostInput!) { createPost(input: $input) { ${FIELDS} } }`);
const UPDATE = gql(`mutation Update($input: UpdatePostInput!) { updatePost(input: $input) { ${FIELDS} } }`);
const DELETE = gql('mutation Delete($input: DeletePostInput!) { deletePost(input: $input) { id version } }');
const LIST = gql(`query List { listPosts { ${FIELDS} } }`);
const INPUT = gql('input In { id: ID! expectedVersion: Int }');

const RECORDING = path.join(__dirname, 'aws_appsync_offline.json');
const TYPE = 'Post';
const N = Number(process.env.N) || 100; // many
const REPLAY_MS = 90000; // for everything that is replayed

/** Names for ids: of those that the client makes, which it tells, and of the server's. */
function namer() {
	const names = new Map();
	return {
		temporary: (id) => names.set(id, `temporary ${names.size + 1}`),
		apply: (value) => JSON.parse(JSON.stringify(value === undefined ? null : value), (_, item) => {
			if (typeof item !== 'string' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(item)) return item;
			if (!names.has(item)) names.set(item, `id ${names.size + 1}`);
			return names.get(item);
		}),
	};
}

// aws-appsync queues a mutation by setImmediate, and on a busy machine a timer can come before that.
const turn = (ms) => new Promise((resolve) => { setTimeout(() => setImmediate(resolve), ms); });

/** [[item, how often in a row], …] */
function runs(items) {
	const list = [];
	for (const item of items) {
		const last = list[list.length - 1];
		if (last && JSON.stringify(last[0]) === JSON.stringify(item)) last[1]++;
		else list.push([item, 1]);
	}
	return list;
}

/** A client that has read the list, and what was seen of it. */
class Play {
	static async begin(options = {}) {
		const folder = path.join(ROOT, 'examples/posts');
		const self = new Play();
		globalThis.window.switchNetwork(true); // whatever a scenario has left that failed
		self.server = await start({
			schemaFile: path.join(folder, 'schema.graphql'), resolversFile: path.join(folder, 'resolvers.lua'),
			args: ['--control', '0'],
		});
		self.events = [];
		self.told = 0;
		self.names = namer();
		self.client = await legacy.client(self.server, { ...options, callback: (error, success) => self.hear(error, success) });
		await self.client.query({ query: LIST, fetchPolicy: 'network-only' });
		return self;
	}

	note(event, about) {
		this.events.push({ event, ...this.names.apply(about) });
	}

	hear(error, success) {
		this.told++;
		if (this.watchesIds) this.idsMap();
		if (success) {
			const { data, variables, mutation, notified } = success;
			this.note('callback', { success: { mutation, variables, notified, data: data[mutation] }, keys: Object.keys(success).sort() });
		} else {
			const { error: { message }, mutation, notified } = error;
			this.note('callback', { error: { mutation, notified, message: message.replace(/127\.0\.0\.1:\d+/, 'HOST') },
				keys: Object.keys(error).sort() });
		}
	}

	/** The options of a mutation; the id of its optimistic response. */
	build(mutation, input) {
		const made = buildMutation(this.client, mutation, { inputType: INPUT, variables: { input } }, [{ query: LIST }], TYPE);
		if (mutation === CREATE) delete made.variables.input.expectedVersion;
		const [optimistic] = Object.values(made.optimisticResponse).filter((value) => value.id);
		if (!input.id) this.names.temporary(optimistic.id);
		return { made, id: optimistic.id };
	}

	/** Mutates, and notes what comes of it and what the list is then; the id of the optimistic response. The next one is made
	 * in a later turn, as a user does it: see the scenario of the same turn. */
	async mutate(mutation, input) {
		const { made, id } = this.build(mutation, input);
		let data;
		const sent = await requests(async () => { ({ data } = await within(10000, this.client.mutate(made), 'the answer')); });
		this.note('answered', { data, sent: sent.length });
		this.list();
		await turn(5);
		return id;
	}

	create(title, more) {
		return this.mutate(CREATE, { title, author: 'a', content: 'c', ups: 0, downs: 0, ...more });
	}

	update(id, title) {
		return this.mutate(UPDATE, { id, title, author: 'a', content: 'c', ups: 0, downs: 0 });
	}

	remove(id) {
		return this.mutate(DELETE, { id });
	}

	/** Somebody else's change. */
	async beside(mutation, input) {
		const body = JSON.stringify({ query: mutation.loc.source.body, variables: { input } });
		const headers = { 'content-type': 'application/json', 'x-api-key': API_KEY };
		const { errors } = await (await plainFetch(this.server.endpoint, { method: 'POST', headers, body })).json();
		if (errors) throw new Error(JSON.stringify(errors));
	}

	list() {
		const { listPosts } = this.client.readQuery({ query: LIST });
		this.note('list', { posts: listPosts.map(({ id, title, version }) => ({ id, title, version })) });
	}

	idsMap() {
		this.note('ids', { map: Object.entries(this.client.cache.getIdsMap()) });
	}

	offline() { return legacy.network(false, this.client); }

	/** Comes back, and waits until `n` mutations have ended; notes what was sent and in which order the server had it. */
	async online(n) {
		const { length } = await this.server.control.log({ on: 'request', kind: 'mutation' });
		const before = this.told;
		const began = performance.now();
		const sent = await requests(async () => {
			await legacy.network(true, this.client);
			await within(REPLAY_MS, this.replayed(before + n), `${n} callbacks and an empty outbox`);
		});
		const took = performance.now() - began;
		for (const [request, times] of runs(sent.map(({ operationName, variables }) => ({ operation: operationName, variables })))) {
			this.note('sent', { ...request, times });
		}
		const log = (await this.server.control.log({ on: 'request', kind: 'mutation' })).slice(length);
		this.note('server', {
			order: runs(log.map(({ fields, status }) => `${fields.join(' ')} ${status}`)),
			serial: log.every((entry, i) => i === 0 || entry.at * 1000 >= log[i - 1].at * 1000 + log[i - 1].duration_ms - 2),
		});
		this.list();
		return took;
	}

	/** `n` callbacks were called, and nothing is queued. */
	replayed(n) {
		return new Promise((resolve) => {
			const isDone = () => this.told >= n && this.client.cache.store.getState().offline.outbox.length === 0;
			const look = () => (isDone() ? resolve() : setImmediate(look));
			look();
		});
	}

	async end() {
		await this.server.stop();
		return this.events;
	}
}

// The client's delays between two attempts double from 0.1 s to 205 s, in its queue and once more in the retry link below
// it: they pass a thousand times as fast. The scenarios' own are shorter, and the harness has its own clock.
async function hurried(during) {
	const { setTimeout: real } = globalThis;
	globalThis.setTimeout = (fn, ms, ...rest) => real(fn, ms >= 100 ? ms / 1000 : ms, ...rest);
	try {
		await during();
	} finally {
		globalThis.setTimeout = real;
	}
}

const later = { fault: { delay: 30 }, match: { kind: 'mutation' } };

const scenarios = {
	async 'an offline mutation is answered at once'() {
		const play = await Play.begin();
		await play.offline();
		await play.create('offline', { id: 'one' });
		await play.online(1);
		return play.end();
	},

	async 'mutations are sent one after the other'() {
		const play = await Play.begin();
		await play.server.control.play(later);
		await play.offline();
		for (const title of ['a', 'b', 'c']) await play.create(title, { id: title });
		await play.update('a', 'a2');
		await play.update('b', 'b2');
		await play.online(5);
		return play.end();
	},

	async 'ids that the server makes replace those of the client'() {
		const play = await Play.begin();
		play.watchesIds = true;
		await play.offline();
		const id = await play.create('new');
		const other = await play.create('other');
		await play.update(id, 'changed');
		await play.remove(other);
		play.idsMap();
		await play.online(4);
		play.idsMap();
		return play.end();
	},

	async 'mutations of one turn leave their optimistic records in the list'() {
		const play = await Play.begin();
		await play.offline();
		for (const title of ['a', 'b']) {
			const { made } = play.build(CREATE, { title, author: 'a', content: 'c', ups: 0, downs: 0 });
			await play.client.mutate(made);
		}
		await play.online(2);
		return play.end();
	},

	async 'buildMutation adds to lists, changes in them and removes from them'() {
		const play = await Play.begin();
		for (const id of ['one', 'two', 'three']) await play.beside(CREATE, { id, title: id, author: 'a', content: 'c', ups: 0, downs: 0 });
		await play.client.query({ query: LIST, fetchPolicy: 'network-only' });
		await play.offline();
		await play.create('four', { id: 'four' });
		await play.update('two', 'changed');
		await play.remove('one');
		await play.online(3);
		return play.end();
	},

	async 'a conflict is resolved in as many rounds as it takes'() {
		const rounds = [];
		const play = await Play.begin({
			conflictResolver: ({ data, variables, retries, mutationName }) => {
				rounds.push({ mutationName, retries, version: data.version, expected: variables.input.expectedVersion });
				// The first resolution is stale again.
				return { input: { ...variables.input, expectedVersion: retries === 1 ? 1 : data.version } };
			},
		});
		await play.create('mine', { id: 'one' });
		await play.offline();
		await play.beside(UPDATE, { id: 'one', title: 'theirs' });
		await play.update('one', 'mine again');
		await play.online(1);
		for (const round of rounds) play.note('resolver', round);
		return play.end();
	},

	async 'a conflict that is discarded is dropped after as many attempts as a failure'() {
		const play = await Play.begin({ conflictResolver: () => 'DISCARD' });
		await play.create('mine', { id: 'one' });
		await play.offline();
		await play.beside(UPDATE, { id: 'one', title: 'theirs' });
		await play.update('one', 'mine again');
		await play.create('next', { id: 'two' });
		await hurried(() => play.online(2));
		return play.end();
	},

	async 'a resolver that never succeeds is asked ten times in each attempt'() {
		let rounds = 0;
		const play = await Play.begin({ conflictResolver: ({ variables }) => { rounds++; return variables; } });
		await play.create('mine', { id: 'one' });
		await play.offline();
		await play.beside(UPDATE, { id: 'one', title: 'theirs' });
		await play.update('one', 'mine again');
		await hurried(() => play.online(1));
		play.note('resolver', { rounds });
		return play.end();
	},

	async 'a mutation that is refused while it is replayed is dropped'() {
		const play = await Play.begin();
		await play.offline();
		await play.create('refused', { id: 'one' });
		await play.update('one', 'of the refused');
		await play.create('next', { id: 'two' });
		await play.server.control.play({ match: { operation: 'Create', times: 1 }, fault: { error: { type: 'Refused', message: 'refused' } } });
		await play.online(3);
		return play.end();
	},

	async 'a mutation that fails again and again is dropped'() {
		const play = await Play.begin();
		await play.offline();
		await play.create('failing', { id: 'one' });
		await play.remove('one');
		await play.server.control.play({ match: { operation: 'Create' }, fault: { refuse: { status: 500, message: 'failed' } } });
		await hurried(() => play.online(2));
		return play.end();
	},

	async 'a mutation whose answer is lost is sent again'() {
		const play = await Play.begin();
		await play.offline();
		await play.create('twice');
		await play.server.control.play({ match: { operation: 'Create', times: 1 }, fault: { lose_answer: 'reset' } });
		await hurried(() => play.online(1));
		const effects = await play.server.control.effects();
		play.note('effects', { createPost: effects.createPost.count });
		return play.end();
	},

	async 'a mutation whose answer is lost makes a post whose id is the client\'s'() {
		const play = await Play.begin();
		await play.offline();
		await play.create('twice', { id: '5c1b2f3e-8d47-4a90-b6c2-0e9f7a31d854' });
		await play.server.control.play({ match: { operation: 'Create', times: 1 }, fault: { lose_answer: 'reset' } });
		await hurried(() => play.online(1));
		const effects = await play.server.control.effects();
		play.note('effects', { createPost: effects.createPost.count });
		return play.end();
	},

	async 'many creates are replayed'(n = N) {
		const play = await Play.begin();
		await play.offline();
		const began = performance.now();
		for (let i = 1; i <= n; i++) {
			const { made } = play.build(CREATE, { id: `${i}`, title: `${i}`, author: 'a', content: 'c', ups: 0, downs: 0 });
			await play.client.mutate(made);
		}
		const enqueued = performance.now() - began;
		const before = process.cpuUsage();
		const took = await play.online(n);
		const { user, system } = process.cpuUsage(before);
		const { serial } = play.events.find(({ event }) => event === 'server');
		const { posts } = play.events[play.events.length - 1];
		play.events = [];
		play.note('replayed', { n, serial, listed: posts.length, timing: { enqueue_ms: enqueued, replay_ms: took, replay_cpu_ms: (user + system) / 1000 } });
		return play.end();
	},
};

/** The scenario's events without what differs between two runs; many are few. */
async function record(name) {
	return (await scenarios[name](20)).map(({ timing, ...event }) => event);
}

/** {name: events}: what offline_test.js holds aws-appsync to. */
const recording = () => JSON.parse(fs.readFileSync(RECORDING));

module.exports = { scenarios, names: Object.keys(scenarios), record, recording, RECORDING };

if (require.main === module) {
	const wanted = process.argv.slice(2);
	for (const [name, scenario] of Object.entries(scenarios)) {
		if (wanted.length > 0 && !wanted.includes(name)) continue;
		test(name, async () => {
			for (const event of await scenario()) console.log(JSON.stringify({ scenario: name, ...event }));
		});
	}
}
