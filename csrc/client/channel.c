#include "client/channel.h"

#include "base/mem.h"
#include "rt/mailbox.h"

#include <stdatomic.h>
#include <string.h>

#define MAX_CHANGES       4096 /* of one commit: beyond them it is cheaper to forget everything */
#define MAX_WAITING_BYTES ((size_t)1024 * 1024)

struct aps_channel {
	atomic_size_t n_refs;
	uint64_t seed;
	atomic_ullong generation;
	atomic_ullong lost; /* the highest generation of which nothing could be told */
	atomic_ullong ended_clears;
	struct aps_mailbox *mailbox;
	/* The reader's own. */
	struct aps_mail *kept; /* of generations that were not asked for yet */
};

struct announcement {
	struct aps_mail mail;
	uint64_t generation;
	size_t n;
	struct aps_channel_change changes[];
};

static void free_announcement(struct aps_mail *mail)
{
	aps_free(mail);
}

static const struct aps_mail_kind ANNOUNCEMENT_KIND = {"announcement", free_announcement};

static void wake_nobody(void *context APS_UNUSED)
{
}

struct aps_channel *aps_channel_new(uint64_t seed)
{
	struct aps_channel *channel = aps_calloc(1, sizeof *channel);
	if (channel == NULL) return NULL;
	atomic_init(&channel->n_refs, 1);
	channel->seed = seed;
	channel->mailbox = aps_mailbox_new((struct aps_mailbox_limits){0, MAX_WAITING_BYTES},
	                                   (struct aps_wakeup){wake_nobody, NULL});
	if (channel->mailbox != NULL) return channel;
	aps_free(channel);
	return NULL;
}

uint64_t aps_channel_seed(const struct aps_channel *channel)
{
	return channel->seed;
}

struct aps_channel *aps_channel_ref(struct aps_channel *channel)
{
	atomic_fetch_add(&channel->n_refs, 1);
	return channel;
}

void aps_channel_unref(struct aps_channel *channel)
{
	if (channel == NULL || atomic_fetch_sub(&channel->n_refs, 1) != 1) return;
	aps_mailbox_free(channel->mailbox);
	aps_mail_free_chain(channel->kept);
	aps_free(channel);
}

void aps_channel_announce(struct aps_channel *channel, uint64_t generation, const struct aps_channel_change *changes,
                          size_t n)
{
	struct announcement *mail = NULL;
	if (changes != NULL && n <= MAX_CHANGES) mail = aps_malloc(sizeof *mail + n * sizeof *changes);
	if (mail != NULL) {
		size_t n_bytes = sizeof *mail + n * sizeof *changes;
		*mail = (struct announcement){{NULL, &ANNOUNCEMENT_KIND, n_bytes}, generation, n};
		if (n != 0) memcpy(mail->changes, changes, n * sizeof *changes);
		if (aps_mailbox_send(channel->mailbox, &mail->mail) == APS_OK) return;
	}
	atomic_store(&channel->lost, generation);
}

void aps_channel_publish(struct aps_channel *channel, uint64_t generation)
{
	atomic_store(&channel->generation, generation);
}

void aps_channel_end_clears(struct aps_channel *channel, uint64_t n)
{
	atomic_fetch_add(&channel->ended_clears, n);
}

uint64_t aps_channel_ended_clears(const struct aps_channel *channel)
{
	return atomic_load(&channel->ended_clears);
}

uint64_t aps_channel_generation(const struct aps_channel *channel)
{
	return atomic_load(&channel->generation);
}

static void drain(struct aps_channel *channel)
{
	struct aps_mail **at = &channel->kept;
	while (*at != NULL) at = &(*at)->next;
	*at = aps_mailbox_drain(channel->mailbox);
}

bool aps_channel_fetch(struct aps_channel *channel, uint64_t generation, struct aps_buf *changes)
{
	drain(channel);
	while (channel->kept != NULL) {
		struct announcement *mail = (struct announcement *)channel->kept;
		if (mail->generation > generation) break;
		aps_buf_add(changes, mail->changes, mail->n * sizeof mail->changes[0]);
		channel->kept = mail->mail.next;
		aps_free(mail);
	}
	unsigned long long lost = atomic_load(&channel->lost);
	/* What is lost later than this generation is asked for with that one; nothing is forgotten twice. */
	bool is_lost = lost != 0 && lost <= generation && atomic_compare_exchange_strong(&channel->lost, &lost, 0);
	return !is_lost && changes->rc == APS_OK;
}
