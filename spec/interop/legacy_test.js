// aws-appsync 4: query, mutate, subscribe, delta sync (client.sync, buildSync) against examples/posts, mutations offline.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { test, within, refusal } = require('./support/harness');
const { start, ROOT } = require('./support/server');
const { received, requests, answerFor } = require('./support/environment');
const { collect } = require('./support/collect');
const legacy = require('./support/legacy');
const { buildSync, buildMutation } = require('aws-appsync');
const gql = require('graphql-tag');

const FIELDS = 'id title author content ups downs version';
const CREATE = gql(`mutation C($input: CreatePostInput!) { createPost(input: $input) { ${FIELDS} aws_ds } }`);
const ADD = gql(`mutation A($input: CreatePostInput!) { createPost(input: $input) { ${FIELDS} } }`);
const UPDATE = gql(`mutation U($input: UpdatePostInput!) { updatePost(input: $input) { ${FIELDS} aws_ds } }`);
const DELETE = gql(`mutation D($input: DeletePostInput!) { deletePost(input: $input) { ${FIELDS} aws_ds } }`);
const GET = gql(`query G($id: ID!) { getPost(id: $id) { ${FIELDS} } }`);
const LIST = gql(`query L { listPosts { ${FIELDS} } }`);
const DELTA = gql(`query S($lastSync: AWSTimestamp) { listPostsDelta(lastSync: $lastSync) { ${FIELDS} aws_ds } }`);
const LIVE = gql(`subscription V { onDeltaPost { ${FIELDS} aws_ds } }`);

const servers = {};

function server(name = 'http') {
	const folder = path.join(ROOT, 'examples/posts');
	servers[name] = servers[name] || start({
		schemaFile: path.join(folder, 'schema.graphql'),
		resolversFile: path.join(folder, 'resolvers.lua'),
		tls: name === 'https',
	});
	return servers[name];
}

async function createPost(client, input) {
	const { data } = await client.mutate({ mutation: CREATE, variables: { input: { author: 'a', ...input } } });
	return data.createPost;
}

const get = (client, id) => client.query({ query: GET, variables: { id }, fetchPolicy: 'network-only' });

for (const scheme of ['http', 'https']) {
	for (const auth of ['apiKey', 'iam']) {
		test(`aws-appsync mutates and queries over ${scheme} with ${auth}`, async () => {
			const client = await legacy.client(await server(scheme), { auth });
			const post = await createPost(client, { title: 'legacy' });
			assert.deepEqual([post.title, post.version, post.content, post.__typename], ['legacy', 1, null, 'Post']);
			const input = { id: post.id, ups: 1 };
			const { data: { updatePost } } = await client.mutate({ mutation: UPDATE, variables: { input } });
			assert.deepEqual([updatePost.ups, updatePost.version], [1, 2]);
			assert.equal((await get(client, post.id)).data.getPost.ups, 1);
			await client.mutate({ mutation: DELETE, variables: { input: { id: post.id } } });
			assert.equal((await get(client, post.id)).data.getPost, null);
		});
		test(`aws-appsync subscribes over ${scheme} with ${auth}`, async () => {
			const client = await legacy.client(await server(scheme), { auth });
			const acknowledged = received('start_ack');
			const listener = collect(client.subscribe({ query: LIVE }));
			await within(10000, acknowledged, 'start_ack');
			const post = await createPost(client, { title: 'live' });
			const event = (await listener.next()).data.onDeltaPost;
			assert.deepEqual([event.id, event.title, event.aws_ds], [post.id, 'live', 'CREATE']);
			await client.mutate({ mutation: DELETE, variables: { input: { id: post.id } } });
			assert.equal((await listener.next()).data.onDeltaPost.aws_ds, 'DELETE');
			const completed = received('complete');
			listener.close();
			await within(10000, completed, 'complete');
		});
	}
}

test('aws-appsync takes the server for an API of the service by its name', async () => {
	const named = answerFor('abcdefghijklmnopqrstuvwxyz', await server());
	for (const auth of ['apiKey', 'iam']) {
		const client = await legacy.client(named, { auth });
		const acknowledged = received('start_ack');
		const listener = collect(client.subscribe({ query: LIVE }));
		await within(10000, acknowledged, 'start_ack');
		const post = await createPost(client, { title: auth });
		assert.equal((await listener.next()).data.onDeltaPost.id, post.id);
		listener.close();
	}
});

