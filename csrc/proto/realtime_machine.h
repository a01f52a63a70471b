/* The inside of the realtime machine, shared by its files only, each of which uses those below it: realtime.c (inputs),
 * realtime_frames.c (what the service says), realtime_link.c (the connection's life), realtime_subs.c (the
 * subscriptions), realtime_tell.c (what the owner is told). */
#ifndef APS_PROTO_REALTIME_MACHINE_H
#define APS_PROTO_REALTIME_MACHINE_H

#include "base/arena.h"
#include "base/map.h"
#include "base/rand.h"
#include "proto/action_queue.h"
#include "proto/realtime_options.h"

#define APS_REALTIME_NEVER INT64_MAX
/* A connection that lived this long after its acknowledgement was healthy, and so was a subscription after its start:
 * what failed before counts for nothing. */
#define APS_REALTIME_HEALTHY_MS 10000
/* Fresh material that is refused again and again, and starts that nothing answers, are given up after so many. */
#define APS_REALTIME_MAX_TRIES 5
#define APS_REALTIME_STOPPED   128
/* An attempt that got nowhere for so long is begun anew when the network may be back: what it sent is lost, and TCP
 * waits longer and longer before it sends it again. */
#define APS_REALTIME_HUNG_MS 1000

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
	unsigned n_sent;             /* starts on this connection, since one was acknowledged */
	int64_t sent_at_ms;          /* the first of these */
	int64_t live_at_ms;          /* its last acknowledgement */
	unsigned n_refusals;         /* of fresh material, since it was healthy */
	unsigned n_limited;          /* by the rate limit, likewise */
	unsigned n_unanswered;       /* starts in a row that were not acknowledged */
	bool was_started;            /* once at least */
	bool is_interrupted;         /* SUB_RECONNECTING was given, SUB_STARTED wasn't yet */
	char id[APS_UUID_CHARS + 1]; /* the same on every connection; another one after a start that nothing answered */
};

struct aps_realtime {
	struct aps_realtime_options options;
	struct aps_rand *rand;
	int64_t now_ms; /* of the present input */

	enum aps_realtime_phase phase;
	int64_t deadline_ms; /* of WAITING, OPENING and INIT */
	int64_t idle_at_ms;  /* close then, because nobody is left; or NEVER */
	int64_t began_at_ms; /* of the attempt, */
	bool is_hinted;      /* there was a hint since then */
	int64_t again_at_ms; /* and when it is begun anew, because it hangs; or NEVER */
	int64_t lost_at_ms;  /* since when no connection was any good; of WAITING and what follows it */
	unsigned attempt;    /* what the next delay grows with */
	unsigned n_failed;   /* attempts in a row that served no subscription */
	unsigned n_refusals; /* of fresh material, since the connection was last healthy */
	bool was_acked;      /* connection_ack came at least once in the machine's life */
	bool is_proven;      /* a start was acknowledged on this connection */
	bool is_paused;
	int64_t acked_at_ms;
	int64_t life_at_ms;  /* of the last message, or of bytes of one that isn't whole yet */
	int64_t ping_at_ms;  /* of our last ping */
	int64_t asked_at_ms; /* of the first one since life_at_ms, where it is later than that */
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

	/* Hashes of the ids that were stopped last on this connection: what the service had sent before it knew is no
	 * surprise. */
	uint64_t stopped[APS_REALTIME_STOPPED];
	size_t n_stopped;
};

#endif
