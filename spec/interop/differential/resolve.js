// What a field gives, by arithmetic on where it stands: the same rules as in resolvers.lua, line for line.
'use strict';

const PRIME = 2147483647;

function hash(text) {
	let h = 7;
	for (const byte of Buffer.from(text, 'utf8')) h = (h * 31 + byte) % PRIME;
	return h;
}

const mix = (h, salt) => (h * 48271 + salt) % PRIME;

function canonical(value) {
	if (value === null || value === undefined) return 'null';
	if (typeof value === 'object') {
		if (Array.isArray(value)) return `(${value.map(canonical).join(',')})`;
		return `(${Object.keys(value).sort().map((key) => `${key}=${canonical(value[key])}`).join(',')})`;
	}
	return String(value);
}

function leaf(data, name, h) {
	const isWrong = mix(h, 7) % 40 === 0;
	const values = data.enums[name];
	if (values) return isWrong ? 'NO_SUCH_VALUE' : values[mix(h, 8) % values.length];
	if (name === 'Int') return isWrong ? 'not a number' : (mix(h, 8) % 2001) - 1000;
	if (name === 'Float') return isWrong ? 'not a number' : ((mix(h, 8) % 4001) - 2000) / 4;
	if (name === 'Boolean') return mix(h, 8) % 2 === 0;
	return `${name} ${mix(h, 8) % 1000}`;
}

function produce(data, type, h) {
	if (type.kind === 'nonNull') {
		return mix(h, 2) % 25 === 0 ? null : filled(data, type.of, h);
	}
	return mix(h, 1) % 8 === 0 ? null : filled(data, type, h);
}

function filled(data, type, h) {
	if (type.kind === 'list') {
		if (mix(h, 9) % 40 === 0) return 'not a list';
		const items = [];
		for (let i = 1; i <= mix(h, 3) % 4; i++) items.push(produce(data, type.of, mix(h, 10 + i)));
		return items;
	}
	const members = data.abstract[type.name];
	if (members) return { __typename: members[mix(h, 5) % members.length], number: mix(h, 4) };
	if (data.fields[type.name]) return { __typename: type.name, number: mix(h, 4) };
	return leaf(data, type.name, h);
}

function resolve(data, typeName, fieldName, source, args) {
	const h = hash(`${typeName}.${fieldName} ${source ? source.number : 0} ${canonical(args)}`);
	if (mix(h, 6) % 14 === 0) throw new Error(`${typeName}.${fieldName} throws`);
	return produce(data, data.fields[typeName][fieldName], h);
}

module.exports = { resolve };