test('aws-appsync without its offline half works too', async () => {
	const client = await legacy.client(await server(), { disableOffline: true });
	const post = await createPost(client, { title: 'plain' });
	assert.equal((await get(client, post.id)).data.getPost.title, 'plain');
});

test('aws-appsync is told of a field that does not exist', async () => {
	const client = await legacy.client(await server());
	const thrown = await refusal(client.query({ query: gql('query N { nope }') }));
	assert.equal(thrown.graphQLErrors.length, 1);
	assert.match(thrown.graphQLErrors[0].message, /FieldUndefined/);
});

test('aws-appsync is told that an API key is not accepted', async () => {
	const client = await legacy.client(await server(), { auth: 'wrongKey' });
	const thrown = await refusal(client.query({ query: LIST, fetchPolicy: 'network-only' }));
	assert.equal(thrown.networkError.statusCode, 401);
	assert.equal(thrown.networkError.result.errors[0].errorType, 'UnauthorizedException');
});

// The client hands this refusal to its retry link, which takes it for a fault that may pass: no application hears of it.
test('a connection of aws-appsync with a wrong API key is refused', async () => {
	const client = await legacy.client(await server(), { auth: 'wrongKey' });
	const refused = received('connection_error');
	const listener = collect(client.subscribe({ query: LIVE }));
	const [frame] = await within(10000, refused, 'connection_error');
	assert.equal(frame.payload.errors[0].errorType, 'UnauthorizedException');
	assert.equal(frame.payload.errors[0].errorCode, 401);
	listener.close();
});

test('the conflict resolver of aws-appsync gets what the server has', async () => {
	const asked = [];
	const conflictResolver = (conflict) => {
		asked.push(conflict);
		return { input: { ...conflict.variables.input, expectedVersion: conflict.data.version } };
	};
	const client = await legacy.client(await server(), { conflictResolver });
	const post = await createPost(client, { title: 'contested' });
	await client.mutate({ mutation: UPDATE, variables: { input: { id: post.id, ups: 1 } } });
	const input = { id: post.id, ups: 7, expectedVersion: 1 };
	const { data } = await client.mutate({ mutation: UPDATE, variables: { input } });
	assert.deepEqual([data.updatePost.ups, data.updatePost.version], [7, 3]);
	assert.equal(asked.length, 1);
	assert.deepEqual([asked[0].mutationName, asked[0].data.ups, asked[0].data.version], ['updatePost', 1, 2]);
});

// The posts of a client's cache, as soon as `fits` accepts them.
function cached(client, fits) {
	const query = client.watchQuery({ query: LIST, fetchPolicy: 'cache-only' });
	const seen = [];
	return within(10000, new Promise((resolve, reject) => {
		const subscription = query.subscribe({
			next: ({ data }) => {
				const posts = (data && data.listPosts) || [];
				seen.push(posts.map((post) => post.title));
				if (fits(posts)) {
					subscription.unsubscribe();
					resolve(posts);
				}
			},
			error: reject,
		});
	}), 'the expected posts').catch((error) => {
		throw new Error(`${error.message}; seen: ${JSON.stringify(seen)}`);
	});
}

const has = (...titles) => (posts) => titles.every((title) => posts.some((post) => post.title === title));

function operations(fetched) {
	return fetched.map((body) => /^\w+ (\w+)/.exec(body.query)[1]);
}

const syncOptions = (extra) => buildSync('Post', {
	baseQuery: { query: LIST },
	deltaQuery: { query: DELTA },
	cacheUpdates: ({ id }) => [{ query: GET, variables: { id } }],
	...extra,
});

