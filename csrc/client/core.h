/* The core thread: one loop around curl's poll that drains commands, answers and frames, runs timers, and publishes
 * events once a turn. It owns the sockets, the clients and the turn; what a client is good for are features
 * (feature.h). All functions are @thread core unless they say otherwise. */
#ifndef APS_CLIENT_CORE_H
#define APS_CLIENT_CORE_H

#include "base/rand.h"
#include "client/command.h"
#include "client/event.h"
#include "client/feature.h"
#include "client/outlet.h"
#include "client/settings.h"
#include "client/stats.h"
#include "client/table.h"
#include "net/http.h"
#include "net/ws.h"
#include "rt/thread.h"
#include "rt/timer.h"

/* Embedded in each object that ends while functions that know it may still be on the stack. */
struct aps_reap {
	struct aps_reap *next;
	void (*free_object)(struct aps_core *core, struct aps_reap *reap);
};

/* One client of the application, as the core sees it. */
struct aps_client {
	struct aps_client *next;
	uint64_t id;
	struct aps_settings settings;
	struct aps_stats *stats;
	int64_t skew_ms;    /* the service's clock less ours, learned from the Date header or from a token's times */
	bool is_clock_told; /* by a Date: it isn't a guess */
	void *parts[APS_MAX_FEATURES]; /* see aps_client_part() */
	struct aps_reap reap;
};

/* Who receives the answer of an HTTP exchange; request.tag points at it. */
struct aps_answer_sink {
	void (*answered)(struct aps_core *core, struct aps_answer_sink *sink, struct aps_http_answer *answer);
};

/* Who receives what a WebSocket brings: see aps_core_ws_connect(). */
struct aps_frame_sink {
	void (*received)(struct aps_core *core, struct aps_frame_sink *sink, const struct aps_ws_batch *batch,
	                 const struct aps_ws_event *event);
};

struct aps_core {
	const struct aps_feature *const *features; /* ends with NULL */
	void *parts[APS_MAX_FEATURES];
	struct aps_outlet outlet;
	const struct aps_thread *thread; /* the one that runs the loop; NULL: none yet */
	struct aps_http *http;
	struct aps_descriptors descriptors; /* of features; what is ready is run with the core as its context */
	struct aps_ws *ws;                  /* NULL until the first WebSocket */
	bool is_simulated;                  /* its network; see aps_core_simulate() */
	struct aps_mailbox *inbox;          /* commands; the runtime's */
	struct aps_mailbox *frames; /* batches of the realtime thread; bounded by not reading sockets: drain_frames() */
	struct aps_table frame_sinks; /* by connection */
	uint64_t last_connection;
	bool is_stopping;       /* commands that had come before are refused like those of closed clients */
	bool is_behind;         /* too many frames wait for the core, */
	bool is_flooded;        /* or too many events for the application */
	bool is_suspended;      /* the application takes nothing for a while: aps_core_suspend() */
	atomic_ullong n_missed; /* events of subscriptions, since; the application takes the number */
	int64_t breath_ms;      /* after a turn that has waited for a slow disk; see pause_for_others() */
	int64_t waited_ms;      /* when that had ended */
	struct aps_timers timers;
	struct aps_rand rand;
	uint64_t hash_seed; /* of all tables */
	struct aps_client *clients;
	struct aps_timer app_timer; /* wakes the application for its own timers */
	struct aps_mail *events_head;
	struct aps_mail **events_tail;
	struct aps_mail **ahead_tail; /* where the events end that go before all others of the turn */
	struct aps_reap *ended_head;  /* what is freed at the end of the turn */
	struct aps_reap **ended_tail;
	struct aps_ws *left_ws; /* the realtime thread is stuck and may still use *core */
};

APS_BEGIN_DECLS

/* `features`: a list that ends with NULL, of at most APS_MAX_FEATURES; it stays. @thread app, before the thread starts
 */
struct aps_core *aps_core_new(struct aps_outlet outlet, const struct aps_feature *const *features, struct aps_err *err);
/* Before its first turn: its network is simulated (net/simulated_http.h, net/simulated_ws.h), and aps_core_drive() runs
 * its turns. NULL: *err says why. @thread app */
