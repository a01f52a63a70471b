// DataStore of aws-amplify 6: what it asks a server of versioned models for when it starts, and what it subscribes to.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { scenario } = require('./support/datastore');
const { exchanges, received } = require('./support/environment');
const { within } = require('./support/harness');
const { temporary } = require('./support/server');
const { random } = require('./differential/random');

const FIELDS = 'id name description done priority tags';

const names = (list) => list.map(({ name }) => name).sort();

// The sync queries of todos among the requests.
const ofTodos = (sent) => sent.filter(({ query }) => query.includes('syncTodos')).map(({ variables, answer }) => (
	{ ...variables, ...answer.data.syncTodos }));

const synced = (client) => client.events.filter(({ event, data }) => event === 'modelSynced' && data.model === client.models.Todo)
	.map(({ data: { isFullSync, counts } }) => [isFullSync, counts.new, counts.updated, counts.deleted]);

// A client that knows three todos, and has stopped before one is changed, one is deleted, and one comes.
async function behind(world) {
	const todos = world.remote.of('Todo', FIELDS);
	const [kept, changed, deleted] = [await todos.create({ name: 'kept' }), await todos.create({ name: 'changed' }),
		await todos.create({ name: 'deleted' })];
	const client = world.device();
	const [first] = ofTodos(await exchanges(() => client.start()));
	await client.stop();
	await todos.update({ id: changed.id, name: 'really changed', _version: 1 });
	await todos.delete({ id: deleted.id, _version: 1 });
	await todos.create({ name: 'new' });
	return { client, first, kept, deleted, todos };
}

scenario('a client that starts again asks for what has changed', {}, async (world) => {
	const { client, first, deleted } = await behind(world);
	const [second] = ofTodos(await exchanges(() => client.start()));
	assert.deepEqual([first.lastSync, second.lastSync], [0, first.startedAt]);
	assert.deepEqual(names(second.items), ['deleted', 'new', 'really changed']);
	assert.deepEqual(second.items.map((todo) => todo._deleted === true), second.items.map(({ id }) => id === deleted.id));
	assert.deepEqual(names(await client.DataStore.query(client.models.Todo)), ['kept', 'new', 'really changed']);
	assert.deepEqual(synced(client), [[true, 3, 0, 0], [false, 1, 1, 1]]);
	const log = await world.control.log({ field: 'syncTodos' });
	assert.deepEqual(log.map(({ status }) => status), [200, 200]);

	await client.stop();
	const [third] = ofTodos(await exchanges(() => client.start()));
	assert.deepEqual([third.lastSync, third.items], [second.startedAt, []]);
	assert.deepEqual(client.problems, []);
});

const short = { args: ['--delta-ttl', '60', '--base-ttl', '600'] };

scenario('a client whose last synchronization is older than the journal gets everything', short, async (world) => {
	const { client, first, deleted } = await behind(world);
	await world.control.clock({ data_advance_s: 120 });
	const [second] = ofTodos(await exchanges(() => client.start()));
	assert.equal(second.lastSync, first.startedAt);
	assert.deepEqual(names(second.items), ['deleted', 'kept', 'new', 'really changed']);
	assert.equal(second.items.find(({ id }) => id === deleted.id)._deleted, true);
	assert.deepEqual(names(await client.DataStore.query(client.models.Todo)), ['kept', 'new', 'really changed']);
	assert.ok(second.startedAt >= first.startedAt + 120000);

	// What is new from then on is in the journal.
	await client.stop();
	await world.remote.of('Todo', FIELDS).create({ name: 'later' });
	const [third] = ofTodos(await exchanges(() => client.start()));
	assert.deepEqual([third.lastSync, names(third.items)], [second.startedAt, ['later']]);
});

