// Random values of scalars and arguments, and how they stand in a document.
'use strict';

const { INPUT } = require('./schema');

const STRINGS = ['', 'a', 'b', 'ü', '"q"\\', 'x\ny', '\u2028', '😀', 'null', '1', '$', '{}'];
const FLOATS = [0.5, -1.25, 1e21, 1e-7, 2, 0, 123456789.125];
const ENUMS = ['E0', 'E1', 'E2'];

/** Anything that JSON can be; objects that look like what a cache makes of objects, too. */
function json(rnd, depth = 2) {
	if (depth > 0 && rnd.chance(0.5)) {
		const of = () => json(rnd, depth - 1);
		if (rnd.chance(0.4)) return Array.from({ length: rnd.of(3) }, of);
		const keys = rnd.some(['b', 'a', '__typename', 'id', 'k y', ''], 0.35);
		return Object.fromEntries(keys.map((key) => [key, of()]));
	}
	return rnd.pick([null, true, false, rnd.of(5), 0.25, rnd.pick(STRINGS)]);
}

function scalar(rnd, type) {
	switch (type) {
		case 'Int': return rnd.of(6) - 1;
		case 'Float': return rnd.pick(FLOATS);
		case 'Boolean': return rnd.chance(0.5);
		case 'E': return rnd.pick(ENUMS);
		case 'J': return json(rnd);
		default: return rnd.pick(STRINGS);
	}
}

/** The value of an argument, as JSON. */
function argument(rnd, type, depth = 2) {
	if (rnd.chance(0.1)) return null;
	if (type.startsWith('[')) return Array.from({ length: rnd.of(3) }, () => argument(rnd, type.slice(1, -1), depth - 1));
	if (type !== 'In') return type === 'J' ? json(rnd, 1) : scalar(rnd, type);
	const fields = depth > 0 ? rnd.some(INPUT, 0.4) : [];
	return Object.fromEntries(rnd.shuffled(fields).map(([name, of]) => [name, argument(rnd, of, depth - 1)]));
}

const NAME = /^[_A-Za-z][_0-9A-Za-z]*$/;

/** What JSON is in a document; undefined: it has names that GraphQL has not. */
function literal(value, type) {
	if (value === null || typeof value !== 'object') return typeof value === 'string' && type === 'E' ? value : JSON.stringify(value);
	const inner = type && type.startsWith('[') ? type.slice(1, -1) : null;
	const parts = [];
	for (const [key, one] of Object.entries(value)) {
		const isList = Array.isArray(value);
		const field = isList ? null : INPUT.find(([name]) => name === key);
		const text = literal(one, isList ? inner : type === 'In' && field ? field[1] : null);
		if (text === undefined || (!isList && !NAME.test(key))) return undefined;
		parts.push(isList ? text : `${key}: ${text}`);
	}
	return Array.isArray(value) ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`;
}

module.exports = { scalar, argument, literal };
