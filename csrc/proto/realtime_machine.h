/* The inside of the realtime machine, shared by its files only: realtime.c (inputs), realtime_link.c (the connection's
 * life), realtime_subs.c (the subscriptions) and realtime_frames.c (what the service says). */
#ifndef APS_PROTO_REALTIME_MACHINE_H
#define APS_PROTO_REALTIME_MACHINE_H

#include "base/map.h"
#include "proto/action_queue.h"
#include "proto/error_list.h"
#include "proto/frame.h"

#define APS_REALTIME_NEVER INT64_MAX

enum aps_realtime_phase {
	APS_REALTIME_IDLE,      /* nobody wants a connection */
	APS_REALTIME_WAITING,   /* for the deadline of the next attempt, or for the network */
	APS_REALTIME_AUTH_WAIT, /* for the owner's answer to AUTH_REFUSED */
	APS_REALTIME_OPENING,
	APS_REALTIME_INIT, /* open, connection_init was sent */
	APS_REALTIME_READY
};

enum aps_realtime_sub_phase {
	APS_REALTIME_SUB_NEW,   /* DO_START is due as soon as the connection is ready */
	APS_REALTIME_SUB_ASKED, /* DO_START was given */
	APS_REALTIME_SUB_SENT,  /* its acknowledgement is due at deadline_ms */
	APS_REALTIME_SUB_LIVE,
	APS_REALTIME_SUB_AUTH,   /* AUTH_REFUSED was given */
	APS_REALTIME_SUB_BACKOFF /* DO_START is due at deadline_ms */
};

struct aps_realtime_sub {
	struct aps_realtime_sub *prev, *next; /* in the order of adding */
	uint64_t number;
	enum aps_realtime_sub_phase phase;
	int64_t deadline_ms;
	unsigned n_refusals;         /* of authentication, since it was live */
	unsigned n_limited;          /* of the rate limit, since it was live */
	bool was_started;            /* once at least */
	bool is_interrupted;         /* SUB_RECONNECTING was given, SUB_STARTED wasn't yet */
	char id[APS_UUID_CHARS + 1]; /* the same on every connection */
};

struct aps_realtime {
	struct aps_realtime_options options;
	struct aps_rand *rand;
	int64_t now_ms; /* of the present input */

	enum aps_realtime_phase phase;
	int64_t deadline_ms; /* of WAITING, OPENING and INIT */
	int64_t idle_at_ms;  /* close then, because nobody is left; or NEVER */
	unsigned attempt;    /* failures since the connection was last healthy */
	bool was_acked;      /* connection_ack came at least once in the machine's life */
	bool is_proven;      /* a start was acknowledged on this connection */
	bool is_paused;
	int64_t acked_at_ms;
	int64_t life_at_ms; /* of the last message */
	int64_t ping_at_ms; /* of our last ping */
	int64_t keep_alive_ms;

	struct aps_str told; /* `errors` of the message in hand: JSON text, borrowed from it */

	struct aps_conn_inputs inputs;
	enum aps_conn_state state; /* as told */

	struct aps_map by_id;
	struct aps_map by_number;
	struct aps_realtime_sub *first, *last;
	size_t n_subs;
	int64_t sub_deadline_ms; /* the earliest of them */
	bool is_sub_deadline_stale;

	struct aps_action_queue queue;
	struct aps_arena decoded; /* texts of the message in hand that were written with escapes */
};

APS_BEGIN_DECLS

/* realtime_link.c */

void aps_realtime_link_notice(struct aps_realtime *rt, const char *format, ...) APS_PRINTF(2, 3);
void aps_realtime_link_send(struct aps_realtime *rt, struct aps_str literal);
/* Tells the state if it changed. */
void aps_realtime_link_tell_state(struct aps_realtime *rt, const struct aps_err *cause);
/* Connects if that is due: subscriptions are there and nothing is under way. */
void aps_realtime_link_want(struct aps_realtime *rt);
/* The connection has gone. `is_broken`: the service talks nonsense, so that having worked before counts for nothing. */
void aps_realtime_link_lose(struct aps_realtime *rt, const struct aps_err *cause, bool is_broken);
/* Closes it, then as above. */
void aps_realtime_link_drop(struct aps_realtime *rt, int code, const char *reason, const struct aps_err *cause,
                            bool is_broken);
