// DataStore of aws-amplify 6 with owners, groups and several modes of authorization on versioned models.
'use strict';

const assert = require('node:assert/strict');
const { scenario, Remote } = require('./support/datastore');
const { exchanges } = require('./support/environment');
const { temporary } = require('./support/server');
const { token, SECRET } = require('./support/tokens');

const texts = (list) => list.map(({ text }) => text).sort();

const args = ['--jwt-key', temporary('secret.txt', SECRET)];
const owners = { models: 'owners', args };

const user = (name, claims) => ({ token: token(name, claims) });
const remote = (world, name, claims) => new Remote(world.server, { authorization: token(name, claims) });

scenario('an owner synchronizes and hears of what is theirs', owners, async (world) => {
	const [ada, bob] = ['ada', 'bob'].map((name) => remote(world, name).of('Note', 'id text tags owner'));
	const known = await ada.create({ text: 'of ada' });
	await bob.create({ text: 'of bob' });
	const client = world.device(user('ada'));
	const { DataStore, models: { Note } } = client;
	const sent = await exchanges(() => client.start());
	const { items } = sent.find(({ query }) => query.includes('syncNotes')).answer.data.syncNotes;
	assert.deepEqual(items.map(({ text, owner }) => [text, owner]), [['of ada', 'ada']]);

	await bob.create({ text: 'bob again' });
	await ada.create({ text: 'ada again' });
	await client.stored(Note, (list) => list.length === 2);
	assert.deepEqual(texts(await DataStore.query(Note)), ['ada again', 'of ada']);

	await client.change(Note, known.id, (note) => { note.text = 'changed by ada'; });
	const created = await client.sent(() => DataStore.save(new Note({ text: 'new' })));
	assert.equal((await ada.get(created.id)).owner, 'ada');
	const { text, _version } = await ada.get(known.id);
	assert.equal(text, 'changed by ada');
	await ada.delete({ id: known.id, _version });
	await client.one(Note, known.id, (note) => !note);
	await client.stop();
	await bob.create({ text: 'of bob' });
	await ada.delete({ id: created.id, _version: 1 });
	const again = await exchanges(() => client.start());
	const delta = again.find(({ query }) => query.includes('syncNotes')).answer.data.syncNotes.items;
	assert.deepEqual([...new Set(delta.map(({ owner }) => owner))], ['ada']);
	assert.deepEqual(texts(await DataStore.query(Note)), ['ada again']);
	assert.deepEqual(client.problems, []);
});

scenario('a conflict of an owner is for their handler', { ...owners, conflicts: ['optimistic'] }, async (world) => {
	const ada = remote(world, 'ada').of('Note', 'id text tags owner');
	const { id } = await ada.create({ text: 'a' });
	const conflictHandler = ({ modelConstructor, localModel, remoteModel }) => (
		modelConstructor.copyOf(remoteModel, (note) => { note.text = `${localModel.text}, ${remoteModel.text}`; }));
	const client = await world.client({ ...user('ada'), conflictHandler });
	const { DataStore, models: { Note } } = client;
	await client.goOffline();
	await DataStore.save(Note.copyOf(await DataStore.query(Note, id), (note) => { note.text = 'mine'; }));
	await ada.update({ id, text: 'theirs', _version: 1 });
	await client.sent(() => client.goOnline());
	assert.equal((await ada.get(id)).text, 'mine, theirs');
});

scenario('what a group may write everybody reads', owners, async (world) => {
	const editor = await world.client(user('eve', { 'cognito:groups': ['Editors'] }));
	const reader = await world.client(user('bob'));
	const saved = await editor.sent(() => editor.DataStore.save(new editor.models.Notice({ text: 'for all' })));
	await reader.one(reader.models.Notice, saved.id, (notice) => notice);
	// Who may not write is told, and the change goes.
	const problem = await reader.problem(async () => {
		const notice = await reader.DataStore.query(reader.models.Notice, saved.id);
		await reader.DataStore.save(reader.models.Notice.copyOf(notice, (draft) => { draft.text = 'taken'; }));
	});
	assert.equal(problem.errorType, 'Unauthorized');
	const kept = await remote(world, 'bob').of('Notice', 'id text').get(saved.id);
	assert.deepEqual([kept.text, kept._version], ['for all', 1]);
});

