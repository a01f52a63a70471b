// A case: a schema, a server's state, and operations on a cache with what Apollo Client 3 answers to them.
'use strict';

const graphql = require('graphql');
const { random } = require('../differential/random');
const { Schema } = require('./schema');
const { State } = require('./state');
const { Document } = require('./documents');
const { Oracle, typePolicies } = require('./oracle');

const NOT_MEANT = ['NoUnusedFragments', 'NoUnusedVariables', 'SingleFieldSubscriptions'];
const RULES = graphql.specifiedRules.filter((rule) => !NOT_MEANT.some((name) => rule.name.startsWith(name)));

/** The document as it is sent: __typename in every selection set but the root. */
function withTypenames(document) {
	const field = { kind: 'Field', name: { kind: 'Name', value: '__typename' } };
	return graphql.visit(document, {
		SelectionSet(node, _, parent) {
			if (parent.kind === 'OperationDefinition') return undefined;
			return { ...node, selections: [...node.selections, field] };
		},
	});
}

/** The same without some of its selections. */
function pruned(rnd, query) {
	const document = graphql.visit(graphql.parse(query), {
		SelectionSet(node) {
			const kept = node.selections.filter(() => rnd.chance(0.8));
			return kept.length > 0 ? { ...node, selections: kept } : undefined;
		},
	});
	return graphql.print(document);
}

/** How an id that Apollo Client 3 makes from its key fields is called here: {"sku":"a"} → a, {"m":{"kk":"b"}} → {"m.kk":"b"}. */
function ownId(id) {
	const [, type, json] = /^(\w+):(\{.*\})$/s.exec(id) || [];
	if (!type) return id;
	const key = JSON.parse(json);
	if ('sku' in key) return `${type}:${key.sku}`;
	if (!key.m) return id;
	return `${type}:${JSON.stringify({ 'm.kk': key.m.kk, k2: key.k2 })}`;
}

class Case {
	constructor(seed, count) {
		this.seed = seed;
		this.rnd = random(seed);
		this.schema = new Schema(this.rnd);
		this.state = new State(this.rnd, this.schema);
		this.executable = graphql.buildSchema(this.schema.sdl());
		this.setting = { possibleTypes: this.schema.possibleTypes(), typePolicies: typePolicies(this.schema) };
		this.oracle = new Oracle(this.setting);
		this.written = [];
		this.ops = [];
		this.answers = [];
		while (this.ops.length < count) this.step();
	}

	/** What both sides know beforehand. */
	opening() {
		return { op: 'open', possible: this.schema.possibleTypes(), keys: this.schema.keyFields() };
	}

	put(op) {
		this.ops.push(op);
		this.answers.push(this.oracle.answer(op));
	}

	// Fragments (readFragment, writeFragment) aren't among the operations yet.
	step() {
		const { rnd } = this;
		const choice = rnd.of(100);
		if (this.written.length === 0 || choice < 30) this.put(this.write());
		else if (choice < 38) this.put(this.write(rnd.pick(this.written))); // a refetch
		else if (choice < 60) this.put({ op: 'read', ...this.again() });
		else if (choice < 72) this.put(this.pruned());
		else if (choice < 85) this.put(this.other());
		else if (choice < 94) this.evict();
		else if (choice < 98) this.put({ op: 'gc' });
		if (rnd.chance(0.3)) this.state.change();
	}

	fresh(hasKeys, operation = 'query') {
		const document = new Document(this.rnd, this.schema, { operation, hasKeys });
		const variables = document.values();
		const parsed = graphql.parse(document.query);
		const errors = graphql.validate(this.executable, parsed, RULES);
		if (errors.length > 0) throw new Error(`seed ${this.seed}: ${errors[0].message}: ${document.query}`);
		return { query: document.query, variables, document };
	}

	/** One that was written, at times with other values for its variables. */
	again() {
		const { query, variables, document } = this.rnd.pick(this.written);
		return { query, variables: this.rnd.chance(0.2) ? document.values() : variables };
	}

	other() {
		const { query, variables } = this.fresh(false);
		return { op: 'read', query, variables };
	}

	pruned() {
		const { query, variables } = this.again();
		return { op: 'read', query: pruned(this.rnd, query), variables };
	}

	write(known) {
		const { rnd } = this;
		const operation = rnd.chance(0.85) ? 'query' : rnd.pick(['mutation', 'subscription']);
		const made = known || this.fresh(true, operation);
		if (!known && operation === 'query') this.written.push(made);
		const variables = known && rnd.chance(0.2) ? made.document.values() : made.variables;
		const document = withTypenames(graphql.parse(made.query));
		const root = this.state.roots[this.executable.getType(made.query.startsWith('query') ? 'Query' : made.query.startsWith('mutation') ? 'Mutation' : 'Subscription').name];
		const { data, errors } = graphql.execute({
			schema: this.executable, document, rootValue: root, variableValues: variables,
			fieldResolver: (object, args, _, info) => this.state.resolve(object, info.fieldName, args),
			typeResolver: (value) => value.__typename,
		});
		if (errors) throw new Error(`seed ${this.seed}: ${errors[0].message}: ${made.query}`);
		return { op: 'write', query: made.query, variables, data: JSON.parse(JSON.stringify(data)) };
	}

	evict() {
		const { rnd } = this;
		const contents = this.oracle.contents();
		const ids = Object.keys(contents).filter((id) => !id.startsWith('__'));
		if (ids.length === 0) return;
		const id = rnd.chance(0.05) ? 'T0:none' : rnd.chance(0.3) && contents.ROOT_QUERY ? 'ROOT_QUERY' : rnd.pick(ids);
		const op = { op: 'evict', id, own: ownId(id) };
		// A reference to a root that is nowhere reads as an object without fields there, and is missing here.
		const isWhole = id === 'ROOT_QUERY' ? !this.schema.hasRootBelow() && rnd.chance(0.03) : rnd.chance(0.4);
		if (!isWhole) {
			const stored = rnd.pick(Object.keys(contents[id] || { s0: 1 }));
			const [, name, args] = /^(\w+)(?:\((.*)\))?/s.exec(stored);
			// What a root is isn't kept here. For objects of no known type, fragments whose fields are there match here.
			if (name === '__typename') return;
			op.field = op.ownField = name;
			const isConnected = (one) => one.startsWith(`${name}:`);
			if (Object.keys(contents[id] || {}).some(isConnected)) { // keys of @connection: Apollo Client puts the field's name before them
				const isName = Object.keys(contents[id]).some((one) => one.startsWith(`${stored}(`)); // of others as well, here
				if (!isConnected(stored) || isName) return;
				const [, own, values] = /^\w+:(\w+)(?:\((.*)\))?/s.exec(stored);
				Object.assign(op, { field: stored, ownField: own }, values && { ownArgs: JSON.parse(values) });
			} else if (args !== undefined && !stored.includes('@') && rnd.chance(0.6)) op.args = op.ownArgs = JSON.parse(args);
			else if (rnd.chance(0.05)) op.args = op.ownArgs = {};
		}
		this.put(op);
	}
}

module.exports = { Case, Oracle };
