/* The outbox of one identity of a client, as the core drives it: the machine that decides (sync/outbox.h), its entries
 * in the store, the requests that are under way for them, and who waits for their outcomes.
 *
 *    aps_queue_add() --row, layer--> durable commit --> sent, or told that it is queued
 *                                       ^
 *    what ended --answer, outcome, next mark--+--> whoever waits, or QUEUE "outcome"
 *
 * Everything that belongs together is in one transaction of the vault; what follows from it is done once that has
 * ended. Where the store can't be written nothing is queued and nothing is sent: an outcome that can't be stored waits.
 * @thread core */
#ifndef APS_CLIENT_QUEUE_H
#define APS_CLIENT_QUEUE_H

#include "cache/number_set.h"
#include "client/core.h"
#include "client/partition.h"
#include "store/entry_id.h"
#include "store/id_map.h"
#include "store/outbox_facts.h"
#include "store/outbox_rows.h"
#include "sync/outbox.h"

#define APS_QUEUE_LEASE_MS 300000 /* that another process leaves an entry alone, whatever became of this one */

struct aps_sending;
struct aps_queue_wait;
struct aps_ask_queue_command;

/* What an entry is, beside its texts; in files. */
enum aps_entry_flag {
	APS_ENTRY_IDEMPOTENT = 1,
	APS_ENTRY_TYPENAMES = 2, /* is sent with __typename added */
	APS_ENTRY_UNCACHED = 4,  /* its answer isn't kept */
	APS_ENTRY_LAYER = 8,     /* it has an optimistic layer */
	APS_ENTRY_RULES = 16,    /* and rules that say what its answer changes besides */
	APS_ENTRY_RESEND = 32    /* times enum aps_resend */
};

struct aps_queue_settings {
	uint64_t credentials[APS_ENTRY_MODE_COUNT]; /* 0: that mode isn't configured */
	struct aps_header_list headers;             /* the client's own, in `arena`; */
	struct aps_arena arena;
	bool asks_headers; /* or its function's */
	bool has_updates;  /* it has functions for answers, by root fields */
	enum aps_outbox_order order;
	unsigned max_tries;
	bool resolves_doubt;
	int64_t request_lifetime_ms; /* that a request may live at the service, unanswered; -1: client/version_seen.h */
	bool has_resolver;
};

/* Whether there is anything to say about why nothing is sent. */
enum aps_queue_why { APS_QUEUE_WHY_NONE, APS_QUEUE_WHY_TOLD, APS_QUEUE_WHY_ERROR };

/* What the application knows of a queue's state. */
struct aps_queue_shown {
	const char *state; /* static text; NULL: nothing */
	uint64_t head;     /* 0: none */
	int64_t n_entries, n_dead;
	bool is_stuck;
	enum aps_queue_why why;
};

