// The posts of examples/delta-sync: the server, the documents that both clients sync by, and somebody else who writes.
'use strict';

const path = require('node:path');
const { start, ROOT, API_KEY } = require('../support/server');
const { plainFetch } = require('../support/environment');

const FIELDS = 'id title author content url ups downs version';

const DOCUMENTS = {
	LIST: `query List { listPosts { ${FIELDS} } }`,
	DELTA: `query Delta($lastSync: AWSTimestamp) { listPostsDelta(lastSync: $lastSync) { ${FIELDS} aws_ds } }`,
	LIVE: `subscription Live { onDeltaPost { ${FIELDS} aws_ds } }`,
	GET: `query Get($id: ID!) { getPost(id: $id) { ${FIELDS} } }`,
};

const WRITES = Object.fromEntries(['create', 'update', 'delete'].map((kind) => {
	const type = `${kind[0].toUpperCase()}${kind.slice(1)}PostInput!`;
	return [kind, `mutation W($input: ${type}) { ${kind}Post(input: $input) { ${FIELDS} aws_ds } }`];
}));

class Service {
	static async start() {
		const self = new Service();
		const folder = path.join(ROOT, 'examples/delta-sync');
		self.server = await start({
			schemaFile: path.join(folder, 'schema.graphql'), resolversFile: path.join(folder, 'resolvers.lua'), args: ['--control', '0'],
		});
		return self;
	}

	async ask(query, variables) {
		const body = JSON.stringify({ query, variables });
		const headers = { 'content-type': 'application/json', 'x-api-key': API_KEY };
		const { data, errors } = await (await plainFetch(this.server.endpoint, { method: 'POST', headers, body })).json();
		if (errors) throw new Error(JSON.stringify(errors));
		return data;
	}

	write({ write, input }) {
		return this.ask(WRITES[write], { input });
	}

	async posts() {
		return (await this.ask(DOCUMENTS.LIST)).listPosts;
	}

	stop() {
		return this.server.stop();
	}
}

/** Posts by id, with the fields of a post alone. */
function byId(posts) {
	return Object.fromEntries(posts.map((post) => [post.id, Object.fromEntries(FIELDS.split(' ').map((name) => [name, post[name]]))]));
}

module.exports = { Service, DOCUMENTS, byId };
