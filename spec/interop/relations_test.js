// aws-amplify 6, client.models: relations, indexes and primary keys of several fields.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('./support/harness');
const { start } = require('./support/server');
const { introspection } = require('./support/introspection');
const amplify = require('./support/amplify');

const SCHEMA = `
enum Status { DRAFT PUBLISHED }
type Post @model {
  id: ID!
  title: String!
  rating: Int
  status: Status
  comments: [Comment] @hasMany(references: ["postId"])
  cover: Cover @hasOne(references: ["postId"])
}
type Cover @model { id: ID! url: AWSURL! postId: ID post: Post @belongsTo(references: ["postId"]) }
type Comment @model {
  id: ID!
  content: String!
  postId: ID @index(name: "byPost", queryField: "commentsByPost", sortKeyFields: ["content"])
  post: Post @belongsTo(references: ["postId"])
}
type Article @model { id: ID! title: String @default(value: "untitled") tags: [Tag] @manyToMany(relationName: "ArticleTags") }
type Tag @model { id: ID! label: String! articles: [Article] @manyToMany(relationName: "ArticleTags") }
type Account @model @versioned { id: ID! balance: Int }
type Order @model {
  customer: ID! @primaryKey(sortKeyFields: ["year", "number"])
  year: Int!
  number: Int!
  total: Float
}`;

const modelIntrospection = introspection({
	enums: { Status: ['DRAFT', 'PUBLISHED'] },
	models: {
		Post: { plural: 'Posts', fields: { id: 'ID!', title: 'String!', rating: 'Int', status: 'Status',
			comments: { hasMany: 'Comment', fields: ['postId'] }, cover: { hasOne: 'Cover', fields: ['postId'] } } },
		Cover: { plural: 'Covers', fields: { id: 'ID!', url: 'AWSURL!', postId: 'ID',
			post: { belongsTo: 'Post', fields: ['postId'] } } },
		Comment: { plural: 'Comments', fields: { id: 'ID!', content: 'String!', postId: 'ID',
			post: { belongsTo: 'Post', fields: ['postId'] } },
		indexes: [{ name: 'byPost', queryField: 'commentsByPost', fields: ['postId', 'content'] }] },
		Article: { plural: 'Articles', fields: { id: 'ID!', title: 'String',
			tags: { hasMany: 'ArticleTags', fields: ['article'] } } },
		Tag: { plural: 'Tags', fields: { id: 'ID!', label: 'String!', articles: { hasMany: 'ArticleTags', fields: ['tag'] } } },
		ArticleTags: { plural: 'ArticleTags', fields: { id: 'ID!', articleId: 'ID', tagId: 'ID',
			article: { belongsTo: 'Article', fields: ['articleId'] }, tag: { belongsTo: 'Tag', fields: ['tagId'] } } },
		Account: { plural: 'Accounts', fields: { id: 'ID!', balance: 'Int', version: 'Int' } },
		Order: { plural: 'Orders', key: ['customer', 'year', 'number'], fields: { customer: 'ID!', year: 'Int!', number: 'Int!',
			total: 'Float' } },
	},
});

let server;

async function models() {
	server = server || start({ schema: SCHEMA });
	return amplify.client(await server, 'apiKey', { modelIntrospection }).models;
}

// What succeeds; client.models never throws.
function data(result) {
	assert.equal(result.errors, undefined, JSON.stringify(result.errors));
	return result.data;
}

test('client.models loads relations when they are asked for', async () => {
	const { Post, Comment, Cover } = await models();
	const post = data(await Post.create({ title: 'p', status: 'DRAFT', rating: 1 }));
	assert.equal(post.status, 'DRAFT');
	const other = data(await Post.create({ title: 'q' }));
	for (const content of ['a', 'b', 'c']) data(await Comment.create({ content, postId: post.id }));
	data(await Comment.create({ content: 'elsewhere', postId: other.id }));
	const comments = data(await post.comments());
	assert.deepEqual(comments.map((comment) => comment.content).sort(), ['a', 'b', 'c']);
	assert.equal(data(await comments[0].post()).title, 'p');
	data(await Cover.create({ url: 'https://example.com/a.png', postId: post.id }));
	assert.equal(data(await post.cover()).url, 'https://example.com/a.png');
	assert.equal(data(await other.cover()), null);
});

