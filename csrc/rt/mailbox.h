/* A queue of mail between two threads. Its lock is held for a few pointers only, never while anything is called; the
 * others are those of `rt/thread`, of `net/ws_loop` and of `client/process`. Sending always consumes the mail: what
 * a closed or full mailbox refuses is freed, and the sender is told. */
#ifndef APS_RT_MAILBOX_H
#define APS_RT_MAILBOX_H

#include "base/err.h"

struct aps_mail;

struct aps_mail_kind {
	const char *name;
	/* Frees it and all it owns. */
	void (*free_mail)(struct aps_mail *mail);
};

/* First member of each struct that is sent. */
struct aps_mail {
	struct aps_mail *next;
	const struct aps_mail_kind *kind;
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
/* One piece, or a chain linked by `next` (one lock, at most one wake). E_CLOSED, E_TOO_BIG: it was refused. */
enum aps_rc aps_mailbox_send(struct aps_mailbox *mb, struct aps_mail *chain);
/* The same without a look at the bound, for what is bounded by what was sent before, such as its end. E_CLOSED. */
enum aps_rc aps_mailbox_send_owed(struct aps_mailbox *mb, struct aps_mail *chain);
/* Moves everything out, oldest first; NULL when it is empty. The receiver clears its wake before it drains. */
struct aps_mail *aps_mailbox_drain(struct aps_mailbox *mb);
/* Without a lock: what they say may be out of date at once. */
bool aps_mailbox_is_empty(const struct aps_mailbox *mb);
size_t aps_mailbox_n_items(const struct aps_mailbox *mb);
size_t aps_mailbox_n_bytes(const struct aps_mailbox *mb);
/* From now on everything is refused; returns what was left in it. */
struct aps_mail *aps_mailbox_close(struct aps_mailbox *mb);
/* Frees a chain, each by its kind. */
void aps_mail_free_chain(struct aps_mail *chain);

APS_END_DECLS

#endif
