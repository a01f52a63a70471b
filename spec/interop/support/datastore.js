// DataStore of aws-amplify 6, configured for one server. Each client is loaded anew, as if it ran on a device of its own.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { credentialsProvider } = require('./credentials');
const environment = require('./environment');
const { test, within } = require('./harness');
const { start, API_KEY } = require('./server');

const FOLDER = path.resolve(__dirname, '../datastore');
const WAIT_MS = 30000;

function load(window) {
	for (const file of Object.keys(require.cache)) {
		if (/[\\/]@?aws-amplify[\\/]/.test(file)) delete require.cache[file];
	}
	globalThis.window = window;
	const utils = require('aws-amplify/utils');
	utils.ConsoleLogger.LOG_LEVEL = 'ERROR'; // tests look at the problems that the client tells
	return { ...require('aws-amplify'), ...require('aws-amplify/datastore'), ...require('aws-amplify/auth'),
		Hub: utils.Hub };
}

function configure({ Amplify, decodeJWT }, server, { token, authMode = token ? 'userPool' : 'apiKey' }) {
	environment.servePlainly(server.port);
	const endpoint = { endpoint: server.endpoint, region: 'us-east-1', apiKey: API_KEY };
	Amplify.configure(
		{ API: { GraphQL: { ...endpoint, defaultAuthMode: authMode } } },
		{ Auth: { credentialsProvider, tokenProvider: token && {
			getTokens: async () => ({ accessToken: decodeJWT(token), idToken: decodeJWT(token) }),
		} } },
	);
}

class Client {
	/** `models`: the name of a schema; `token` and `authMode`: who the user is; `options`: of DataStore.configure. */
	constructor(server, models, { token, authMode, ...options } = {}) {
		this.window = new environment.Browser(); // without indexedDB: records are kept in memory
		this.events = [];
		this.problems = [];
		this.waiting = new Set();
		const library = load(this.window);
		this.user = { token, authMode };
		configure(library, server, this.user);
		const schema = JSON.parse(fs.readFileSync(path.join(FOLDER, `${models}.json`), 'utf8'));
		Object.assign(this, library, { models: library.initSchema(schema) });
		this.subscriptions = 3 * Object.keys(schema.models).length;
		this.options = options;
		library.Hub.listen('datastore', ({ payload }) => this.hear(payload));
	}

	/** Goes on with another server, once it has stopped. */
	moveTo(server) {
		configure(this, server, this.user);
	}

	hear(payload) {
		this.events.push(payload);
		for (const look of this.waiting) look();
	}

	/** As soon as `fits` says something of the events since `from`. */
	when(fits, what, from = 0) {
		return within(WAIT_MS, new Promise((resolve) => {
			const look = () => {
				const found = fits(this.events.slice(from));
				if (!found) return;
				this.waiting.delete(look);
				resolve(found);
			};
			this.waiting.add(look);
			look();
		}), what).catch((error) => {
			const names = this.events.slice(from).map(({ event }) => event);
			throw new Error(`${error.message}; heard: ${names.join(' ')}; problems: ${JSON.stringify(this.problems)}`);
		});
	}

	// The client takes a subscription for established when it has asked for it.
	async subscribed(during) {
		const acknowledged = environment.received(['start_ack', 'error'], this.subscriptions);
		await during();
		await within(WAIT_MS, acknowledged, 'start_ack');
	}

	/** Has a round of synchronization behind it, and hears of changes. */
	async start(options = {}) {
		const errorHandler = (problem) => {
			// The client says so of a conflict that its handler has settled.
			if (problem.message === 'RetryMutation') return;
			this.problems.push(problem);
			for (const look of this.waiting) look();
		};
		this.DataStore.configure({ errorHandler, ...this.options, ...options });
		globalThis.window = this.window;
		const from = this.events.length;
		await this.subscribed(async () => {
			await this.DataStore.start();
			await this.when((events) => events.some(({ event }) => event === 'ready'), 'ready', from);
		});
		return this;
	}

	stop() {
		return this.DataStore.stop();
	}

	/** `during` makes changes, and `count` of them have been answered and stored. */
	async sent(during, count = 1) {
		const from = this.events.length;
		const result = await during();
		await this.when((events) => events.filter(({ event }) => event === 'outboxMutationProcessed').length >= count,
			'an answered change', from);
		return result;
	}

	/** Changes a record; what is stored when the server has answered. */
	async change(Model, id, how) {
		const record = await this.DataStore.query(Model, id);
		await this.sent(() => this.DataStore.save(Model.copyOf(record, how)));
		return this.DataStore.query(Model, id);
	}

