// aws-amplify 6 and the fields of @function and @searchable, with the documents that Amplify's code generation writes for them.
'use strict';

const assert = require('node:assert/strict');
const { test, refusal } = require('./support/harness');
const { start, temporary } = require('./support/server');
const amplify = require('./support/amplify');

const SCHEMA = `
type Query { echo(msg: String): String @function(name: "echo-\${env}") broken: Int @function(name: "broken") }
type Post @model @searchable { id: ID! title: String! views: Int tags: [String] }`;

// A handler as Lambda's Node.js runtime calls it, and what stands for the runtime.
const HANDLER = `
exports.handler = async (event) => {
	if (event.fieldName === 'broken') throw new TypeError('it is broken');
	return event.typeName + '.' + event.fieldName + ' ' + event.arguments.msg;
};
let text = '';
process.stdin.on('data', (part) => { text += part; }).on('end', async () => {
	try {
		process.stdout.write(JSON.stringify(await exports.handler(JSON.parse(text))));
	} catch (error) {
		process.stdout.write(JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: [] }));
		process.exitCode = 1;
	}
});`;

const SEARCH = `query SearchPosts($filter: SearchablePostFilterInput $sort: [SearchablePostSortInput] $limit: Int $nextToken: String
    $from: Int $aggregates: [SearchablePostAggregationInput]) {
  searchPosts(filter: $filter sort: $sort limit: $limit nextToken: $nextToken from: $from aggregates: $aggregates) {
    items { id title views tags createdAt updatedAt __typename }
    nextToken
    total
    aggregateItems {
      name
      result {
        ... on SearchableAggregateScalarResult { value }
        ... on SearchableAggregateBucketResult { buckets { key doc_count __typename } }
      }
      __typename
    }
    __typename
  }
}`;

let server;

async function client() {
	if (!server) {
		const file = temporary('handler.js', HANDLER);
		const command = `'${process.execPath}' '${file}'`;
		server = start({ schema: SCHEMA, args: ['--function', `echo=${command}`, '--function', `broken=${command}`] });
	}
	return amplify.client(await server, 'apiKey');
}

test('functions: a handler in Node.js answers a field', async () => {
	const { data } = await (await client()).graphql({ query: 'query Echo($msg: String) { echo(msg: $msg) }', variables: { msg: 'hi' } });
	assert.deepEqual(data, { echo: 'Query.echo hi' });
});

test('functions: what a handler throws is the error of the field', async () => {
	const { errors } = await refusal((await client()).graphql({ query: '{ broken }' }));
	assert.equal(errors[0].errorType, 'Lambda:Unhandled');
	assert.equal(errors[0].message, 'it is broken');
});

test('functions: searches are filtered, sorted, paged and aggregated', async () => {
	const api = await client();
	for (const [id, title, views, tags] of [['1', 'The old sea', 3, ['a']], ['2', 'The sea', 2, ['a', 'b']], ['3', 'The hills', 1, []]]) {
		await api.graphql({ query: 'mutation M($input: CreatePostInput!) { createPost(input: $input) { id } }',
			variables: { input: { id, title, views, tags } } });
	}
	const variables = {
		filter: { title: { match: 'sea' } }, sort: [{ field: 'views', direction: 'asc' }], limit: 1,
		aggregates: [{ name: 'views', type: 'sum', field: 'views' }, { name: 'tags', type: 'terms', field: 'tags' }],
	};
	const first = (await api.graphql({ query: SEARCH, variables })).data.searchPosts;
	assert.deepEqual(first.items.map((item) => item.id), ['2']);
	assert.equal(first.total, 2);
	assert.deepEqual(first.aggregateItems.map(({ name, result }) => [name, result.value, (result.buckets || []).map((b) => b.key + b.doc_count)]),
		[['views', 5, []], ['tags', undefined, ['a2', 'b1']]]);
	const second = (await api.graphql({ query: SEARCH, variables: { ...variables, nextToken: first.nextToken } })).data.searchPosts;
	assert.deepEqual(second.items.map((item) => item.id), ['1']);
});
