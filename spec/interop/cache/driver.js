// csrc/cache as a program (spec/support/cache_driver.c): cases in, answers out; what is other than it should be, made small.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { isDeepStrictEqual } = require('node:util');
const graphql = require('graphql');
const { Oracle } = require('./cases');

const PROGRAM = process.env.CACHE_DRIVER;
const KEY_FIELDS = ['__typename', 'id', '_id', 'sku', 'k1', 'k2', 'm', 'kk'];
const ROOTS = ['Query', 'Mutation', 'Subscription'];
const MOST_TRIES = 500;

/** Where our side keeps what it has: in memory; in a file, nothing else being kept; in a file that is read apart. */
const PLACES = { memory: () => [], file: (file) => [file], apart: (file) => [file, 'apart'] };

/** The answers of our side to the operations of cases, each `{ opening, ops }`. */
function ask(cases, place) {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'appsync-cache-'));
	try {
		const lines = cases.flatMap(({ opening, ops }) => [opening, ...ops].map((op) => JSON.stringify(op)));
		const { stdout, stderr, status, signal } = spawnSync(PROGRAM, PLACES[place](path.join(folder, 'store.db')),
			{ input: `${lines.join('\n')}\n`, maxBuffer: 1 << 30, encoding: 'utf8' });
		const answers = stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line));
		if (status !== 0 || answers.length !== lines.length) return { fault: `${signal || `exit ${status}`}\n${stderr}`, n: answers.length };
		return cases.map(({ ops }) => answers.splice(0, ops.length + 1).slice(1));
	} finally {
		fs.rmSync(folder, { recursive: true, force: true });
	}
}

/** What is wrong with our answer; undefined: nothing. */
function difference(op, expected, got) {
	if (got.error) return `an error: ${got.error}`;
	if (op.op === 'write') return got.repeated === 0 ? undefined : `told of ${got.repeated} changes when nothing was new`;
	if (op.op === 'gc') return got.collected === expected.collected ? undefined : 'how many records were collected';
	// That ROOT_QUERY is a Query isn't kept here, and can't be taken away.
	if (op.op === 'evict' && op.id === 'ROOT_QUERY' && !op.field) return undefined;
	if (op.op === 'evict') return got.evicted === expected.evicted ? undefined : 'whether something was evicted';
	if (!isDeepStrictEqual(got.data, expected.data)) return expected.missing.length > 0 ? 'partial data' : 'data';
	const isAll = got.n_missing === got.missing.length; // the first hundred are named
	const isSame = got.n_missing === expected.missing.length && (!isAll || isDeepStrictEqual(got.missing.sort(), expected.missing));
	return isSame ? undefined : 'what is missing';
}

function firstDifference(ops, answers, got) {
	for (let i = 0; i < ops.length; i++) {
		const what = difference(ops[i], answers[i], got[i]);
		if (what) return { what, i, op: ops[i], expected: answers[i], got: got[i] };
	}
	return undefined;
}

/** Asks both sides anew. */
function attempt(one, ops, place) {
	const oracle = new Oracle(one.setting);
	let answers;
	try {
		answers = ops.map((op) => oracle.answer(op));
	} catch {
		return undefined; // it doesn't accept what is left
	}
	const got = ask([{ opening: one.opening, ops }], place);
	if (got.fault) return { what: `ended: ${got.fault}`, i: got.n - 1 };
	return firstDifference(ops, answers, got[0]);
}

/** What a document selects of data. */
function project(data, query, possible) {
	const document = graphql.parse(query);
	const fragments = Object.fromEntries(document.definitions.filter((one) => one.kind === 'FragmentDefinition').map((one) => [one.name.value, one]));
	const isA = (type, name) => type === name || (possible[name] || []).some((one) => isA(type, one));
	const select = (value, nodes) => {
		if (value === null || nodes.length === 0) return value;
		if (Array.isArray(value)) return value.map((item) => select(item, nodes));
		const fields = new Map();
		const collect = (set) => set.selections.forEach((node) => {
			const fragment = node.kind === 'FragmentSpread' ? fragments[node.name.value] : node;
			const on = fragment.typeCondition && fragment.typeCondition.name.value;
			if (node.kind !== 'Field') {
				if (!on || on === value.__typename || isA(value.__typename, on) || ROOTS.includes(on)) collect(fragment.selectionSet);
				return;
			}
			const key = (node.alias || node.name).value;
			fields.set(key, [...(fields.get(key) || []), ...(node.selectionSet ? [node.selectionSet] : [])]);
		});
		nodes.forEach(collect);
		if ('__typename' in value) fields.set('__typename', []);
		return Object.fromEntries([...fields].filter(([key]) => key in value).map(([key, below]) => [key, select(value[key], below)]));
	};
	return select(data, [document.definitions[0].selectionSet]);
}

