// Stands before a server and tells which GraphQL requests have come. An answer that is lost behind it is lost here too.
'use strict';

const http = require('node:http');
const { isDeepStrictEqual } = require('node:util');
const { atEnd } = require('../support/harness');

function read(stream, done) {
	const parts = [];
	stream.on('data', (part) => parts.push(part));
	stream.on('end', () => done(Buffer.concat(parts)));
}

function forward(target, request, body, response) {
	const { method, url, headers } = request;
	const onward = http.request({ host: target.hostname, port: target.port, method, path: url, headers, agent: false }, (answer) => {
		response.writeHead(answer.statusCode, answer.headers);
		answer.on('error', () => response.destroy());
		answer.pipe(response);
	});
	onward.on('error', () => response.destroy());
	onward.end(body);
}

/** An operation's name; its first field, where it has none. */
function nameOf(query) {
	const [, name] = /^\s*\w+\s+(\w+)/.exec(query) || /\{\s*(?:\w+:\s*)?(\w+)/.exec(query);
	return name;
}

function add(sent, request) {
	const last = sent[sent.length - 1];
	if (last && isDeepStrictEqual({ ...request, times: last.times }, last)) last.times++;
	else sent.push({ ...request, times: 1 });
}

/** {endpoint, sent, stop()}; `sent` is a URL that gives the requests since the last time, as
 * [{operation, variables, times}], where `times` is how often in a row. */
async function start(server) {
	const target = new URL(server.endpoint);
	let sent = [];
	const proxy = http.createServer((request, response) => read(request, (body) => {
		if (request.url === '/sent') {
			response.end(JSON.stringify(sent));
			sent = [];
			return;
		}
		const { operationName, query, variables } = JSON.parse(body);
		add(sent, { operation: operationName || nameOf(query), variables });
		forward(target, request, body, response);
	}));
	await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
	const base = `http://127.0.0.1:${proxy.address().port}`;
	const stop = () => new Promise((resolve) => {
		proxy.closeAllConnections();
		proxy.close(resolve);
	});
	atEnd(stop);
	return { endpoint: base + target.pathname, sent: `${base}/sent`, stop };
}

module.exports = { start };
