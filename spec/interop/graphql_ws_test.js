// graphql-ws, the library that graphql-transport-ws is the protocol of: all three kinds of operations over one WebSocket.
'use strict';

const assert = require('node:assert/strict');
const { createClient } = require('graphql-ws');
const { test, within, refusal } = require('./support/harness');
const { start, API_KEY } = require('./support/server');
const environment = require('./support/environment');

const SCHEMA = 'type Todo @model { id: ID! name: String! }';
const CREATE = 'mutation C($name: String!) { createTodo(input: {name: $name}) { id name } }';

let started;

async function client(options) {
	started = started || start({ schema: SCHEMA });
	const server = await started;
	environment.servePlainly(server.port);
	return createClient({
		url: server.realtime, webSocketImpl: globalThis.WebSocket, connectionParams: { 'x-api-key': API_KEY },
		retryAttempts: 0, ...options,
	});
}

// The only result of a query or mutation.
async function execute(one, query, variables) {
	const { value } = await one.iterate({ query, variables }).next();
	return value;
}

test('graphql-ws queries and mutates', async () => {
	const one = await client();
	const made = (await execute(one, CREATE, { name: 'a' })).data.createTodo;
	const { data } = await execute(one, 'query($id: ID!) { getTodo(id: $id) { name } }', { id: made.id });
	assert.equal(data.getTodo.name, 'a');
	await one.dispose();
});

test('graphql-ws hears what others do, until it has heard enough', async () => {
	const one = await client({ keepAlive: 50 });
	const events = one.iterate({ query: 'subscription { onCreateTodo { name } }' });
	const first = events.next();
	// The protocol acknowledges no subscription, but answers in order: an answer behind it means that it stands.
	await execute(one, 'query { listTodos { items { id } } }');
	await execute(await client(), CREATE, { name: 'heard' });
	assert.deepEqual((await within(10000, first, 'an event')).value.data, { onCreateTodo: { name: 'heard' } });
	const ponged = new Promise((resolve) => one.on('pong', resolve));
	await within(10000, ponged, 'pong');
	assert.equal((await events.return()).done, true);
	await one.dispose();
});

test('graphql-ws is told what is wrong with an operation', async () => {
	const one = await client();
	for (const query of ['query { nope }', 'subscription { onNothing { id } }']) {
		const thrown = await refusal(execute(one, query).then((value) => {
			if (value.errors) throw value.errors;
			return value;
		}));
		assert.match(thrown[0].message, /FieldUndefined/);
	}
	await one.dispose();
});

test('graphql-ws is not let in with a wrong key', async () => {
	const one = await client({ connectionParams: { 'x-api-key': 'da2-wrong' } });
	const thrown = await refusal(execute(one, 'query { listTodos { items { id } } }'));
	assert.equal(thrown.code, 4403);
});
