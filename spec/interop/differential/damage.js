// What makes a document invalid: each takes its text and gives another one, or null where there is nothing to damage.
'use strict';

function replaceOne(rnd, text, pattern, replacement) {
	const found = [...text.matchAll(pattern)];
	if (found.length === 0) return null;
	const match = rnd.pick(found);
	const made = typeof replacement === 'function' ? replacement(match) : replacement;
	return text.slice(0, match.index) + made + text.slice(match.index + match[0].length);
}

const FIELD = /\b[a-z]+\d*_?\d(?=[\s({])/g;

const damages = {
	unknownField: (rnd, text) => replaceOne(rnd, text, FIELD, 'nothing'),
	unknownArgument: (rnd, text) => replaceOne(rnd, text, /\ba\d: /g, 'nobody: '),
	missingArguments: (rnd, text) => replaceOne(rnd, text, /\(a\d: [^()$]*\)/g, ''),
	wrongLiteral: (rnd, text) => replaceOne(rnd, text, /: (-?[\d.]+|true|false|E\d_V\d|"[^"\n]*")(?=[,)\]}])/g,
		() => `: ${rnd.pick(['"text"', '1', '1.5', 'true', 'NAME', '{a: 1}', '[1]', '[[true]]', 'null', '99999999999'])}`),
	undefinedVariable: (rnd, text) => replaceOne(rnd, text, /: (-?[\d.]+|true|false|E\d_V\d)(?=[,)])/g, ': $nobody'),
	unusedVariable: (rnd, text) => replaceOne(rnd, text, /^(query|mutation) Op(?= \{)/g, (match) => `${match[0]}($unused: Int)`),
	variableType: (rnd, text) => replaceOne(rnd, text, /(\$v\d+): [^,)=]+(?=[,)])/g,
		(match) => `${match[1]}: ${rnd.pick(['Int', 'String!', '[ID]', 'In0', 'T0', 'Nothing', 'Boolean'])}`),
	unknownFragment: (rnd, text) => replaceOne(rnd, text, /\.\.\.F\d+/g, '...Nobody'),
	unusedFragment: (rnd, text) => `${text}\nfragment Unused on T0 { __typename }`,
	fragmentCycle: (rnd, text) => replaceOne(rnd, text, /fragment (F\d+) on \w+ \{/g, (match) => `${match[0]} ...${match[1]}`),
	sameFragment: (rnd, text) => `${text}\nfragment Twice on Query { __typename }\nfragment Twice on Query { __typename }`,
	fragmentType: (rnd, text) => replaceOne(rnd, text, /\bon (T|U|I|Query|Mutation)\d?\b/g,
		() => `on ${rnd.pick(['T0', 'T1', 'T2', 'T3', 'Query', 'Mutation', 'In0', 'E0', 'Int', 'Nothing'])}`),
	leafSelection: (rnd, text) => replaceOne(rnd, text, /__typename/g, '__typename { a }'),
	emptyObject: (rnd, text) => replaceOne(rnd, text, / \{\n\s*__typename\n\s*\}/g, ''),
	sameAlias: (rnd, text) => text.replace(/\br\d+:/g, 'r0:'),
	sameArgument: (rnd, text) => replaceOne(rnd, text, /\((a\d: [^()$]*)\)/g, (match) => `(${match[1]}, ${match[1]})`),
	sameVariable: (rnd, text) => replaceOne(rnd, text, /\((\$v\d+: [^()$]*)\)/g, (match) => `(${match[1]}, ${match[1]})`),
	unknownDirective: (rnd, text) => replaceOne(rnd, text, /@(skip|include)/g, '@nobody'),
	anyDirective: (rnd, text) => replaceOne(rnd, text, /\n(\s*__typename)/g, (match) => `${match[0]} @deprecated`),
	directiveArgument: (rnd, text) => replaceOne(rnd, text, /\(if: [^)]*\)/g, () => rnd.pick(['', '(if: 1)', '(if: null)', '(unless: true)'])),
	sameDirective: (rnd, text) => replaceOne(rnd, text, /@(skip|include)\(if: [^)]*\)/g, (match) => `${match[0]} ${match[0]}`),
	secondOperation: (rnd, text) => `${text}\nquery { __typename }`,
	sameOperation: (rnd, text) => `${text}\nquery Op { __typename }`,
	definition: (rnd, text) => `${text}\ntype Extra { a: Int }`,
	wrongRoot: (rnd, text) => text.replace(/^query|^mutation/, rnd.pick(['query', 'mutation', 'subscription', 'request'])),
	cut: (rnd, text) => [...text].slice(0, 1 + rnd.of(text.length - 1)).join(''),
	drop: (rnd, text) => {
		const letters = [...text]; // half of a pair isn't a letter
		letters.splice(rnd.of(letters.length), 1);
		return letters.join('');
	},
	insert: (rnd, text) => {
		const letters = [...text];
		letters.splice(rnd.of(letters.length), 0, rnd.pick(['{', '}', '(', ')', '"', '$', '@', '...', '!', '[', ':', '#', '1.', '\u0007', '&', ' x ']));
		return letters.join('');
	},
};

/** {name, query} of a damage that changes the text. */
function damage(rnd, text) {
	for (;;) {
		const name = rnd.pick(Object.keys(damages));
		const query = damages[name](rnd, text);
		if (query !== null && query !== text) return { name, query };
	}
}

module.exports = { damage };
