// aws-amplify 6, client.models: CRUD, lists, observeQuery and filtered subscriptions.
'use strict';

const assert = require('node:assert/strict');
const { test, within } = require('./support/harness');
const { start } = require('./support/server');
const { received } = require('./support/environment');
const { collect } = require('./support/collect');
const { introspection } = require('./support/introspection');
const amplify = require('./support/amplify');

const SCHEMA = 'type Todo @model { id: ID! name: String! description: String done: Boolean priority: Int tags: [String] }';

const modelIntrospection = introspection({
	models: {
		Todo: { plural: 'Todos', fields: { id: 'ID!', name: 'String!', description: 'String', done: 'Boolean', priority: 'Int',
			tags: '[String]' } },
	},
});

let server;

async function models(authMode = 'apiKey') {
	server = server || start({ schema: SCHEMA });
	return amplify.client(await server, authMode, { modelIntrospection }).models;
}

// What succeeds; client.models never throws.
function data(result) {
	assert.equal(result.errors, undefined, JSON.stringify(result.errors));
	return result.data;
}

for (const authMode of ['apiKey', 'iam']) {
	test(`client.models creates, reads, updates and deletes with ${authMode}`, async () => {
		const { Todo } = await models(authMode);
		const todo = data(await Todo.create({ name: 'milk', priority: 2, tags: ['a', 'b'] }));
		assert.deepEqual([todo.name, todo.done, todo.tags], ['milk', null, ['a', 'b']]);
		assert.deepEqual(data(await Todo.get({ id: todo.id })), todo);
		assert.equal(data(await Todo.update({ id: todo.id, done: true })).done, true);
		assert.equal(data(await Todo.delete({ id: todo.id })).priority, 2);
		assert.equal(data(await Todo.get({ id: todo.id })), null);
	});
}

test('client.models lists with a filter, page by page', async () => {
	const { Todo } = await models();
	for (const priority of [1, 2, 3, 4, 5]) data(await Todo.create({ name: 'page', priority }));
	const filter = { name: { eq: 'page' }, priority: { gt: 1 } };
	const seen = [];
	let nextToken;
	do {
		const page = await Todo.list({ filter, limit: 2, nextToken });
		data(page);
		seen.push(...page.data.map((todo) => todo.priority));
		nextToken = page.nextToken;
	} while (nextToken);
	assert.deepEqual(seen.sort(), [2, 3, 4, 5]);
});

test('client.models selects fields by a selection set', async () => {
	const { Todo } = await models();
	const { id } = data(await Todo.create({ name: 'chosen', priority: 1 }));
	assert.deepEqual(data(await Todo.get({ id }, { selectionSet: ['name', 'priority'] })), { name: 'chosen', priority: 1 });
});

test('client.models is told of what the server refuses', async () => {
	const { Todo } = await models();
	const { id } = data(await Todo.create({ name: 'one' }));
	const again = await Todo.create({ id, name: 'two' });
	assert.equal(again.data, null);
	assert.match(again.errors[0].errorType, /ConditionalCheckFailedException$/);
	const missing = await Todo.update({ id: 'nobody', name: 'x' });
	assert.match(missing.errors[0].errorType, /ConditionalCheckFailedException$/);
	const wrong = await Todo.create({ name: null });
	assert.match(wrong.errors[0].message, /name/);
});

test('observeQuery gives what is there and follows every change', async () => {
	const { Todo } = await models();
	const name = `observed ${Date.now()}`;
	data(await Todo.create({ name, priority: 1 }));
	const acknowledged = received('start_ack', 3);
	const listener = collect(Todo.observeQuery({ filter: { name: { eq: name } } }));
	await within(10000, acknowledged, 'start_ack');
	const until = async (fits) => {
		for (;;) {
			const { items } = await listener.next();
			const priorities = items.map((item) => item.priority).sort();
			if (JSON.stringify(priorities) === JSON.stringify(fits)) return items;
		}
	};
	await until([1]);
	const second = data(await Todo.create({ name, priority: 2 }));
	data(await Todo.create({ name: 'another', priority: 9 }));
	await until([1, 2]);
	data(await Todo.update({ id: second.id, priority: 3 }));
	await until([1, 3]);
	data(await Todo.delete({ id: second.id }));
	await until([1]);
	listener.close();
});

test('a filtered onCreate of client.models hears what its filter lets through', async () => {
	const { Todo } = await models();
	const acknowledged = received('start_ack', 2);
	const high = collect(Todo.onCreate({ filter: { priority: { ge: 10 } } }));
	const tagged = collect(Todo.onCreate({ filter: { and: [{ name: { beginsWith: 't' } }, { priority: { lt: 10 } }] } }));
	await within(10000, acknowledged, 'start_ack');
	for (const [name, priority] of [['f', 9], ['t1', 10], ['t2', 9], ['f', 11]]) data(await Todo.create({ name, priority }));
	assert.deepEqual([(await high.next()).name, (await high.next()).priority], ['t1', 11]);
	assert.equal((await tagged.next()).name, 't2');
	assert.deepEqual([high.all.length, tagged.all.length], [2, 1]);
	high.close();
	tagged.close();
});