struct aps_queue {
	struct aps_queue *next;   /* of the client */
	struct aps_queue **link;  /* to it; NULL: nobody's list has it */
	struct aps_queue **first; /* of that list */
	struct aps_vault_part part;
	struct aps_core *core;
	struct aps_client *client;
	uint64_t cache; /* the number of its partition, to which its events go */
	struct aps_partition *partition;
	struct aps_partition_user user;
	struct aps_vault *vault;
	char *prefix, *identity;
	struct aps_queue_settings settings;
	struct aps_outbox outbox;
	struct aps_outbox_journal journal;
	struct aps_outbox_row row; /* what the journal has read last */
	int64_t owner;             /* 0: the store doesn't know it yet */
	uint32_t nonce;
	int64_t last_old; /* the number up to which entries and outcomes are of earlier runs, where they
	                   * don't say which process they are of */
	struct aps_gql_document *document; /* that was sent last; NULL: none */
	struct aps_sending *sendings;
	struct aps_queue_wait *waits;
	struct aps_ask_queue_command *asked;     /* whose answers wait for the commit */
	struct aps_ask_queue_command *finishing; /* client/queue_finish.h */
	struct aps_timer timer;                  /* of the machine's waits, and after trouble */
	struct aps_timer stuck;
	struct aps_timer confirming; /* what was confirmed is stored then, if nothing else is written before */
	struct aps_timer pruning;
	int64_t rest_until_ms; /* after trouble */
	uint64_t place;        /* of the vault, where the transaction was begun */
	unsigned n_outcomes;   /* since rows were pruned last */
	int64_t surplus;       /* outcomes up to this one are pruned; < 0: it isn't known */
	int64_t ids_due_ms;    /* when temporary ids are looked through next, by the monotonic clock */
	bool prunes_ids;       /* they are: */
	struct aps_id_pruning pruned_ids;
	int64_t n_entries, n_dead;
	bool is_counted;
	bool leads;              /* client/queue_lead.h: among those that share the file */
	bool has_foreign;        /* outcomes that other processes are to tell */
	bool looks_for_waits;    /* others may have taken away what calls of this process wait for */
	bool looks_whether_away; /* client/queue_away.h: it may be news for them that the service can't be reached */
	int64_t away_by;         /* what the store says of that; */
	bool is_away_doubted;    /* that may be lost, or another process's word */
	bool merges;             /* the service was seen to merge conflicts */
	unsigned kept_facts;     /* that the store has, or will with the transaction that is open */
	bool is_known;           /* whose number the owner has in the store, or that it has none */
	bool has_news;           /* the machine has more to do */
	bool has_committed;      /* a transaction has ended well */
	bool has_lost;           /* one has failed */
	bool has_forgotten;      /* the store is another one */
	bool releases;           /* the service can't be reached any more: whoever waits is to be told */
	bool has_changed;        /* for whoever looks at its state */
	struct aps_queue_shown shown;
	bool is_running;
	bool is_finishing; /* nothing more is sent */
	bool is_closed;
	int64_t advanced_ms; /* when it got on last, by the monotonic clock */
	bool is_stuck_told;
	uint64_t asked_outcome;        /* QUEUE "outcome" was sent for this one, and it isn't told yet; 0: none */
	int64_t first_outcome;         /* of this run; 0: there was none yet */
	struct aps_number_set updates; /* entries for whose answers this run has functions */
	struct aps_buf waited;     /* uint64_t: outcomes that were told in this run, and aren't stored as told; or are
	                              being told, and another queue's by now */
	struct aps_buf confirmed;  /* likewise: of those what is to be in the next transaction */
	struct aps_buf told;       /* likewise: of those what the transaction that is open has */
	struct aps_buf renamed;    /* uint64_t, pairs: of records (sync/named_ids.h), what they are called then */
	int64_t settled, settling; /* outcomes: client/queue_settle.h; 0: none */
	uint64_t settling_entry;
	bool has_unsettled;  /* there may be outcomes behind these: */
	bool begins_again;   /* what was settled is gone through once more, after the one that is settling */
	bool is_others_turn; /* the next one of these waits for another process (client/queue_turn.h) */
	int64_t turn_of, turn_since_ms, turn_given_up; /* likewise: which waits, and up to which none is waited for */
	int64_t only_unsettled;                        /* just this one; 0: it isn't known which */
	bool has_new_ids; /* of this transaction: the service has given some, or pairs are the owner's or nobody's now
	                   */
	bool has_untold;  /* there may be outcomes that nobody was told of */
	struct aps_err trouble; /* of the store, last; OK: none */
	struct aps_reap reap;
};

APS_BEGIN_DECLS

void aps_queue_settings_clear(struct aps_queue_settings *settings);
bool aps_queue_has_store(const struct aps_queue *queue);
/* OK, or why nothing can be queued now. */
enum aps_rc aps_queue_look(const struct aps_queue *queue, struct aps_err *err);
/* Likewise, and its owner is known: for what reads rows. */
enum aps_rc aps_queue_know(struct aps_queue *queue, struct aps_err *err);
/* For what changes rows of the queue: a transaction that isn't over before it is on the disk. */
enum aps_rc aps_queue_begin(struct aps_queue *queue, bool is_durable, struct aps_err *err);
/* All that was written since is in the transaction that was begun: else the store has moved meanwhile, or that one was
 * given up, and what is open is another one, which has only a part of it. */
enum aps_rc aps_queue_check_begun(const struct aps_queue *queue, bool is_durable, struct aps_err *err);
/* The transaction that is open, before the turn ends. A store that has moved meanwhile hasn't got it. */
enum aps_rc aps_queue_commit(struct aps_queue *queue, struct aps_err *err);
/* What becomes of an entry that is under way: the machine is to be run. */
void aps_queue_feed(struct aps_queue *queue, uint64_t number, const struct aps_delivery_event *event);
void aps_queue_feed_kind(struct aps_queue *queue, uint64_t number, enum aps_delivery_event_kind kind);
/* The document of a queued mutation: the caller's reference. */
enum aps_rc aps_queue_parse(struct aps_queue *queue, struct aps_str text, struct aps_gql_document **document,
                            struct aps_err *err);
/* "1a2b3c4d-17" */
void aps_queue_id_text(const struct aps_queue *queue, uint64_t number, char text[APS_ENTRY_TEXT_CHARS + 1]);
void aps_queue_set_reach(struct aps_queue *queue, enum aps_outbox_reach reach, uint64_t successes);
/* How many are queued and dead. */
enum aps_rc aps_queue_count(struct aps_queue *queue, struct aps_err *err);
/* Nothing of it is tried for a moment. */
void aps_queue_rest(struct aps_queue *queue);
/* It goes on in another turn, at once. */
void aps_queue_wake(struct aps_queue *queue);
/* In a list of uint64_t. */
bool aps_queue_has_number(const struct aps_buf *numbers, uint64_t number);
/* What the store is to know of this outbox, in the transaction that is open, once. */
enum aps_rc aps_queue_note_fact(struct aps_queue *queue, enum aps_outbox_fact fact, struct aps_err *err);
/* Somebody may want to know. */
void aps_queue_note_change(struct aps_queue *queue);
struct aps_db *aps_queue_db(const struct aps_queue *queue);

APS_END_DECLS

#endif
