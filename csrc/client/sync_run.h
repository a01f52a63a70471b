/* One delta sync, as the core has it: the machine that decides (sync/delta_sync.h), the request and the subscription
 * that bring its records, and their way into the cache.
 *
 *    sync_fetch: a page comes ----> ANSWERED --+
 *    sync_hear:  an event comes --> held ------+--> sync_keep: asked? -- told --> sync_write, checkpoint --> commit
 *                                    drained --+                                                              |
 *    sync_work:  SAVED, and what follows from it <--------------------------------------------------------------+
 *
 * One that hands over has no cache: sync_hand takes the place of sync_keep.
 *
 * A page, what the application's functions make of it, and the checkpoint are one transaction of the vault.
 * @thread core */
#ifndef APS_CLIENT_SYNC_RUN_H
#define APS_CLIENT_SYNC_RUN_H

#include "cache/kept_list.h"
#include "cache/synced_list.h"
#include "client/caching.h"
#include "client/consumer.h"
#include "client/partition.h"
#include "client/request.h"
#include "client/sync_settings.h"
#include "client/time_question.h"
#include "store/sync_rows.h"
#include "sync/page_circle.h"

/* An answer and what it says. */
struct aps_sync_answer {
	bool is_there;
	struct aps_outcome outcome;
	struct aps_page page;
	bool is_read; /* the page was */
	enum aps_sync_query query;
	uint32_t asked_at; /* what the cache knew when it was asked for */
	int64_t took_ms;
	struct aps_buf variables;       /* that it was asked for with, of a part with has_page */
	uint64_t question;              /* which page comes next; 0: it isn't asked */
	bool is_told;                   /* the application's functions were, and said: */
	struct aps_caching_edits edits; /* a reference */
	struct aps_buf more;            /* the variables of the next page; empty: there is none */
};

struct aps_sync_fetching {
	struct aps_outcome_sink sink;
	struct aps_request request;
	bool is_requested;
	bool is_under_way; /* also while headers are asked for */
	enum aps_sync_query query;
	struct aps_operation operation;
	struct aps_header_list headers;
	struct aps_arena arena;
	uint32_t asked_at;
	int64_t begun_ms;
	uint64_t question;             /* for headers; 0: none */
	struct aps_sync_answer answer; /* that waits until the page before it is kept */
	struct aps_sync_answer taken;  /* that the machine is told of */
};

/* What is on its way into the cache, one thing at a time. */
struct aps_sync_keeping {
	bool is_busy;
	bool is_over, is_kept; /* the page that was kept last: the machine is to be told */
	bool is_page;          /* else an event, */
	bool is_settling;      /* or what lingers or is gone: see client/sync_lingering.h, client/sync_gone.h */
	struct aps_buf gone;   /* uint64_t: records that are asked about as of deletions */
	enum aps_sync_part_kind part;
	enum aps_sync_list list;
	bool begins;                   /* with `list` */
	int64_t forgets_before_ms;     /* deletions; 0: none */
	struct aps_sync_answer answer; /* of a page */
	struct aps_bytes *bytes;       /* of an event; its page is answer.page */
	struct aps_str data, errors;
	struct aps_arena decoded;
	struct aps_parked parked;
	bool is_parked;
	uint64_t question;             /* to the application's functions; 0: none */
	bool is_uncommitted;           /* written, in a transaction */
	bool is_settled, is_committed; /* that has ended */
	int64_t begun_ms;
};

/* An event that waits. */
struct aps_sync_heard {
	struct aps_sync_heard *next;
	struct aps_bytes *bytes;
	struct aps_str payload;
};

enum aps_sync_standing {
	APS_SYNC_IS_NOT_ASKED,
	APS_SYNC_STANDS,
	APS_SYNC_IS_LOST,
	APS_SYNC_IS_DELAYED,
	APS_SYNC_HAS_ENDED
};

struct aps_sync_hearing {
	struct aps_consumer consumer;
	bool is_joined;
	enum aps_sync_standing standing;
	bool has_news; /* of that */
	bool was_lost; /* since the run was told that it stands */
	bool has_missed;
	bool has_untold; /* likewise, but the service's journal may not have it yet */
	bool is_partial_told;
	bool is_draining;
	size_t n_to_drain; /* of those that are held, the first ones */
	struct aps_err trouble;
	uint64_t question; /* for headers; 0: none */
	struct aps_sync_heard *first, **last;
	size_t n_events, n_bytes;
	size_t n_out, out_bytes; /* handed over and not settled; the bytes since there were none */
};

/* Numbers that only grow. */
struct aps_sync_counts {
	uint64_t n_records, n_pages, n_bytes, n_events, n_stale;
	int64_t network_ms, local_ms;
};

