/* What one subscriber of the application has in its hands, and what is kept back for it. @thread core
 * At most a window of events is on its way to the application; it tells what it has consumed.
 *
 *   overflow      handed over                      kept back, oldest first                    above that
 *   pause         as many as the limits say        8192 events or 2 MB, states among them    the socket isn't read
 *   drop_oldest   half of the limits, 256 at most  the other half                             the oldest ones go
 *   error         as many as the limits say        -                                          it ends
 *
 * So a subscriber that pauses doesn't keep its connection from being read at once: pings are answered, others go on. */
#ifndef APS_CLIENT_WINDOW_H
#define APS_CLIENT_WINDOW_H

#include "client/consumer.h"
#include "client/core.h"

enum aps_overflow { APS_OVERFLOW_PAUSE, APS_OVERFLOW_DROP_OLDEST, APS_OVERFLOW_ERROR };

struct aps_window_limits {
	enum aps_overflow overflow;
	size_t max_items;
	size_t max_bytes;
	bool big_integers_as_text;
};

struct aps_window {
	uint64_t target; /* of its events */
	struct aps_window_limits limits;
	/* Handed over, not consumed: their sizes, oldest first. */
	size_t *sizes;
	size_t sizes_capacity;
	size_t sizes_at;
	size_t n_out;
	size_t out_bytes;
	/* Kept back. */
	struct aps_mail *kept_head;
	struct aps_mail **kept_tail;
	size_t n_kept;
	size_t kept_bytes;
	uint64_t n_dropped;
	/* Consumed since whoever looks at it set them to 0. */
	size_t n_consumed;
	size_t consumed_bytes;
};

APS_BEGIN_DECLS

/* It must not move from here on. */
void aps_window_init(struct aps_window *window, uint64_t target, const struct aps_window_limits *limits);
/* What was kept back is dropped. */
void aps_window_clear(struct aps_window *window);
/* One event; the payload's bytes are shared. */
enum aps_consumer_verdict aps_window_offer(struct aps_core *core, struct aps_window *window, struct aps_bytes *bytes,
                                           struct aps_str payload, struct aps_err *err);
/* The application consumed n events. */
void aps_window_consumed(struct aps_core *core, struct aps_window *window, size_t n);
/* A state or the like for the application, behind the events that are kept back where these pause. Takes it. */
void aps_window_note(struct aps_core *core, struct aps_window *window, struct aps_note_event *event);
/* The subscriber is behind, whether its socket is read or not: overflow "pause" with its limits in use. */
bool aps_window_is_lagging(const struct aps_window *window);
/* At most half of its limits, or of what may be kept back, is in use. */
bool aps_window_has_room(const struct aps_window *window);
/* What is kept back, with what each event costs by itself. */
size_t aps_window_kept_bytes(const struct aps_window *window);
/* Hands over what was kept back: before the end. */
void aps_window_flush(struct aps_core *core, struct aps_window *window);

APS_END_DECLS

#endif
