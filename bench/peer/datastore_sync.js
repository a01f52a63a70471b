// Peer of a first synchronization: DataStore of aws-amplify, with its records in memory, from DataStore.start() to "ready", on the
// pages of server/sync_pages. Arguments: port, number of records. Environment: NODE_PATH with the packages of spec/interop.
'use strict';

const { Browser, servePlainly } = require('../../spec/interop/support/environment');

globalThis.window = new Browser(); // without indexedDB: records are kept in memory

const { Amplify } = require('aws-amplify');
const { DataStore, initSchema } = require('aws-amplify/datastore');
const { Hub } = require('aws-amplify/utils');
const { version } = require('aws-amplify/package.json');

const port = process.argv[2];
const n = Number(process.argv[3]);

const field = (name, type, isRequired = false) => ({ name, isArray: false, type, isRequired, attributes: [] });
const time = (name) => ({ ...field(name, 'AWSDateTime'), isReadOnly: true });

// As Amplify's generator writes it.
const schema = {
	models: { Todo: {
		name: 'Todo', pluralName: 'Todos', syncable: true,
		fields: {
			id: field('id', 'ID', true), name: field('name', 'String', true), description: field('description', 'String'),
			priority: field('priority', 'Int'), done: field('done', 'Boolean'), owner: field('owner', 'String'),
			createdAt: time('createdAt'), updatedAt: time('updatedAt'),
		},
		attributes: [{ type: 'model', properties: {} }, { type: 'key', properties: { name: 'byOwner', fields: ['owner'] } }],
	} },
	enums: {}, nonModels: {}, version: 'bench1', codegenVersion: '3.4.4',
};

const seconds = ({ user, system }) => (user + system) / 1e6;

async function run() {
	const problems = [];
	servePlainly(port);
	Amplify.configure({ API: { GraphQL: {
		endpoint: `http://127.0.0.1:${port}/graphql`, region: 'us-east-1', defaultAuthMode: 'apiKey', apiKey: 'da2-bench',
	} } });
	const { Todo } = initSchema(schema);
	DataStore.configure({ syncPageSize: 1000, maxRecordsToSync: 1e9, errorHandler: (error) => problems.push(error) });
	const ready = new Promise((resolve) => {
		Hub.listen('datastore', ({ payload }) => { if (payload.event === 'ready') resolve(); });
	});
	const began = process.hrtime.bigint();
	const before = process.cpuUsage();
	await DataStore.start();
	await ready;
	const cpu = process.cpuUsage(before);
	const wall = Number(process.hrtime.bigint() - began) / 1e9;
	const stored = await DataStore.query(Todo);
	console.log(JSON.stringify({
		workload: `w8-sync-${n}`, peer: `DataStore of aws-amplify ${version}, in memory`, version, n, wall_s: wall, cpu_s: seconds(cpu),
		rss_mb: Math.round(process.resourceUsage().maxRSS / 1024), unit: 'records/s', ok: stored.length === n && problems.length === 0,
	}));
	process.exit(0);
}

run();
