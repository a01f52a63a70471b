// aws-appsync 4 that syncs the posts by buildSync. What it knows outlives a restart in its storage.
'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const legacy = require('../support/legacy');
const { within } = require('../support/harness');
const { received } = require('../support/environment');
const { DOCUMENTS } = require('./posts');
const { buildSync } = require('aws-appsync');
const gql = require('graphql-tag');

const documents = Object.fromEntries(Object.entries(DOCUMENTS).map(([name, text]) => [name, gql(text)]));

class Theirs {
	constructor(service) {
		this.service = service;
		this.storage = new legacy.Storage();
	}

	async start() {
		globalThis.window.switchNetwork(true);
		this.client = await legacy.client(this.service.server, { storage: this.storage, announces: true });
		const acknowledged = received('start_ack');
		this.subscription = this.client.sync(buildSync('Post', {
			baseQuery: { query: documents.LIST },
			deltaQuery: { query: documents.DELTA },
			subscriptionQuery: { query: documents.LIVE },
			cacheUpdates: ({ id }) => [{ query: documents.GET, variables: { id } }],
		}));
		await within(20000, acknowledged, 'start_ack of aws-appsync');
	}

	stop() {
		this.subscription.unsubscribe();
	}

	/** Back only when it is subscribed: see sync_test.js for what comes of going offline before. */
	async network(isThere) {
		if (!isThere) return legacy.network(false, this.client);
		const acknowledged = received('start_ack');
		await legacy.network(true, this.client);
		return within(20000, acknowledged, 'start_ack of aws-appsync');
	}

	/** It stores what it has synced and the time of that apart: one that ends in between never has a list again (see
	 * sync_test.js). */
	async stored() {
		const { items } = this.storage;
		const value = (slice) => String([...items].find(([key]) => key.endsWith(`:${slice}`))?.[1]);
		const isStored = () => value('appsync').includes('listPosts') && /"baseLastSyncTimestamp":\d/.test(value('appsync-metadata'));
		while (!isStored()) await sleep(5);
	}

	async restart(meanwhile) {
		await within(20000, this.stored(), 'storing').catch((error) => {
			error.isOfPeer = true; // on a busy machine it ends that way before `stored` could tell
			throw error;
		});
		this.stop();
		await meanwhile();
		await this.start();
	}

	read(query, variables) {
		try {
			return this.client.readQuery({ query, variables });
		} catch (error) {
			return undefined; // a field that isn't cached
		}
	}

	/** The list, or null while there is none. */
	async posts() {
		const data = this.read(documents.LIST);
		return data ? data.listPosts : null;
	}

	/** {posts, single}: the list, and what getPost gives for these ids (undefined: nothing is cached). */
	async dump(ids) {
		const single = ids.map((id) => [id, this.read(documents.GET, { id })]);
		return { posts: await this.posts(), single: Object.fromEntries(single.map(([id, data]) => [id, data && data.getPost])) };
	}
}

module.exports = { Theirs };
