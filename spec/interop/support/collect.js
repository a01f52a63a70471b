// An observable's values, taken one by one.
'use strict';

const { within } = require('./harness');

/** {next(): Promise, all: [], error, close()}; `next` rejects with the observable's error. */
function collect(observable) {
	const waiting = [];
	const arrived = [];
	const self = { all: [] };
	const give = (item) => (waiting.length > 0 ? waiting.shift()(item) : arrived.push(item));
	const subscription = observable.subscribe({
		next: (value) => {
			self.all.push(value);
			give({ value });
		},
		error: (error) => give({ error }),
		complete: () => give({ done: true }),
	});
	self.next = async () => {
		const coming = arrived.length > 0 ? arrived.shift() : new Promise((resolve) => waiting.push(resolve));
		const item = await within(10000, coming, 'the next value');
		if (item.error) throw item.error;
		return item.done ? undefined : item.value;
	};
	self.close = () => subscription.unsubscribe();
	return self;
}

module.exports = { collect };
