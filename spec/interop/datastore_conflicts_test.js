// DataStore of aws-amplify 6: what was changed in two places, offline and online, and what becomes of it.
'use strict';

const assert = require('node:assert/strict');
const { scenario } = require('./support/datastore');
const { exchanges, requested } = require('./support/environment');
const { within } = require('./support/harness');
const { temporary } = require('./support/server');

const FIELDS = 'id name description done priority tags';

const mutations = (sent) => sent.filter(({ query }) => query.startsWith('mutation'));

// The remote version with what the client wants to change.
const mine = (...fields) => ({ modelConstructor, localModel, remoteModel }) => modelConstructor.copyOf(remoteModel, (draft) => {
	for (const field of fields) draft[field] = localModel[field];
});

// A client that is offline and knows a record's first version; `conflicts` are those that its handler has seen.
async function offline(world, record, handler) {
	const todos = world.remote.of('Todo', FIELDS);
	const { id } = await todos.create(record);
	const conflicts = [];
	const conflictHandler = (conflict) => {
		conflicts.push(conflict);
		return handler(conflict, client);
	};
	const client = world.device({ conflictHandler });
	await client.start();
	await client.goOffline();
	const { DataStore, models: { Todo } } = client;
	const save = async (how) => DataStore.save(Todo.copyOf(await DataStore.query(Todo, id), how));
	const settle = async () => {
		const sent = mutations(await exchanges(() => client.sent(() => client.goOnline())));
		return { sent, stored: await DataStore.query(Todo, id), kept: await todos.get(id) };
	};
	return { client, todos, id, conflicts, save, settle, Todo };
}

scenario('changes of different fields are merged', { conflicts: ['automerge'] }, async (world) => {
	const { save, todos, id, settle, conflicts } = await offline(world, { name: 'a', tags: ['one'] });
	await save((todo) => { todo.description = 'written offline'; });
	await todos.update({ id, priority: 9, _version: 1 });
	const { sent, stored, kept } = await settle();
	assert.deepEqual(sent.map(({ variables }) => variables.input), [{ id, description: 'written offline', _version: 1 }]);
	assert.deepEqual([kept.name, kept.description, kept.priority, kept._version], ['a', 'written offline', 9, 3]);
	assert.deepEqual({ ...stored }, kept);
	assert.deepEqual(conflicts, []);
});

scenario('of one field the server\'s value stays, and lists are appended', { conflicts: ['automerge'] }, async (world) => {
	const { save, todos, id, settle } = await offline(world, { name: 'a', tags: ['one'] });
	await save((todo) => {
		todo.name = 'mine';
		todo.priority = 1;
		todo.tags.push('mine');
	});
	await todos.update({ id, name: 'theirs', tags: ['one', 'theirs'], _version: 1 });
	const { stored, kept } = await settle();
	assert.deepEqual([kept.name, kept.priority, kept.tags], ['theirs', 1, ['one', 'theirs', 'one', 'mine']]);
	assert.deepEqual({ ...stored }, kept);
});

scenario('embedded objects are merged member by member', { conflicts: ['automerge'] }, async (world) => {
	const samples = world.remote.of('Sample', 'id words place { name point { x y } colours }');
	const { id } = await samples.create({ words: ['a'], place: { name: 'here', point: { x: 1 } } });
	const client = await world.client();
	const { DataStore, models: { Sample } } = client;
	await client.goOffline();
	await DataStore.save(Sample.copyOf(await DataStore.query(Sample, id), (sample) => {
		sample.place.name = 'mine';
		sample.place.point.y = 2;
		sample.place.colours = ['RED'];
	}));
	await samples.update({ id, place: { name: 'theirs', point: { x: 5 } }, _version: 1 });
	await client.sent(() => client.goOnline());
	const { place } = await samples.get(id);
	assert.deepEqual(place, { name: 'theirs', point: { x: 5, y: 2 }, colours: ['RED'] });
	assert.deepEqual(JSON.parse(JSON.stringify((await DataStore.query(Sample, id)).place)), place);
});

