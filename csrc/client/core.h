/* The core thread: one loop around curl's poll that drains commands, answers and frames, runs timers, and publishes
 * events once a turn. All functions are @thread core unless they say otherwise. */
#ifndef APS_CLIENT_CORE_H
#define APS_CLIENT_CORE_H

#include "base/map.h"
#include "base/rand.h"
#include "client/event.h"
#include "client/runtime.h"
#include "client/settings.h"
#include "client/stats.h"
#include "net/http.h"
#include "net/ws.h"
#include "rt/timer.h"

struct aps_credential;
struct aps_call;
struct aps_link;
struct aps_feed;

/* Objects of one kind by their number. */
struct aps_table {
	struct aps_map map;
};

/* One client of the application, as the core sees it. */
struct aps_client {
	struct aps_client *next;
	struct aps_core *core;
	uint64_t id;
	struct aps_settings settings;
	struct aps_stats *stats;
	int64_t skew_ms; /* the service's clock less ours, learned from the Date header */
	bool is_closing;
	bool is_online;
	struct aps_link *links;
	struct aps_feed *feeds;
	enum aps_conn_state shown_state; /* what connection:observe() was told last */
};

/* Who receives the answer of an HTTP exchange; request.tag points at it. */
struct aps_answer_sink {
	void (*answered)(struct aps_core *core, struct aps_answer_sink *sink, struct aps_http_answer *answer);
};

struct aps_core {
	struct aps_runtime *runtime;
	struct aps_http *http;
	struct aps_ws *ws;         /* NULL until the first subscription */
	struct aps_mailbox *inbox; /* commands; the runtime's */
	struct aps_mailbox
	        *frames; /* batches of the realtime thread; bounded by not reading sockets, see drain_frames() */
	bool is_behind;  /* no socket is read: too many frames wait for the core, */
	bool is_flooded; /* or too many events for the application */
	struct aps_timers timers;
	struct aps_rand rand;
	struct aps_client *clients;
	struct aps_table calls;
	struct aps_table consumers;
	struct aps_table credentials;
	struct aps_table links;     /* by the number that the realtime thread knows */
	struct aps_timer app_timer; /* wakes the application for its own timers */
	struct aps_mail *events_head;
	struct aps_mail **events_tail;
	uint64_t last_connection; /* numbers for the realtime thread */
	bool is_stopping;
	struct aps_ws *left_ws; /* the realtime thread is stuck and may still use *core */
};

APS_BEGIN_DECLS

/* @thread app, before the thread starts */
struct aps_core *aps_core_new(struct aps_runtime *runtime, struct aps_err *err);
/* @thread app, after it was joined */
void aps_core_free(struct aps_core *core);
/* The thread's main function; returns after aps_core_stop(). */
void aps_core_run(struct aps_core *core, struct aps_mailbox *inbox);
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
/* False: no memory; only who waits for an answer to it needs to care. */
bool aps_core_note(struct aps_core *core, enum aps_event_kind kind, uint64_t target, const char *word,
                   const struct aps_err *err);
void aps_core_log(struct aps_core *core, uint64_t client, const char *level, const char *format, ...) APS_PRINTF(4, 5);
void aps_core_arm(struct aps_core *core, int64_t after_ms);
struct aps_client *aps_core_client(struct aps_core *core, uint64_t id);

void *aps_table_get(const struct aps_table *table, uint64_t id);
bool aps_table_set(struct aps_table *table, uint64_t id, void *object);
void *aps_table_take(struct aps_table *table, uint64_t id);

/* Starts the realtime thread on first use. */
enum aps_rc aps_core_need_ws(struct aps_core *core, struct aps_err *err);

/* Unix time as the service has it. */
int64_t aps_client_now_ms(const struct aps_client *client);

APS_END_DECLS

#endif
