// aws-amplify 6, generateClient: requests, subscriptions and errors; with an API key and signed; over http and https.
'use strict';

const assert = require('node:assert/strict');
const { test, within, refusal } = require('./support/harness');
const { start } = require('./support/server');
const { received, closed, answerFor } = require('./support/environment');
const { collect } = require('./support/collect');
const amplify = require('./support/amplify');
const { Hub } = require('aws-amplify/utils');

const SCHEMA = 'type Todo @model { id: ID! name: String! description: String done: Boolean priority: Int }';
const FIELDS = 'id name description done priority createdAt updatedAt';
const CREATE = `mutation C($input: CreateTodoInput!, $condition: ModelTodoConditionInput) {
	createTodo(input: $input, condition: $condition) { ${FIELDS} } }`;
const UPDATE = `mutation U($input: UpdateTodoInput!, $condition: ModelTodoConditionInput) {
	updateTodo(input: $input, condition: $condition) { ${FIELDS} } }`;
const DELETE = `mutation D($input: DeleteTodoInput!) { deleteTodo(input: $input) { ${FIELDS} } }`;
const GET = `query G($id: ID!) { getTodo(id: $id) { ${FIELDS} } }`;
const LIST = `query L($filter: ModelTodoFilterInput, $limit: Int, $nextToken: String) {
	listTodos(filter: $filter, limit: $limit, nextToken: $nextToken) { items { ${FIELDS} } nextToken } }`;

const servers = {};

function server(scheme) {
	servers[scheme] = servers[scheme] || start({ schema: SCHEMA, tls: scheme === 'https' });
	return servers[scheme];
}

