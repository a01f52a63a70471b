// DataStore of aws-amplify 6 against versioned models: its start, records that come and go, kinds of values, keys.
'use strict';

const assert = require('node:assert/strict');
const { scenario } = require('./support/datastore');
const { exchanges, received } = require('./support/environment');
const { within } = require('./support/harness');
const { collect } = require('./support/collect');

const FIELDS = 'id name description done priority tags';

const named = (name) => (list) => list.some((todo) => todo.name === name);
const names = (list) => list.map((todo) => todo.name).sort();

scenario('a client starts with the records that are there, without the deleted ones', {}, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	const kept = await todos.create({ name: 'already there', priority: 3, tags: ['a', 'b'] });
	const gone = await todos.create({ name: 'already gone' });
	const tombstone = await todos.delete({ id: gone.id, _version: 1 });
	const client = world.device();
	const sent = await exchanges(() => client.start());

	const { answer, variables } = sent.find(({ query }) => query.includes('syncTodos'));
	assert.deepEqual(variables, { limit: 1000, nextToken: null, lastSync: 0, filter: null });
	const page = answer.data.syncTodos;
	assert.deepEqual(Object.keys(page), ['items', 'nextToken', 'startedAt']);
	assert.equal(page.nextToken, null);
	assert.ok(Number.isInteger(page.startedAt) && page.startedAt >= tombstone._lastChangedAt);
	assert.deepEqual(page.items, [kept, tombstone]);
	assert.deepEqual(Object.keys(page.items[0]), ['id', 'name', 'description', 'done', 'priority', 'tags', 'createdAt', 'updatedAt',
		'_version', '_lastChangedAt', '_deleted']);

	const stored = await client.DataStore.query(client.models.Todo);
	assert.deepEqual(stored.map((todo) => ({ ...todo })), [kept]);
	const synced = client.events.find(({ event, data }) => event === 'modelSynced' && data.model === client.models.Todo).data;
	assert.deepEqual([synced.isFullSync, synced.isDeltaSync, synced.counts.new], [true, false, 1]);
});

scenario('a record is saved, changed and deleted, and its observers follow', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	const observed = collect(DataStore.observe(Todo));
	const listed = collect(DataStore.observeQuery(Todo, (todo) => todo.priority.gt(0)));
	const until = async (fits) => {
		for (;;) {
			const { items, isSynced } = await listed.next();
			if (isSynced && fits(items)) return;
		}
	};

	const saved = await client.sent(() => DataStore.save(new Todo({ name: 'mine', priority: 1, tags: ['x'] })));
	await until((items) => items.length === 1 && items[0]._version === 1);
	const { opType, element } = await observed.next();
	assert.deepEqual([opType, element.id, element.name], ['INSERT', saved.id, 'mine']);
	const todos = world.remote.of('Todo', FIELDS);
	const created = await todos.get(saved.id);
	assert.deepEqual([created.name, created.priority, created.tags, created._version], ['mine', 1, ['x'], 1]);
	assert.deepEqual({ ...await DataStore.query(Todo, saved.id) }, created);

	const sent = await exchanges(() => client.change(Todo, saved.id, (todo) => { todo.name = 'mine, changed'; }));
	assert.deepEqual(sent[0].variables, { input: { id: saved.id, name: 'mine, changed', _version: 1 }, condition: null });
	const updated = await todos.get(saved.id);
	assert.deepEqual(sent[0].answer, { data: { updateTodo: updated } });
	assert.deepEqual([updated.name, updated._version], ['mine, changed', 2]);
	await until((items) => items.length === 1 && items[0].name === 'mine, changed' && items[0]._version === 2);

	await client.sent(async () => DataStore.delete(await DataStore.query(Todo, saved.id)));
	await until((items) => items.length === 0);
	const tombstone = await todos.get(saved.id);
	assert.deepEqual([tombstone._deleted, tombstone._version, tombstone.name], [true, 3, 'mine, changed']);
	assert.deepEqual(await DataStore.query(Todo), []);
	assert.equal(observed.all[observed.all.length - 1].opType, 'DELETE');
	assert.deepEqual(client.problems, []);
	observed.close();
	listed.close();
});

