// What happens to two clients that sync the posts of one server: a list of steps, the same for the same seed.
//   {write: "create" | "update" | "delete", input}   somebody else's
//   {online: false | true}                            of both clients
//   {restart: true, meanwhile: […writes]}             both end, and others go on with what they have stored
//   {disconnect: true}                                the server ends all WebSockets
//   {settle: true}                                    both have what the server has
'use strict';

const { random } = require('../differential/random');

const WORDS = ['tea', 'salt', 'bread', 'überall', '"quoted"', '日本', 'a\nb'];

/** Writes that always succeed, because it knows what is there. */
class Author {
	constructor(rand) {
		this.rand = rand;
		this.there = [];
		this.gone = [];
		this.made = 0;
	}

	content() {
		const { rand } = this;
		const fields = { title: `${rand.pick(WORDS)} ${rand.of(1000)}` };
		if (rand.chance(0.5)) fields.content = rand.chance(0.2) ? null : rand.pick(WORDS);
		if (rand.chance(0.3)) fields.ups = rand.of(100);
		if (rand.chance(0.2)) fields.url = `https://example.com/${rand.of(100)}`;
		return fields;
	}

	create() {
		const { rand } = this;
		let id;
		if (this.gone.length > 0 && rand.chance(0.2)) {
			[id] = this.gone.splice(rand.of(this.gone.length), 1); // one that comes back
		} else {
			this.made++;
			id = `post-${this.made}`;
		}
		this.there.push(id);
		return { write: 'create', input: { id, author: rand.pick(WORDS), ...this.content() } };
	}

	update() {
		return { write: 'update', input: { id: this.rand.pick(this.there), ...this.content() } };
	}

	delete() {
		const [id] = this.there.splice(this.rand.of(this.there.length), 1);
		this.gone.push(id);
		return { write: 'delete', input: { id } };
	}

	any() {
		const kind = this.there.length < 2 ? 'create' : this.rand.pick(['create', 'update', 'update', 'delete']);
		return this[kind]();
	}

	some(n) {
		return Array.from({ length: 1 + this.rand.of(n) }, () => this.any());
	}
}

/** {before, steps, ids}: writes before the clients start, what happens then, and all ids; both are online in the end.
 * `disconnects`: the server ends WebSockets, too. */
function schedule(seed, n, { disconnects = false } = {}) {
	const rand = random(seed);
	const author = new Author(rand);
	const before = Array.from({ length: 10 }, () => author.create());
	const steps = [];
	let isOnline = true;
	while (steps.length < n) {
		const chance = rand.of(disconnects ? 10 : 9);
		if (chance < 5) {
			steps.push(...author.some(4));
		} else if (chance < 7) {
			isOnline = !isOnline;
			steps.push({ online: isOnline });
		} else if (chance < 8) {
			if (!isOnline) steps.push({ online: true });
			isOnline = true;
			// Of writes that come before the end, or after it, or while nobody is there.
			steps.push({ restart: true, meanwhile: author.some(3) });
		} else if (chance < 9) {
			if (isOnline) steps.push({ settle: true });
		} else {
			steps.push({ disconnect: true });
		}
	}
	if (!isOnline) steps.push({ online: true });
	return { before, steps: [...steps, { settle: true }], ids: Array.from({ length: author.made }, (_, i) => `post-${i + 1}`) };
}

module.exports = { schedule };
