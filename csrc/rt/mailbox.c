#include "rt/mailbox.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

struct aps_mailbox {
	pthread_mutex_t lock;
	struct aps_mail *first;
	struct aps_mail **last; /* where the next one is linked in */
	atomic_size_t n_items;  /* both are changed under the lock, and looked at without it */
	atomic_size_t n_bytes;
	bool is_closed;
	struct aps_mailbox_limits limits;
	struct aps_wakeup wakeup;
};

struct chain_size {
	struct aps_mail *last;
	size_t n_items;
	size_t n_bytes;
};

struct aps_mailbox *aps_mailbox_new(struct aps_mailbox_limits limits, struct aps_wakeup wakeup)
{
	struct aps_mailbox *mb = aps_calloc(1, sizeof *mb);
	if (!mb) return NULL;
	if (pthread_mutex_init(&mb->lock, NULL) != 0) {
		aps_free(mb);
		return NULL;
	}
	mb->last = &mb->first;
	mb->limits = limits;
	mb->wakeup = wakeup;
	return mb;
}

void aps_mailbox_free(struct aps_mailbox *mb)
{
	if (!mb) return;
	aps_mail_free_chain(mb->first);
	pthread_mutex_destroy(&mb->lock);
	aps_free(mb);
}

static struct chain_size measure(struct aps_mail *chain)
{
	struct chain_size size = {NULL, 0, 0};
	for (struct aps_mail *mail = chain; mail; mail = mail->next) {
		size.last = mail;
		size.n_items++;
		size.n_bytes += mail->n_bytes;
	}
	return size;
}

/* A bound of zero is no bound. What is larger than the whole bound passes when the mailbox is empty: it was
 * allocated already, and refusing it would refuse it for ever. */
static bool has_room(const struct aps_mailbox *mb, const struct chain_size *size)
{
	if (mb->n_items == 0) return true;
	if (mb->limits.n_items && size->n_items + mb->n_items > mb->limits.n_items) return false;
	return !mb->limits.n_bytes ||
	       (mb->n_bytes <= mb->limits.n_bytes && size->n_bytes <= mb->limits.n_bytes - mb->n_bytes);
}

static enum aps_rc send(struct aps_mailbox *mb, struct aps_mail *chain, bool is_bounded)
{
	if (!chain) return APS_OK;
	struct chain_size size = measure(chain);
	enum aps_rc rc = APS_OK;
	bool was_empty = false;
	pthread_mutex_lock(&mb->lock);
	if (mb->is_closed) {
		rc = APS_E_CLOSED;
	} else if (is_bounded && !has_room(mb, &size)) {
		rc = APS_E_TOO_BIG;
	} else {
		was_empty = !mb->first;
		*mb->last = chain;
		mb->last = &size.last->next;
		mb->n_items += size.n_items;
		mb->n_bytes += size.n_bytes;
	}
	pthread_mutex_unlock(&mb->lock);
	if (rc != APS_OK) aps_mail_free_chain(chain);
	/* After the lock: the receiver may run at once and would only wait for it. */
	if (was_empty && mb->wakeup.raise) mb->wakeup.raise(mb->wakeup.context);
	return rc;
}

enum aps_rc aps_mailbox_send(struct aps_mailbox *mb, struct aps_mail *chain)
{
	return send(mb, chain, true);
}

enum aps_rc aps_mailbox_send_owed(struct aps_mailbox *mb, struct aps_mail *chain)
{
	return send(mb, chain, false);
}

static struct aps_mail *take_all(struct aps_mailbox *mb)
{
	struct aps_mail *chain = mb->first;
	mb->first = NULL;
	mb->last = &mb->first;
	mb->n_items = 0;
	mb->n_bytes = 0;
	return chain;
}

struct aps_mail *aps_mailbox_drain(struct aps_mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	struct aps_mail *chain = take_all(mb);
	pthread_mutex_unlock(&mb->lock);
	return chain;
}

bool aps_mailbox_is_empty(const struct aps_mailbox *mb)
{
	return atomic_load(&mb->n_items) == 0;
}

size_t aps_mailbox_n_items(const struct aps_mailbox *mb)
{
	return atomic_load(&mb->n_items);
}

size_t aps_mailbox_n_bytes(const struct aps_mailbox *mb)
{
	return atomic_load(&mb->n_bytes);
}

struct aps_mail *aps_mailbox_close(struct aps_mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	mb->is_closed = true;
	struct aps_mail *chain = take_all(mb);
	pthread_mutex_unlock(&mb->lock);
	return chain;
}

void aps_mail_free_chain(struct aps_mail *chain)
{
	while (chain) {
		struct aps_mail *next = chain->next;
		chain->next = NULL;
		chain->kind->free_mail(chain);
		chain = next;
	}
}
