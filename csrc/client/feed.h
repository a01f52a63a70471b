/* A feed: one subscription on the service, shared by all live consumers of equal topics. @thread core
 * A feed that has ended stays until the end of the turn, without a link and without consumers. */
#ifndef APS_CLIENT_FEED_H
#define APS_CLIENT_FEED_H

#include "auth/secrets.h"
#include "client/consumer.h"
#include "client/lease.h"
#include "client/shared.h"

struct aps_link;
struct aps_feed_event;

struct aps_feed {
	struct aps_feed *next; /* of the link, oldest first */
	struct aps_feed **at;
	struct aps_shared shared; /* by those of the client that ask the same */
	uint64_t number;          /* on its link's machine */
	struct aps_client *client;
	struct aps_link *link; /* NULL: it has ended, or is between two */
	struct aps_topic *topic;
	struct aps_consumer *consumers;
	struct aps_feed_event
	        *parked; /* events that the cache doesn't have yet, oldest first: consumers get them then */
	size_t n_parked;
	size_t parked_bytes;
	bool is_held;                     /* too many of them */
	const struct aps_consumer *asked; /* for the headers of the next start or connect */
	struct aps_lease lease;           /* of what its starts are signed with */
	unsigned n_moves;                 /* to other connections, for want of room */
	bool is_started;
	bool was_started;               /* once at least */
	struct aps_err trouble;         /* why it isn't served, masked; OK: it is, or nothing is known */
	uint64_t trouble_hash;          /* of its message as it came */
	struct aps_timer headers_timer; /* armed while a consumer is asked */
	bool wants_start;               /* the machine asked for the payload of a start */
	bool has_fresh_headers;         /* asked for since the last start */
	struct aps_err refusal;         /* of its last start */
	struct aps_secrets sent;        /* what its last start told: the service may quote it */
	char *told;                     /* what the service said of it last: `errors` as JSON text; NULL: nothing */
	struct aps_reap reap;
};

APS_BEGIN_DECLS

/* Takes the topic, but on failure. NULL with *err: no memory, or its credential has gone. */
struct aps_feed *aps_feed_new(struct aps_core *core, struct aps_client *client, struct aps_topic *topic,
                              uint64_t number, struct aps_err *err);

/* It is told at once where the feed has been started. */
void aps_feed_join(struct aps_core *core, struct aps_feed *feed, struct aps_consumer *consumer);
/* Forgets the consumer, which isn't called; the last one out ends the feed. */
void aps_feed_leave(struct aps_core *core, struct aps_consumer *consumer);
/* The same, and tells the consumer its end. */
void aps_feed_end_consumer(struct aps_core *core, struct aps_consumer *consumer, const struct aps_err *err);
/* The consumer was full and is so no more. */
void aps_feed_resume(struct aps_core *core, struct aps_consumer *consumer);
/* Answers ask_headers(): `arena` and `headers` are taken. Ignored from a consumer that wasn't asked. */
void aps_feed_set_headers(struct aps_core *core, struct aps_consumer *consumer, struct aps_arena *arena,
                          struct aps_header_list *headers);
/* The answer is that there are none: the feed ends. */
void aps_feed_fail_headers(struct aps_core *core, struct aps_consumer *consumer, const char *message);

/* The link's side. */

/* False: a consumer is being asked for its headers; the feed or its link go on when they come. */
bool aps_feed_has_headers(struct aps_core *core, struct aps_feed *feed);
/* Keeps what the service said of it, for the error that it may end with. */
void aps_feed_tell(struct aps_feed *feed, struct aps_str errors);
void aps_feed_want_start(struct aps_core *core, struct aps_feed *feed);
void aps_feed_started(struct aps_core *core, struct aps_feed *feed);
void aps_feed_reconnecting(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err);
/* It isn't served: consumers that were not told so yet are. */
void aps_feed_delayed(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err);
/* Its connection ended while it wasn't read. */
void aps_feed_missed(struct aps_core *core, struct aps_feed *feed);
void aps_feed_data(struct aps_core *core, struct aps_feed *feed, struct aps_bytes *bytes, struct aps_str payload);
void aps_feed_auth_refused(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err);
/* The machine has forgotten it: its consumers end (err NULL: completed), and so does the feed. */
void aps_feed_ended(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err);
/* Some consumer of it is full, or the application has too much to tell of its events first. */
bool aps_feed_is_full(const struct aps_feed *feed);

APS_END_DECLS

#endif
