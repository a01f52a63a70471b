// Random documents for a random schema, with variables that fit or don't.
'use strict';

const { print } = require('./schema');

const MAX_DEPTH = 5;

const innermost = (type) => (type.kind === 'named' ? type.name : innermost(type.of));

const REFERENCE = '{ kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }';
const VALUE = `{ name defaultValue type ${REFERENCE} }`;
const TYPE = `{ kind name fields { name isDeprecated args ${VALUE} type ${REFERENCE} } inputFields ${VALUE}
  enumValues { name } interfaces { name } possibleTypes { name } }`;

class Document {
	constructor(rnd, schema) {
		this.rnd = rnd;
		this.schema = schema;
		this.fragments = []; // {name, on, text}
		this.variables = {}; // name → {type, default, value}
		this.aliases = 0;
		this.budget = 40; // fields
		this.operation = rnd.chance(0.15) ? 'mutation' : 'query';
		const root = this.operation === 'query' ? 'Query' : 'Mutation';
		const selection = this.selection(root, 0);
		const declared = Object.entries(this.variables).map(([name, one]) => (
			`$${name}: ${print(one.type)}${one.default === undefined ? '' : ` = ${one.default}`}`));
		const head = declared.length > 0 || rnd.chance(0.5) || this.operation === 'mutation'
			? `${this.operation} Op${declared.length > 0 ? `(${declared.join(', ')})` : ''} ` : '';
		this.query = [`${head}${selection}`, ...this.fragments.map(({ name, on, text }) => `fragment ${name} on ${on} ${text}`)].join('\n');
	}

	fieldsOf(name) {
		return this.schema.objects[name] || this.schema.interfaces[name] || {};
	}

	possible(name) {
		return this.schema.abstract[name] || [name];
	}

	isComposite(name) {
		return Boolean(this.schema.objects[name] || this.schema.abstract[name]);
	}

	// Types that a fragment may be on, inside of one.
	overlapping(name) {
		const mine = this.possible(name);
		const all = [...Object.keys(this.schema.objects), ...Object.keys(this.schema.abstract)];
		return all.filter((other) => this.possible(other).some((one) => mine.includes(one)));
	}

	selection(name, depth) {
		const { rnd } = this;
		const parts = [];
		const fields = Object.keys(this.fieldsOf(name));
		for (let i = 0; i <= 1 + rnd.of(3); i++) {
			if (fields.length > 0 && rnd.chance(0.75)) parts.push(this.field(name, rnd.pick(fields), depth));
			else if (rnd.chance(0.3)) parts.push(rnd.chance(0.5) ? '__typename' : `t${rnd.of(2)}: __typename`);
			else parts.push(this.fragment(name, depth));
		}
		if (depth === 0 && name === 'Query' && rnd.chance(0.1)) parts.push(this.introspection());
		const pad = '  '.repeat(depth + 1);
		const lines = parts.filter(Boolean).map((part) => `${pad}${part}\n`);
		if (lines.length === 0) lines.push(`${pad}__typename\n`);
		return `{\n${lines.join('')}${'  '.repeat(depth)}}`;
	}

	introspection() {
		const { rnd, schema } = this;
		if (rnd.chance(0.2)) return '__schema { queryType { name } mutationType { name } subscriptionType { name } }';
		const names = [...Object.keys(schema.objects), ...Object.keys(schema.abstract), ...Object.keys(schema.inputs),
			...Object.keys(schema.enums), 'Int', 'Nothing'];
		return `r${this.aliases++}: __type(name: "${rnd.pick(names)}") ${TYPE}`;
	}

	field(parent, name, depth) {
		const { rnd } = this;
		const field = this.fieldsOf(parent)[name];
		const inner = innermost(field.type);
		this.budget--;
		if (this.isComposite(inner) && (depth >= MAX_DEPTH || this.budget < 0)) return null;
		const args = [];
		for (const [argument, value] of Object.entries(field.args)) {
			const isNeeded = value.type.kind === 'nonNull' && value.default === undefined;
			if (isNeeded || rnd.chance(0.6)) args.push(`${argument}: ${this.value(value.type)}`);
		}
		const isAliased = args.length > 0 ? rnd.chance(0.93) : rnd.chance(0.2);
		const head = isAliased ? `${this.alias()}: ${name}` : name;
		const text = `${head}${args.length > 0 ? `(${args.join(', ')})` : ''}${this.directives()}`;
		return this.isComposite(inner) ? `${text} ${this.selection(inner, depth + 1)}` : text;
	}