/* The service refuses the connection's authentication. Closes what is open. */
void aps_realtime_link_refuse(struct aps_realtime *rt, const struct aps_err *err);
/* Ends all subscriptions with *err, and the connection. */
void aps_realtime_link_fail(struct aps_realtime *rt, const struct aps_err *err);
void aps_realtime_link_attempt_after(struct aps_realtime *rt, int64_t delay_ms);
/* The last subscription has gone. */
void aps_realtime_link_left_alone(struct aps_realtime *rt);
void aps_realtime_link_ready(struct aps_realtime *rt, int64_t keep_alive_ms);
/* An action was lost because memory was out: starts over, so that nobody waits for it. */
void aps_realtime_link_start_over(struct aps_realtime *rt);
void aps_realtime_link_tick(struct aps_realtime *rt);
int64_t aps_realtime_link_deadline_ms(const struct aps_realtime *rt);
bool aps_realtime_link_is_open(const struct aps_realtime *rt);

/* realtime_subs.c */

struct aps_realtime_sub *aps_realtime_sub_find(const struct aps_realtime *rt, uint64_t number);
struct aps_realtime_sub *aps_realtime_sub_find_id(const struct aps_realtime *rt, struct aps_str id);
/* NULL: memory is out. */
struct aps_realtime_sub *aps_realtime_sub_new(struct aps_realtime *rt, uint64_t number);
void aps_realtime_sub_free(struct aps_realtime *rt, struct aps_realtime_sub *sub);
void aps_realtime_sub_set_phase(struct aps_realtime *rt, struct aps_realtime_sub *sub,
                                enum aps_realtime_sub_phase phase, int64_t deadline_ms);
/* Gives DO_START. */
void aps_realtime_sub_ask(struct aps_realtime *rt, struct aps_realtime_sub *sub);
void aps_realtime_sub_send_start(struct aps_realtime *rt, struct aps_realtime_sub *sub, struct aps_str payload);
/* Where the service knows of it. */
void aps_realtime_sub_send_stop(struct aps_realtime *rt, const struct aps_realtime_sub *sub);
void aps_realtime_sub_started(struct aps_realtime *rt, struct aps_realtime_sub *sub);
/* SUB_ENDED; `err_at` of the action queue. The subscription stays if memory is out, and is started anew. */
void aps_realtime_sub_end(struct aps_realtime *rt, struct aps_realtime_sub *sub, size_t err_at);
/* An `error` message about this subscription. */
void aps_realtime_sub_failed(struct aps_realtime *rt, struct aps_realtime_sub *sub, const struct aps_error_list *list);
/* The connection has gone: all of them wait for the next one. */
void aps_realtime_subs_interrupt(struct aps_realtime *rt, size_t err_at);
void aps_realtime_subs_ask_all(struct aps_realtime *rt);
/* Reading was resumed: acknowledgements get their full time again. */
void aps_realtime_subs_extend(struct aps_realtime *rt);
void aps_realtime_subs_tick(struct aps_realtime *rt);
int64_t aps_realtime_subs_deadline_ms(const struct aps_realtime *rt);
/* The machine is at rest: keeps the earliest deadline, so that a message does not cost a walk over all of them. */
void aps_realtime_subs_settle(struct aps_realtime *rt);

/* realtime_frames.c */

void aps_realtime_frame_received(struct aps_realtime *rt, struct aps_str text);
void aps_realtime_frame_too_big(struct aps_realtime *rt, struct aps_str head);

APS_END_DECLS

#endif