scenario('two clients that were offline agree in the end', { conflicts: ['automerge'] }, async (world) => {
	const [one, other] = [await world.client(), await world.client()];
	const { id } = await one.sent(() => one.DataStore.save(new one.models.Todo({ name: 'a', tags: ['known'] })));
	await other.one(other.models.Todo, id, (todo) => todo);
	const edit = async ({ DataStore, models: { Todo } }, how) => DataStore.save(Todo.copyOf(await DataStore.query(Todo, id), how));
	await one.goOffline();
	await other.goOffline();
	await edit(one, (todo) => {
		todo.description = 'of one';
		todo.tags.push('of one');
	});
	await edit(other, (todo) => {
		todo.priority = 2;
		todo.tags.push('of the other');
	});
	await one.sent(() => one.goOnline());
	await other.sent(() => other.goOnline());
	const merged = await other.DataStore.query(other.models.Todo, id);
	assert.deepEqual([merged.description, merged.priority, merged._version], ['of one', 2, 3]);
	assert.deepEqual(merged.tags, ['known', 'of one', 'known', 'of the other']);
	assert.deepEqual({ ...await one.one(one.models.Todo, id, (todo) => todo._version === 3) }, { ...merged });
});

scenario('clients that change the same records all the time agree in the end', {}, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	const ids = [];
	for (const name of ['a', 'b', 'c']) ids.push((await todos.create({ name, priority: 0 })).id);
	const conflictHandler = mine('name', 'priority');
	const clients = [await world.client({ conflictHandler }), await world.client({ conflictHandler })];
	const ROUNDS = 8;
	// One change of each client is under way at a time, and nobody waits for the other's.
	const work = async (client, which) => {
		for (let round = 1; round <= ROUNDS; round++) {
			await client.change(client.models.Todo, ids[round % ids.length], (todo) => {
				todo.priority = round;
				todo.name = `${which} ${round}`;
			});
		}
	};
	await Promise.all(clients.map(work));
	for (const client of clients) {
		await client.stop();
		await client.start();
		assert.deepEqual(client.problems, []);
	}
	let versions = 0;
	for (const id of ids) {
		const kept = await todos.get(id);
		for (const client of clients) assert.deepEqual({ ...await client.DataStore.query(client.models.Todo, id) }, kept);
		versions += kept._version;
	}
	assert.equal(versions, ids.length + ROUNDS * clients.length);
});

const HANDLER = `return { conflict_handlers = { default = function(event)
  if event.resolver.field == "deleteTodo" then return { action = event.existingItem.done and "REMOVE" or "REJECT" } end
  if event.newItem.name == "impossible" then return { action = "REJECT" } end
  local item = event.existingItem
  item.name = item.name .. ", " .. event.newItem.name
  return { action = "RESOLVE", item = item }
end } }`;
const lambda = { conflicts: ['lambda'], resolversFile: temporary('handlers.lua', HANDLER) };

scenario('a function of the server resolves', lambda, async (world) => {
	const { save, todos, id, settle, conflicts } = await offline(world, { name: 'a' }, (_, { DISCARD }) => DISCARD);
	await save((todo) => { todo.name = 'mine'; });
	await todos.update({ id, name: 'theirs', priority: 1, _version: 1 });
	const { sent, stored, kept } = await settle();
	assert.deepEqual([kept.name, kept.priority, kept._version], ['theirs, mine', 1, 3]);
	assert.deepEqual([{ ...stored }, sent.length, conflicts], [kept, 1, []]);
});

scenario('a function of the server rejects', lambda, async (world) => {
	const { save, todos, id, settle, conflicts } = await offline(world, { name: 'a' }, (_, { DISCARD }) => DISCARD);
	await save((todo) => { todo.name = 'impossible'; });
	const theirs = await todos.update({ id, name: 'theirs', _version: 1 });
	const { stored, kept } = await settle();
	assert.deepEqual([{ ...stored }, kept, conflicts.length], [theirs, theirs, 1]);
});

scenario('a function of the server removes', lambda, async (world) => {
	const { client, todos, id, settle, conflicts, Todo } = await offline(world, { name: 'a', done: true }, (_, { DISCARD }) => DISCARD);
	await client.DataStore.delete(Todo, id);
	await todos.update({ id, name: 'theirs', _version: 1 });
	const { stored, kept } = await settle();
	assert.deepEqual([stored, kept._deleted, kept._version, conflicts], [undefined, true, 3, []]);
});