scenario('a tombstone that is over is told to nobody', short, async (world) => {
	const { client } = await behind(world);
	await world.control.clock({ data_advance_s: 1200 });
	const [second] = ofTodos(await exchanges(() => client.start()));
	assert.deepEqual(names(second.items), ['kept', 'new', 'really changed']);
	// So a client that was away for longer keeps the record.
	assert.deepEqual(names(await client.DataStore.query(client.models.Todo)), ['deleted', 'kept', 'new', 'really changed']);
	const fresh = await world.client();
	assert.deepEqual(names(await fresh.DataStore.query(fresh.models.Todo)), ['kept', 'new', 'really changed']);
});

scenario('records come page by page', {}, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	const all = [];
	for (let i = 1; i <= 5; i++) all.push((await todos.create({ name: `todo ${i}` })).name);
	const client = world.device({ syncPageSize: 2 });
	const pages = ofTodos(await exchanges(() => client.start()));
	assert.deepEqual(pages.map(({ limit, items }) => [limit, items.length]), [[2, 2], [2, 2], [2, 1]]);
	assert.deepEqual(pages.map((page, i) => page.nextToken === null), [false, false, true]);
	assert.equal(new Set(pages.map(({ startedAt }) => startedAt)).size, 1);
	assert.deepEqual(names(await client.DataStore.query(client.models.Todo)), all);

	await client.stop();
	for (const { id } of await client.DataStore.query(client.models.Todo)) await todos.update({ id, priority: 1, _version: 1 });
	await client.stop();
	const delta = ofTodos(await exchanges(() => client.start()));
	assert.deepEqual(delta.map(({ items }) => items.length), [2, 2, 1]);
	assert.equal(new Set(delta.map(({ startedAt }) => startedAt)).size, 1);

	const few = world.device({ syncPageSize: 2, maxRecordsToSync: 3 });
	const some = ofTodos(await exchanges(() => few.start()));
	assert.deepEqual(some.map(({ limit }) => limit), [2, 1]);
	assert.equal((await few.DataStore.query(few.models.Todo)).length, 3);
});

scenario('a client synchronizes what its expressions choose', {}, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	await todos.create({ name: 'high', priority: 9, tags: ['x'] });
	await todos.create({ name: 'low', priority: 1, tags: ['x'] });
	await todos.create({ name: 'untagged', priority: 9 });
	const client = world.device();
	const { syncExpression, models: { Todo } } = client;
	const chosen = (least) => [syncExpression(Todo, () => (todo) => todo.and((both) => [
		both.priority.ge(least), both.or((one) => [one.tags.contains('x'), one.name.eq('last')]),
	]))];
	const [first] = ofTodos(await exchanges(() => client.start({ syncExpressions: chosen(5) })));
	assert.deepEqual(first.filter, { and: [{ priority: { ge: 5 } }, { or: [{ tags: { contains: 'x' } }, { name: { eq: 'last' } }] }] });
	assert.deepEqual(names(first.items), ['high']);

	const events = received('data', 2);
	await todos.create({ name: 'another low', priority: 1, tags: ['x'] });
	await todos.create({ name: 'another high', priority: 5, tags: ['w', 'x'] });
	await todos.create({ name: 'last', priority: 7 });
	const heard = (await within(10000, events, 'two events')).map(({ payload }) => payload.data.onCreateTodo.name);
	assert.deepEqual(heard, ['another high', 'last']);
	await client.stored(Todo, (list) => JSON.stringify(names(list)) === '["another high","high","last"]');

	// Other expressions: all that they choose, whenever it was written.
	await client.stop();
	const [second] = ofTodos(await exchanges(() => client.start({ syncExpressions: chosen(1) })));
	assert.equal(second.lastSync, 0);
	assert.deepEqual(names(second.items), ['another high', 'another low', 'high', 'last', 'low']);
	await client.stop();
	const [third] = ofTodos(await exchanges(() => client.start({ syncExpressions: chosen(1) })));
	assert.deepEqual([third.lastSync, third.items], [second.startedAt, []]);
	assert.deepEqual(client.problems, []);
});