	/** What the errorHandler is told next because of `during`. */
	async problem(during) {
		const known = this.problems.length;
		await during();
		return this.when(() => this.problems[known], 'a problem');
	}

	/** The network goes away, as the browser tells it, and the client has noticed. */
	async goOffline() {
		const from = this.events.length;
		this.window.switchNetwork(false);
		await this.when((events) => events.some(({ event, data }) => event === 'networkStatus' && !data.active), 'offline', from);
	}

	/** The network is there again, and so is all that has changed meanwhile. */
	async goOnline() {
		const from = this.events.length;
		await this.subscribed(async () => {
			this.window.switchNetwork(true);
			await this.when((events) => events.some(({ event }) => event === 'syncQueriesReady'), 'online', from);
		});
	}

	/** What is stored of a model, as soon as `fits` accepts it. */
	async stored(Model, fits) {
		let found;
		let changed;
		const subscription = this.DataStore.observe(Model).subscribe({ next: () => changed && changed() });
		try {
			await within(WAIT_MS, (async () => {
				for (;;) {
					const next = new Promise((resolve) => { changed = resolve; });
					found = await this.DataStore.query(Model);
					if (fits(found)) return;
					await next;
				}
			})(), 'the expected records');
		} catch (error) {
			throw new Error(`${error.message}; stored: ${JSON.stringify(found)}; problems: ${JSON.stringify(this.problems)}`);
		} finally {
			subscription.unsubscribe();
		}
		return found;
	}

	/** One record, as soon as `fits` accepts it; nothing, when that is what is asked for. */
	async one(Model, id, fits) {
		const pick = (list) => list.find((record) => record.id === id);
		return pick(await this.stored(Model, (list) => fits(pick(list))));
	}
}

const METADATA = 'createdAt updatedAt _version _lastChangedAt _deleted';

/** On a connection of its own, which isn't kept: the tests cut those that the server has. */
function post(url, headers, body) {
	return new Promise((resolve, reject) => {
		const request = http.request(url, { method: 'POST', headers, agent: false }, (response) => {
			let text = '';
			response.setEncoding('utf8');
			response.on('data', (chunk) => { text += chunk; });
			response.on('end', () => resolve(JSON.parse(text)));
			response.on('error', reject);
		});
		request.on('error', reject);
		request.end(body);
	});
}

/** Another client of the server, which knows GraphQL alone. Throws what it is refused. */
class Remote {
	constructor(server, headers = { 'x-api-key': API_KEY }) {
		Object.assign(this, { server, headers: { 'content-type': 'application/json', ...headers } });
	}

	async ask(query, variables) {
		const body = JSON.stringify({ query, variables });
		const { data, errors } = await post(this.server.endpoint, this.headers, body);
		if (errors) throw Object.assign(new Error(errors[0].message), { errors, data });
		return Object.values(data)[0];
	}

	/** The operations of a model, each with these fields and those that versions bring. */
	of(model, fields) {
		const selected = `{ ${fields} ${METADATA} }`;
		const mutation = (verb) => (input) => this.ask(
			`mutation M($input: ${verb[0].toUpperCase()}${verb.slice(1)}${model}Input!) { ${verb}${model}(input: $input) ${selected} }`,
			{ input },
		);
		return {
			create: mutation('create'), update: mutation('update'), delete: mutation('delete'),
			get: (id) => this.ask(`query G($id: ID!) { get${model}(id: $id) ${selected} }`, { id }),
		};
	}
}

/** What a test is given: a server of its own and what it needs to make clients. */
class World {
	constructor(settings) {
		Object.assign(this, settings, { clients: [] });
	}

	async begin() {
		const { conflict, models, resolversFile, args } = this;
		this.server = await start({ schemaFile: path.join(FOLDER, `${models}.graphql`), resolversFile,
			args: ['--conflict', conflict, '--control', '0', ...args] });
		this.control = this.server.control;
		this.remote = new Remote(this.server);
	}

	/** A client that isn't started. */
	device(options) {
		const client = new Client(this.server, this.models, options);
		this.clients.push(client);
		return client;
	}

	client(options) {
		return this.device(options).start();
	}

	async end() {
		for (const client of this.clients) await client.stop();
		await this.server.stop();
	}
}

/** A test for each strategy of conflicts: `fn` gets a world. `resolversFile` and `args` are the server's. */
function scenario(name, { models = 'models', conflicts = ['automerge', 'optimistic'], resolversFile, args = [] }, fn) {
	for (const conflict of conflicts) {
		test(`${name} (${conflict})`, async () => {
			const world = new World({ conflict, models, resolversFile, args });
			await world.begin();
			try {
				await fn(world);
			} finally {
				await world.end();
			}
		});
	}
}

module.exports = { scenario, Remote };