scenario('the handler of conflicts sends its change of the server\'s record', { conflicts: ['optimistic'] }, async (world) => {
	const { save, todos, id, settle, conflicts, Todo } = await offline(world, { name: 'a', tags: ['one'] }, mine('name', 'tags'));
	await save((todo) => {
		todo.name = 'mine';
		todo.tags.push('mine');
	});
	const theirs = await todos.update({ id, name: 'theirs', priority: 9, _version: 1 });
	const { sent, stored, kept } = await settle();
	assert.equal(conflicts.length, 1);
	const { modelConstructor, localModel, remoteModel, operation, attempts } = conflicts[0];
	assert.deepEqual([modelConstructor, localModel.name, operation, attempts], [Todo, 'mine', 'UPDATE', 1]);
	assert.deepEqual({ ...remoteModel }, theirs);
	assert.deepEqual(sent.map(({ variables }) => variables.input._version), [1, 2]);
	assert.deepEqual(sent[0].answer.data, { updateTodo: null });
	const { data, ...error } = sent[0].answer.errors[0];
	assert.deepEqual([data.id, data._version, data._deleted], [id, 2, null]);
	assert.deepEqual(error, { path: ['updateTodo'], errorType: 'ConflictUnhandled', errorInfo: null,
		locations: [{ line: 2, column: 3, sourceName: null }], message: 'Conflict resolver rejects mutation.' });
	assert.deepEqual([kept.name, kept.tags, kept.priority, kept._version], ['mine', ['one', 'mine'], 9, 3]);
	assert.deepEqual({ ...stored }, kept);
});

scenario('the handler of conflicts gives up its change', { conflicts: ['optimistic'] }, async (world) => {
	const { save, todos, id, settle, conflicts } = await offline(world, { name: 'a' }, (_, { DISCARD }) => DISCARD);
	await save((todo) => { todo.name = 'mine'; });
	const theirs = await todos.update({ id, name: 'theirs', _version: 1 });
	const { sent, stored, kept } = await settle();
	assert.deepEqual([sent.length, conflicts.length], [1, 1]);
	assert.deepEqual([{ ...stored }, kept], [theirs, theirs]);
});

// The client's own handler sends the change as a whole record with the server's version: the fields that it doesn't have are
// null. When the model requires one of them, the record can't be made; after ten attempts the client gives up.
scenario('without a handler the change is a whole record, or given up', { conflicts: ['optimistic'] }, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	const contest = async (how) => {
		const { id } = await todos.create({ name: 'a' });
		await client.one(Todo, id, (todo) => todo);
		await client.goOffline();
		await DataStore.save(Todo.copyOf(await DataStore.query(Todo, id), how));
		await todos.update({ id, done: true, _version: 1 });
		const sent = await exchanges(() => client.sent(() => client.goOnline()));
		const kept = await todos.get(id);
		assert.deepEqual({ ...await DataStore.query(Todo, id) }, kept);
		return { attempts: mutations(sent).length, kept: [kept.name, kept.priority, kept.done, kept._version] };
	};
	assert.deepEqual(await contest((todo) => { todo.name = 'mine'; }), { attempts: 2, kept: ['mine', null, null, 3] });
	assert.deepEqual(await contest((todo) => { todo.priority = 1; }), { attempts: 11, kept: ['a', null, true, 2] });
});

scenario('a handler is asked again when the record changes once more', { conflicts: ['optimistic'] }, async (world) => {
	const { save, todos, id, settle, conflicts } = await offline(world, { name: 'a' }, async (conflict) => {
		if (conflicts.length === 1) await todos.update({ id, priority: 2, _version: 2 });
		return mine('name')(conflict);
	});
	await save((todo) => { todo.name = 'mine'; });
	await todos.update({ id, priority: 1, _version: 1 });
	const { sent, stored, kept } = await settle();
	assert.deepEqual(sent.map(({ variables }) => variables.input._version), [1, 2, 3]);
	assert.deepEqual([kept.name, kept.priority, kept._version], ['mine', 2, 4]);
	assert.deepEqual({ ...stored }, kept);
});

