// What a browser has and Node 18 lacks: WebSocket and crypto. Clients find both as globals and stay as published.
'use strict';

const { EventEmitter } = require('node:events');
const WebSocket = require('ws');

const frames = new EventEmitter();
const sockets = new Set();
let plainPort = null;

// aws-amplify 6 asks for wss whatever the endpoint's scheme is, as the service knows nothing else.
class TestSocket extends WebSocket {
	constructor(url, protocols) {
		const target = new URL(url);
		if (target.port === plainPort) target.protocol = 'ws:';
		super(target.href, protocols);
		sockets.add(this);
		this.on('message', (data) => frames.emit('frame', JSON.parse(data.toString()), this));
		this.on('close', (code) => {
			sockets.delete(this);
			frames.emit('close', code, this);
		});
	}
}

globalThis.WebSocket = TestSocket;
if (!globalThis.crypto) globalThis.crypto = require('node:crypto').webcrypto;

// Clients take fetch when they are made, so what they send is noted from the beginning.
const sent = [];
const { fetch } = globalThis;
globalThis.fetch = (url, options) => {
	if (typeof options.body === 'string') sent.push(JSON.parse(options.body));
	return fetch(url, options);
};

/** The GraphQL requests that go out while `during` runs. */
async function requests(during) {
	const from = sent.length;
	await during();
	return sent.slice(from);
}

/** The next `count` messages of a type that the server sends: `await` what it returned before causing them. */
function received(type, count = 1) {
	return new Promise((resolve) => {
		const seen = [];
		function look(frame) {
			if (frame.type === type) seen.push(frame);
			if (seen.length === count) {
				frames.off('frame', look);
				resolve(seen);
			}
		}
		frames.on('frame', look);
	});
}

module.exports = {
	received,
	requests,
	/** The server of this port speaks ws, not wss. */
	servePlainly: (port) => { plainPort = port; },
	/** Open connections of this process. */
	sockets,
};
