// A random schema, as SDL and as the data that the resolvers of both sides read.
'use strict';

const SCALARS = ['Int', 'Float', 'String', 'Boolean', 'ID'];

const named = (name) => ({ kind: 'named', name });
const list = (of) => ({ kind: 'list', of });
const nonNull = (of) => ({ kind: 'nonNull', of });

function print(type) {
	if (type.kind === 'named') return type.name;
	return type.kind === 'list' ? `[${print(type.of)}]` : `${print(type.of)}!`;
}

function wrapped(rnd, type, depth = 0) {
	let result = type;
	if (rnd.chance(0.25)) result = nonNull(result);
	if (depth < 2 && rnd.chance(0.25)) result = wrapped(rnd, list(result), depth + 1);
	return result;
}

const names = (prefix, n) => Array.from({ length: n }, (_, i) => `${prefix}${i}`);

class Schema {
	constructor(rnd) {
		this.rnd = rnd;
		this.enums = {};
		for (const name of names('E', 2)) this.enums[name] = names(`${name}_V`, 2 + rnd.of(3));
		this.inputs = {};
		for (const name of names('In', 3)) this.addInput(name);
		this.abstract = {}; // interface or union → its object types
		this.interfaces = {};
		this.objects = {};
		this.implemented = {};
		const objects = names('T', 4);
		const unions = names('U', 2);
		const interfaces = names('I', 2);
		this.outputs = [...objects, ...unions, ...interfaces];
		for (const name of interfaces) {
			this.interfaces[name] = this.fields(1 + rnd.of(3), name.toLowerCase());
			this.abstract[name] = [];
		}
		for (const name of objects) this.addObject(name, interfaces);
		for (const name of interfaces) { // one without an object type has no values
			if (this.abstract[name].length === 0) this.implement(rnd.pick(objects), name);
		}
		for (const name of unions) {
			const members = rnd.some(objects, 0.6);
			this.abstract[name] = members.length > 0 ? members : [rnd.pick(objects)];
		}
		this.objects.Query = this.fields(8, 'q');
		// Every scalar is used somewhere, as graphql-js forgets the others.
		const args = Object.fromEntries(SCALARS.map((name, i) => [`a${i}`, { type: named(name) }]));
		this.objects.Query.q8 = { type: named('Int'), args };
		this.objects.Mutation = this.fields(4, 'm');
	}

	addInput(name) {
		const fields = {};
		for (let i = 0; i < 3; i++) {
			// An earlier input only, and not required, so that there are values of it.
			const earlier = Object.keys(this.inputs);
			const inner = i === 2 && earlier.length > 0 ? named(this.rnd.pick(earlier)) : null;
			fields[`f${i}`] = inner ? { type: inner } : this.inputValue();
		}
		this.inputs[name] = fields;
	}

	inputValue() {
		const { rnd } = this;
		const leaf = rnd.chance(0.8) ? rnd.pick(SCALARS) : rnd.pick(Object.keys(this.enums));
		const type = wrapped(rnd, named(leaf));
		if (!rnd.chance(0.3)) return { type };
		this.isExact = true; // introspection prints a default as it stands here, or as the value that it means
		const made = { type, default: this.literal(type) };
		this.isExact = false;
		return made;
	}

	argument() {
		const { rnd } = this;
		if (!rnd.chance(0.25)) return this.inputValue();
		return { type: wrapped(rnd, named(rnd.pick(Object.keys(this.inputs)))) };
	}

	fields(n, prefix) {
		const { rnd } = this;
		const result = {};
		for (let i = 0; i < n; i++) {
			const leaves = [...SCALARS, ...Object.keys(this.enums)];
			const inner = rnd.chance(prefix.length === 1 ? 0.7 : 0.4) ? rnd.pick(this.outputs) : rnd.pick(leaves);
			const args = {};
			if (rnd.chance(0.4)) for (let a = 0; a <= rnd.of(3); a++) args[`a${a}`] = this.argument();
			result[`${prefix}${i}`] = { type: wrapped(rnd, named(inner)), args };
		}
		return result;
	}