// A deletion can't be merged: both strategies leave it to the client's handler.
scenario('a deletion of what has changed is for the handler', {}, async (world) => {
	const { client, todos, id, settle, conflicts, Todo } = await offline(world, { name: 'a' }, ({ remoteModel }) => remoteModel);
	await client.DataStore.delete(Todo, id);
	await todos.update({ id, name: 'theirs', _version: 1 });
	const { sent, stored, kept } = await settle();
	assert.deepEqual(conflicts.map(({ operation, remoteModel }) => [operation, remoteModel.name]), [['DELETE', 'theirs']]);
	assert.deepEqual(sent.map(({ variables }) => variables.input), [{ id, _version: 1 }, { id, _version: 2 }]);
	assert.equal(stored, undefined);
	assert.deepEqual([kept._deleted, kept._version, kept.name], [true, 3, 'theirs']);
});

scenario('a record comes back when its deletion is given up', {}, async (world) => {
	const { client, todos, id, settle, Todo } = await offline(world, { name: 'a' }, (_, { DISCARD }) => DISCARD);
	await client.DataStore.delete(Todo, id);
	const theirs = await todos.update({ id, name: 'theirs', _version: 1 });
	const { stored, kept } = await settle();
	assert.deepEqual([{ ...stored }, kept], [theirs, theirs]);
});

scenario('a change of what was deleted meanwhile is lost', {}, async (world) => {
	const { save, todos, id, settle, conflicts } = await offline(world, { name: 'a' }, (_, { DISCARD }) => DISCARD);
	await save((todo) => { todo.description = 'mine'; });
	await todos.delete({ id, _version: 1 });
	const { sent, stored, kept } = await settle();
	assert.equal(sent.length, 1);
	assert.equal(stored, undefined);
	assert.equal(kept._deleted, true);
	const isOptimistic = world.conflict === 'optimistic';
	assert.deepEqual(conflicts.map(({ remoteModel }) => remoteModel._deleted), isOptimistic ? [true] : []);
	assert.deepEqual([kept.description, kept._version], isOptimistic ? [null, 2] : ['mine', 3]);
});

scenario('a deletion of what was deleted meanwhile is over', {}, async (world) => {
	const { client, todos, id, settle, conflicts, Todo } = await offline(world, { name: 'a' }, (_, { DISCARD }) => DISCARD);
	await client.DataStore.delete(Todo, id);
	await todos.delete({ id, _version: 1 });
	const { stored, kept } = await settle();
	assert.deepEqual(conflicts.map(({ operation }) => operation), ['DELETE']);
	assert.deepEqual([stored, kept._deleted, kept._version], [undefined, true, 2]);
});

scenario('several changes offline are one', {}, async (world) => {
	const { save, settle } = await offline(world, { name: 'a', tags: ['one'] });
	await save((todo) => { todo.name = 'b'; });
	await save((todo) => { todo.priority = 1; });
	await save((todo) => { todo.name = 'c'; });
	const { sent, stored, kept } = await settle();
	assert.equal(sent.length, 1);
	assert.deepEqual([kept.name, kept.priority, kept._version], ['c', 1, 2]);
	assert.deepEqual({ ...stored }, kept);
});

scenario('a record that came and went offline isn\'t told', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	await client.goOffline();
	await DataStore.delete(await DataStore.save(new Todo({ name: 'short' })));
	const { id } = await DataStore.save(new Todo({ name: 'long' }));
	await DataStore.save(Todo.copyOf(await DataStore.query(Todo, id), (todo) => { todo.priority = 1; }));
	const sent = mutations(await exchanges(() => client.sent(() => client.goOnline())));
	assert.deepEqual(sent.map(({ variables }) => variables.input), [{ id, name: 'long', priority: 1 }]);
	assert.deepEqual((await DataStore.query(Todo)).map(({ _version }) => _version), [1]);
});

