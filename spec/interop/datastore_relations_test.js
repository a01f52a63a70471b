// DataStore of aws-amplify 6 with relations between versioned models.
'use strict';

const assert = require('node:assert/strict');
const { scenario } = require('./support/datastore');
const { exchanges } = require('./support/environment');

const list = async (collection, name) => (await collection.toArray()).map((record) => record[name]).sort();

const relations = { models: 'relations' };

scenario('a blog has posts, and a post has comments', relations, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Blog, Post, Comment } } = client;
	const blog = await client.sent(() => DataStore.save(new Blog({ name: 'b' })));
	const posts = [];
	for (const title of ['one', 'two']) {
		posts.push(await client.sent(() => DataStore.save(new Post({ title, blog }))));
	}
	await client.sent(() => DataStore.save(new Post({ title: 'of no blog' })));
	const sent = await exchanges(() => client.sent(() => DataStore.save(new Comment({ content: 'first', post: posts[0] }))));
	const { variables, answer } = sent[0];
	assert.deepEqual(variables.input, { id: variables.input.id, postID: posts[0].id, content: 'first' });
	assert.deepEqual(answer.data.createComment.post, { id: posts[0].id, _deleted: null });
	assert.deepEqual(client.problems, []);

	const other = await world.client();
	const theirs = await other.DataStore.query(other.models.Blog, blog.id);
	assert.deepEqual(await list(theirs.posts, 'title'), ['one', 'two']);
	const post = await other.DataStore.query(other.models.Post, posts[0].id);
	assert.equal((await post.blog).name, 'b');
	assert.deepEqual(await list(post.comments, 'content'), ['first']);
	const found = await other.DataStore.query(other.models.Post, (one) => one.comments.content.eq('first'));
	assert.deepEqual(found.map(({ title }) => title), ['one']);

	const server = await world.remote.ask('query B($id: ID!) { getBlog(id: $id) { posts { items { title comments { items { content } } } } } }',
		{ id: blog.id });
	assert.deepEqual(server.posts.items.map(({ title, comments }) => [title, comments.items.length]).sort(), [['one', 1], ['two', 0]]);
});

scenario('a deleted blog takes its posts and their comments along', relations, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Blog, Post, Comment } } = client;
	const blog = await client.sent(() => DataStore.save(new Blog({ name: 'b' })));
	const post = await client.sent(() => DataStore.save(new Post({ title: 'p', blog })));
	await client.sent(() => DataStore.save(new Comment({ content: 'c', post })));
	const other = await world.client();
	const sent = await exchanges(() => client.sent(async () => DataStore.delete(await DataStore.query(Blog, blog.id)), 3));
	assert.deepEqual(sent.map(({ answer }) => Object.keys(answer.data)[0]), ['deleteComment', 'deletePost', 'deleteBlog']);
	for (const name of ['Comment', 'Post', 'Blog']) await other.stored(other.models[name], (all) => all.length === 0);
	assert.deepEqual([...client.problems, ...other.problems], []);
});

scenario('a post has one cover', relations, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Post, Cover } } = client;
	const cover = await client.sent(() => DataStore.save(new Cover({ url: 'https://example.com/1' })));
	const post = await client.sent(() => DataStore.save(new Post({ title: 'p', cover })));
	await client.change(Cover, cover.id, (draft) => { draft.post = post; });
	const other = await world.client();
	const theirs = await other.DataStore.query(other.models.Post, post.id);
	assert.equal((await theirs.cover).url, 'https://example.com/1');
	const back = await other.DataStore.query(other.models.Cover, cover.id);
	assert.equal((await back.post).title, 'p');
	const second = await other.sent(() => other.DataStore.save(new other.models.Cover({ url: 'https://example.com/2' })));
	await other.change(other.models.Post, post.id, (draft) => { draft.cover = second; });
	const mine = await client.one(Post, post.id, (one) => one.postCoverId === second.id);
	assert.equal((await mine.cover).url, 'https://example.com/2');
	assert.deepEqual([...client.problems, ...other.problems], []);
});

scenario('posts and labels are joined by a model of its own', relations, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Post, Label, PostLabels } } = client;
	const posts = [];
	const labels = [];
	for (const title of ['p1', 'p2']) posts.push(await client.sent(() => DataStore.save(new Post({ title }))));
	for (const name of ['l1', 'l2']) labels.push(await client.sent(() => DataStore.save(new Label({ name }))));
	const join = (post, label) => client.sent(() => DataStore.save(new PostLabels({ post, label })));
	await join(posts[0], labels[0]);
	await join(posts[0], labels[1]);
	await join(posts[1], labels[1]);

	const other = await world.client();
	const names = async (id) => {
		const post = await other.DataStore.query(other.models.Post, id);
		const joined = await post.labels.toArray();
		return (await Promise.all(joined.map(async (one) => (await one.label).name))).sort();
	};
	assert.deepEqual(await names(posts[0].id), ['l1', 'l2']);
	assert.deepEqual(await names(posts[1].id), ['l2']);
	// The label goes, and with it what joins it.
	const label = await other.DataStore.query(other.models.Label, labels[1].id);
	await other.sent(() => other.DataStore.delete(label), 3);
	await client.stored(PostLabels, (all) => all.length === 1);
	await client.stored(Label, (all) => all.length === 1);
	assert.deepEqual([...client.problems, ...other.problems], []);
});

