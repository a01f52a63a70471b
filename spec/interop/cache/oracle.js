// Apollo Client 3's InMemoryCache, and what it answers to an operation.
//
// Embedded objects merge here, as in apollo-cache-inmemory 1.6 (writeToStore.ts), where they had generated ids that were
// their places; Apollo Client 3 replaces them unless a merge function says otherwise. So each field that may hold objects
// has one:
//   - an embedded object is merged, field by field, with the one at its place; items of lists likewise
//   - a reference in the place of an embedded object takes what that knew, as far as the record doesn't know better, and
//     so on below (mergeWithGenerated()); an item of a list doesn't
//   - an embedded object in the place of a reference replaces it; so do objects of another type
//
// Not asked, because Apollo Client 3 is at odds with itself there:
//   - `{ a { k: id } a { title } }`: it identifies an object once for each of the two selections, the second one without
//     an id. Keys that have other names stand in documents that select nothing twice.
//   - `{ a { id } b { title } }`, where both are one object: so a document selects the ids of a type everywhere or nowhere.
//   - a key of several fields that isn't selected whole is an exception there.
'use strict';

globalThis.__DEV__ = false;
const { InMemoryCache } = require('@apollo/client/core');
const { parse } = require('graphql');

const isReference = (value) => Boolean(value) && typeof value === 'object' && typeof value.__ref === 'string';
const isEmbedded = (value) => Boolean(value) && typeof value === 'object' && !Array.isArray(value) && !isReference(value);
const holdsObjects = (storeFieldName) => /^(o\d|m$)/.test(storeFieldName);

function isOneType(a, b) {
	return a === undefined || b === undefined || a === b;
}

function mergeFields(existing, incoming, cache) {
	const result = { ...existing, ...incoming };
	for (const name of Object.keys(incoming)) if (holdsObjects(name)) result[name] = mergeValue(existing[name], incoming[name], cache);
	return result;
}

/** What an embedded object knew goes into the record; both are kept by the names of the store. */
function settle(existing, { __ref: id }, cache) {
	const record = cache.data.lookup(id) || {};
	// A record may be merged after a root that the response has in it: its key tells its type already.
	if (cache.busy.includes(id) || !isOneType(existing.__typename, id.slice(0, id.indexOf(':')))) return;
	const known = {};
	cache.busy.push(id);
	for (const [name, value] of Object.entries(existing)) {
		const own = record[name];
		if (isReference(own) && isEmbedded(value) && holdsObjects(name)) settle(value, own, cache);
		const isBoth = holdsObjects(name) && isEmbedded(value) && isEmbedded(own) && isOneType(value.__typename, own.__typename);
		if (own === undefined || isBoth) known[name] = isBoth ? mergeFields(value, own, cache) : value;
	}
	cache.busy.pop();
	cache.data.merge(id, known);
}

function mergeValue(existing, incoming, cache) {
	if (Array.isArray(incoming)) {
		const known = Array.isArray(existing) ? existing : [];
		return incoming.map((item, i) => (isReference(item) ? item : mergeValue(known[i], item, cache)));
	}
	if (isReference(incoming) && isEmbedded(existing)) settle(existing, incoming, cache);
	if (!isEmbedded(incoming) || !isEmbedded(existing) || !isOneType(existing.__typename, incoming.__typename)) return incoming;
	return mergeFields(existing, incoming, cache);
}

function merge(existing, incoming, { cache, storage }) {
	if (storage && storage.depth > 2) return incoming; // its parent is embedded, and merged whole
	cache.busy = storage ? [storage.owner] : []; // a record takes nothing from an object in itself
	return mergeValue(existing, incoming, cache);
}

const nested = (path) => { // "m.kk" → 'm', ['kk']
	const [first, ...rest] = path.split('.');
	return rest.length > 0 ? [first, nested(rest.join('.')).flat()] : [first];
};

function typePolicies(schema) {
	const policies = {};
	const keys = schema.keyFields();
	for (const [name, type] of Object.entries(schema.types)) {
		const fields = Object.fromEntries(type.fields.filter(holdsObjects).map((field) => [field, { merge }]));
		policies[name] = { fields };
		if (keys[name]) policies[name].keyFields = keys[name].flatMap(nested);
	}
	return policies;
}

function missingPaths(tree, path = '') {
	if (typeof tree === 'string') return [path];
	return Object.entries(tree).flatMap(([name, below]) => missingPaths(below, path === '' ? name : `${path}.${name}`));
}

const plain = (value) => JSON.parse(JSON.stringify(value));
const ROOTS = { query: 'ROOT_QUERY', mutation: 'ROOT_MUTATION', subscription: 'ROOT_SUBSCRIPTION' };
const documents = new Map();

class Oracle {
	constructor(setting) {
		this.cache = new InMemoryCache({ ...setting, resultCaching: false });
		// Storage is asked for by a record's id and the path of the field below it: how merge() learns what it merges.
		this.cache.data.getStorage = (...path) => ({ depth: path.length, owner: path[0] });
	}

	document(query) {
		if (!documents.has(query)) {
			if (documents.size > 1000) documents.clear();
			documents.set(query, parse(query));
		}
		return this.cache.transformDocument(documents.get(query));
	}

	/** `{}`, `{ data, missing }`, `{ evicted }` or `{ collected }`. */
	answer(op) {
		switch (op.op) {
			case 'write': return this.write(op);
			case 'gc': return { collected: this.cache.gc().length };
			case 'read': {
				const query = this.document(op.query);
				const { result, missing } = this.cache.diff({ query, variables: op.variables, returnPartialData: true, optimistic: false });
				return { data: plain(result), missing: missing ? missingPaths(missing[0].missing).sort() : [] };
			}
			default: return { evicted: this.cache.evict({ id: op.id, fieldName: op.field, args: op.args, broadcast: false }) };
		}
	}

	write({ query, variables, data }) {
		const document = this.document(query);
		const root = ROOTS[document.definitions[0].operation];
		this.cache.write({ query: document, variables, result: data, dataId: root, broadcast: false });
		if (root !== ROOTS.query) this.cache.evict({ id: root, broadcast: false }); // as the client does after a mutation
		return {};
	}

	/** What there is to evict: ids, with the names of their fields in the store. */
	contents() {
		return this.cache.extract();
	}
}

module.exports = { Oracle, typePolicies };
