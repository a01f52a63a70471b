// What aws-appsync's buildMutation and appsync.build_mutation are both given: queries with their cached data, the mutation, and how
// it changes them.
'use strict';

const LIST = 'query L { listTodos { nextToken items { id name done version } } }';
const PLAIN = 'query P { all { id name done version } }';
const PAGE = 'query G($n: Int) { page(limit: $n) { items { id name done version } } }';
const GET = 'query O($id: ID!) { getTodo(id: $id) { id name done version } }';
const ITEM = '{ id name done version }';

const todo = (id, version, name = `n${id}`) => ({ __typename: 'Todo', id, name, done: null, version });
const TODOS = [todo('1', 3), todo('2', 1), todo('3', 8)];
const list = { query: LIST, data: { listTodos: { __typename: 'TodoConnection', nextToken: null, items: TODOS } } };
const plain = { query: PLAIN, data: { all: TODOS } };
const page = (n) => ({ query: PAGE, variables: { n }, data: { page: { __typename: 'TodoPage', items: TODOS.slice(0, n) } } });
const one = (id, version) => ({ query: GET, variables: { id }, data: { getTodo: todo(id, version) } });

const mutation = (name, declared = '$input: I!', given = 'input: $input') => `mutation M(${declared}) { ${name}(${given}) ${ITEM} }`;
const loose = (name) => mutation(name, '$id: ID, $name: String, $done: Boolean, $version: Int, $expectedVersion: Int',
	'id: $id, name: $name, done: $done, version: $version, expectedVersion: $expectedVersion');
const whole = { id: '2', name: 'new', done: true };

const CASES = {};

// Each kind of name, with an item that is there and one that isn't, on a connection and on a plain list.
for (const name of ['createTodo', 'putTodo', 'deleteTodo', 'updateTodo', 'upsertTodo', 'removeUpdate', 'payTodo', 'eraseNew', 'insertTodo']) {
	for (const [where, cached] of Object.entries({ connection: list, plain })) {
		for (const id of ['2', '9']) {
			CASES[`${name} of ${id} in a ${where}`] = {
				mutation: mutation(name), variables: { input: { ...whole, id } }, cached: [cached], cacheUpdates: cached.query,
			};
		}
	}
}

for (const operation of ['add', 'remove', 'update']) {
	CASES[`an operation of ${operation}`] = {
		mutation: mutation('payTodo'), variables: { input: whole }, cached: [list], cacheUpdates: LIST, operation,
	};
	CASES[`a map by ${operation}`] = {
		mutation: mutation('payTodo'), variables: { input: whole }, cached: [list, plain],
		cacheUpdates: { [operation]: [{ query: PLAIN }], auto: LIST },
	};
}

Object.assign(CASES, {
	'a new id': { mutation: mutation('createTodo'), variables: { input: { name: 'new', done: false } }, cached: [list], cacheUpdates: LIST },
	'no query that is cached': { mutation: mutation('createTodo'), variables: { input: whole }, cached: [list], cacheUpdates: [PLAIN, page(7)] },
	'queries with variables': {
		mutation: mutation('createTodo'), variables: { input: { ...whole, id: '9' } }, cached: [page(1), page(2)],
		cacheUpdates: { query: PAGE, variables: { n: 2 } },
	},
	'variables without an input': { mutation: loose('updateTodo'), variables: whole, cached: [list], cacheUpdates: LIST },
	'the highest version': {
		mutation: loose('updateTodo'), variables: { ...whole, id: '3' }, cached: [list, one('3', 8)], cacheUpdates: [LIST, one('3', 8)],
	},
	'a version that was given': { mutation: loose('updateTodo'), variables: { ...whole, version: 77 }, cached: [list], cacheUpdates: LIST },
	'one object that changes': { mutation: mutation('updateTodo'), variables: { input: { ...whole, id: '1' } }, cached: [one('1', 3)], cacheUpdates: one('1', 3) },
	'one object that goes': { mutation: mutation('deleteTodo'), variables: { input: { ...whole, id: '1' } }, cached: [one('1', 3)], cacheUpdates: one('1', 3) },
	'no typename': { mutation: mutation('createTodo'), variables: { input: whole }, cached: [list], cacheUpdates: LIST, typename: null },
	'another field as the id': {
		mutation: mutation('updateTodo'), variables: { input: { ...whole, name: 'n2' } }, cached: [list], cacheUpdates: LIST, idField: 'name',
	},
});

for (const fields of ['id: ID!', 'version: Int', 'expectedVersion: Int', 'expectedVersion: Int version: Int', 'version: String']) {
	CASES[`an input type of ${fields}`] = {
		mutation: mutation('updateTodo'), variables: { input: whole }, inputType: `input I { ${fields} }`, cached: [list], cacheUpdates: LIST,
	};
}

module.exports = { CASES };