scenario('a change that follows one that is under way has the version of its answer', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	const { id } = await client.sent(() => DataStore.save(new Todo({ name: 'a' })));
	await world.control.play({ match: { field: 'updateTodo', times: 1 }, fault: { delay: { ms: 100, after_effect: true } } });
	const save = async (how) => DataStore.save(Todo.copyOf(await DataStore.query(Todo, id), how));
	const sent = mutations(await exchanges(() => client.sent(async () => {
		const isUnderWay = requested(({ variables }) => variables.input && variables.input.name === 'b');
		await save((todo) => { todo.name = 'b'; });
		await within(10000, isUnderWay, 'the first change');
		await save((todo) => { todo.name = 'c'; });
	}, 2)));
	assert.deepEqual(sent.map(({ variables: { input } }) => [input.name, input._version]), [['b', 1], ['c', 2]]);
	assert.deepEqual([(await DataStore.query(Todo, id)).name, (await DataStore.query(Todo, id))._version], ['c', 3]);
});

scenario('a change goes through a broken network, once', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	await world.control.play({ match: { kind: 'mutation', times: 2 }, fault: { refuse: 'reset' } });
	const sent = await exchanges(() => client.sent(() => DataStore.save(new Todo({ name: 'through' }))));
	assert.equal(mutations(sent).length, 3);
	assert.equal((await world.control.effects()).createTodo.count, 1);
	assert.deepEqual((await DataStore.query(Todo)).map(({ _version }) => _version), [1]);
	assert.deepEqual(client.problems, []);
});

scenario('a creation whose answer is lost takes effect once', {}, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	await world.control.play({ match: { field: 'createTodo', times: 1 }, fault: { lose_answer: 'reset' } });
	const sent = mutations(await exchanges(() => client.sent(() => DataStore.save(new Todo({ name: 'once', priority: 1 })))));
	assert.equal(sent.length, 2);
	assert.match(sent[1].answer.errors[0].errorType, /ConditionalCheckFailedException$/);
	assert.equal((await world.control.effects()).createTodo.count, 1);
	assert.deepEqual((await DataStore.query(Todo)).map(({ name, _version }) => [name, _version]), [['once', 1]]);
});

scenario('an update whose answer is lost meets its own version', {}, async (world) => {
	const conflicts = [];
	const conflictHandler = (conflict) => {
		conflicts.push(conflict);
		return mine('name')(conflict);
	};
	const client = await world.client({ conflictHandler });
	const { DataStore, models: { Todo } } = client;
	const { id } = await client.sent(() => DataStore.save(new Todo({ name: 'a' })));
	await world.control.play({ match: { field: 'updateTodo', times: 1 }, fault: { lose_answer: 'reset' } });
	const stored = await client.change(Todo, id, (todo) => { todo.name = 'b'; });
	assert.deepEqual([stored.name, stored._version], ['b', 3]);
	assert.equal(conflicts.length, world.conflict === 'optimistic' ? 1 : 0);
	assert.equal((await world.control.effects()).updateTodo.count, 2);
});

// The client comes back five seconds after its connection broke.
scenario('a client lives through an outage of the server', { conflicts: ['automerge'] }, async (world) => {
	const todos = world.remote.of('Todo', FIELDS);
	const { id } = await todos.create({ name: 'a' });
	const client = await world.client();
	const { DataStore, models: { Todo } } = client;
	await client.subscribed(() => client.sent(async () => {
		await world.control.play({ match: { on: 'request', operation: 'operation' }, fault: { refuse: 'reset' } },
			{ match: { on: 'connect' }, fault: { refuse: { status: 503 } } });
		await world.control.disconnect(1001);
		const attempt = requested(({ variables }) => variables.input && variables.input.description === 'mine');
		await DataStore.save(Todo.copyOf(await DataStore.query(Todo, id), (todo) => { todo.description = 'mine'; }));
		await within(10000, attempt, 'an attempt');
		await todos.update({ id, priority: 9, _version: 1 });
		await world.control.play();
	}));
	const kept = await todos.get(id);
	assert.deepEqual([kept.description, kept.priority, kept._version], ['mine', 9, 3]);
	assert.deepEqual({ ...await client.one(Todo, id, (todo) => todo._version === 3) }, kept);
	await todos.update({ id, name: 'heard', _version: 3 });
	await client.one(Todo, id, (todo) => todo.name === 'heard');
});
