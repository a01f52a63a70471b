// aws-amplify 6 with several modes on one API: owners, groups, field rules; tokens of a user pool and of one's own.
'use strict';

const assert = require('node:assert/strict');
const { test, within, refusal } = require('./support/harness');
const { start, temporary } = require('./support/server');
const { received } = require('./support/environment');
const { collect } = require('./support/collect');
const { token, SECRET } = require('./support/tokens');
const amplify = require('./support/amplify');

const SCHEMA = `
type Note @model @auth(rules: [
  { allow: owner }
  { allow: groups, groups: ["Readers"], operations: [read] }
  { allow: public, provider: apiKey, operations: [read] }
]) {
  id: ID!
  text: String!
}
type Machine @model @auth(rules: [{ allow: private, provider: iam }, { allow: private, operations: [get] }]) {
  id: ID!
  state: String
}
type Ticket @model @auth(rules: [{ allow: custom }]) { id: ID! }
type Query {
  hello: String @aws_api_key @aws_iam @aws_cognito_user_pools @aws_lambda
  whoami: String @aws_cognito_user_pools
}`;

const RESOLVERS = `return {
  Query = {
    hello = function() return "hello" end,
    whoami = function(ctx) return ctx.identity.username .. " " .. ctx.identity.sub end,
  },
  authorizer = function(given)
    if given ~= "open sesame" then return false end
    return { isAuthorized = true, deniedFields = { "Mutation.deleteTicket" } }
  end,
}`;

let server;

async function client(authMode, options) {
	server = server || start({
		schema: SCHEMA, resolversFile: temporary('resolvers.lua', RESOLVERS),
		args: ['--jwt-key', temporary('secret.txt', SECRET)],
	});
	return amplify.client(await server, authMode, options);
}

const user = (name, claims) => client('userPool', { token: token(name, claims) });

const CREATE = 'mutation C($input: CreateNoteInput!) { createNote(input: $input) { id text owner } }';
const UPDATE = 'mutation U($input: UpdateNoteInput!) { updateNote(input: $input) { id text owner } }';
const LIST = 'query L { listNotes { items { id text owner } } }';

const notes = async (one) => (await one.graphql({ query: LIST })).data.listNotes.items.map((note) => note.text);

// One configuration is in force at a time, so whoever asks is configured anew.
async function write(name, text) {
	const { data } = await (await user(name)).graphql({ query: CREATE, variables: { input: { text } } });
	return data.createNote;
}

test('a user of a pool is who the token says', async () => {
	const { data } = await (await user('ada')).graphql({ query: 'query { whoami hello }' });
	assert.deepEqual(data, { whoami: 'ada sub-ada', hello: 'hello' });
});

test('owners see and change what is theirs; groups and keys see what their rules allow', async () => {
	const mine = await write('ada', 'of ada');
	assert.equal(mine.owner, 'ada');
	await write('bob', 'of bob');
	assert.deepEqual(await notes(await user('ada')), ['of ada']);
	assert.deepEqual(await notes(await user('bob')), ['of bob']);
	assert.deepEqual((await notes(await user('eve', { 'cognito:groups': ['Readers'] }))).sort(), ['of ada', 'of bob']);
	assert.deepEqual((await notes(await client('apiKey'))).sort(), ['of ada', 'of bob']);

	const variables = { input: { id: mine.id, text: 'taken' } };
	const stolen = await refusal((await user('bob')).graphql({ query: UPDATE, variables }));
	assert.equal(stolen.errors[0].errorType, 'Unauthorized');
	assert.match(stolen.errors[0].message, /^Not Authorized to access updateNote on type Mutation/);
	assert.equal(stolen.data.updateNote, null);
	const byKey = await refusal((await client('apiKey')).graphql({ query: UPDATE, variables }));
	assert.equal(byKey.errors[0].errorType, 'Unauthorized');
	const { data } = await (await user('ada')).graphql({ query: UPDATE, variables: { input: { id: mine.id, text: 'mine' } } });
	assert.equal(data.updateNote.text, 'mine');
});

test('a subscriber hears of what it owns', async () => {
	const ada = await user('ada');
	const acknowledged = received('start_ack');
	const query = 'subscription($owner: String) { onCreateNote(owner: $owner) { id text owner } }';
	const heard = collect(ada.graphql({ query, variables: { owner: 'ada' } }));
	await within(10000, acknowledged, 'start_ack');
	await write('bob', 'not for ada');
	await write('ada', 'for ada');
	assert.equal((await heard.next()).data.onCreateNote.text, 'for ada');
	heard.close();
});

test('a subscription in the name of another owner is refused', async () => {
	const query = 'subscription { onCreateNote(owner: "bob") { id } }';
	const thrown = await refusal(collect((await user('ada')).graphql({ query })).next());
	assert.match(thrown.errors[0].message, /Unauthorized/);
});

test('a mode without a rule is refused by field', async () => {
	const CREATE_MACHINE = 'mutation { createMachine(input: {state: "on"}) { id state } }';
	const { data } = await (await client('iam')).graphql({ query: CREATE_MACHINE });
	const { id } = data.createMachine;
	for (const other of [() => user('ada'), () => client('apiKey')]) {
		const thrown = await refusal((await other()).graphql({ query: CREATE_MACHINE }));
		assert.equal(thrown.errors[0].message, 'Not Authorized to access createMachine on type Mutation');
	}
	const GET = 'query($id: ID!) { getMachine(id: $id) { state } }';
	const seen = await (await user('ada')).graphql({ query: GET, variables: { id } });
	assert.equal(seen.data.getMachine.state, 'on');
});

test('an expired token is refused', async () => {
	const past = Math.floor(Date.now() / 1000) - 3600;
	const late = await user('ada', { iat: past - 3600, exp: past });
	const thrown = await refusal(late.graphql({ query: 'query { hello }' }));
	assert.equal(thrown.errors[0].originalError.name, 'UnauthorizedException');
});

test('a token of one\'s own is judged by the authorizer, down to its fields', async () => {
	const guest = await client('lambda', { authToken: 'open sesame' });
	const { data } = await guest.graphql({ query: 'mutation { createTicket(input: {}) { id } }' });
	const query = 'mutation($id: ID!) { deleteTicket(input: {id: $id}) { id } }';
	const denied = await refusal(guest.graphql({ query, variables: { id: data.createTicket.id } }));
	assert.equal(denied.errors[0].errorType, 'Unauthorized');
	const stranger = await client('lambda', { authToken: 'let me in' });
	const thrown = await refusal(stranger.graphql({ query: 'query { hello }' }));
	assert.equal(thrown.errors[0].originalError.name, 'UnauthorizedException');
});