scenario('an expression that no subscription can have filters at the client', {}, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	const client = world.device();
	const { syncExpression, models: { Todo } } = client;
	const syncExpressions = [syncExpression(Todo, () => (todo) => todo.not((one) => one.name.eq('unwanted')))];
	// Three subscriptions are refused and asked for again.
	client.subscriptions += 3;
	await client.start({ syncExpressions });
	await todos.create({ name: 'unwanted' });
	await todos.create({ name: 'wanted' });
	await client.stored(Todo, (list) => list.length > 0);
	assert.deepEqual(names(await client.DataStore.query(Todo)), ['wanted']);
	assert.deepEqual(client.problems, []);
});

const RECORDS = [
	{ name: 'a', priority: -1, done: true, tags: ['x', 'y'] }, { name: 'ab', priority: 0, done: false, tags: [] },
	{ name: 'b', priority: 1, done: true, tags: ['xy'] }, { name: 'cab', priority: 2, done: false, tags: ['z', null] },
	{ name: 'Ü', priority: 10, done: true, tags: ['x'] }, { name: '\u{1F600}', priority: 9, done: false, tags: ['y'] },
];
const EXPRESSIONS = [
	(todo) => todo.name.eq('ab'), (todo) => todo.name.ne('ab'), (todo) => todo.name.gt('ab'), (todo) => todo.name.le('b'),
	(todo) => todo.name.between('ab', 'c'), (todo) => todo.name.beginsWith('a'), (todo) => todo.name.contains('ab'),
	(todo) => todo.name.notContains('b'), (todo) => todo.priority.ge(1), (todo) => todo.priority.lt(2),
	(todo) => todo.priority.between(0, 9), (todo) => todo.done.eq(true), (todo) => todo.done.ne(true),
	(todo) => todo.tags.contains('x'), (todo) => todo.tags.notContains('y'),
	(todo) => todo.or((one) => [one.name.eq('a'), one.and((both) => [both.priority.gt(1), both.done.eq(false)])]),
];

scenario('expressions choose here as they choose there', { conflicts: ['automerge'] }, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	const records = [];
	for (const record of RECORDS) records.push(await todos.create(record));
	const all = await world.client();
	const client = world.device();
	const { syncExpression, models: { Todo } } = client;
	for (const expression of EXPRESSIONS) {
		const expected = names(await all.DataStore.query(all.models.Todo, expression));
		assert.ok(expected.length > 0 && expected.length < RECORDS.length, `${expression} chooses some`);
		const [{ items }] = ofTodos(await exchanges(() => client.start({ syncExpressions: [syncExpression(Todo, () => expression)] })));
		assert.deepEqual(names(items), expected, String(expression));
		const events = received('data', RECORDS.length + expected.length); // the other client hears of all
		for (const record of records) Object.assign(record, await todos.update({ id: record.id, _version: record._version }));
		const heard = (await within(10000, events, `the events of ${expression}`)).map(({ payload }) => payload.data.onUpdateTodo.name);
		assert.deepEqual(heard.sort(), [...RECORDS.map(({ name }) => name), ...expected].sort(), String(expression));
		await client.stop();
	}
	assert.deepEqual(client.problems, []);
});

scenario('pages that a filter leaves empty are followed by others', { conflicts: ['automerge'] }, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	for (let priority = 1; priority <= 5; priority++) await todos.create({ name: `todo ${priority}`, priority });
	const client = world.device({ syncPageSize: 2 });
	const { syncExpression, models: { Todo } } = client;
	const syncExpressions = [syncExpression(Todo, () => (todo) => todo.priority.ge(5))];
	const pages = ofTodos(await exchanges(() => client.start({ syncExpressions })));
	assert.deepEqual(pages.map(({ items }) => items.length), [0, 0, 1]);
	assert.deepEqual(names(await client.DataStore.query(Todo)), ['todo 5']);
});

const thousand = JSON.stringify({ Todo: Array.from({ length: 1200 }, (_, i) => ({ id: `${i}`, name: `todo ${i}` })) });

scenario('a page has a thousand records', { conflicts: ['automerge'], args: ['--seed', temporary('seed.json', thousand)] }, async (world) => {
	const client = world.device();
	const pages = ofTodos(await exchanges(() => client.start()));
	assert.deepEqual(pages.map(({ items }) => items.length), [1000, 200]);
	assert.equal((await client.DataStore.query(client.models.Todo)).length, 1200);
});

