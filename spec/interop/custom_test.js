// aws-amplify 6 and fields that a resolvers file answers: errors, custom operations, enhanced filters, invalidation, limits.
'use strict';

const assert = require('node:assert/strict');
const { test, within, refusal } = require('./support/harness');
const { start, temporary } = require('./support/server');
const { received } = require('./support/environment');
const { collect } = require('./support/collect');
const amplify = require('./support/amplify');

const SCHEMA = `
type Message { room: String! text: String! likes: Int }
type Query {
  greet(name: String!, times: Int = 1): String
  fails: Message
  partly: [String]
  message: Message
}
type Mutation {
  say(room: String!, text: String!, likes: Int): Message
  leave(room: String!): String
}
type Subscription {
  onSay(room: String): Message @aws_subscribe(mutations: ["say"])
  onLiked(above: Int): Message @aws_subscribe(mutations: ["say"])
}`;

const RESOLVERS = `
local function say(ctx) return { room = ctx.args.room, text = ctx.args.text, likes = ctx.args.likes } end
return {
  Query = {
    greet = function(ctx) return ("hello " .. ctx.args.name .. " "):rep(ctx.args.times) end,
    fails = function(ctx) ctx.util.error("it is broken", "Broken", { room = "r", text = "t" }, { more = 1 }) end,
    partly = function(ctx)
      ctx.util.append_error("the rest is missing", "Partial")
      return { "a" }
    end,
    message = function() return { room = "r" } end,
  },
  Mutation = {
    say = say,
    leave = function(ctx)
      ctx.extensions.invalidate_subscriptions({ subscription_field = "onSay", payload = { room = ctx.args.room } })
      return ctx.args.room
    end,
  },
  Subscription = {
    onSay = function(ctx)
      local by_room = { filterGroup = { { filters = { { fieldName = "room", operator = "eq", value = ctx.args.room } } } } }
      ctx.extensions.set_subscription_filter(by_room)
      ctx.extensions.set_subscription_invalidation_filter(by_room)
    end,
    onLiked = function(ctx)
      ctx.extensions.set_subscription_filter(ctx.util.transform.to_subscription_filter({
        ["and"] = { { likes = { gt = ctx.args.above } }, { text = { beginsWith = "a" } } },
      }))
    end,
  },
}`;

// As Amplify writes it of an operation of one's own.
const modelIntrospection = {
	version: 1, models: {}, enums: {}, nonModels: {},
	queries: {
		greet: { name: 'greet', isArray: false, type: 'String', isRequired: false, arguments: {
			name: { name: 'name', isArray: false, type: 'String', isRequired: true },
			times: { name: 'times', isArray: false, type: 'Int', isRequired: false },
		} },
	},
};

let server;

async function client() {
	server = server || start({
		schema: SCHEMA, resolversFile: temporary('resolvers.lua', RESOLVERS), args: ['--max-subscriptions', '3'],
	});
	return amplify.client(await server, 'apiKey', { modelIntrospection });
}

const SAY = 'mutation($room: String!, $text: String!, $likes: Int) { say(room: $room, text: $text, likes: $likes) { room text likes } }';

async function listen(one, query, variables) {
	const acknowledged = received('start_ack');
	const listener = collect(one.graphql({ query, variables }));
	await within(10000, acknowledged, 'start_ack');
	return listener;
}

test('client.queries runs an operation of one\'s own', async () => {
	const { queries } = await client();
	assert.equal((await queries.greet({ name: 'Ada' })).data, 'hello Ada ');
	assert.equal((await queries.greet({ name: 'Ada', times: 2 })).data, 'hello Ada hello Ada ');
});

test('an error of a resolver comes with its type, its info and the data that was selected', async () => {
	const thrown = await refusal((await client()).graphql({ query: 'query { fails { text } }' }));
	assert.deepEqual(thrown.data, { fails: null });
	const [error] = thrown.errors;
	assert.deepEqual([error.message, error.errorType, error.errorInfo, error.data, error.path],
		['it is broken', 'Broken', { more: 1 }, { text: 't' }, ['fails']]);
});

test('an error beside a value comes with the value', async () => {
	const thrown = await refusal((await client()).graphql({ query: 'query { partly }' }));
	assert.deepEqual(thrown.data, { partly: ['a'] });
	assert.deepEqual([thrown.errors[0].message, thrown.errors[0].errorType], ['the rest is missing', 'Partial']);
});

test('a value that must not be null takes its parent with it', async () => {
	const thrown = await refusal((await client()).graphql({ query: 'query { message { room text } greet(name: "x") }' }));
	assert.deepEqual(thrown.data, { message: null, greet: 'hello x ' });
	assert.deepEqual(thrown.errors[0].path, ['message', 'text']);
});

test('enhanced filters decide in the place of arguments', async () => {
	const one = await client();
	const kitchen = await listen(one, 'subscription { onSay(room: "kitchen") { text } }');
	const liked = await listen(one, 'subscription { onLiked(above: 5) { text likes } }');
	for (const [room, text, likes] of [['attic', 'apple', 9], ['kitchen', 'banana', 9], ['kitchen', 'avocado', 5], ['cellar', 'ant', 6]]) {
		await one.graphql({ query: SAY, variables: { room, text, likes } });
	}
	assert.deepEqual([(await kitchen.next()).data.onSay.text, (await kitchen.next()).data.onSay.text], ['banana', 'avocado']);
	assert.deepEqual([(await liked.next()).data.onLiked.text, (await liked.next()).data.onLiked.text], ['apple', 'ant']);
	kitchen.close();
	liked.close();
});

test('an invalidated subscription is told so', async () => {
	const one = await client();
	const kitchen = await listen(one, 'subscription { onSay(room: "kitchen") { text } }');
	const completed = received('complete');
	await one.graphql({ query: 'mutation { leave(room: "kitchen") }' });
	const [frame] = await within(10000, completed, 'complete');
	assert.deepEqual(frame.payload, { message: 'Subscription complete.' });
	kitchen.close();
});

test('a subscription beyond the limit of a connection fails', async () => {
	const one = await client();
	const query = 'subscription { onSay(room: "r") { text } }';
	const listeners = [];
	for (let i = 0; i < 3; i++) listeners.push(await listen(one, query));
	const thrown = await refusal(collect(one.graphql({ query })).next());
	assert.match(thrown.errors[0].message, /MaxSubscriptionsReachedE/);
	for (const listener of listeners) listener.close();
});
