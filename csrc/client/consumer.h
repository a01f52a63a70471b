/* One subscriber of the application: its window, its buffer, what happens when it lags. @thread core
 * At most `window` events are on their way to the application or in its hands; it tells what it has consumed. */
#ifndef APS_CLIENT_CONSUMER_H
#define APS_CLIENT_CONSUMER_H

#include "client/core.h"

struct aps_feed;

enum aps_overflow { APS_OVERFLOW_PAUSE, APS_OVERFLOW_DROP_OLDEST, APS_OVERFLOW_ERROR };

struct aps_consumer {
	struct aps_consumer *next; /* of the same feed */
	uint64_t id;
	struct aps_feed *feed;
	enum aps_overflow overflow;
	size_t max_items;
	size_t max_bytes;
	/* Handed over, not consumed: their sizes, oldest first. */
	size_t *sizes;
	size_t sizes_capacity;
	size_t sizes_at;
	size_t n_out;
	size_t out_bytes;
	/* Kept back (drop_oldest only). */
	struct aps_mail *kept_head;
	struct aps_mail **kept_tail;
	size_t n_kept;
	size_t kept_bytes;
	uint64_t n_dropped;
	bool big_integers_as_text;
	struct aps_note_event *end; /* SUB_END, made in advance */
	bool is_full;               /* its socket isn't read until it has caught up */
	struct aps_timer stall;
};

enum aps_consumer_verdict {
	APS_CONSUMER_OK,
	APS_CONSUMER_FULL,  /* stop reading the socket */
	APS_CONSUMER_FAILED /* overflow = "error", or no memory: end it with *err */
};

APS_BEGIN_DECLS

struct aps_consumer *aps_consumer_new(uint64_t id, enum aps_overflow overflow, size_t max_items, size_t max_bytes);
void aps_consumer_free(struct aps_core *core, struct aps_consumer *consumer);
/* One event for it; the payload's bytes are shared. */
enum aps_consumer_verdict aps_consumer_offer(struct aps_core *core, struct aps_consumer *consumer,
                                             struct aps_bytes *bytes, struct aps_str payload, struct aps_err *err);
/* The application consumed n events. True: it was full and is so no more. */
bool aps_consumer_consumed(struct aps_core *core, struct aps_consumer *consumer, size_t n);
/* Hands over what was kept back: before it ends. */
void aps_consumer_flush(struct aps_core *core, struct aps_consumer *consumer);
/* What a stalled consumer ends with. */
void aps_consumer_stall_err(const struct aps_consumer *consumer, struct aps_err *err);

APS_END_DECLS

#endif