	addObject(name, interfaces) {
		this.objects[name] = this.fields(4, name.toLowerCase());
		this.implemented[name] = [];
		for (const one of this.rnd.some(interfaces, 0.5)) this.implement(name, one);
	}

	implement(name, one) {
		this.implemented[name].push(one);
		Object.assign(this.objects[name], this.interfaces[one]);
		this.abstract[one].push(name);
	}

	/** A value of an input type as a literal; `leaf` may give a variable for a place instead. */
	literal(type, leaf = () => null, depth = 0) {
		const { rnd } = this;
		const variable = leaf(type);
		if (variable) return variable;
		if (type.kind === 'nonNull') return this.filled(type.of, leaf, depth);
		return rnd.chance(0.1) ? 'null' : this.filled(type, leaf, depth);
	}

	filled(type, leaf, depth) {
		const { rnd } = this;
		if (type.kind === 'list') {
			const item = type.of.kind === 'nonNull' ? type.of.of : type.of;
			if (item.kind !== 'list' && !this.isExact && rnd.chance(0.2)) return this.filled(item, leaf, depth); // one stands for a list of one
			return `[${Array.from({ length: rnd.of(3) }, () => this.literal(type.of, leaf, depth)).join(', ')}]`;
		}
		if (this.enums[type.name]) return rnd.pick(this.enums[type.name]);
		if (this.inputs[type.name]) return this.inputLiteral(this.inputs[type.name], leaf, depth);
		return this.scalar(type.name);
	}

	inputLiteral(fields, leaf, depth) {
		const parts = [];
		for (const [name, field] of Object.entries(fields)) {
			const isNeeded = field.type.kind === 'nonNull' && field.default === undefined;
			if (isNeeded || (depth < 3 && this.rnd.chance(0.6))) {
				parts.push(`${name}: ${this.literal(field.type, leaf, depth + 1)}`);
			}
		}
		return `{${parts.join(', ')}}`;
	}

	scalar(name) {
		const { rnd } = this;
		switch (name) {
		case 'Int': return String(rnd.of(2001) - 1000);
		case 'Float': return rnd.chance(0.3) ? String(rnd.of(100)) : String((rnd.of(4000) - 2000) / 4);
		case 'Boolean': return rnd.chance(0.5) ? 'true' : 'false';
		case 'ID': return rnd.chance(0.3) ? String(rnd.of(1000)) : `"id${rnd.of(100)}"`;
		default: return JSON.stringify(rnd.pick(['', 'a', 'two words', 'quote " and \\', 'ä€😀', '\n\t']));
		}
	}

	sdl() {
		const out = [];
		const values = (all) => Object.entries(all).map(([name, value]) => (
			`${name}: ${print(value.type)}${value.default === undefined ? '' : ` = ${value.default}`}`));
		const args = (all) => (Object.keys(all).length > 0 ? `(${values(all).join(', ')})` : '');
		const fields = (all) => Object.entries(all).map(([name, field]) => `  ${name}${args(field.args)}: ${print(field.type)}\n`).join('');
		for (const [name, all] of Object.entries(this.enums)) out.push(`enum ${name} { ${all.join(' ')} }\n`);
		for (const [name, all] of Object.entries(this.inputs)) out.push(`input ${name} { ${values(all).join(', ')} }\n`);
		for (const [name, all] of Object.entries(this.interfaces)) out.push(`interface ${name} {\n${fields(all)}}\n`);
		for (const [name, all] of Object.entries(this.objects)) {
			const implemented = this.implemented[name] || [];
			out.push(`type ${name}${implemented.length > 0 ? ` implements ${implemented.join(' & ')}` : ''} {\n${fields(all)}}\n`);
		}
		for (const [name, members] of Object.entries(this.abstract)) {
			if (!this.interfaces[name]) out.push(`union ${name} = ${members.join(' | ')}\n`);
		}
		return out.join('');
	}

	/** What resolvers need: the type of each field, the members of abstract types, the values of enums. */
	data() {
		const fields = {};
		for (const [name, all] of Object.entries(this.objects)) {
			fields[name] = {};
			for (const [field, { type }] of Object.entries(all)) fields[name][field] = type;
		}
		return { fields, abstract: this.abstract, enums: this.enums };
	}
}

module.exports = { Schema, print };
