// What a browser has and Node 18 lacks: WebSocket and crypto. Clients find both as globals and stay as published.
'use strict';

const { EventEmitter } = require('node:events');
const http = require('node:http');
const WebSocket = require('ws');

const frames = new EventEmitter();
const plainPorts = new Set();
const addresses = {}; // of hosts of the service → where the server is

// aws-amplify 6 asks for wss whatever the endpoint's scheme is, as the service knows nothing else.
class TestSocket extends WebSocket {
	constructor(url, protocols) {
		const target = new URL(url);
		const { host } = target;
		const address = addresses[host];
		if (address) target.host = address;
		if (plainPorts.has(target.port)) target.protocol = 'ws:';
		super(target.href, protocols, { headers: { host } });
		this.on('message', (data) => frames.emit('frame', JSON.parse(data.toString())));
		this.on('close', (code) => frames.emit('close', code));
	}
}

globalThis.WebSocket = TestSocket;
if (!globalThis.crypto) globalThis.crypto = require('node:crypto').webcrypto;

// Clients take fetch when they are made, so what they send is noted from the beginning.
const sent = [];
const answers = new WeakMap(); // of requests → what the server said
const { fetch } = globalThis;
globalThis.fetch = (url, options) => {
	const { host, pathname } = new URL(url);
	const answer = addresses[host] ? fetchFrom(addresses[host], { host, path: pathname, ...options }) : fetch(url, options);
	if (typeof options.body === 'string') {
		const request = { ...JSON.parse(options.body) };
		sent.push(request);
		frames.emit('request', request);
		answers.set(request, answer.then((response) => response.clone().json()).catch(() => undefined));
	}
	return answer;
};

// fetch says which host it connects to, whatever it is told to say.
function fetchFrom(address, { host, path, method, headers, body }) {
	const [hostname, port] = address.split(':');
	return new Promise((resolve, reject) => {
		const request = http.request({ hostname, port, path, method, headers: { ...headers, host } }, (response) => {
			const parts = [];
			response.on('data', (part) => parts.push(part));
			response.on('end', () => {
				resolve(new Response(Buffer.concat(parts), { status: response.statusCode, headers: response.headers }));
			});
		});
		request.on('error', reject);
		request.end(body);
	});
}

/** Lets a plain server answer for an API of the service: clients treat these names in their own way. */
function answerFor(id, server) {
	plainPorts.add(server.port);
	addresses[`${id}.appsync-api.us-east-1.amazonaws.com`] = `127.0.0.1:${server.port}`;
	addresses[`${id}.appsync-realtime-api.us-east-1.amazonaws.com`] = `127.0.0.1:${server.port}`;
	return { ...server, endpoint: `https://${id}.appsync-api.us-east-1.amazonaws.com/graphql` };
}

/** The GraphQL requests that go out while `during` runs. */
async function requests(during) {
	const from = sent.length;
	await during();
	return sent.slice(from);
}

/** The GraphQL requests that go out while `during` runs, each with its answer: [{query, variables, answer}]. */
async function exchanges(during) {
	const list = await requests(during);
	return Promise.all(list.map(async (request) => ({ ...request, answer: await answers.get(request) })));
}

/** The next GraphQL request that `fits`: `await` what it returned before causing it. */
function requested(fits) {
	return new Promise((resolve) => {
		function look(request) {
			if (!fits(request)) return;
			frames.off('request', look);
			resolve(request);
		}
		frames.on('request', look);
	});
}

/** The next `count` messages of a type (or of several) that the server sends: `await` what it returned before causing them. */
function received(types, count = 1) {
	const wanted = [].concat(types);
	return new Promise((resolve) => {
		const seen = [];
		function look(frame) {
			if (wanted.includes(frame.type)) seen.push(frame);
			if (seen.length === count) {
				frames.off('frame', look);
				resolve(seen);
			}
		}
		frames.on('frame', look);
	});
}

/** A window: clients learn from it whether there is a network. */
class Browser extends EventTarget {
	constructor() {
		super();
		this.navigator = { onLine: true };
	}

	switchNetwork(isThere) {
		this.navigator.onLine = isThere;
		this.dispatchEvent(new Event(isThere ? 'online' : 'offline'));
	}
}

/** The close code of the next connection that ends. */
function closed() {
	return new Promise((resolve) => frames.once('close', resolve));
}

module.exports = {
	received,
	closed,
	requests,
	exchanges,
	requested,
	/** What nobody notes. */
	plainFetch: fetch,
	answerFor,
	Browser,
	/** The server of this port speaks ws, not wss. */
	servePlainly: (port) => { plainPorts.add(port); },
};