struct aps_sync_run {
	struct aps_sync_run *next; /* of the client */
	uint64_t id;
	struct aps_core *core;
	struct aps_client *client;
	uint64_t cache;
	struct aps_partition *partition; /* NULL, and so is the vault: it hands over */
	struct aps_vault *vault;
	struct aps_vault_part part;
	struct aps_partition_follower follower;
	struct aps_sync_settings *settings;
	char name[65];
	struct aps_delta_sync machine;
	struct aps_timer timer;
	struct aps_timer hint;
	struct aps_timer look; /* at the list, where that is put off */
	struct aps_sync_fetching fetching;
	struct aps_sync_keeping keeping;
	struct aps_sync_hearing hearing;
	struct aps_list_place place, beside; /* of the base query's list; place.field empty: not known yet */
	struct aps_list_place lingers_at;    /* see client/sync_lingering.h */
	struct aps_list_place between_at;    /* see client/sync_between.h */
	struct aps_list_place gone_at;       /* see client/sync_gone.h */
	struct aps_list_place token_place;   /* of the token beside it; field empty: there is none */
	struct aps_kept_list kept;           /* while others write */
	struct aps_arena place_arena;
	struct aps_synced_list shown, collected, lingering, between, gone;
	struct aps_number_set lingering_written; /* those that linger and were written since they were looked at; */
	bool is_lingering_looked_at;             /* all others were */
	struct aps_sync_counts counts;
	struct aps_page_circle circle; /* of the pass that is running */
	uint64_t last_question;
	uint32_t began_at;      /* the cache's moment when the base pass that is open began in this run; 0: it didn't */
	uint32_t lingers_since; /* the cache's moment behind the pass that was complete last; 0: of another process */
	uint32_t between_since; /* likewise, or when this run began; 0: what was told before is forgotten */
	uint32_t gone_since;    /* as lingers_since, of the last ones of `gone` */
	bool has_between;       /* the store may have some, */
	bool is_behind_base;    /* what is drained was heard while a base pass ran, which is complete */
	bool has_gone;          /* and some of these */
	bool gone_waits;        /* for the next page or event: to ask about them has failed */
	int64_t skew_ms;        /* the service's clock less ours, as an earlier run has known it */
	int64_t told_ms;        /* the service's time, as the last page has told it, */
	int64_t told_at_ms;     /* and when that was, by the clock that never jumps; 0: no page of this run has */
	bool is_cleared;        /* the cache was, in this turn */
	bool has_ended;         /* a transaction has, in this turn */
	size_t n_uncommitted;   /* events in the transaction that is open */
	bool is_whole;          /* see aps_sync_run_is_whole() */
	bool was_delta;         /* the last page that was kept is of a delta query */
	bool is_probing;        /* what is under way tries whether anything is reached */
	bool has_changed;       /* for whoever looks at its state */
	bool owes_checkpoint;   /* the store's is another one, or none, and is to be this one */
	bool is_owing_open;     /* it becomes this one in a transaction that isn't known to have ended */
	bool has_lost_list; /* what the pass has collected so far: an eviction, or another sync of the same queries */
	bool must_look;     /* whether the list is still there */
	unsigned n_lost;    /* how often it wasn't, */
	int64_t lost_at_ms; /* and when that began: monotonic */
	bool is_writing;    /* what followers are told of is its own */
	bool is_bulk;       /* the vault has been told that much is written */
	bool is_ended, is_reason_told;
	bool waits_for_lead; /* it hasn't started: another process syncs */
	bool has_tombstones, knows_tombstones;
	int64_t forgot_at_ms; /* those that were old, of a sync without a query; 0: in no turn of this run */
	bool knows_bad;
	uint64_t n_bad;                         /* quarantined records, where that is known */
	unsigned n_failed;                      /* tries since a page was kept; the machine begins anew online */
	bool is_unanswered;                     /* the last one was */
	struct aps_err err;                     /* the last failure; OK: none since the last answer */
	struct aps_err reason;                  /* why it is stopped for good; OK: it isn't, or was told to */
	char *told;                             /* the service's `errors` that belong to err: JSON text; NULL: none */
	struct aps_time_question time_question; /* of one that hands over */
	unsigned n_time_questions;
	bool is_completed;            /* by the service */
	struct aps_result_event *end; /* that is told where there is no memory for one */
	struct aps_reap reap;
};

APS_BEGIN_DECLS

/* Of a closed one: nothing has anything of it in hand any more. */
void aps_sync_run_let_go(struct aps_sync_run *run);
/* Now by the service's clock: once a page has told it, whatever becomes of the device's. */
int64_t aps_sync_run_now_ms(const struct aps_sync_run *run);
/* When what is being kept was seen: aps_sync_seen_ms(). */
int64_t aps_sync_run_seen_ms(const struct aps_sync_run *run);
/* When the service has made an answer, by its Date; 0: it doesn't say. The run's clock follows it. */
int64_t aps_sync_run_learn(struct aps_sync_run *run, const struct aps_http_answer *answer);
/* The store may have other ones than they were here: they are read again. */
void aps_sync_run_forget_lists(struct aps_sync_run *run);
/* It was live in this run: all that was due was fetched, and what was heard meanwhile was taken. */
bool aps_sync_run_is_whole(const struct aps_sync_run *run);
/* Keeps the service's `errors`, JSON text; empty: none. */
void aps_sync_run_note_told(struct aps_sync_run *run, struct aps_str errors);
/* Edits that never went in are decided: nothing shows them any more. */
void aps_sync_answer_clear(struct aps_sync_run *run, struct aps_sync_answer *answer);
/* In the transaction that is open or is begun for it. */
enum aps_rc aps_sync_run_name(struct aps_sync_run *run, struct aps_sync_name *name, struct aps_err *err);
enum aps_rc aps_sync_run_load(struct aps_sync_run *run, struct aps_err *err);
enum aps_rc aps_sync_run_save(struct aps_sync_run *run, const struct aps_checkpoint *checkpoint, struct aps_err *err);

APS_END_DECLS

#endif
