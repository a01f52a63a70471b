/* The queue of one identity's mutations: which of them may be sent now, and what becomes of each (sync/delivery.h). A
 * pure machine over a journal that keeps the entries: only those that are under way, or next, are in memory.
 *
 * SERIAL: those of one auth mode go one after the other, those of different modes beside one another. ENTITY: as
 * sync/entity_order.h says, at most so many at once.
 *
 * The owner feeds what happened, then takes all actions, in order: what is to be stored goes into the transaction that
 * is open or is begun for it, at once; what is to be done is done at once, too. When that transaction has ended it
 * feeds aps_outbox_committed() or aps_outbox_lost(), and takes what follows.
 *
 * A mutation that names something which an earlier one is to make (a temporary id) waits for that one, in whatever mode
 * it is. When its maker is dead, it is dead as well. */
#ifndef APS_SYNC_OUTBOX_H
#define APS_SYNC_OUTBOX_H

#include "sync/delivery.h"
#include "sync/entity_order.h"

#define APS_OUTBOX_MODES 16 /* auth modes, by the numbers of the owner */
/* In the order of entities: under way at once, beside what a resolver has changed; in memory, where many of them wait;
 * known to wait for earlier ones, all of which are looked through for each that ends; and read by one
 * aps_outbox_go_on(). */
#define APS_OUTBOX_AT_ONCE   8
#define APS_OUTBOX_MAX_HAND  1024
#define APS_OUTBOX_MAX_HELD  16384
#define APS_OUTBOX_MAX_READS 128

enum aps_outbox_order { APS_OUTBOX_SERIAL, APS_OUTBOX_ENTITY };

/* What the service's reachability allows (sync/reachability.h). */
enum aps_outbox_reach {
	APS_OUTBOX_OFFLINE, /* nothing new is sent */
	APS_OUTBOX_PROBE,   /* one thing */
	APS_OUTBOX_ONLINE
};

/* An entry, as the journal has it. */
struct aps_outbox_info {
	uint64_t number; /* 0: there is none */
	unsigned mode;
	enum aps_resend resend;
	bool is_marked; /* as being sent */
	unsigned n_attempts, n_counted, n_rounds;
	uint64_t waits_for;     /* the entry that is to make what this one names; 0: nothing */
	uint64_t blocked_by;    /* the dead letter that was to; 0: none */
	struct aps_buf records; /* uint64_t, for the order of entities; none: it is a barrier */
};

/* Where entries come from. Within the transaction that is open, if one is: what was stored before is there. */
struct aps_outbox_journal {
	/* The first one behind `after` of any of these modes (bits). info->records is initialised by the caller. */
	enum aps_rc (*next)(struct aps_outbox_journal *journal, unsigned modes, uint64_t after,
	                    struct aps_outbox_info *info, struct aps_err *err);
	enum aps_rc (*find)(struct aps_outbox_journal *journal, uint64_t number, struct aps_outbox_info *info,
	                    struct aps_err *err);
};

struct aps_outbox_action {
	uint64_t number;
	unsigned mode;
	enum aps_delivery_store store;
	enum aps_delivery_action_kind kind;
	enum aps_delivery_outcome outcome; /* BURY, TELL */
	uint64_t blocked_by;               /* of that outcome */
	unsigned n_attempts, n_counted, n_rounds;
	unsigned n_failures; /* WAIT */
	bool is_in_doubt;    /* ASK; LOOK: whether it was applied, else for the record only */
};

struct aps_outbox_item {
	struct aps_outbox_item *next; /* in the order of their numbers */
	uint64_t number;
	unsigned mode;
	struct aps_delivery delivery;
	uint64_t waits_for, blocked_by;
	int64_t due_ms; /* WAITING, NO_AUTH */
	bool is_new;    /* nothing of it has begun: the journal knows all of it, or nothing */
	bool is_stored; /* what COMMITTED or LOST is about is in the transaction that is open */
};

struct aps_outbox_options {
	struct aps_delivery_options delivery;
	enum aps_outbox_order order;
	unsigned modes; /* bits of those that this owner sends */
};

/* What keeps the queue from going on, for people. */
#define APS_OUTBOX_REASON_MAP(X)                                                                                       \
	X(NONE, NULL)                                                                                                  \
	X(NETWORK, "waiting_network")                                                                                  \
	X(AUTH, "waiting_auth")                                                                                        \
	X(RETRY, "retrying")                                                                                           \
	X(RESOLVER, "waiting_resolver")                                                                                \
	X(STORAGE, "waiting_storage")                                                                                  \
	X(MAKER, "waiting_maker")                                                                                      \
	X(SENDING, "sending")

enum aps_outbox_reason {
#define APS_OUTBOX_REASON_ENUM(name, text) APS_OUTBOX_FOR_##name,
	APS_OUTBOX_REASON_MAP(APS_OUTBOX_REASON_ENUM)
#undef APS_OUTBOX_REASON_ENUM
	        APS_OUTBOX_REASON_COUNT
};