struct aps_simulated_http *aps_core_simulate(struct aps_core *core, struct aps_mailbox *inbox, struct aps_err *err);
/* One turn; the milliseconds until it has something to do, -1: nothing by itself. The thread that calls it is the
 * core's. */
int64_t aps_core_drive(struct aps_core *core);
/* @thread app, after it was joined */
void aps_core_free(struct aps_core *core);
/* The thread's main function; returns after aps_core_stop(). */
void aps_core_run(struct aps_core *core, struct aps_mailbox *inbox, const struct aps_thread *thread);
/* One turn of its loop, without the wait for sockets. For tests, which have no thread for it. */
void aps_core_turn(struct aps_core *core);
/* After the core thread was joined: waits for a realtime thread that did not stop in time. False: it still may use
 * *core, which must not be freed. */
bool aps_core_join_left(struct aps_core *core, int64_t timeout_ms);
/* @thread any */
void aps_core_stop(struct aps_core *core);
/* @thread any */
void aps_core_wakeup(struct aps_core *core);

/* Appends one event to this turn's hand-over. NULL (no memory for it) is counted as the caller's failure and ignored.
 */
void aps_core_emit(struct aps_core *core, struct aps_event *event);
/* The same for what the application is to know before everything else that this turn has brought. */
void aps_core_emit_ahead(struct aps_core *core, struct aps_event *event);
/* False: no memory; only who waits for an answer to it needs to care. */
bool aps_core_note(struct aps_core *core, enum aps_event_kind kind, uint64_t target, const char *word,
                   const struct aps_err *err);
void aps_core_log(struct aps_core *core, uint64_t client, const char *level, const char *format, ...) APS_PRINTF(4, 5);
void aps_core_arm(struct aps_core *core, int64_t after_ms);

/* The object has ended: it is in no table or list any more and has no timer. It is freed at the end of the turn, so
 * whoever still holds it may look at it until then. */
void aps_core_reap(struct aps_core *core, struct aps_reap *reap,
                   void (*free_object)(struct aps_core *core, struct aps_reap *reap));

/* `open` and `close` of a feature that keeps one table in the core. */
enum aps_rc aps_core_open_table(struct aps_core *core, void **part, struct aps_err *err);
void aps_core_close_table(struct aps_core *core, void *part);

/* What the feature keeps in the core, and in one client. */
void *aps_core_part(const struct aps_core *core, const struct aps_feature *feature);
void *aps_client_part(const struct aps_core *core, const struct aps_client *client, const struct aps_feature *feature);

/* NULL: there is none, or it is closing, as all are when the core stops. */
struct aps_client *aps_core_client(struct aps_core *core, uint64_t id);
/* The same, but when the core stops those that had not closed before are still there: for commands that had come by
 * then, and that nobody waits for, because the application counts on them. */
struct aps_client *aps_core_last_client(const struct aps_core *core, uint64_t id);
/* Takes the client (aps_calloc), also on failure. */
enum aps_rc aps_core_open_client(struct aps_core *core, struct aps_client *client, struct aps_err *err);
/* It will close once its calls have ended: subscriptions end with kind "closed" now. */
void aps_core_leave_client(struct aps_core *core, struct aps_client *client);
/* What is outstanding is answered with kind "closed". The client is freed at the end of the turn. */
void aps_core_close_client(struct aps_core *core, struct aps_client *client);
/* The service told what time it is. */
void aps_client_set_clock(struct aps_client *client, int64_t skew_ms);
/* Unix time as the service has it. */
int64_t aps_client_now_ms(const struct aps_client *client);

/* Opens a WebSocket; starts the realtime thread on first use. `connect->connection` is set; what comes goes to the sink
 * until aps_core_ws_forget(). */
enum aps_rc aps_core_ws_connect(struct aps_core *core, struct aps_frame_sink *sink, struct aps_ws_connect *connect,
                                struct aps_err *err);
void aps_core_ws_forget(struct aps_core *core, uint64_t connection);
/* The application is in the background, or back. */
void aps_core_suspend(struct aps_core *core, bool is_on);
/* No socket is to be read. */
bool aps_core_is_held(const struct aps_core *core);

APS_END_DECLS

#endif
