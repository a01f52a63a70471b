// Apollo Client 3 with AppSync's links for it (aws-appsync-auth-link, aws-appsync-subscription-link).
'use strict';

const assert = require('node:assert/strict');
const { received, answerFor, servePlainly } = require('./support/environment');
const { ApolloClient, ApolloLink, InMemoryCache, HttpLink, gql } = require('@apollo/client/core');
const { createAuthLink } = require('aws-appsync-auth-link');
const { createSubscriptionHandshakeLink } = require('aws-appsync-subscription-link');
const { test, within, refusal } = require('./support/harness');
const { start, API_KEY, ACCESS_KEY_ID, SECRET_ACCESS_KEY } = require('./support/server');
const { collect } = require('./support/collect');

const SCHEMA = 'type Todo @model { id: ID! name: String! priority: Int }';
const CREATE = gql`mutation C($input: CreateTodoInput!) { createTodo(input: $input) { id name priority } }`;
const GET = gql`query G($id: ID!) { getTodo(id: $id) { id name priority } }`;
const LIVE = gql`subscription S($filter: ModelSubscriptionTodoFilterInput) { onCreateTodo(filter: $filter) { id name priority } }`;

const auths = {
	API_KEY: { type: 'API_KEY', apiKey: API_KEY },
	AWS_IAM: { type: 'AWS_IAM', credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY } },
	wrong: { type: 'API_KEY', apiKey: 'da2-wrong' },
};

const servers = {};

function server(scheme) {
	servers[scheme] = servers[scheme] || start({ schema: SCHEMA, tls: scheme === 'https' });
	return servers[scheme];
}

function client({ endpoint, port }, auth) {
	if (endpoint.startsWith('http:')) servePlainly(port);
	const options = { url: endpoint, region: 'us-east-1', auth: auths[auth] };
	return new ApolloClient({
		cache: new InMemoryCache(),
		link: ApolloLink.from([createAuthLink(options), createSubscriptionHandshakeLink(options, new HttpLink({ uri: endpoint }))]),
	});
}

async function roundTrip(one) {
	const acknowledged = received('start_ack');
	const listener = collect(one.subscribe({ query: LIVE, variables: { filter: { priority: { ge: 5 } } } }));
	await within(10000, acknowledged, 'start_ack');
	for (const [name, priority] of [['low', 1], ['high', 9]]) {
		const { data } = await one.mutate({ mutation: CREATE, variables: { input: { name, priority } } });
		const { data: got } = await one.query({ query: GET, variables: { id: data.createTodo.id }, fetchPolicy: 'network-only' });
		assert.deepEqual(got.getTodo, data.createTodo);
	}
	assert.equal((await listener.next()).data.onCreateTodo.name, 'high');
	const completed = received('complete');
	listener.close();
	await within(10000, completed, 'complete');
}

for (const auth of ['API_KEY', 'AWS_IAM']) {
	for (const scheme of ['http', 'https']) {
		test(`Apollo Client with AppSync's links makes its round over ${scheme} with ${auth}`, async () => {
			await roundTrip(client(await server(scheme), auth));
		});
	}
	test(`Apollo Client with AppSync's links takes the server for an API of the service, with ${auth}`, async () => {
		await roundTrip(client(answerFor('abcdefghijklmnopqrstuvwxyz', await server('http')), auth));
	});
}

test('Apollo Client is told of a field that does not exist, and of a key that is not accepted', async () => {
	const wrongField = await refusal(client(await server('http'), 'API_KEY').query({ query: gql`{ nope }` }));
	assert.match(wrongField.graphQLErrors[0].message, /FieldUndefined/);
	const wrongKey = await refusal(client(await server('http'), 'wrong').query({ query: GET, variables: { id: '1' } }));
	assert.equal(wrongKey.networkError.statusCode, 401);
	const listener = collect(client(await server('http'), 'wrong').subscribe({ query: LIVE }));
	const refused = await refusal(listener.next());
	assert.equal(refused.errors[0].message, 'Connection failed: UnauthorizedException');
});
