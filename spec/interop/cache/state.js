// What a server knows: objects whose fields have values for good until they are changed, so that successive responses
// agree, or differ as those of a real server do.
'use strict';

const { scalar } = require('./values');

const LONG = 300; // more than a list keeps in one piece

const canonical = (value) => JSON.stringify(value, (_, one) => (one && typeof one === 'object' && !Array.isArray(one)
	? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one));

class State {
	constructor(rnd, schema) {
		this.rnd = rnd;
		this.schema = schema;
		this.pools = {}; // type → objects that have an identity
		this.slots = []; // everything that can change
		this.roots = {};
		this.hasLong = rnd.chance(0.05) && !schema.hasRootBelow(); // a long list of roots, each with one, would be too much
		for (const name of ['Query', 'Mutation', 'Subscription']) this.roots[name] = this.make(name);
	}

	make(type) {
		return { __typename: type, values: new Map() };
	}

	/** An object of this type: one of those that there are, a new one, or one without an identity. */
	object(type) {
		const { rnd } = this;
		const { kind } = this.schema.types[type];
		if (this.roots[type]) return this.roots[type];
		if (kind === 'none') return this.make(type);
		if (kind === 'maybe' && rnd.chance(0.3)) return this.identified(type, { id: null });
		const pool = this.pools[type] || (this.pools[type] = []);
		const limit = this.hasLong ? 1000 : 5;
		if (pool.length < limit && (pool.length === 0 || rnd.chance(0.4))) {
			const made = this.identified(type, this.key(kind, pool.length));
			pool.push(made);
			return made;
		}
		return rnd.pick(pool);
	}

	key(kind, n) {
		switch (kind) {
			case '_id': return { _id: `${n}` };
			case 'sku': return { sku: n === 0 ? 'a"b' : `${n}` };
			case 'pair': return { k1: `${n % 2}`, k2: n === 4 ? null : n >> 1 };
			case 'nested': return { m: `${n % 2}`, k2: n >> 1 };
			default: return { id: this.schema.fields.id.type === 'Int' ? n : `${n}` };
		}
	}

	identified(type, key) {
		const made = this.make(type);
		made.key = key;
		for (const [name, value] of Object.entries(key)) {
			const isNested = name === 'm';
			const inner = isNested ? this.make('M') : value;
			if (isNested) inner.values.set('kk{}', value);
			made.values.set(`${name}{}`, inner);
		}
		return made;
	}

	generate(field, list = field.list, isInRoot = false) {
		const { rnd, schema } = this;
		if (rnd.chance(0.1)) return null;
		if (list > 0) {
			const isLong = this.hasLong && isInRoot && list === 1 && rnd.chance(0.3);
			return Array.from({ length: isLong ? LONG : rnd.of(4) }, () => this.generate(field, list - 1));
		}
		return schema.isComposite(field.type) ? this.object(rnd.pick(schema.concrete(field.type))) : scalar(rnd, field.type);
	}

	fresh(object, name) {
		const field = this.schema.fields[name];
		return this.generate(field, field.list, this.schema.isRoot(object.__typename));
	}

	resolve(object, name, args) {
		const slot = `${name}${canonical(args)}`;
		if (!object.values.has(slot)) {
			object.values.set(slot, this.fresh(object, name));
			this.slots.push({ object, name, slot });
		}
		return object.values.get(slot);
	}

	/** Some values become others: other scalars, other objects in the same place, lists that grow, shrink and move. */
	change() {
		const { rnd } = this;
		for (let n = 1 + rnd.of(4); n > 0 && this.slots.length > 0; n--) {
			const { object, name, slot } = rnd.pick(this.slots);
			const value = object.values.get(slot);
			const field = this.schema.fields[name];
			if (!Array.isArray(value) || rnd.chance(0.3)) {
				object.values.set(slot, this.fresh(object, name));
				continue;
			}
			const edited = value.slice();
			const at = rnd.of(edited.length + 1);
			if (rnd.chance(0.6)) edited.splice(at, 0, this.generate(field, field.list - 1));
			else edited.splice(at, 1 + rnd.of(2));
			object.values.set(slot, rnd.chance(0.2) ? edited.reverse() : edited);
		}
	}
}

module.exports = { State };
