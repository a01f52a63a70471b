#include "client/channel.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/process.h"
#include "rt/mailbox.h"
#include "store/db.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define MAX_CHANGES       4096 /* of one commit: beyond them it is cheaper to forget everything */
#define STEP_NS           200000
#define MAX_WAITING_BYTES ((size_t)1024 * 1024)

struct aps_channel {
	atomic_size_t n_refs;
	uint64_t seed;
	atomic_ullong generation;
	atomic_ullong expected; /* the highest one that is known to the core */
	atomic_ullong place;
	atomic_ullong lost;    /* the highest generation of which nothing could be told */
	atomic_ullong decided; /* the highest edit of which all is known */
	atomic_ullong ended_clears;
	atomic_ullong ids;
	atomic_ullong no_ids; /* which of `ids` was told to be none; 0: none of them was */
	atomic_llong skew_ms;
	_Atomic(struct lent *) lent;                   /* NULL: there is none */
	_Atomic(struct aps_channel_resting *) resting; /* likewise */
	atomic_bool has_asked;
	atomic_bool is_open;
	struct aps_mailbox *mailbox;
	/* The reader's own. */
	struct aps_mail *kept; /* of generations that were not asked for yet */
	int64_t patience_ms;
};

struct announcement {
	struct aps_mail mail;
	uint64_t generation;
	uint64_t edits;
	size_t n;
	struct aps_channel_change changes[];
};