const isKey = (node) => node.kind === 'Field' && KEY_FIELDS.includes(node.name.value);
const holdsKeys = (node) => isKey(node) || (node.kind === 'InlineFragment' && node.selectionSet.selections.every(isKey));

/** Every way to leave one selection out; what identifies objects stays in what is written. */
function* smallerQueries({ op, query }) {
	const document = graphql.parse(query);
	let n = 0;
	const total = (query.match(/\w/g) || []).length;
	for (let leave = 0; leave <= Math.min(n === 0 ? total : n, 400); leave++) {
		n = 0;
		let hasLeft = false;
		const smaller = graphql.visit(document, {
			SelectionSet(node) {
				const kept = node.selections.filter((one) => {
					if (op === 'write' && holdsKeys(one)) return true;
					const stays = n++ !== leave;
					hasLeft = hasLeft || !stays;
					return stays;
				});
				return kept.length > 0 && kept.length < node.selections.length ? { ...node, selections: kept } : undefined;
			},
		});
		if (!hasLeft) return;
		yield graphql.print(smaller);
	}
}

/** The fewest operations, with the shortest documents, that still differ. */
function shrink(one, place) {
	let ops = one.ops;
	let n = 0;
	let found = attempt(one, ops, place);
	if (!found) return undefined;
	const tries = (candidate) => {
		const difference = candidate.length > 0 && n++ < MOST_TRIES ? attempt(one, candidate, place) : undefined;
		if (difference) [ops, found] = [candidate, difference];
		return Boolean(difference);
	};
	tries(ops.slice(0, found.i + 1));
	for (let size = ops.length >> 1; size >= 1; size >>= 1)
		for (let at = ops.length - size; at >= 0; at -= size) tries([...ops.slice(0, at), ...ops.slice(at + size)]);
	for (let hasGained = true; hasGained;) {
		hasGained = false;
		for (let i = ops.length - 1; i >= 0; i--) {
			if (!ops[i].query) continue;
			for (const query of smallerQueries(ops[i])) {
				if (query === ops[i].query) continue;
				const smaller = { ...ops[i], query };
				if (smaller.data) smaller.data = project(smaller.data, query, one.opening.possible);
				if (tries(ops.map((op, j) => (j === i ? smaller : op)))) {
					hasGained = true;
					break;
				}
			}
		}
	}
	return { ops, ...found };
}

/** Without the variables that nothing uses. */
function compact({ op, query, variables, data }) {
	const document = graphql.parse(query);
	const [head, ...rest] = document.definitions;
	const body = [{ ...head, variableDefinitions: [] }, ...rest].map(graphql.print).join('\n');
	const isUsed = (name) => new RegExp(`\\$${name}\\b`).test(body);
	const used = { ...head, variableDefinitions: head.variableDefinitions.filter((one) => isUsed(one.variable.name.value)) };
	const text = graphql.print({ ...document, definitions: [used, ...rest] }).replace(/\s+/g, ' ');
	const values = Object.fromEntries(Object.entries(variables).filter(([name]) => isUsed(name)));
	return `${op} ${text} ${JSON.stringify(values)} ${data ? JSON.stringify(data) : ''}`;
}

/** What was asked and answered, for whoever looks into a difference. */
function describe(one, { ops, what, expected, got }) {
	return [`seed ${one.seed}: ${what}`, `keys: ${JSON.stringify(one.opening.keys)}`, `possible: ${JSON.stringify(one.opening.possible)}`,
		...ops.map((op) => (op.query ? compact(op) : `${op.op} ${op.own} ${op.ownField || ''} ${op.ownArgs ? JSON.stringify(op.ownArgs) : ''}`)),
		`Apollo Client: ${JSON.stringify(expected)}`, `ours: ${JSON.stringify(got)}`].join('\n');
}

module.exports = { PLACES: Object.keys(PLACES), ask, firstDifference, shrink, describe };