async function roundTrip(client) {
	const { data: made } = await client.graphql({ query: CREATE, variables: { input: { name: 'milk', priority: 3 } } });
	const todo = made.createTodo;
	assert.equal(todo.name, 'milk');
	assert.equal(todo.description, null);
	assert.match(todo.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
	const { data: got } = await client.graphql({ query: GET, variables: { id: todo.id } });
	assert.deepEqual(got.getTodo, todo);
	const { data: changed } = await client.graphql({ query: UPDATE, variables: { input: { id: todo.id, done: true } } });
	assert.equal(changed.updateTodo.done, true);
	assert.equal(changed.updateTodo.priority, 3);
	const { data: gone } = await client.graphql({ query: DELETE, variables: { input: { id: todo.id } } });
	assert.deepEqual(gone.deleteTodo, changed.updateTodo);
	const { data: none } = await client.graphql({ query: GET, variables: { id: todo.id } });
	assert.equal(none.getTodo, null);
}

const EVENTS = ['onCreateTodo', 'onUpdateTodo', 'onDeleteTodo'];

async function listen(client, queries) {
	const acknowledged = received('start_ack', queries.length);
	const listeners = queries.map((query) => collect(client.graphql(query)));
	await within(10000, acknowledged, 'start_ack');
	return listeners;
}

async function threeSubscriptions(client) {
	const listeners = await listen(client, EVENTS.map((field) => ({ query: `subscription { ${field} { ${FIELDS} } }` })));
	const [created, updated, deleted] = listeners;
	const { data: { createTodo: todo } } = await client.graphql({ query: CREATE, variables: { input: { name: 'live' } } });
	assert.deepEqual((await created.next()).data.onCreateTodo, todo);
	await client.graphql({ query: UPDATE, variables: { input: { id: todo.id, done: true } } });
	assert.equal((await updated.next()).data.onUpdateTodo.done, true);
	await client.graphql({ query: DELETE, variables: { input: { id: todo.id } } });
	assert.equal((await deleted.next()).data.onDeleteTodo.id, todo.id);
	const completed = received('complete', listeners.length);
	for (const listener of listeners) listener.close();
	await within(10000, completed, 'complete');
	assert.deepEqual(listeners.map((listener) => listener.all.length), [1, 1, 1]);
}

for (const scheme of ['http', 'https']) {
	for (const mode of ['apiKey', 'iam']) {
		test(`aws-amplify creates, reads, updates and deletes over ${scheme} with ${mode}`, async () => {
			await roundTrip(amplify.client(await server(scheme), mode));
		});
		test(`aws-amplify hears three subscriptions over ${scheme} with ${mode}`, async () => {
			await threeSubscriptions(amplify.client(await server(scheme), mode));
		});
	}
}

for (const mode of ['apiKey', 'iam']) {
	test(`aws-amplify takes the server for an API of the service by its name, with ${mode}`, async () => {
		const named = answerFor('abcdefghijklmnopqrstuvwxyz', await server('http'));
		await roundTrip(amplify.client(named, mode));
		await threeSubscriptions(amplify.client(named, mode));
	});
}

test('aws-amplify reads a list page by page', async () => {
	const client = amplify.client(await server('http'), 'apiKey');
	for (let i = 1; i <= 5; i++) {
		await client.graphql({ query: CREATE, variables: { input: { name: 'page', priority: i } } });
	}
	const filter = { name: { eq: 'page' } };
	const seen = [];
	let nextToken = null;
	let pages = 0;
	do {
		const { data } = await client.graphql({ query: LIST, variables: { filter, limit: 2, nextToken } });
		assert.ok(data.listTodos.items.length <= 2);
		seen.push(...data.listTodos.items.map((item) => item.priority));
		nextToken = data.listTodos.nextToken;
		pages++;
	} while (nextToken);
	assert.deepEqual(seen.sort(), [1, 2, 3, 4, 5]);
	assert.ok(pages >= 3);
});

test('aws-amplify filters a list with every shape of a filter', async () => {
	const client = amplify.client(await server('http'), 'apiKey');
	for (const [description, priority] of [['red apple', 1], ['green apple', 2], ['green pear', 3]]) {
		await client.graphql({ query: CREATE, variables: { input: { name: 'fruit', description, priority } } });
	}
	const found = async (filter) => {
		const variables = { filter: { and: [{ name: { eq: 'fruit' } }, filter] } };
		const { data } = await client.graphql({ query: LIST, variables });
		return data.listTodos.items.map((item) => item.priority).sort();
	};
	assert.deepEqual(await found({ priority: { gt: 1 } }), [2, 3]);
	assert.deepEqual(await found({ priority: { between: [1, 2] } }), [1, 2]);
	assert.deepEqual(await found({ priority: { ne: 2 } }), [1, 3]);
	assert.deepEqual(await found({ description: { contains: 'apple' } }), [1, 2]);
	assert.deepEqual(await found({ description: { notContains: 'apple' } }), [3]);
	assert.deepEqual(await found({ description: { beginsWith: 'green' } }), [2, 3]);
	assert.deepEqual(await found({ or: [{ priority: { eq: 1 } }, { priority: { eq: 3 } }] }), [1, 3]);
	assert.deepEqual(await found({ not: { priority: { eq: 1 } } }), [2, 3]);
	assert.deepEqual(await found({ done: { attributeExists: false } }), [1, 2, 3]);
	assert.deepEqual(await found({ description: { size: { gt: 9 } } }), [2, 3]);
});

test('a filtered subscription of aws-amplify hears what its filter lets through', async () => {
	const client = amplify.client(await server('http'), 'apiKey');
	const query = `subscription S($filter: ModelSubscriptionTodoFilterInput) { onCreateTodo(filter: $filter) { id priority } }`;
	const [high, some] = await listen(client, [
		{ query, variables: { filter: { priority: { ge: 10 } } } },
		{ query, variables: { filter: { or: [{ priority: { eq: 9 } }, { name: { beginsWith: 'last' } }] } } },
	]);
	for (const [name, priority] of [['f', 9], ['f', 10], ['f', 8], ['last', 11]]) {
		await client.graphql({ query: CREATE, variables: { input: { name, priority } } });
	}
	assert.equal((await high.next()).data.onCreateTodo.priority, 10);
	assert.equal((await high.next()).data.onCreateTodo.priority, 11);
	assert.equal((await some.next()).data.onCreateTodo.priority, 9);
	assert.equal((await some.next()).data.onCreateTodo.priority, 11);
	high.close();
	some.close();
});

test('a subscriber of aws-amplify gets only what the mutation selected', async () => {
	const client = amplify.client(await server('http'), 'apiKey');
	const [created] = await listen(client, [{ query: 'subscription { onCreateTodo { id name priority } }' }]);
	await client.graphql({ query: 'mutation { createTodo(input: {name: "part", priority: 1}) { id name } }' });
	const { data } = await created.next();
	assert.equal(data.onCreateTodo.name, 'part');
	assert.equal(data.onCreateTodo.priority, null);
	created.close();
});

test('a subscriber of aws-amplify never gets an event above the limit of 240 KB, and hears the next', async () => {
	const client = amplify.client(await server('http'), 'apiKey');
	const [created] = await listen(client, [{ query: 'subscription { onCreateTodo { id name description } }' }]);
	for (const [name, length] of [['large', 200000], ['too large', 250000], ['small', 2]]) {
		const input = { name, description: 'ä'.repeat(length / 2) };
		const { data } = await client.graphql({ query: CREATE, variables: { input } });
		assert.equal(data.createTodo.description, input.description);
	}
	assert.equal((await created.next()).data.onCreateTodo.name, 'large');
	assert.equal((await created.next()).data.onCreateTodo.name, 'small');
	created.close();
});

test('aws-amplify ends its connection when nobody listens any more', async () => {
	const client = amplify.client(await server('https'), 'apiKey');
	const states = [];
	const stopListening = Hub.listen('api', ({ payload }) => {
		if (payload.event === 'ConnectionStateChange') states.push(payload.data.connectionState);
	});
	const [created] = await listen(client, [{ query: 'subscription { onCreateTodo { id } }' }]);
	const ended = closed();
	created.close();
	assert.equal(await within(10000, ended, 'the end'), 1000);
	stopListening();
	assert.deepEqual(states.slice(-2), ['ConnectedPendingDisconnect', 'Disconnected']);
});

test('aws-amplify is told of a field that does not exist', async () => {
	const client = amplify.client(await server('http'), 'apiKey');
	const thrown = await refusal(client.graphql({ query: 'query N { nope }' }));
	assert.equal(thrown.data, null);
	assert.equal(thrown.errors.length, 1);
	assert.match(thrown.errors[0].message, /^Validation error of type FieldUndefined: Field 'nope' in type 'Query' is undefined/);
	assert.equal(thrown.errors[0].path, null);
	assert.equal(thrown.errors[0].locations[0].line, 2); // the client prints documents anew
});

test('aws-amplify is told of a variable that is missing or wrong', async () => {
	const client = amplify.client(await server('http'), 'apiKey');
	const missing = await refusal(client.graphql({ query: CREATE, variables: {} }));
	assert.match(missing.errors[0].message, /'input'/);
	const wrong = await refusal(client.graphql({ query: CREATE, variables: { input: { name: 'a', priority: 'high' } } }));
	assert.match(wrong.errors[0].message, /Int/);
});

test('aws-amplify is told that an API key is not accepted', async () => {
	const client = amplify.client(await server('http'), 'apiKey', { apiKey: 'da2-wrong' });
	const thrown = await refusal(client.graphql({ query: LIST }));
	assert.equal(thrown.errors[0].message, 'Unauthorized'); // it recognizes the service's refusal and says it anew
	assert.match(thrown.errors[0].recoverySuggestion, /authMode/);
	assert.equal(thrown.errors[0].originalError.name, 'UnauthorizedException');
});

test('a subscription of aws-amplify with a wrong API key fails', async () => {
	const client = amplify.client(await server('http'), 'apiKey', { apiKey: 'da2-wrong' });
	const listener = collect(client.graphql({ query: 'subscription { onCreateTodo { id } }' }));
	const thrown = await refusal(listener.next());
	assert.match(thrown.errors[0].message, /^Connection failed: .*UnauthorizedException/);
});

test('a condition that does not hold is the error that aws-amplify documents', async () => {
	const client = amplify.client(await server('http'), 'apiKey');
	const { data } = await client.graphql({ query: CREATE, variables: { input: { name: 'held', priority: 1 } } });
	const { id } = data.createTodo;
	const condition = { priority: { eq: 2 } };
	const thrown = await refusal(client.graphql({ query: UPDATE, variables: { input: { id, name: 'x' }, condition } }));
	assert.match(thrown.errors[0].errorType, /ConditionalCheckFailedException$/);
	assert.deepEqual(thrown.errors[0].path, ['updateTodo']);
	assert.equal(thrown.data.updateTodo, null);
	const again = await refusal(client.graphql({ query: CREATE, variables: { input: { id, name: 'again' } } }));
	assert.match(again.errors[0].errorType, /ConditionalCheckFailedException$/);
});

test('a subscription of aws-amplify to a field that does not exist fails', async () => {
	const client = amplify.client(await server('http'), 'apiKey');
	const listener = collect(client.graphql({ query: 'subscription { onNothing { id } }' }));
	const thrown = await refusal(listener.next());
	assert.match(thrown.errors[0].message, /FieldUndefined/);
});
