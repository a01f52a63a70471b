// Random documents against a schema of ./schema: aliases, arguments, variables, fragments in fragments, the same field
// twice, conditions.
'use strict';

const { argument, literal } = require('./values');

class Document {
	/** `hasKeys`: what identifies an object is selected nearly always, as in what is written. */
	constructor(rnd, schema, { operation = 'query', hasKeys = true } = {}) {
		this.rnd = rnd;
		this.schema = schema;
		this.hasKeys = hasKeys;
		this.variables = [];
		this.names = new Map(); // field, arguments and directives → response key
		this.taken = new Set(['id', '_id', 'sku', 'k1', 'k2', 'm', 'kk', '__typename']);
		this.connections = new Map();
		this.fragments = [];
		this.used = new Set();
		// Where keys have other names, nothing is selected twice: see the oracle.
		this.isSimple = rnd.chance(0.15);
		this.keyAlias = this.isSimple && rnd.chance(0.5);
		this.identified = new Set(rnd.some(Object.keys(schema.types), 0.93));
		this.swap();
		for (let n = this.isSimple ? 0 : rnd.of(3); n > 0; n--) this.addFragment();
		const type = `${operation[0].toUpperCase()}${operation.slice(1)}`;
		const body = this.selection(type, 1 + rnd.of(3));
		this.query = `${operation} Q${this.definitions()} ${body}${this.printFragments()}`;
	}

	/** Two fields have each other's names. */
	swap() {
		const { rnd, schema } = this;
		if (!rnd.chance(0.1)) return;
		const plain = Object.values(schema.fields).filter((field) => field.args.length === 0 && /^s\d/.test(field.name));
		if (plain.length < 2) return;
		const [a, b] = rnd.shuffled(plain).map((field) => field.name);
		this.names.set(a, b);
		this.names.set(b, a);
		this.taken.add(a).add(b);
	}

	addFragment() {
		const { rnd, schema } = this;
		const on = rnd.pick([...Object.keys(schema.abstract), ...Object.keys(schema.types).filter((name) => /^T/.test(name))]);
		const name = `F${this.fragments.length}`;
		const text = this.selection(on, 1);
		this.fragments.push({ name, on, text });
	}

	printFragments() {
		const used = new Set(this.used);
		return this.fragments.filter(({ name }) => used.has(name)).map(({ name, on, text }) => `\nfragment ${name} on ${on} ${text}`).join('');
	}

	variable(type, value) {
		const name = `v${this.variables.length}`;
		this.variables.push({ name, type, value, fallback: this.rnd.chance(0.3) ? literal(value, type) : undefined });
		return `$${name}`;
	}

	definitions() {
		const list = this.variables.map(({ name, type, fallback }) => `$${name}: ${type}${fallback === undefined ? '' : ` = ${fallback}`}`);
		return list.length > 0 ? `(${list.join(', ')})` : '';
	}

	/** Values for the variables: some are unset, some null. */
	values() {
		const { rnd } = this;
		const result = {};
		for (const { name, type, value, fallback } of this.variables) {
			const isNeeded = type.endsWith('!');
			if (isNeeded) {
				if (fallback === undefined || rnd.chance(0.5)) result[name] = rnd.chance(0.5);
			} else if (rnd.chance(0.7)) {
				result[name] = rnd.chance(0.6) ? value : argument(rnd, type);
			}
		}
		return result;
	}

	value(type) {
		const { rnd } = this;
		const value = argument(rnd, type);
		const text = literal(value, type);
		if (text === undefined || rnd.chance(0.35)) return this.variable(type, value);
		// a variable inside of a list or object
		if (type === '[Int]' && rnd.chance(0.3)) return `[1, ${this.variable('Int', rnd.of(3))}]`;
		if (type === 'In' && rnd.chance(0.3)) return `{y: ["a"], x: ${this.variable('Int', rnd.of(3))}}`;
		return text;
	}

	args(field) {
		const { rnd } = this;
		const given = rnd.shuffled(rnd.some(field.args, 0.6)).map(([name, type]) => `${name}: ${this.value(type)}`);
		return given.length > 0 ? `(${given.join(', ')})` : '';
	}

	condition() {
		const { rnd } = this;
		const value = rnd.chance(0.4) ? rnd.pick(['true', 'false']) : this.variable('Boolean!', rnd.chance(0.7));
		return ` @${rnd.pick(['include', 'skip'])}(if: ${value})`;
	}

