/* A queue of operations between two threads: the only place where a lock is. Sending always consumes the operation;
 * a closed mailbox answers what is sent to it through kind->refuse, so nobody waits for ever. */
#ifndef APS_RT_MAILBOX_H
#define APS_RT_MAILBOX_H

#include "base/err.h"

struct aps_op;

struct aps_op_kind {
	const char *name;
	/* Frees the operation and all it owns. */
	void (*free_op)(struct aps_op *op);
	/* The mailbox is closed or full: answer whoever waits, then free. NULL: free_op. Called without a lock held. */
	void (*refuse)(struct aps_op *op, enum aps_rc why);
};

/* First member of each operation's struct. */
struct aps_op {
	struct aps_op *next;
	const struct aps_op_kind *kind;
	size_t n_bytes; /* what it weighs against the mailbox's bound */
};

struct aps_mailbox;

/* Raised once per change from empty to non-empty, by the sender, without a lock held. */
struct aps_wakeup {
	void (*raise)(void *context);
	void *context;
};

struct aps_mailbox_limits {
	size_t n_items; /* 0: no bound (the producers are bounded elsewhere; say where) */
	size_t n_bytes;
};

APS_BEGIN_DECLS

struct aps_mailbox *aps_mailbox_new(struct aps_mailbox_limits limits, struct aps_wakeup wakeup);
/* Frees what is left in it. No thread may use it any more. */
void aps_mailbox_free(struct aps_mailbox *mb);
/* One operation, or a chain linked by `next` (one lock, at most one wake). E_CLOSED, E_TOO_BIG: it was refused. */
enum aps_rc aps_mailbox_send(struct aps_mailbox *mb, struct aps_op *chain);
/* Moves everything out, oldest first; NULL when it is empty. The receiver clears its wake before it drains. */
struct aps_op *aps_mailbox_drain(struct aps_mailbox *mb);
/* Without a lock: what they say may be out of date at once. */
bool aps_mailbox_is_empty(const struct aps_mailbox *mb);
size_t aps_mailbox_n_items(const struct aps_mailbox *mb);
size_t aps_mailbox_n_bytes(const struct aps_mailbox *mb);
/* From now on everything is refused; returns what was left in it. */
struct aps_op *aps_mailbox_close(struct aps_mailbox *mb);
/* Frees a chain by each operation's kind. */
void aps_op_free_chain(struct aps_op *chain);
void aps_op_refuse_chain(struct aps_op *chain, enum aps_rc why);

APS_END_DECLS

#endif
