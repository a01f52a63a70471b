// Random choices that a seed repeats.
'use strict';

/** A source of choices: `of(n)` below n, `chance(p)`, `pick(list)`. */
function random(seed) {
	let state = (seed >>> 0) || 1;
	// xorshift32
	function next() {
		state ^= state << 13;
		state >>>= 0;
		state ^= state >>> 17;
		state ^= state << 5;
		state >>>= 0;
		return state / 4294967296;
	}
	for (let i = 0; i < 16; i++) next(); // small seeds begin alike
	const of = (n) => Math.floor(next() * n);
	return {
		of,
		chance: (p) => next() < p,
		pick: (list) => list[of(list.length)],
		some: (list, p) => list.filter(() => next() < p),
	};
}

module.exports = { random };