	/** Seldom one that is taken: then the two fields merge, or conflict. */
	alias() {
		const { rnd } = this;
		return this.aliases > 0 && rnd.chance(0.04) ? `r${rnd.of(this.aliases)}` : `r${this.aliases++}`;
	}

	value(type) {
		return this.schema.literal(type, (place) => (this.rnd.chance(0.25) ? this.variable(place) : null));
	}

	variable(type) {
		const { rnd } = this;
		for (const [name, one] of Object.entries(this.variables)) {
			if (print(one.type) === print(type) && rnd.chance(0.5)) return `$${name}`;
		}
		const name = `v${Object.keys(this.variables).length}`;
		const one = { type };
		if (type.kind !== 'nonNull' && rnd.chance(0.3)) one.default = this.schema.literal(type);
		else if (type.kind !== 'nonNull' && rnd.chance(0.2)) one.type = { kind: 'nonNull', of: type }; // stricter fits too
		this.variables[name] = one;
		return `$${name}`;
	}

	directives() {
		const { rnd } = this;
		if (!rnd.chance(0.15)) return '';
		const condition = rnd.chance(0.5) ? this.variable({ kind: 'nonNull', of: { kind: 'named', name: 'Boolean' } })
			: rnd.pick(['true', 'false']);
		return ` @${rnd.pick(['skip', 'include'])}(if: ${condition})`;
	}

	fragment(name, depth) {
		const { rnd } = this;
		if (depth >= MAX_DEPTH || this.budget < 0) return null;
		const on = rnd.pick(this.overlapping(name));
		const known = this.fragments.find((one) => one.isDone && this.overlapping(name).includes(one.on));
		if (known && rnd.chance(0.3)) return `...${known.name}${this.directives()}`;
		if (rnd.chance(0.4)) {
			const made = { name: `F${this.fragments.length}`, on };
			this.fragments.push(made);
			made.text = this.selection(on, depth + 1);
			made.isDone = true;
			return `...${made.name}${this.directives()}`;
		}
		if (rnd.chance(0.2)) return `...${this.directives()} ${this.selection(name, depth + 1)}`;
		return `... on ${on}${this.directives()} ${this.selection(on, depth + 1)}`;
	}

	/** Values of the variables; some are missing, some don't fit. */
	values() {
		const { rnd } = this;
		const result = {};
		for (const [name, { type }] of Object.entries(this.variables)) {
			if (rnd.chance(0.04)) result[name] = rnd.pick([null, 'wrong', 1.5, 3000000000, true, [], {}, [null], { f0: 'x', extra: 1 }]);
			else if (type.kind === 'nonNull' ? rnd.chance(0.98) : rnd.chance(0.7)) result[name] = this.json(type);
		}
		if (rnd.chance(0.05)) result.unknown = 1;
		return result;
	}

	json(type) {
		if (type.kind === 'nonNull') return this.jsonFilled(type.of);
		return this.rnd.chance(0.1) ? null : this.jsonFilled(type);
	}

	jsonFilled(type) {
		const { rnd, schema } = this;
		if (type.kind === 'list') {
			if (rnd.chance(0.2)) return this.jsonFilled(type.of.kind === 'nonNull' ? type.of.of : type.of);
			return Array.from({ length: rnd.of(3) }, () => this.json(type.of));
		}
		const fields = schema.inputs[type.name];
		if (!fields) {
			return schema.enums[type.name] ? rnd.pick(schema.enums[type.name]) : JSON.parse(schema.scalar(type.name));
		}
		const result = {};
		for (const [name, field] of Object.entries(fields)) {
			const isNeeded = field.type.kind === 'nonNull' && field.default === undefined;
			if (isNeeded || rnd.chance(0.6)) result[name] = this.json(field.type);
		}
		return result;
	}
}

module.exports = { Document };