scenario('lines belong to an order by its key of two fields', relations, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Order, Line } } = client;
	const order = await client.sent(() => DataStore.save(new Order({ customer: 'ada', number: 7 })));
	const sent = await exchanges(() => client.sent(() => DataStore.save(new Line({ product: 'tea', order }))));
	const { id } = sent[0].variables.input;
	assert.deepEqual(sent[0].variables.input, { id, product: 'tea', orderLinesCustomer: 'ada', orderLinesNumber: 7 });
	assert.deepEqual(sent[0].answer.data.createLine.order, { customer: 'ada', number: 7, _deleted: null });
	const other = await world.client();
	const theirs = await other.DataStore.query(other.models.Order, { customer: 'ada', number: 7 });
	assert.deepEqual(await list(theirs.lines, 'product'), ['tea']);
	await other.sent(() => other.DataStore.delete(theirs), 2);
	await client.stored(Line, (all) => all.length === 0);
	await client.stored(Order, (all) => all.length === 0);
	assert.deepEqual([...client.problems, ...other.problems], []);
});

scenario('what was saved offline goes out parents first', relations, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Blog, Post, Comment } } = client;
	await client.goOffline();
	const blog = await DataStore.save(new Blog({ name: 'offline' }));
	const post = await DataStore.save(new Post({ title: 'offline', blog }));
	const comment = await DataStore.save(new Comment({ content: 'offline', post }));
	const sent = await exchanges(() => client.sent(() => client.goOnline(), 3));
	const written = sent.filter(({ query }) => query.startsWith('mutation')).map(({ answer }) => Object.keys(answer.data)[0]);
	assert.deepEqual(written, ['createBlog', 'createPost', 'createComment']);
	assert.equal((await DataStore.query(Comment, comment.id))._version, 1);
	assert.deepEqual(client.problems, []);
});

scenario('what belongs to a deleted record says so', relations, async (world) => {
	const posts = world.remote.of('Post', 'id title');
	const comments = world.remote.of('Comment', 'id postID content post { id _deleted }');
	const { id } = await posts.create({ title: 'p' });
	await comments.create({ postID: id, content: 'left' });
	await posts.delete({ id, _version: 1 });
	const client = world.device();
	const sent = await exchanges(() => client.start());
	const { items } = sent.find(({ query }) => query.includes('syncComments')).answer.data.syncComments;
	assert.deepEqual(items.map(({ post }) => post), [{ id, _deleted: true }]);
	const [left] = await client.DataStore.query(client.models.Comment);
	assert.deepEqual([left.content, left.postID, await left.post], ['left', id, undefined]);
	assert.deepEqual(client.problems, []);
});

scenario('models of the first transformer are connected too', { models: 'first' }, async (world) => {
	const client = await world.client();
	const { DataStore, models: { Blog, Post } } = client;
	const blogs = [];
	for (const name of ['one', 'two']) blogs.push(await client.sent(() => DataStore.save(new Blog({ name }))));
	const sent = await exchanges(() => client.sent(() => DataStore.save(new Post({ title: 'p', blog: blogs[0] }))));
	const { input } = sent[0].variables;
	assert.deepEqual(input, { id: input.id, title: 'p', blogID: blogs[0].id });
	assert.deepEqual(sent[0].answer.data.createPost.blog, { id: blogs[0].id, _deleted: null });

	const again = await exchanges(() => client.change(Post, input.id, (post) => { post.blog = blogs[1]; }));
	assert.deepEqual(again[0].variables.input, { id: input.id, blogID: blogs[1].id, _version: 1 });
	const found = await world.remote.ask('query P($blogID: ID!) { postsByBlog(blogID: $blogID) { items { title } } }',
		{ blogID: blogs[1].id });
	assert.deepEqual(found.items, [{ title: 'p' }]);

	const other = await world.client();
	const theirs = await other.DataStore.query(other.models.Post, input.id);
	assert.equal((await theirs.blog).name, 'two');
	const blog = await other.DataStore.query(other.models.Blog, blogs[1].id);
	assert.deepEqual(await list(blog.posts, 'title'), ['p']);
	assert.deepEqual([...client.problems, ...other.problems], []);
});