scenario('a server that starts again knows what has changed', {}, async (world) => {
	const store = temporary('store.db', '');
	fs.rmSync(store);
	await world.server.stop();
	world.args = ['--store', store];
	await world.begin();
	const { client, first } = await behind(world);
	await world.server.stop();
	await world.begin();
	client.moveTo(world.server);
	const [second] = ofTodos(await exchanges(() => client.start()));
	assert.deepEqual([second.lastSync, names(second.items)], [first.startedAt, ['deleted', 'new', 'really changed']]);
	assert.deepEqual(names(await client.DataStore.query(client.models.Todo)), ['kept', 'new', 'really changed']);
});

scenario('nothing is lost while time stands still', {}, async (world) => {
	await world.control.clock({ data_at: Date.now() / 1000 });
	const { client, first } = await behind(world);
	const [second] = ofTodos(await exchanges(() => client.start()));
	assert.deepEqual([second.lastSync, second.startedAt], [first.startedAt, first.startedAt]);
	// What was written at the time of the last synchronization may be new or known.
	assert.deepEqual([...new Set(names(second.items))], ['changed', 'deleted', 'kept', 'new', 'really changed']);
	assert.deepEqual(names(await client.DataStore.query(client.models.Todo)), ['kept', 'new', 'really changed']);
});

const SEED = Number(process.env.SEED || Date.now() % 1000000);
const ROUNDS = Number(process.env.N || 12);

// Anything that another client may do, and the time that goes by.
async function anything(rnd, world, todos, known) {
	if (rnd.chance(0.15)) await world.control.clock({ data_advance_s: rnd.pick([1, 30, 90]) });
	const live = known.filter((todo) => !todo._deleted);
	if (live.length === 0 || rnd.chance(0.4)) {
		known.push(await todos.create({ name: `todo ${known.length}`, priority: rnd.of(10) }));
		return;
	}
	const todo = rnd.pick(live);
	const { id, _version } = todo;
	Object.assign(todo, await (rnd.chance(0.3) ? todos.delete({ id, _version })
		: todos.update({ id, _version, priority: rnd.of(10), tags: rnd.some(['a', 'b', 'c'], 0.5) })));
}

scenario(`who asks for changes only has what the server has (N=${ROUNDS} SEED=${SEED})`, { args: ['--delta-ttl', '60'] },
	async (world) => {
		const rnd = random(SEED);
		const todos = world.remote.of('Todo', FIELDS);
		const known = [];
		const follower = world.device({ syncPageSize: 3 });
		const { DataStore, models: { Todo } } = follower;
		for (let round = 0; round < ROUNDS; round++) {
			for (let left = rnd.of(12); left > 0; left--) await anything(rnd, world, todos, known);
			await follower.start();
			const stored = Object.fromEntries((await DataStore.query(Todo)).map((todo) => [todo.id, { ...todo }]));
			assert.deepEqual(stored, Object.fromEntries(known.filter((todo) => !todo._deleted).map((todo) => [todo.id, todo])));
			await follower.stop();
		}
		const rounds = synced(follower).map(([isFullSync]) => isFullSync);
		assert.deepEqual(rounds, rounds.map((_, i) => i === 0));
	});

scenario('what a broken connection has missed is asked for', { conflicts: ['automerge'] }, async (world) => {
	const client = await world.client();
	const { Todo } = client.models;
	const todos = world.remote.of('Todo', FIELDS);
	const { id } = await todos.create({ name: 'before' });
	await client.one(Todo, id, (todo) => todo);
	await client.subscribed(async () => {
		await world.control.disconnect();
		await todos.update({ id, name: 'missed', _version: 1 });
	});
	await client.one(Todo, id, (todo) => todo.name === 'missed');
	await todos.update({ id, name: 'heard', _version: 2 });
	await client.one(Todo, id, (todo) => todo.name === 'heard');
});