test('client.models selects through relations in one request', async () => {
	const { Post, Comment } = await models();
	const post = data(await Post.create({ title: 'eager' }));
	const comment = data(await Comment.create({ content: 'x', postId: post.id }));
	const selected = data(await Post.get({ id: post.id }, { selectionSet: ['title', 'comments.*', 'cover.url'] }));
	assert.equal(selected.comments.length, 1);
	assert.equal(selected.comments[0].content, 'x');
	assert.equal(selected.cover, null);
	const up = data(await Comment.get({ id: comment.id }, { selectionSet: ['content', 'post.title', 'post.comments.id'] }));
	assert.deepEqual(up, { content: 'x', post: { title: 'eager', comments: [{ id: comment.id }] } });
});

test('client.models queries an index by its key', async () => {
	const { Post, Comment } = await models();
	const post = data(await Post.create({ title: 'indexed' }));
	for (const content of ['beta', 'alpha', 'bravo']) data(await Comment.create({ content, postId: post.id }));
	const contents = async (input, options) => (
		data(await Comment.commentsByPost(input, options)).map((comment) => comment.content));
	assert.deepEqual(await contents({ postId: post.id }), ['alpha', 'beta', 'bravo']);
	assert.deepEqual(await contents({ postId: post.id }, { sortDirection: 'DESC' }), ['bravo', 'beta', 'alpha']);
	assert.deepEqual(await contents({ postId: post.id, content: { beginsWith: 'b' } }), ['beta', 'bravo']);
	assert.deepEqual(await contents({ postId: post.id }, { filter: { content: { ne: 'beta' } } }), ['alpha', 'bravo']);
});

test('client.models knows a primary key of several fields', async () => {
	const { Order } = await models();
	for (const [year, number] of [[2025, 1], [2025, 2], [2026, 1]]) {
		data(await Order.create({ customer: 'c1', year, number, total: number * 10 }));
	}
	data(await Order.create({ customer: 'c2', year: 2025, number: 1 }));
	assert.equal(data(await Order.get({ customer: 'c1', year: 2025, number: 2 })).total, 20);
	const listed = data(await Order.list({ customer: 'c1', sortDirection: 'DESC' }));
	assert.deepEqual(listed.map((order) => [order.year, order.number]), [[2026, 1], [2025, 2], [2025, 1]]);
	const within2025 = data(await Order.list({ customer: 'c1', yearNumber: { beginsWith: { year: 2025 } } }));
	assert.deepEqual(within2025.map((order) => order.number), [1, 2]);
	assert.equal(data(await Order.update({ customer: 'c1', year: 2026, number: 1, total: 5 })).total, 5);
	assert.equal(data(await Order.delete({ customer: 'c1', year: 2026, number: 1 })).year, 2026);
});

test('client.models goes through a relation of many to many', async () => {
	const { Article, Tag, ArticleTags } = await models();
	const article = data(await Article.create({}));
	assert.equal(article.title, 'untitled');
	for (const label of ['red', 'green']) {
		const tag = data(await Tag.create({ label }));
		data(await ArticleTags.create({ articleId: article.id, tagId: tag.id }));
	}
	const joins = data(await article.tags());
	assert.equal(joins.length, 2);
	const labels = await Promise.all(joins.map(async (join) => data(await join.tag()).label));
	assert.deepEqual(labels.sort(), ['green', 'red']);
	const { tags } = data(await Article.get({ id: article.id }, { selectionSet: ['tags.tag.label'] }));
	assert.deepEqual(tags.map((join) => join.tag.label).sort(), ['green', 'red']);
});

test('a versioned model refuses what has changed meanwhile', async () => {
	const { Account } = await models();
	const account = data(await Account.create({ balance: 1 }));
	assert.equal(account.version, 1);
	assert.equal(data(await Account.update({ id: account.id, balance: 2, expectedVersion: 1 })).version, 2);
	const stale = await Account.update({ id: account.id, balance: 3, expectedVersion: 1 });
	assert.equal(stale.data, null);
	const [error] = stale.errors;
	assert.equal(error.errorType, 'DynamoDB:ConditionalCheckFailedException');
	assert.deepEqual([error.data.balance, error.data.version], [2, 2]);
});
