// What two lists of events of a scenario are compared by.
'use strict';

// One that comes before the answer of a call that was sent at once belongs to that call: aws-appsync's.
function isOfWaitingCall(event, i, events) {
	const next = events[i + 1];
	return event.event === 'callback' && next !== undefined && next.event === 'answered' && next.sent > 0;
}

function callback({ success, keys }) {
	if (!success) return 'failed';
	const { mutation, variables: { '@@skipRetry': _, ...variables }, data } = success;
	return { mutation, variables, data, keys: keys.filter((key) => key !== 'id') };
}

/** {name: list}: what is in both is compared whole. */
function of(all) {
	const events = all.filter((event, i) => !isOfWaitingCall(event, i, all));
	const each = (name, take) => events.filter(({ event }) => event === name).map(take);
	const lists = each('list', ({ posts }) => posts);
	return {
		answers: each('answered', ({ data, sent }) => ({ data, sent })),
		listsMeanwhile: lists.slice(0, -1),
		list: lists.slice(-1).flat(),
		requests: each('sent', ({ operation, times }) => [operation, times]),
		variables: each('sent', ({ variables }) => variables),
		order: each('server', ({ order }) => order).flat(),
		serial: each('server', ({ serial }) => serial),
		callbacks: each('callback', callback),
		failed: each('callback', ({ error }) => error && (error.mutation || null)).filter((mutation) => mutation !== undefined),
		resolver: each('resolver', ({ event, ...about }) => about),
		ids: each('ids', ({ map }) => map).slice(-1).flat(),
		effects: each('effects', ({ event, ...about }) => about),
		replayed: each('replayed', ({ event, timing, ...about }) => about),
		dead: each('dead', ({ letters }) => letters).flat(),
	};
}

module.exports = { of };