test('buildSync of aws-appsync takes the base first, and then what has changed', async () => {
	const writer = await legacy.client(await server());
	const storage = new legacy.Storage();
	const kept = await createPost(writer, { title: 'kept' });
	const lost = await createPost(writer, { title: 'lost' });

	const first = await legacy.client(await server(), { storage });
	let subscription;
	let sent = await requests(async () => {
		subscription = first.sync(syncOptions());
		await cached(first, has('kept', 'lost'));
	});
	assert.deepEqual(operations(sent), ['L']);
	// cacheUpdates: the base query has filled getPost.
	const { data } = await first.query({ query: GET, variables: { id: kept.id }, fetchPolicy: 'cache-only' });
	assert.equal(data.getPost.title, 'kept');
	subscription.unsubscribe();

	await writer.mutate({ mutation: DELETE, variables: { input: { id: lost.id } } });
	await writer.mutate({ mutation: UPDATE, variables: { input: { id: kept.id, title: 'changed' } } });
	await createPost(writer, { title: 'new' });

	const second = await legacy.client(await server(), { storage });
	sent = await requests(async () => {
		subscription = second.sync(syncOptions());
		await cached(second, has('changed', 'new'));
	});
	assert.deepEqual(operations(sent), ['S']);
	const { lastSync } = sent[0].variables;
	assert.ok(Number.isInteger(lastSync) && Math.abs(lastSync - Date.now() / 1000) < 60, `${lastSync} is in seconds`);
	const posts = await cached(second, has('changed'));
	assert.ok(!has('lost')(posts) && !has('kept')(posts));
	subscription.unsubscribe();
});

test('client.sync of aws-appsync hands each result to its update', async () => {
	const client = await legacy.client(await server());
	const post = await createPost(client, { title: 'by hand' });
	const calls = [];
	const options = {
		baseQuery: { query: LIST, update: (cache, { data }) => calls.push(['base', data.listPosts]) },
		deltaQuery: { query: DELTA, update: (cache, { data }) => calls.push(['delta', data.listPostsDelta]) },
	};
	for (const name of ['base', 'delta']) {
		let subscription;
		await within(10000, new Promise((resolve) => {
			const isDone = () => (calls.length > 0 && calls[calls.length - 1][0] === name ? resolve() : setImmediate(isDone));
			subscription = client.sync(options);
			isDone();
		}), name);
		subscription.unsubscribe();
	}
	assert.deepEqual(calls.map(([name]) => name), ['base', 'delta']);
	assert.ok(calls[0][1].some(({ id }) => id === post.id));
	assert.equal(calls[1][1].find(({ id }) => id === post.id).aws_ds, 'CREATE');
});

test('buildSync of aws-appsync hears changes by its subscription', async () => {
	const writer = await legacy.client(await server());
	const before = await createPost(writer, { title: 'before' });
	const client = await legacy.client(await server(), { announces: true });
	const acknowledged = received('start_ack');
	const subscription = client.sync(syncOptions({ subscriptionQuery: { query: LIVE } }));
	await within(10000, acknowledged, 'start_ack');
	await cached(client, has('before'));
	await createPost(writer, { title: 'heard' });
	await cached(client, has('before', 'heard'));
	await writer.mutate({ mutation: DELETE, variables: { input: { id: before.id } } });
	await cached(client, (posts) => has('heard')(posts) && !has('before')(posts));
	subscription.unsubscribe();
});

test('a mutation of aws-appsync that was made offline is sent when the network is back', async () => {
	const told = [];
	const client = await legacy.client(await server(), { callback: (error, success) => told.push(error || success) });
	await client.query({ query: LIST, fetchPolicy: 'network-only' });
	await legacy.network(false, client);
	const sent = await requests(async () => {
		const id = `offline-${Date.now()}`;
		const input = { id, title: 'written offline', author: 'a', content: 'c', ups: 0, downs: 0 };
		const mutation = buildMutation(client, ADD, { inputType: gql('input In { id: ID! }'), variables: { input } },
			[{ query: LIST }], 'Post');
		const { data } = await client.mutate({ ...mutation, variables: { input } });
		assert.equal(data.createPost.title, 'written offline');
		assert.ok(has('written offline')(await cached(client, has('written offline'))));
		await legacy.network(true, client);
		await within(10000, new Promise((resolve) => {
			const isTold = () => (told.length > 0 ? resolve() : setImmediate(isTold));
			isTold();
		}), 'the callback');
		assert.equal((await get(client, id)).data.getPost.title, 'written offline');
	});
	assert.deepEqual(operations(sent), ['A', 'G']);
	assert.equal(told[0].mutation, 'createPost');
});
