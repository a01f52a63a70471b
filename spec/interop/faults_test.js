// Official clients under faults that `appsync serve` plays: what they retry, and what comes of it.
'use strict';

const assert = require('node:assert/strict');
const { test, within } = require('./support/harness');
const { start } = require('./support/server');
const { received, requests } = require('./support/environment');
const { collect } = require('./support/collect');
const amplify = require('./support/amplify');
const legacy = require('./support/legacy');
const gql = require('graphql-tag');

const SCHEMA = 'type Todo @model { id: ID! name: String! }';
const CREATE = 'mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name } }';
const LIST = 'query L { listTodos { items { id name } } }';
const LIVE = 'subscription S { onCreateTodo { id name } }';

let started;

async function fresh() {
	started = started || start({ schema: SCHEMA, args: ['--control', '0'] });
	const server = await started;
	await server.control.forget();
	return server;
}

const create = (client, name) => client.graphql({ query: CREATE, variables: { input: { name } } });

test('aws-amplify asks again when it is throttled', async () => {
	const server = await fresh();
	await server.control.play({ match: { kind: 'query', times: 2 }, fault: { throttle: true } });
	const client = amplify.client(server, 'apiKey');
	const sent = await requests(() => client.graphql({ query: LIST }));
	assert.equal(sent.length, 3);
});

test('aws-amplify asks again when the service is not available', async () => {
	const server = await fresh();
	const fault = { refuse: { status: 503, type: 'ServiceUnavailableException', message: 'later' } };
	await server.control.play({ match: { times: 1 }, fault });
	const client = amplify.client(server, 'apiKey');
	const sent = await requests(() => client.graphql({ query: LIST }));
	assert.equal(sent.length, 2);
});

test('a mutation of aws-amplify whose answer is lost takes effect twice', async () => {
	const server = await fresh();
	await server.control.play({ match: { field: 'createTodo', times: 1 }, fault: { lose_answer: 'reset' } });
	const client = amplify.client(server, 'apiKey');
	await create(client, 'twice');
	assert.equal((await server.control.effects()).createTodo.count, 2);
	const { data } = await client.graphql({ query: LIST });
	assert.equal(data.listTodos.items.filter((todo) => todo.name === 'twice').length, 2);
});

test('aws-amplify corrects its clock by an answer and signs again', async () => {
	const server = await fresh();
	await server.control.play({ fault: { skew: 3600 } });
	const client = amplify.client(server, 'iam');
	const sent = await requests(() => client.graphql({ query: LIST }));
	assert.equal(sent.length, 2);
});

test('a subscription of aws-amplify goes on after its connection broke', async () => {
	const server = await fresh();
	await server.control.play({ match: { on: 'connect', times: 1 }, fault: { disconnect: { after_events: 1 } } });
	const client = amplify.client(server, 'apiKey');
	let acknowledged = received('start_ack');
	const listener = collect(client.graphql({ query: LIVE }));
	await within(10000, acknowledged, 'start_ack');
	acknowledged = received('start_ack');
	await create(client, 'before');
	assert.equal((await listener.next()).data.onCreateTodo.name, 'before');
	await within(15000, acknowledged, 'the second start_ack');
	await create(client, 'after');
	assert.equal((await listener.next()).data.onCreateTodo.name, 'after');
	listener.close();
});

test('aws-appsync asks again when the service fails', async () => {
	const server = await fresh();
	await server.control.play({ match: { times: 2 }, fault: { refuse: { status: 500, message: 'failed' } } });
	const client = await legacy.client(server);
	const sent = await requests(() => client.query({ query: gql(LIST), fetchPolicy: 'network-only' }));
	assert.equal(sent.length, 3);
});

test('a mutation in the queue of aws-appsync goes through a broken network, once', async () => {
	const server = await fresh();
	await server.control.play({ match: { kind: 'mutation', times: 2 }, fault: { refuse: 'reset' } });
	const client = await legacy.client(server);
	const sent = await requests(async () => {
		const { data } = await client.mutate({ mutation: gql(CREATE), variables: { input: { name: 'queued' } } });
		assert.equal(data.createTodo.name, 'queued');
	});
	assert.equal(sent.length, 3);
	assert.equal((await server.control.effects()).createTodo.count, 1);
});

test('a subscription of aws-appsync goes on after its connection broke', async () => {
	const server = await fresh();
	await server.control.play({ match: { on: 'connect', times: 1 }, fault: { disconnect: { after_events: 1 } } });
	const client = await legacy.client(server);
	const add = (name) => client.mutate({ mutation: gql(CREATE), variables: { input: { name } } });
	let acknowledged = received('start_ack');
	const listener = collect(client.subscribe({ query: gql(LIVE) }));
	await within(10000, acknowledged, 'start_ack');
	acknowledged = received('start_ack');
	await add('before');
	assert.equal((await listener.next()).data.onCreateTodo.name, 'before');
	await within(10000, acknowledged, 'the second start_ack');
	await add('after');
	assert.equal((await listener.next()).data.onCreateTodo.name, 'after');
	listener.close();
});
