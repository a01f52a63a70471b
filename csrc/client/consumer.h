/* Whoever takes the events of a feed: the application's subscribers, and features of the core. @thread core */
#ifndef APS_CLIENT_CONSUMER_H
#define APS_CLIENT_CONSUMER_H

#include "rt/bytes.h"

#include "base/err.h"

struct aps_core;
struct aps_feed;
struct aps_consumer;

enum aps_consumer_verdict {
	APS_CONSUMER_OK,
	APS_CONSUMER_FULL,  /* the socket isn't read until aps_feed_resume() */
	APS_CONSUMER_FAILED /* it is ended with *err */
};

/* None of them may join, leave or end a consumer of the same feed, or answer ask_headers(), from within: later, from a
 * command, an answer or a timer. `end` may free the consumer at the end of the turn (aps_core_reap()). */
struct aps_consumer_kind {
	/* One event: JSON text {"data":…,"errors":…}, a span of `bytes`, which never change. */
	enum aps_consumer_verdict (*offer)(struct aps_core *core, struct aps_consumer *consumer,
	                                   struct aps_bytes *bytes, struct aps_str payload, struct aps_err *err);
	/* "subscribed", "reconnecting" or "delayed"; `err` tells why the last two; NULL: it doesn't care. "delayed": it
	 * isn't served yet, or not yet again, and another try is coming. */
	void (*tell)(struct aps_core *core, struct aps_consumer *consumer, const char *state,
	             const struct aps_err *err);
	/* Events may be lost that nobody has counted: the connection ended while it wasn't read. "reconnecting" is
	 * next; NULL: it doesn't care. */
	void (*missed)(struct aps_core *core, struct aps_consumer *consumer);
	/* The headers of the next connect or start are wanted: aps_feed_set_headers(). False: it can't be asked, for
	 * want of memory. NULL: it never gave any but those that it began with. */
	bool (*ask_headers)(struct aps_core *core, struct aps_consumer *consumer);
	/* The last call: the feed has forgotten it. `err` NULL: completed by the service, or left. `told`: the
	 * service's `errors`, JSON text, or NULL. */
	void (*end)(struct aps_core *core, struct aps_consumer *consumer, const struct aps_err *err, const char *told);
};

/* First member of each consumer's struct. */
struct aps_consumer {
	const struct aps_consumer_kind *kind;
	struct aps_consumer *next; /* of the same feed */
	struct aps_feed *feed;     /* NULL: none yet, or it has left it */
	bool is_full;
};

#endif