struct aps_outbox {
	struct aps_outbox_options options;
	struct aps_outbox_journal *journal; /* borrowed */
	enum aps_outbox_reach reach;
	bool has_store;     /* it can be written */
	uint64_t successes; /* of the service, for this client */
	struct aps_outbox_item *items;
	bool is_drained[APS_OUTBOX_MODES]; /* SERIAL: the journal has none but those in memory */
	struct aps_entity_order entities;
	uint64_t scanned;       /* ENTITY: entries up to this one are known to it */
	bool is_scanned;        /* there are no others */
	unsigned n_reads;       /* of this aps_outbox_go_on() */
	struct aps_buf actions; /* struct aps_outbox_action */
	size_t n_taken;
	struct aps_err trouble; /* of the journal or of memory: it goes on when it is fed again */
};

APS_BEGIN_DECLS

const char *aps_outbox_reason_name(enum aps_outbox_reason reason);

/* It knows nothing yet, may send nothing, and takes its first entries with aps_outbox_go_on(). */
void aps_outbox_init(struct aps_outbox *outbox, const struct aps_outbox_options *options,
                     struct aps_outbox_journal *journal);
void aps_outbox_clear(struct aps_outbox *outbox);
/* Others from now on. What is under way goes on as it is. */
void aps_outbox_change(struct aps_outbox *outbox, const struct aps_outbox_options *options);

/* A new entry, which the owner is about to insert into the open transaction, behind all others. *is_sent: it is marked
 * at once. E_NOMEM: it isn't in the queue, and isn't to be inserted. */
enum aps_rc aps_outbox_add(struct aps_outbox *outbox, const struct aps_outbox_info *info, bool *is_sent,
                           struct aps_err *err);
/* E_INTERNAL: it doesn't know that entry, or the event is illegal now. */
enum aps_rc aps_outbox_feed(struct aps_outbox *outbox, uint64_t number, const struct aps_delivery_event *event,
                            struct aps_err *err);
void aps_outbox_committed(struct aps_outbox *outbox);
/* What it was to store is stored by the next transaction, which begins with aps_outbox_go_on() unless the store is set
 * away before. A probe that was about to begin is none: reach is to be set again. */
void aps_outbox_lost(struct aps_outbox *outbox);
void aps_outbox_set_reach(struct aps_outbox *outbox, enum aps_outbox_reach reach);
/* False: it can't be written, and nothing begins until it can. */
void aps_outbox_set_store(struct aps_outbox *outbox, bool has_store);
/* Material of this mode was renewed. */
void aps_outbox_auth_changed(struct aps_outbox *outbox, unsigned mode);
/* After WAIT: how long. */
void aps_outbox_wait(struct aps_outbox *outbox, uint64_t number, int64_t due_ms);
/* It has read the journal to its end, and nothing is left. */
bool aps_outbox_is_empty(const struct aps_outbox *outbox);
/* The earliest; INT64_MAX: none. */
int64_t aps_outbox_due_ms(const struct aps_outbox *outbox);
void aps_outbox_pass_time(struct aps_outbox *outbox, int64_t now_ms);
/* One that waits for a moment or for credentials waits no longer. */
void aps_outbox_hurry(struct aps_outbox *outbox, uint64_t number);
/* It was about to be sent, and isn't yet, in the store either: it is queued again, and about to be changed. */
void aps_outbox_recall(struct aps_outbox *outbox, uint64_t number);
/* The application takes it away, in the transaction that is open; what waits for it is blocked by it. False: it is
 * under way. */
bool aps_outbox_withdraw(struct aps_outbox *outbox, uint64_t number);
/* It has changed, in the transaction that is open, and stays where it is: it is read again. False: it is under way. */
bool aps_outbox_reread(struct aps_outbox *outbox, uint64_t number);
/* A record is known by another hash from now on: for the order of entities. */
void aps_outbox_rename(struct aps_outbox *outbox, uint64_t from, uint64_t to);
/* What was known of the entries holds no longer (the store is another one): those that are under way are forgotten. */
void aps_outbox_forget(struct aps_outbox *outbox);
/* Entries came that it wasn't told of, at whatever place: others', those that were parked, dead letters that are tried
 * again. */
void aps_outbox_look_again(struct aps_outbox *outbox);
/* Likewise, behind all that it knows. */
void aps_outbox_look_on(struct aps_outbox *outbox);
/* Lets go what may go. To be called after any of the above, before the actions are taken. */
enum aps_rc aps_outbox_go_on(struct aps_outbox *outbox, struct aps_err *err);
/* It has stopped reading the journal: the owner, who has other things to do as well, calls it once more soon. */
bool aps_outbox_has_paused(const struct aps_outbox *outbox);
/* The one that is taken next; NULL: there are no more. A transaction that is begun for it is begun before it is taken:
 * from then on the end of the transaction that is open is its own. */
const struct aps_outbox_action *aps_outbox_peek(const struct aps_outbox *outbox);
/* False: there are no more. What is fed in between needs no memory: an item has room for two that aren't taken. */
bool aps_outbox_take(struct aps_outbox *outbox, struct aps_outbox_action *action);

/* NULL: it isn't in memory: it waits in the journal, or has ended. */
const struct aps_outbox_item *aps_outbox_item(const struct aps_outbox *outbox, uint64_t number);
/* Once it is in doubt it is never sent again, whatever its row said when it was read. */
void aps_outbox_distrust(struct aps_outbox *outbox, uint64_t number);
/* Of the lowest one that is in memory, or NONE. */
enum aps_outbox_reason aps_outbox_reason(const struct aps_outbox *outbox, const struct aps_outbox_item *item);

APS_END_DECLS

#endif
