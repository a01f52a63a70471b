// A random schema for the cache: objects with and without an identity, interfaces, unions. A field's name has one type
// and one list of arguments wherever it stands, so that any two selections of it can be merged.
'use strict';


const SCALARS = ['String', 'Int', 'Float', 'Boolean', 'E', 'J'];
const ARGUMENTS = [['a', 'Int'], ['b', 'String'], ['c', 'In'], ['d', 'E'], ['e', '[Int]'], ['f', 'Float'], ['g', 'Boolean'], ['h', 'J'],
	['i', '[In]']];
const INPUT = [['x', 'Int'], ['y', '[String]'], ['z', 'In'], ['w', 'E'], ['v', 'J']];

// What identifies a type's objects: the fields that are selected, and the policy where there is one.
const KINDS = {
	id: { select: ['id'] },
	maybe: { select: ['id'], isOptional: true }, // id may be null: then it has no identity
	_id: { select: ['_id'] },
	sku: { select: ['sku'], policy: ['sku'] },
	pair: { select: ['k1', 'k2'], policy: ['k1', 'k2'] },
	nested: { select: ['m { kk }', 'k2'], policy: ['m.kk', 'k2'] },
	none: { select: [] },
};

const KEY_FIELDS = { _id: 'String', sku: 'String', k1: 'String', k2: 'Int', m: 'M', kk: 'String' };

const ROOTS = ['Query', 'Mutation', 'Subscription'];

const names = (prefix, n) => Array.from({ length: n }, (_, i) => `${prefix}${i}`);

class Schema {
	constructor(rnd) {
		this.rnd = rnd;
		this.fields = {};
		this.types = { Query: { kind: 'none', fields: [], implements: [] }, M: { kind: 'none', fields: ['kk'], implements: [] } };
		this.abstract = {}; // interface or union → concrete types
		this.interfaces = {};
		const objects = names('T', 3 + rnd.of(4));
		const interfaces = names('I', rnd.of(3));
		const unions = names('U', rnd.of(3));
		this.define('id', rnd.chance(0.2) ? 'Int' : 'ID', 0, []);
		for (const [name, type] of Object.entries(KEY_FIELDS)) this.define(name, type, 0, []);
		this.definePool([...objects, ...objects, ...interfaces, ...unions, 'Query']);
		for (const name of interfaces) this.interfaces[name] = { fields: this.someFields(), implements: [] };
		if (interfaces.length === 2 && rnd.chance(0.3)) this.extend('I1', 'I0');
		for (const name of objects) this.addObject(name, interfaces);
		for (const name of ROOTS) this.types[name] = { kind: 'none', fields: this.someFields(8), implements: [] };
		for (const name of interfaces) this.abstract[name] = objects.filter((type) => this.types[type].implements.includes(name));
		for (const name of interfaces) if (this.abstract[name].length === 0) this.implement(objects[0], name);
		for (const name of unions) {
			const members = rnd.some(objects, 0.6);
			this.abstract[name] = members.length > 0 ? members : [objects[0]];
		}
		this.unions = unions;
	}

	define(name, type, list, args) {
		this.fields[name] = { name, type, list, args };
	}

	definePool(composites) {
		const { rnd } = this;
		const list = () => (rnd.chance(0.6) ? 0 : rnd.chance(0.75) ? 1 : 2);
		const args = () => (rnd.chance(0.25) ? rnd.some(ARGUMENTS, 0.35) : []);
		for (const name of names('s', 8)) this.define(name, rnd.pick(SCALARS), rnd.chance(0.8) ? 0 : list(), args());
		// JSON that only the name tells from an object: the oracle merges by it
		for (const name of names('o', 9)) this.define(name, rnd.pick(composites), list(), args());
	}

	someFields(n = 4) {
		const pool = Object.keys(this.fields).filter((name) => /^[so]\d/.test(name));
		const { rnd } = this;
		return [...new Set(Array.from({ length: n + rnd.of(4) }, () => rnd.pick(pool)))];
	}

	extend(below, above) {
		this.interfaces[below].implements.push(above);
		this.interfaces[below].fields = [...new Set([...this.interfaces[below].fields, ...this.interfaces[above].fields])];
	}

	addObject(name, interfaces) {
		const { rnd } = this;
		const kind = rnd.pick(['id', 'id', 'id', 'maybe', '_id', 'sku', 'pair', 'nested', 'none', 'none']);
		const keys = KINDS[kind].select.map((text) => text.split(' ')[0]);
		this.types[name] = { kind, fields: [...keys, ...this.someFields()], implements: [] };
		for (const one of interfaces) if (rnd.chance(0.4)) this.implement(name, one);
	}

	implement(type, name) {
		const object = this.types[type];
		object.implements = [...new Set([...object.implements, name, ...this.interfaces[name].implements])];
		for (const one of object.implements) {
			object.fields = [...new Set([...object.fields, ...this.interfaces[one].fields])];
			if (this.abstract[one]) this.abstract[one] = [...new Set([...this.abstract[one], type])];
		}
	}

	/** The root stands somewhere in a payload. */
	hasRootBelow() {
		return Object.values(this.fields).some(({ type }) => type === 'Query');
	}

	isRoot(name) {
		return ROOTS.includes(name);
	}

	isComposite(name) {
		return name in this.types || name in this.interfaces || name in this.abstract;
	}

	/** The object types that a value of this type may have. */
	concrete(name) {
		return this.types[name] ? [name] : this.abstract[name];
	}

	fieldsOf(name) {
		if (this.types[name]) return this.types[name].fields;
		return this.interfaces[name] ? this.interfaces[name].fields : [];
	}

	kindOf(type) {
		return KINDS[this.types[type].kind];
	}

	/** As what introspection tells: an interface that implements another one may stand for its types. */
	possibleTypes() {
		const possible = {};
		for (const [name, types] of Object.entries(this.abstract)) {
			const below = Object.keys(this.interfaces).filter((one) => this.interfaces[one].implements.includes(name));
			const isCovered = (type) => below.some((one) => this.abstract[one].includes(type));
			possible[name] = [...below, ...types.filter((type) => !isCovered(type))];
		}
		return possible;
	}

	keyFields() {
		const result = {};
		for (const [name, type] of Object.entries(this.types)) if (KINDS[type.kind].policy) result[name] = KINDS[type.kind].policy;
		return result;
	}

	sdl() {
		const field = (name) => {
			const { type, list, args } = this.fields[name];
			const given = args.length > 0 ? `(${args.map(([arg, of]) => `${arg}: ${of}`).join(' ')})` : '';
			return `${name}${given}: ${'['.repeat(list)}${type}${']'.repeat(list)}`;
		};
		const body = (fields) => `{ ${fields.map(field).join(' ')} }`;
		const heads = (list) => (list.length > 0 ? ` implements ${list.join(' & ')}` : '');
		return ['scalar J', 'enum E { E0 E1 E2 }', `input In { ${INPUT.map(([name, type]) => `${name}: ${type}`).join(' ')} }`,
			'directive @odd(x: Int) on FIELD', 'directive @connection(key: String!, filter: [String!]) on FIELD',
			...Object.entries(this.interfaces).map(([name, one]) => `interface ${name}${heads(one.implements)} ${body(one.fields)}`),
			...this.unions.map((name) => `union ${name} = ${this.abstract[name].join(' | ')}`),
			...Object.entries(this.types).map(([name, one]) => `type ${name}${heads(one.implements)} ${body(one.fields)}`),
		].join('\n');
	}
}

module.exports = { Schema, INPUT };
