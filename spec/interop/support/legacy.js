// aws-appsync 4, configured for one server.
'use strict';

const { Browser } = require('./environment');

const browser = new Browser();
globalThis.window = browser;

const { AWSAppSyncClient, AUTH_TYPE, createAppSyncLink } = require('aws-appsync');
const { ApolloLink } = require('apollo-link');
const { within } = require('./harness');
const { API_KEY, ACCESS_KEY_ID, SECRET_ACCESS_KEY } = require('./server');

const auths = {
	apiKey: { type: AUTH_TYPE.API_KEY, apiKey: API_KEY },
	wrongKey: { type: AUTH_TYPE.API_KEY, apiKey: 'da2-wrong' },
	iam: { type: AUTH_TYPE.AWS_IAM, credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY } },
};

/** In the place of localStorage. */
class Storage {
	constructor() {
		this.items = new Map();
	}

	getItem(key, done) {
		setImmediate(done, null, this.items.get(key));
	}

	setItem(key, value, done) {
		this.items.set(key, value);
		setImmediate(done, null);
	}

	removeItem(key, done) {
		this.items.delete(key);
		setImmediate(done, null);
	}

	getAllKeys(done) {
		setImmediate(done, null, [...this.items.keys()]);
	}
}

let clients = 0;

// With it `sync` with a subscription works. The published client waits for ever for the news that its subscription
// stands (awslabs/aws-mobile-appsync-sdk-js#573): it asks for that news by a variable, but the link that is made from
// a URL and auth looks for the wish in the context; and when the news comes, its data are the payload of start_ack,
// which the service doesn't send and the cache can't do without. An application may put a link before the client's own.
const announcing = new ApolloLink((operation, forward) => {
	const { '@@controlEvents': wish, ...variables } = operation.variables;
	if (wish !== undefined) {
		operation.setContext({ controlMessages: { '@@controlEvents': wish } });
		operation.variables = variables;
	}
	return forward(operation).map((result) => (
		result.extensions && result.extensions.controlMsgType ? { ...result, data: result.data || {} } : result));
});

function isOnline(client, wanted) {
	return within(10000, new Promise((resolve) => {
		const look = () => (client.cache.store.getState().offline.online === wanted ? resolve(client) : setImmediate(look));
		look();
	}), wanted ? 'online' : 'offline');
}

/**
 * A client of the server. `storage`: what an earlier client with the same one has left is there.
 * `announces`: it can `sync` with a subscription.
 */
async function client(server, { auth = 'apiKey', storage = new Storage(), announces = false, disableOffline = false,
	conflictResolver, callback } = {}) {
	clients++;
	storage.prefix = storage.prefix || `interop${clients}`;
	const basics = { url: server.endpoint, region: 'us-east-1', auth: auths[auth], conflictResolver };
	// One prefix has one living client, and no client ends: what the last one stored moves to the next one's prefix.
	const keyPrefix = `interop${clients}`;
	for (const [key, value] of storage.items) {
		storage.items.set(key.replace(/^interop\d+:/, `${keyPrefix}:`), value);
	}
	const options = announces ? { link: ApolloLink.from([announcing, createAppSyncLink(basics)]) } : undefined;
	const made = new AWSAppSyncClient({ ...basics, disableOffline, offlineConfig: { storage, keyPrefix, callback } }, options);
	await made.hydrated();
	return disableOffline ? made : isOnline(made, true);
}

/** The network goes away or comes back, as the browser tells it, and the client has noticed. */
function network(isThere, made) {
	browser.switchNetwork(isThere);
	return isOnline(made, isThere);
}

module.exports = { client, network, Storage };
