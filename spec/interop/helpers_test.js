// aws-appsync's buildMutation and appsync.build_mutation: with the same cache and arguments, the same variables, optimistic
// response and cached data.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { test } = require('./support/harness');
require('./support/legacy'); // what of a browser aws-appsync looks for
const { buildMutation } = require('aws-appsync');
const { InMemoryCache } = require(require.resolve('apollo-cache-inmemory', { paths: [require.resolve('aws-appsync')] }));
const gql = require('graphql-tag');
const { CASES } = require('./helpers/cases');

const LUA = process.env.APPSYNC_LUA;
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

const isPlain = (value) => value !== null && typeof value === 'object';

/** A query's text, wherever it stands in cache updates, as a document; data, which are no part of them, go. */
function parsed(updates) {
	if (typeof updates === 'string') return gql(updates);
	if (Array.isArray(updates)) return updates.map(parsed);
	if (updates.query) return { query: gql(updates.query), variables: updates.variables };
	return Object.fromEntries(Object.entries(updates).map(([kind, some]) => [kind, parsed(some)]));
}

function without(updates) {
	if (!isPlain(updates)) return updates;
	if (Array.isArray(updates)) return updates.map(without);
	if (updates.query) return { query: updates.query, variables: updates.variables };
	return Object.fromEntries(Object.entries(updates).map(([kind, some]) => [kind, without(some)]));
}

function theirs(one) {
	const cache = new InMemoryCache({ addTypename: true });
	for (const { query, variables, data } of one.cached) cache.writeQuery({ query: gql(query), variables, data });
	const built = buildMutation(cache, gql(one.mutation), one.inputType ? { inputType: gql(one.inputType), variables: one.variables } : one.variables,
		parsed(one.cacheUpdates), one.typename, one.idField, one.operation);
	const { optimisticResponse, variables } = built;
	if (optimisticResponse) {
		cache.writeQuery({ query: gql(one.mutation), data: optimisticResponse, dataId: 'ROOT_MUTATION', variables });
		built.update(cache, { data: optimisticResponse });
	}
	const cached = one.cached.map((entry) => cache.readQuery({ query: gql(entry.query), variables: entry.variables }));
	return { variables, optimisticResponse, cached };
}

/** Without types, and with a name for ids that were made. */
function plain(value) {
	if (typeof value === 'string' && UUID.test(value)) return 'a UUID';
	if (!isPlain(value)) return value;
	if (Array.isArray(value)) return value.map(plain);
	return Object.fromEntries(Object.entries(value).filter(([key]) => key !== '__typename').map(([key, item]) => [key, plain(item)]));
}

/** What isn't declared isn't sent: there it makes no difference. */
function declared(one, variables) {
	const names = gql(one.mutation).definitions[0].variableDefinitions.map((definition) => definition.variable.name.value);
	return Object.fromEntries(Object.entries(variables).filter(([name]) => names.includes(name)));
}

function compare(one, expected, got) {
	assert.deepEqual(plain(got.variables), plain(declared(one, expected.variables)));
	assert.equal(got.optimisticResponse && got.optimisticResponse.__typename, expected.optimisticResponse ? 'Mutation' : undefined);
	for (const [field, item] of Object.entries(expected.optimisticResponse || {})) {
		if (isPlain(item)) assert.deepEqual({ ...plain(got.optimisticResponse[field]), ...plain(item) }, plain(got.optimisticResponse[field]));
	}
	assert.deepEqual(plain(got.cached), plain(expected.cached));
}

const all = Object.entries(CASES).map(([name, one]) => ({ typename: 'Todo', name, ...one }));
let answers;

function ours(one) {
	if (!answers) {
		const lines = all.map((given) => JSON.stringify({ ...given, cacheUpdates: without(given.cacheUpdates) }));
		const { stdout, stderr, status } = spawnSync(LUA, [path.join(__dirname, 'helpers/driver.lua')],
			{ input: `${lines.join('\n')}\n`, maxBuffer: 1 << 26, encoding: 'utf8' });
		assert.equal(status, 0, stderr);
		answers = stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line));
	}
	return answers[all.indexOf(one)];
}

for (const one of all) {
	test(`buildMutation gives the same for ${one.name}`, () => compare(one, theirs(one), ours(one)));
}