scenario('a client with several modes reads by key what its owner writes by token', { models: 'pages', args }, async (world) => {
	const owner = await world.device({ ...user('ada', { email: 'ada@example.com' }), authModeStrategyType: 'MULTI_AUTH' }).start();
	const guest = await world.device({ authModeStrategyType: 'MULTI_AUTH' }).start();
	const { Page } = owner.models;
	const saved = await owner.sent(() => owner.DataStore.save(new Page({ text: 'mine' })));
	assert.equal((await owner.DataStore.query(Page, saved.id)).editor, 'ada@example.com');
	const seen = await guest.one(guest.models.Page, saved.id, (page) => page);
	assert.equal(seen.text, 'mine');
});

const AUTHORIZER = 'return { authorizer = function(given) return given == "open sesame" end }';
// Who may do what is the same with each strategy.
const modes = { models: 'modes', conflicts: ['automerge'], args, resolversFile: temporary('authorizer.lua', AUTHORIZER) };

const ada = () => ({
	...user('ada', { 'cognito:groups': ['Red'] }), authModeStrategyType: 'MULTI_AUTH',
	authProviders: { functionAuthProvider: async () => ({ token: 'open sesame' }) },
});

scenario('a record has several owners', modes, async (world) => {
	const client = await world.client(ada());
	const { DataStore, models: { Document } } = client;
	const { id } = await client.sent(() => DataStore.save(new Document({ text: 'ours', editors: ['ada', 'bob'] })));
	const documents = remote(world, 'bob').of('Document', 'id text editors');
	await documents.update({ id, text: 'by bob', _version: 1 });
	await client.one(Document, id, (document) => document.text === 'by bob');
	await documents.create({ text: 'not for ada', editors: ['bob'] });
	const both = await documents.create({ text: 'for both', editors: ['bob', 'ada'] });
	await client.one(Document, both.id, (document) => document);
	assert.deepEqual(texts(await DataStore.query(Document)), ['by bob', 'for both']);
	assert.deepEqual(client.problems, []);
});

scenario('a field says which group reads a record', modes, async (world) => {
	const teams = remote(world, 'eve', { 'cognito:groups': ['Red', 'Blue'] }).of('Team', 'id name group');
	await teams.create({ name: 'known blue', group: 'Blue' });
	await teams.create({ name: 'known red', group: 'Red' });
	const client = await world.client(ada());
	const { DataStore, models: { Team } } = client;
	await teams.create({ name: 'blue', group: 'Blue' });
	const red = await teams.create({ name: 'red', group: 'Red' });
	await client.one(Team, red.id, (team) => team);
	assert.deepEqual((await DataStore.query(Team)).map(({ name }) => name).sort(), ['known red', 'red']);
	assert.deepEqual(client.problems, []);
});

scenario('a token of one\'s own is judged by the authorizer', modes, async (world) => {
	const client = await world.client(ada());
	const { DataStore, models: { Ticket } } = client;
	const tickets = new Remote(world.server, { authorization: 'open sesame' }).of('Ticket', 'id text');
	const { id } = await client.sent(() => DataStore.save(new Ticket({ text: 'mine' })));
	assert.equal((await tickets.get(id)).text, 'mine');
	const theirs = await tickets.create({ text: 'theirs' });
	await client.one(Ticket, theirs.id, (ticket) => ticket);
	assert.deepEqual(client.problems, []);
});

scenario('a signature is verified', modes, async (world) => {
	const clients = [await world.client(ada()), await world.client(ada())];
	const [{ DataStore, models: { Machine } }] = clients;
	const { id } = await clients[0].sent(() => DataStore.save(new Machine({ state: 'on' })));
	await clients[1].one(clients[1].models.Machine, id, (machine) => machine);
	await clients[1].change(clients[1].models.Machine, id, (machine) => { machine.state = 'off'; });
	await clients[0].one(Machine, id, (machine) => machine.state === 'off');
	const sent = await world.control.log({ field: 'updateMachine' });
	assert.match(sent[0].headers['x-amz-date'], /^\d{8}T\d{6}Z$/);
	assert.deepEqual([...clients[0].problems, ...clients[1].problems], []);
});