scenario('what another client does arrives', {}, async (world) => {
	const client = await world.client();
	const { Todo } = client.models;
	const todos = world.remote.of('Todo', FIELDS);
	const created = await todos.create({ name: 'theirs' });
	assert.deepEqual({ ...await client.one(Todo, created.id, (todo) => todo) }, created);
	const updated = await todos.update({ id: created.id, name: 'theirs, changed', _version: 1 });
	assert.deepEqual({ ...await client.one(Todo, created.id, (todo) => todo.name === 'theirs, changed') }, updated);
	await todos.delete({ id: created.id, _version: 2 });
	await client.one(Todo, created.id, (todo) => !todo);
});

scenario('two clients hear of each other', {}, async (world) => {
	const one = await world.client();
	const other = await world.client();
	const { id } = await one.sent(() => one.DataStore.save(new one.models.Todo({ name: 'shared' })));
	const theirs = await other.one(other.models.Todo, id, (todo) => todo);
	assert.equal(theirs._version, 1);
	await other.change(other.models.Todo, id, (todo) => { todo.tags = ['from', 'the other']; });
	const mine = await one.one(one.models.Todo, id, (todo) => todo._version === 2);
	assert.deepEqual(mine.tags, ['from', 'the other']);
	await one.sent(() => one.DataStore.delete(mine));
	await other.one(other.models.Todo, id, (todo) => !todo);
});

scenario('an event that lacks what a client needs is passed over', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	const event = received('data');
	await world.remote.ask('mutation M { createTodo(input: {name: "meagre"}) { id _version _lastChangedAt _deleted } }');
	const [{ payload }] = await within(10000, event, 'the event');
	assert.deepEqual(payload.data, { onCreateTodo: null });
	assert.match(payload.errors[0].message, /^Cannot return null for non-nullable type: 'String' within parent 'Todo'/);
	await world.remote.of('Todo', FIELDS).create({ name: 'complete' });
	await client.stored(Todo, (list) => list.length > 0);
	assert.deepEqual(names(await DataStore.query(Todo)), ['complete']);
	await client.stop();
	await client.start();
	assert.deepEqual(names(await DataStore.query(Todo)), ['complete', 'meagre']);
	assert.deepEqual(client.problems, []);
});

const VALUES = {
	colour: 'GREEN', colours: ['RED', null, 'GREEN'], words: ['a', ''], numbers: [1, null, -3], float: 0.25,
	json: { list: [1, { deep: null }], text: 'ü' }, at: '2026-01-31T12:00:00.500Z', on: '2026-01-31', time: '12:30:15.25',
	stamp: 1769860800, url: 'https://example.com/a?b=c', email: 'a@example.com', phone: '+12025550123', ip: '192.0.2.1',
	place: { name: 'here', point: { x: 1.5, y: null }, colours: ['RED'] },
	places: [{ name: 'one', point: null, colours: null }, { name: 'two', point: { x: 0, y: 2 }, colours: [] }],
};

scenario('every kind of value survives the way there and back', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Sample } } = client;
	const { id } = await client.sent(() => DataStore.save(new Sample(VALUES)));
	assert.deepEqual(client.problems, []);
	const other = await world.client();
	const read = async (one) => JSON.parse(JSON.stringify(await one.DataStore.query(one.models.Sample, id)));
	const mine = await read(client);
	const theirs = await read(other);
	assert.deepEqual(mine, theirs);
	for (const [name, value] of Object.entries(VALUES)) assert.deepEqual(theirs[name], value, name);
	await client.change(Sample, id, (sample) => {
		sample.place.point.x = 2;
		sample.words.push('b');
		sample.json = { now: true };
		sample.colours = null;
	});
	assert.deepEqual(client.problems, []);
	const changed = await other.one(other.models.Sample, id, (sample) => sample._version === 2);
	assert.deepEqual([changed.place.point.x, changed.place.name, changed.words, changed.json, changed.colours],
		[2, 'here', ['a', '', 'b'], { now: true }, null]);
});

