// lua-appsync that syncs the posts, in a process of its own (ours.lua). What it knows outlives a restart in its store's file.
'use strict';

const childProcess = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const { atEnd, within } = require('../support/harness');
const { temporary, ROOT, API_KEY } = require('../support/server');
const { DOCUMENTS } = require('./posts');

const ANSWER_MS = 30000;

class Ours {
	constructor(service, interpreter = process.env.APPSYNC_LUA) {
		this.service = service;
		this.interpreter = interpreter;
		this.store = temporary('sync.db', '').replace(/\.db$/, '-own.db');
	}

	/** One command at a time. */
	tell(command) {
		const before = this.last || Promise.resolve();
		const answered = before.then(() => within(ANSWER_MS, new Promise((resolve, reject) => {
			this.onLine = (line) => {
				const answer = JSON.parse(line);
				if (answer.raised) reject(new Error(answer.raised));
				else resolve(answer);
			};
			this.onEnd = () => reject(new Error(`ours.lua ended\n${this.err}`));
			if (this.hasEnded) this.onEnd();
			else this.child.stdin.write(`${JSON.stringify(command)}\n`);
		}), `ours.lua: ${command.do}`));
		this.last = answered.catch(() => {});
		return answered;
	}

	/** A process with a client that has begun to sync. */
	async begin() {
		const words = [path.join(__dirname, 'ours.lua'), this.service.server.endpoint, API_KEY, this.store, JSON.stringify(DOCUMENTS)];
		const child = childProcess.spawn(this.interpreter, words, { cwd: ROOT });
		atEnd(() => child.kill());
		Object.assign(this, { child, hasEnded: false, err: '', last: undefined });
		child.stdin.on('error', () => {}); // it has ended, which is told below
		child.stderr.on('data', (text) => { this.err += text; });
		readline.createInterface({ input: child.stdout }).on('line', (line) => this.onLine(line));
		this.end = new Promise((resolve) => {
			child.on('close', () => {
				this.hasEnded = true;
				if (this.onEnd) this.onEnd();
				resolve();
			});
		});
		return this.tell({ do: 'start' });
	}

	async start() {
		await this.begin();
		const { ready, err } = await this.tell({ do: 'ready' });
		if (!ready) throw new Error(`lua-appsync isn't ready: ${err}`);
	}

	async stop() {
		if (!this.child || this.hasEnded) return;
		await this.tell({ do: 'stop' });
		this.onEnd = undefined;
		this.child.stdin.end();
		await this.end;
	}

	network(isThere) {
		return this.tell({ do: 'network', online: isThere });
	}

	async restart(meanwhile) {
		await this.stop();
		await meanwhile();
		await this.start();
	}

	async posts() {
		return (await this.tell({ do: 'posts' })).posts;
	}

	/** {posts, single}, as theirs. */
	async dump(ids) {
		const { single } = await this.tell({ do: 'single', ids });
		return { posts: await this.posts(), single };
	}

	status() {
		return this.tell({ do: 'status' });
	}
}

module.exports = { Ours };
