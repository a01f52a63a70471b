// Random choices that a seed repeats.
'use strict';

/** A source of choices: `of(n)` below n, `chance(p)`, `pick(list)`, `some(list, p)`, `shuffled(list)`. */
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
	function shuffled(list) {
		const result = list.slice();
		for (let i = result.length - 1; i > 0; i--) {
			const j = of(i + 1);
			[result[i], result[j]] = [result[j], result[i]];
		}
		return result;
	}
	return {
		of,
		shuffled,
		chance: (p) => next() < p,
		pick: (list) => list[of(list.length)],
		some: (list, p) => list.filter(() => next() < p),
	};
}

module.exports = { random };