scenario('keys of one\'s own name records, one field or several', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Country, Reading } } = client;
	await client.sent(() => DataStore.save(new Country({ code: 'FI', name: 'Finland' })));
	const country = await DataStore.query(Country, 'FI');
	assert.equal(country._version, 1);
	const key = { sensor: 'roof', day: '2026-01-31', number: 7 };
	await client.sent(() => DataStore.save(new Reading({ ...key, value: 1.5 })));
	const reading = await DataStore.query(Reading, key);
	await client.sent(() => DataStore.save(Reading.copyOf(reading, (draft) => { draft.value = 2.5; })));
	await client.sent(() => DataStore.save(Country.copyOf(country, (draft) => { draft.name = 'Suomi'; })));

	const other = await world.client();
	assert.equal((await other.DataStore.query(other.models.Country, 'FI')).name, 'Suomi');
	const theirs = await other.DataStore.query(other.models.Reading, key);
	assert.deepEqual([theirs.value, theirs._version], [2.5, 2]);
	await other.sent(() => other.DataStore.save(other.models.Reading.copyOf(theirs, (draft) => { draft.note = 'checked'; })));
	await client.stored(Reading, ([one]) => one.note === 'checked');
	await other.sent(() => other.DataStore.delete(other.models.Reading, key));
	await client.stored(Reading, (list) => list.length === 0);
	await client.sent(() => DataStore.delete(Country, 'FI'));
	await other.stored(other.models.Country, (list) => list.length === 0);
	assert.deepEqual([...client.problems, ...other.problems], []);
});

scenario('the sort fields of an index are written together', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Task } } = client;
	const { id } = await client.sent(() => DataStore.save(new Task({ list: 'home', state: 'open', due: '2026-01-31', title: 'wash' })));
	const sent = await exchanges(() => client.change(Task, id, (task) => { task.state = 'done'; }));
	assert.deepEqual(sent[0].variables.input, { id, state: 'done', due: '2026-01-31', _version: 1 });
	const { items } = await world.remote.ask(
		'{ tasksByList(list: "home", stateDue: { beginsWith: { state: "done" } }) { items { id title state } } }');
	assert.deepEqual(items, [{ id, title: 'wash', state: 'done' }]);
	assert.deepEqual(client.problems, []);
});

scenario('a condition that doesn\'t hold is told, and what the server has is stored', {}, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	const { id } = await todos.create({ name: 'conditional', done: false });
	const conflictHandler = ({ modelConstructor, localModel, remoteModel }) => (
		modelConstructor.copyOf(remoteModel, (todo) => { todo.priority = localModel.priority; }));
	const client = await world.client({ conflictHandler });
	const { DataStore, models: { Todo } } = client;
	await client.goOffline();
	const known = await DataStore.query(Todo, id);
	await DataStore.save(Todo.copyOf(known, (todo) => { todo.priority = 1; }), (todo) => todo.done.eq(false));
	await todos.update({ id, done: true, _version: 1 });
	const problem = await client.problem(() => client.goOnline());
	assert.match(problem.cause.errorType, /ConditionalCheckFailedException$/);
	assert.deepEqual([problem.process, problem.remoteModel.done, problem.remoteModel._version], ['mutate', true, 2]);
	const stored = await client.one(Todo, id, (todo) => todo.done);
	assert.deepEqual([stored.priority, stored._version], [null, 2]);
});

scenario('a key that is taken is told, and what the server has is stored', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Country } } = client;
	await client.goOffline();
	await DataStore.save(new Country({ code: 'SE', name: 'Sweden' }));
	await world.remote.of('Country', 'code name').create({ code: 'SE', name: 'Sverige' });
	const problem = await client.problem(() => client.goOnline());
	assert.match(problem.cause.errorType, /ConditionalCheckFailedException$/);
	await client.stored(Country, ([country]) => country.name === 'Sverige' && country._version === 1);
});

scenario('a record that is refused goes from the outbox', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	await world.control.play({ match: { kind: 'mutation', times: 1 },
		fault: { error: { message: 'no', type: 'BadRequestException' } } });
	const problem = await client.problem(() => DataStore.save(new Todo({ name: 'refused' })));
	assert.deepEqual([problem.message, problem.process, problem.cause.errorType], ['no', 'mutate', 'BadRequestException']);
	await client.sent(() => DataStore.save(new Todo({ name: 'accepted' })));
	const other = await world.client();
	assert.deepEqual(names(await other.DataStore.query(other.models.Todo)), ['accepted']);
	assert.ok(named('refused')(await DataStore.query(Todo)));
});