	/** What changes a field's key in the cache. */
	directive(field, args) {
		const { rnd } = this;
		if (rnd.chance(0.04)) return rnd.chance(0.5) ? ' @odd' : ` @odd(x: ${this.value('Int')})`;
		// Without arguments Apollo Client 3 passes over @connection, where its predecessor did not.
		if (args === '' || !rnd.chance(0.15)) return '';
		// One key in the cache is one field of the service here, but for all the arguments that the filter leaves out: in a
		// document these don't differ.
		if (!this.connections.has(field.name)) {
			const filter = rnd.shuffled(rnd.some(field.args, 0.5)).map(([name]) => JSON.stringify(name));
			const directive = ` @connection(key: "k_${field.name}"${rnd.chance(0.6) ? `, filter: [${filter.join(', ')}]` : ''})`;
			this.connections.set(field.name, { args, directive });
		}
		const known = this.connections.get(field.name);
		return known.args === args ? known.directive : '';
	}

	responseKey(name, suffix) {
		const what = name + suffix;
		let key = this.names.get(what);
		if (key === undefined) {
			const isBare = !this.taken.has(name) && this.rnd.chance(suffix === '' ? 0.8 : 0.5);
			key = isBare ? name : `${name}_${this.names.size}`;
			this.names.set(what, key);
			this.taken.add(key);
		}
		return key;
	}

	field(name, depth) {
		const { rnd, schema } = this;
		const field = schema.fields[name];
		const isComposite = schema.isComposite(field.type);
		if (isComposite && depth === 0) return '';
		const args = this.args(field);
		const directive = this.directive(field, args);
		const key = this.responseKey(name, args + directive);
		const condition = rnd.chance(0.06) ? this.condition() : '';
		const below = isComposite ? ` ${this.selection(field.type, depth - 1)}` : '';
		return `${key === name ? '' : `${key}: `}${name}${args}${directive}${condition}${below}`;
	}

	keysOf(type) {
		const { rnd, schema } = this;
		const kind = schema.kindOf(type);
		const isNeeded = kind.policy && this.hasKeys;
		if (!isNeeded && !(this.hasKeys ? this.identified.has(type) : rnd.chance(0.5))) return '';
		return kind.select.map((text) => (this.keyAlias ? `a_${text}` : text).replace(/^a_(\S+)/, 'a_$1: $1')).join(' ');
	}

	keys(type) {
		const { schema } = this;
		if (schema.types[type]) return [this.keysOf(type)];
		return schema.concrete(type).map((one) => [one, this.keysOf(one)]).filter(([, text]) => text !== '')
			.map(([one, text]) => `... on ${one} { ${text} }`);
	}

	overlaps(a, b) {
		const other = this.schema.concrete(b);
		return this.schema.concrete(a).some((type) => other.includes(type));
	}

	inner(type, depth, nesting) {
		const { rnd, schema } = this;
		const spread = this.fragments.filter(({ on }) => this.overlaps(type, on));
		if (spread.length > 0 && rnd.chance(0.3)) {
			const { name } = rnd.pick(spread);
			this.used.add(name);
			return `...${name}${rnd.chance(0.1) ? this.condition() : ''}`;
		}
		const around = [...Object.keys(schema.types), ...Object.keys(schema.abstract)].filter((name) => this.overlaps(type, name));
		const on = rnd.chance(0.15) ? '' : rnd.pick(around);
		const condition = on === '' || rnd.chance(0.1) ? this.condition() : '';
		return `...${on === '' ? '' : ` on ${on}`}${condition} ${this.selection(on || type, depth, nesting + 1)}`;
	}

	/** `nesting`: how many fragments it is in, of the same object. */
	selection(type, depth, nesting = 0) {
		const { rnd, schema } = this;
		const parts = nesting > 0 ? [] : this.keys(type);
		const fields = schema.fieldsOf(type).filter((name) => !schema.types[type] || !/^(_?id|sku|k1|k2|m)$/.test(name));
		let n = fields.length > 0 ? 1 + rnd.of(nesting > 0 || depth < 2 ? 2 : 4) : 0;
		const picked = this.isSimple ? [...new Set(Array.from({ length: n }, () => rnd.pick(fields)))] : null;
		for (; n > 0; n--) parts.push(picked ? (picked[n - 1] ? this.field(picked[n - 1], depth) : '') : this.field(rnd.pick(fields), depth));
		const most = this.isSimple || nesting > 2 ? 0 : schema.types[type] ? rnd.of(4) - 2 : 1 + rnd.of(2);
		for (let i = most - (nesting > 0 ? 1 : 0); i > 0; i--) parts.push(this.inner(type, depth, nesting));
		// Where the root is in something we add a __typename beside it, and Apollo Client doesn't.
		if (rnd.chance(0.1)) parts.push(schema.isRoot(type) || rnd.chance(0.5) ? '__typename' : 't: __typename');
		const text = rnd.chance(0.8) ? parts : rnd.shuffled(parts);
		const body = text.filter((one) => one !== '').join(' ');
		return `{ ${body || '__typename'} }`;
	}
}

module.exports = { Document };
