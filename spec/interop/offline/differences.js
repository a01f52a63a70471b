// Where lua-appsync does otherwise than aws-appsync by intent: of a scenario, what of it differs (see facts.js) and what it is
// here. docs/offline.md shows `what`, `there` and `here` as they are written.
'use strict';

/** In all scenarios; facts.js leaves these out. */
const EVERYWHERE = [
	{
		what: '`offline.callback` for a call that waited for its answer',
		there: 'called as well',
		here: 'not called: the call has the answer',
	},
	{
		what: '`success` of the callback',
		there: '`data`, `mutation`, `variables` (with `@@skipRetry`), `notified` always true',
		here: 'also the `id`; the variables as they were sent; `notified` says whether a call was waiting',
	},
];

const post = (id, title, version) => ({ id, title, version });

const DIFFERENCES = [
	{
		what: 'ids of the client, when the queue is empty',
		there: 'forgotten',
		here: 'stand for the service\'s for 30 days, in reads and variables',
		scenario: 'ids that the server makes replace those of the client',
		differs: { ids: [['temporary 1', 'id 3']] },
	},
	{
		what: 'two creates made in one turn of the event loop',
		there: 'both optimistic records stay in the list, beside the real ones',
		here: 'the list has the real ones',
		scenario: 'mutations of one turn leave their optimistic records in the list',
		differs: { list: [post('id 3', 'a', 1), post('id 4', 'b', 1)] },
	},
	{
		what: 'a conflict that the resolver discards',
		there: 'sent 12 times, then dropped; the callback gets no name of it',
		here: 'sent once; a dead letter of kind "conflict", which the callback names',
		scenario: 'a conflict that is discarded is dropped after as many attempts as a failure',
		differs: {
			requests: [['Update', 1], ['Create', 1]],
			order: [['updatePost 200', 1], ['createPost 200', 1]],
			failed: ['updatePost'],
			dead: [{ mutation: 'updatePost', outcome: 'conflict' }],
		},
	},
	{
		what: 'a resolver that never succeeds',
		there: 'asked 120 times, 132 requests; then dropped, and the list goes on showing the change',
		here: 'asked 10 times, 11 requests; then a dead letter, and the list shows the record as it was',
		scenario: 'a resolver that never succeeds is asked ten times in each attempt',
		differs: {
			requests: [['Update', 11]],
			order: [['updatePost 200', 11]],
			resolver: [{ rounds: 10 }],
			failed: ['updatePost'],
			list: [post('one', 'mine', 1)],
			dead: [{ mutation: 'updatePost', outcome: 'conflict' }],
		},
	},
	{
		what: 'a mutation that the service refuses',
		there: 'dropped: only the callback has it',
		here: 'a dead letter, which can be edited and tried again',
		scenario: 'a mutation that is refused while it is replayed is dropped',
		differs: { dead: [{ mutation: 'createPost', outcome: 'refused' }, { mutation: 'updatePost', outcome: 'conflict' }] },
	},
	{
		what: 'HTTP 500 to a create that isn\'t safe to send again',
		there: 'sent 144 times, then dropped; the callback gets no name of it',
		here: 'sent once; a dead letter with the outcome "unknown"',
		scenario: 'a mutation that fails again and again is dropped',
		differs: {
			requests: [['Create', 1], ['Delete', 1]],
			order: [['createPost 500', 1], ['deletePost 200', 1]],
			failed: ['createPost', 'deletePost'],
			dead: [{ mutation: 'createPost', outcome: 'unknown' }, { mutation: 'deletePost', outcome: 'conflict' }],
		},
	},
	{
		what: 'a lost answer to a create whose id the service makes',
		there: 'sent again: two records, one of which nobody knows',
		here: 'executed once; a dead letter with the outcome "unknown"',
		scenario: 'a mutation whose answer is lost is sent again',
		differs: {
			requests: [['Create', 1]],
			order: [['createPost lost', 1]],
			callbacks: ['failed'],
			failed: ['createPost'],
			list: [],
			effects: [{ createPost: 1 }],
			dead: [{ mutation: 'createPost', outcome: 'unknown' }],
		},
	},
	{
		what: 'a lost answer to a create whose id the client made',
		there: 'sent again and refused: the callback gets an error, the record leaves the list, and the service has it',
		here: 'the record is read: success, and it stays in the list',
		scenario: 'a mutation whose answer is lost makes a post whose id is the client\'s',
		differs: {
			requests: [['Create', 1], ['getPost', 1]],
			order: [['createPost lost', 1]],
			callbacks: [{
				mutation: 'createPost',
				variables: { input: { id: 'id 1', title: 'twice', author: 'a', content: 'c', ups: 0, downs: 0 } },
				data: { __typename: 'Post', id: 'id 1', title: 'twice', author: 'a', content: 'c', ups: 0, downs: 0, version: 1 },
				keys: ['data', 'mutation', 'notified', 'variables'],
			}],
			failed: [],
			variables: [
				{ input: { id: 'id 1', title: 'twice', author: 'a', content: 'c', ups: 0, downs: 0 } },
				{}, // of the query
			],
			list: [post('id 1', 'twice', 1)],
		},
	},
];

/** A difference as a row of the table in docs/offline.md. */
const row = ({ what, there, here }) => `| ${what} | ${there} | ${here} |`;

module.exports = { DIFFERENCES, rows: [...EVERYWHERE, ...DIFFERENCES].map(row) };