/* A connection on the way from one thread to the other. */
struct lent {
	struct aps_db *db;
	uint64_t place;
	unsigned generation; /* of the process: a child doesn't touch it */
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
	atomic_init(&channel->ids, 1);
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

static void free_lent(struct lent *lent)
{
	if (lent == NULL) return;
	if (lent->generation == aps_process_generation()) aps_db_close(lent->db);
	aps_free(lent);
}

void aps_channel_lend(struct aps_channel *channel, struct aps_db *db, uint64_t place)
{
	struct lent *lent = db != NULL ? aps_malloc(sizeof *lent) : NULL;
	if (lent != NULL)
		*lent = (struct lent){db, place, aps_process_generation()};
	else
		aps_db_close(db);
	free_lent(atomic_exchange(&channel->lent, lent));
	/* The reader has asked while it was being made, and opened its own. */
	if (lent != NULL && atomic_load(&channel->has_asked)) free_lent(atomic_exchange(&channel->lent, NULL));
}

bool aps_channel_may_lend(const struct aps_channel *channel)
{
	return !atomic_load(&channel->has_asked) && atomic_load(&channel->lent) == NULL;
}

void aps_channel_tell_open(struct aps_channel *channel)
{
	atomic_store(&channel->is_open, true);
}

void aps_channel_follow(struct aps_channel *channel, int64_t patience_ms)
{
	channel->patience_ms = patience_ms;
}

static void await_open(struct aps_channel *channel)
{
	const struct timespec step = {.tv_nsec = STEP_NS};
	int64_t end_ms = aps_clock_mono_ms() + channel->patience_ms;
	while (!atomic_load(&channel->is_open) && aps_clock_mono_ms() < end_ms) nanosleep(&step, NULL);
	channel->patience_ms = 0;
}

struct aps_db *aps_channel_take_lent(struct aps_channel *channel, uint64_t place)
{
	if (channel->patience_ms != 0) await_open(channel);
	atomic_store(&channel->has_asked, true);
	struct lent *lent = atomic_exchange(&channel->lent, NULL);
	struct aps_db *db = NULL;
	if (lent != NULL && lent->place == place) {
		db = lent->db;
		lent->db = NULL;
	}
	free_lent(lent);
	return db;
}

bool aps_channel_is_at_hand(const struct aps_channel *channel)
{
	return atomic_load(&channel->has_asked) || atomic_load(&channel->lent) != NULL;
}

bool aps_channel_rest(struct aps_channel *channel, struct aps_channel_resting *resting)
{
	struct aps_channel_resting *none = NULL;
	return atomic_compare_exchange_strong(&channel->resting, &none, resting);
}

struct aps_channel_resting *aps_channel_wake(struct aps_channel *channel)
{
	return atomic_exchange(&channel->resting, NULL);
}

static void close_resting(struct aps_channel *channel)
{
	struct aps_channel_resting *resting = aps_channel_wake(channel);
	if (resting == NULL) return;
	aps_db_close(resting->db);
	aps_db_close(resting->base);
	aps_free(resting);
}

struct aps_channel *aps_channel_ref(struct aps_channel *channel)
{
	atomic_fetch_add(&channel->n_refs, 1);
	return channel;
}

void aps_channel_unref(struct aps_channel *channel)
{
	if (channel == NULL || atomic_fetch_sub(&channel->n_refs, 1) != 1) return;
	free_lent(atomic_load(&channel->lent));
	aps_mailbox_free(channel->mailbox);
	aps_mail_free_chain(channel->kept);
	aps_free(channel);
}

void aps_channel_expect(struct aps_channel *channel, uint64_t generation)
{
	if (generation > atomic_load(&channel->expected)) atomic_store(&channel->expected, generation);
}

bool aps_channel_is_foreign(const struct aps_channel *channel, uint64_t generation)
{
	return generation > atomic_load(&channel->expected);
}

void aps_channel_announce(struct aps_channel *channel, uint64_t generation, const struct aps_channel_change *changes,
                          size_t n, uint64_t edits)
{
	struct announcement *mail = NULL;
	aps_channel_expect(channel, generation);
	if (changes != NULL && n <= MAX_CHANGES) mail = aps_malloc(sizeof *mail + n * sizeof *changes);
	if (mail != NULL) {
		size_t n_bytes = sizeof *mail + n * sizeof *changes;
		*mail = (struct announcement){{NULL, &ANNOUNCEMENT_KIND, n_bytes}, generation, edits, n};
		if (n != 0) memcpy(mail->changes, changes, n * sizeof *changes);
		if (aps_mailbox_send(channel->mailbox, &mail->mail) == APS_OK) return;
	}
	atomic_store(&channel->lost, generation);
}

void aps_channel_publish(struct aps_channel *channel, uint64_t generation)
{
	aps_channel_expect(channel, generation);
	atomic_store(&channel->generation, generation);
}

void aps_channel_renew_ids(struct aps_channel *channel)
{
	atomic_fetch_add(&channel->ids, 1);
}

void aps_channel_tell_no_ids(struct aps_channel *channel)
{
	atomic_store(&channel->no_ids, atomic_load(&channel->ids));
}

bool aps_channel_has_no_ids(const struct aps_channel *channel)
{
	return atomic_load(&channel->no_ids) == atomic_load(&channel->ids);
}

uint64_t aps_channel_ids(const struct aps_channel *channel)
{
	return atomic_load(&channel->ids);
}

void aps_channel_set_skew(struct aps_channel *channel, int64_t skew_ms)
{
	atomic_store(&channel->skew_ms, skew_ms);
}

int64_t aps_channel_now_s(const struct aps_channel *channel)
{
	return (aps_clock_wall_ms() + atomic_load(&channel->skew_ms)) / 1000;
}

void aps_channel_end_clears(struct aps_channel *channel, uint64_t n)
{
	atomic_fetch_add(&channel->ended_clears, n);
}

uint64_t aps_channel_ended_clears(const struct aps_channel *channel)
{
	return atomic_load(&channel->ended_clears);
}

void aps_channel_decide(struct aps_channel *channel, uint64_t edits)
{
	atomic_store(&channel->decided, edits);
}

uint64_t aps_channel_decided(const struct aps_channel *channel)
{
	return atomic_load(&channel->decided);
}

uint64_t aps_channel_generation(const struct aps_channel *channel)
{
	return atomic_load(&channel->generation);
}

void aps_channel_move(struct aps_channel *channel, uint64_t place)
{
	if (place == atomic_load(&channel->place)) return;
	atomic_store(&channel->no_ids, 0);
	atomic_store(&channel->place, place);
	aps_channel_lend(channel, NULL, 0);
	close_resting(channel);
}

uint64_t aps_channel_place(const struct aps_channel *channel)
{
	return atomic_load(&channel->place);
}

static void drain(struct aps_channel *channel)
{
	struct aps_mail **at = &channel->kept;
	while (*at != NULL) at = &(*at)->next;
	*at = aps_mailbox_drain(channel->mailbox);
}

bool aps_channel_fetch(struct aps_channel *channel, uint64_t generation, struct aps_buf *changes, uint64_t *edits)
{
	bool is_foreign = aps_channel_is_foreign(channel, generation);
	*edits = 0;
	drain(channel);
	while (channel->kept != NULL) {
		struct announcement *mail = (struct announcement *)channel->kept;
		if (mail->generation > generation) break;
		aps_buf_add(changes, mail->changes, mail->n * sizeof mail->changes[0]);
		if (mail->edits > *edits) *edits = mail->edits;
		channel->kept = mail->mail.next;
		aps_free(mail);
	}
	unsigned long long lost = atomic_load(&channel->lost);
	/* Where a later one is lost, this one may be as well: it has taken its place. That later one stays so, until it
	 * is asked for. */
	if (lost != 0 && lost <= generation) {
		unsigned long long known = lost;
		atomic_compare_exchange_strong(&channel->lost, &known, 0);
	}
	return lost == 0 && !is_foreign && changes->rc == APS_OK;
}
