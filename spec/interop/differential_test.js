// Random documents against random schemas, here and in graphql-js: the same data, and errors at the same paths.
// N documents (default 1000), SEED; a failure prints what replays it.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const graphql = require('graphql-16');
const { test } = require('./support/harness');
const { start, temporary, API_KEY } = require('./support/server');
const { random } = require('./differential/random');
const { Schema } = require('./differential/schema');
const { Document } = require('./differential/documents');
const { damage } = require('./differential/damage');
const { resolve } = require('./differential/resolve');

const N = Number(process.env.N || 1000);
const SEED = Number(process.env.SEED || Date.now() % 1000000);
const PER_SCHEMA = 100;

async function ask(server, request) {
	const response = await fetch(server.endpoint, {
		method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': API_KEY }, body: JSON.stringify(request),
	});
	return response.json();
}

function reference(schema, data, { query, variables }) {
	let document;
	try {
		document = graphql.parse(query);
	} catch (error) {
		return { refusal: 'syntax', errors: [error] };
	}
	const errors = graphql.validate(schema, document);
	if (errors.length > 0) return { refusal: 'validation', errors };
	const result = graphql.execute({
		schema, document, variableValues: variables,
		fieldResolver: (source, args, _, info) => resolve(data, info.parentType.name, info.fieldName, source, args),
		typeResolver: (value) => value.__typename,
	});
	const isRefused = !result.data && result.errors.every((error) => !error.path); // nothing ran
	if (isRefused) return { refusal: 'execution', errors: result.errors };
	return result;
}

const lines = (errors) => errors.flatMap((error) => (error.locations || []).map((place) => place.line));

// The service is made with graphql-java, which names the definition of a fragment that is in a cycle, and the three dots
// of a spread where graphql-js has the name behind them, be it on the next line; and it looks for
// the operation that is meant before it validates.
const ELSEWHERE = /^Validation error of type (FragmentCycle|UndefinedFragment)|^Missing operation name/;

function isPlaced(expected, got) {
	const there = lines(expected.errors);
	return there.length === 0 || ELSEWHERE.test(got.errors[0].message) || lines(got.errors).some((line) => there.includes(line));
}

const paths = (errors) => (errors || []).map((error) => JSON.stringify(error.path || null)).sort();

function compare(expected, got) {
	if (expected.refusal) {
		assert.ok(got.errors && got.errors.length > 0 && (got.data === null || got.data === undefined),
			`graphql-js refuses (${expected.refusal}): ${expected.errors[0].message}`);
		assert.ok(!got.errors.some((error) => error.path), 'a refusal has no path');
		assert.ok(isPlaced(expected, got), 'the line of a refusal');
		return;
	}
	// In their order, which JSON keeps.
	assert.equal(JSON.stringify(got.data), JSON.stringify(expected.data), 'data');
	assert.deepEqual(paths(got.errors), paths(expected.errors), 'paths of errors');
}

// What was asked and answered, for whoever looks into a difference.
function report(error, { seed, i, harm, request, expected, got }) {
	return new Error([`document ${i} of schema ${seed}, damage: ${harm.name}: ${error.message}`, request.query,
		`variables: ${JSON.stringify(request.variables)}`, `graphql-js: ${JSON.stringify(expected)}`,
		`served: ${JSON.stringify(got)}`].join('\n'));
}

async function runSchema(seed, count) {
	const rnd = random(seed);
	const made = new Schema(rnd);
	const data = made.data();
	process.env.INTEROP_DATA = temporary('data.json', JSON.stringify(data));
	const server = await start({ schema: made.sdl(), resolversFile: path.join(__dirname, 'differential/resolvers.lua') });
	const schema = graphql.buildSchema(made.sdl());
	const tally = {};
	for (let i = 0; i < count; i++) {
		const document = new Document(rnd, made);
		const harm = rnd.chance(0.3) ? damage(rnd, document.query) : { name: 'none', query: document.query };
		const request = { query: harm.query, variables: document.values() };
		const expected = reference(schema, data, request);
		const got = await ask(server, request);
		const kind = expected.refusal || (expected.errors ? 'errors' : 'clean');
		tally[kind] = (tally[kind] || 0) + 1;
		try {
			compare(expected, got);
		} catch (error) {
			throw report(error, { seed, i, harm, request, expected, got });
		}
	}
	await server.stop();
	console.log(`# ${Object.entries(tally).map((pair) => pair.join(' ')).join(', ')}`);
}

for (let done = 0, seed = SEED; done < N; done += PER_SCHEMA, seed++) {
	const count = Math.min(PER_SCHEMA, N - done);
	test(`${count} random documents have the same answers as in graphql-js (N=${count} SEED=${seed})`, () => runSchema(seed, count));
}
