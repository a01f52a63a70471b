// Tests one after the other, because they share a server; closes with `N passed, N failed`, which .ci/suite counts.
'use strict';

const { setTimeout } = globalThis; // a test may have put another one in its place

const TEST_MS = 120000; // against hanging: a busy machine takes its time
const tests = [];
const endings = [];
let stray = [];

process.on('unhandledRejection', (error) => stray.push(error));

function describe(error) {
	if (error instanceof Error) return error.stack;
	return JSON.stringify(error, null, 2);
}

class Late extends Error {}

function within(ms, promise, what) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Late(`${what} took longer than ${ms} ms`)), ms);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** What the client throws for an operation that must fail; never that nothing came. */
async function refusal(promise) {
	let value;
	try {
		value = await promise;
	} catch (thrown) {
		if (thrown instanceof Late) throw thrown;
		return thrown;
	}
	throw new Error(`accepted: ${JSON.stringify(value)}`);
}

async function runOne({ name, fn }) {
	stray = [];
	try {
		await within(TEST_MS, Promise.resolve().then(fn), 'the test');
		if (stray.length > 0) throw stray[0];
		console.log(`ok - ${name}`);
		return true;
	} catch (error) {
		console.log(`not ok - ${name}\n${describe(error).replace(/^/gm, '    ')}`);
		return false;
	}
}

async function run() {
	let passed = 0;
	let failed = 0;
	for (const test of tests) {
		if (await runOne(test)) passed++;
		else failed++;
	}
	for (const end of endings.reverse()) await end();
	console.log(`${passed} passed, ${failed} failed`);
	process.exit(failed === 0 ? 0 : 1); // the clients keep sockets and timers for reuse
}

setImmediate(run);

module.exports = {
	test: (name, fn) => tests.push({ name, fn }),
	/** Runs after the last test, in reverse order. */
	atEnd: (fn) => endings.push(fn),
	within,
	refusal,
};
