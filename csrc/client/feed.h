/* A feed: one subscription on the service, shared by all live subscribers with equal operation and credential.
 * @thread core, but for the command's making. */
#ifndef APS_CLIENT_FEED_H
#define APS_CLIENT_FEED_H

#include "auth/secrets.h"
#include "base/arena.h"
#include "client/consumer.h"
#include "client/credential.h"
#include "proto/operation.h"

struct aps_link;

/* What the application asks for; owns its operation and its text. */
struct aps_subscribe_command {
	struct aps_command head;
	uint64_t credential;
	enum aps_overflow overflow;
	size_t max_items;
	size_t max_bytes;
	bool is_shared;
	bool has_dynamic_headers; /* the application is asked for them before each connect and start */
	struct aps_operation operation;
	struct aps_arena arena;
	struct aps_header_list headers;
	struct aps_note_event *end; /* SUB_END, made in advance */
};

struct aps_feed {
	struct aps_feed *next; /* of the client */
	uint64_t number;       /* on its link's machine: the first subscriber's id */
	struct aps_client *client;
	struct aps_link *link;
	struct aps_credential *credential;
	struct aps_subscribe_command *what; /* of the first subscriber */
	uint64_t hash;                      /* of operation, credential and headers; 0: not shared */
	struct aps_consumer *consumers;
	struct aps_waiter waiter; /* for material, before a start */
	uint64_t generation;      /* of the material that its start was signed with */
	unsigned n_moves;         /* to other connections, for want of room */
	bool is_started;
	bool was_started;   /* once at least */
	bool wants_start;   /* the machine asked for the payload of a start */
	bool is_refused;    /* its start was refused; waits for fresh material */
	bool has_refreshed; /* once since it was last started */
	bool waits_for_headers;
	bool has_fresh_headers; /* asked for since the last start */
	struct aps_err refusal;
	struct aps_secrets sent; /* what its last start told: the service may quote it */
	char *told;              /* what the service said of it last: `errors` as JSON text; NULL: nothing */
};

APS_BEGIN_DECLS

/* @thread app */
struct aps_subscribe_command *aps_subscribe_command_new(uint64_t client, uint64_t sub);
struct aps_command *aps_unsubscribe_command_new(uint64_t client, uint64_t sub);
struct aps_command *aps_consumed_command_new(uint64_t client, uint64_t sub, size_t n);
/* Answers HEADERS: a new list (its arena is the command's), or an error text. */
struct aps_headers_command {
	struct aps_command head;
	char *error;
	struct aps_arena arena;
	struct aps_header_list headers;
};
struct aps_headers_command *aps_headers_command_new(uint64_t client, uint64_t sub);

/* False: the application is being asked for its headers; the feed or its link go on when they come. */
bool aps_feed_has_headers(struct aps_core *core, struct aps_feed *feed);

/* Keeps what the service said of it, for the error that it may end with. */
void aps_feed_tell(struct aps_feed *feed, struct aps_str errors);

/* Called by the link. */
void aps_feed_want_start(struct aps_core *core, struct aps_feed *feed);
void aps_feed_started(struct aps_core *core, struct aps_feed *feed);
void aps_feed_reconnecting(struct aps_core *core, struct aps_feed *feed);
void aps_feed_data(struct aps_core *core, struct aps_feed *feed, struct aps_bytes *bytes, struct aps_str payload);
void aps_feed_auth_refused(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err);
/* The machine has forgotten it: its subscribers end (err NULL: completed), it is freed. */
void aps_feed_ended(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err);
/* Ends it from our side: the machine is told, then as above. */
void aps_feed_end(struct aps_core *core, struct aps_feed *feed, const struct aps_err *err);
/* Some consumer of it is full. */
bool aps_feed_is_full(const struct aps_feed *feed);

APS_END_DECLS

#endif
