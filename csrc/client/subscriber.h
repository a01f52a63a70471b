/* A subscriber of the application: the consumer of a feed that hands its events to Lua. @thread core */
#ifndef APS_CLIENT_SUBSCRIBER_H
#define APS_CLIENT_SUBSCRIBER_H

#include "client/window.h"

struct aps_subscriber {
	struct aps_consumer consumer;
	struct aps_client *client;
	struct aps_window window;   /* its target is the subscriber's number */
	struct aps_note_event *end; /* SUB_END, made in advance */
	struct aps_timer stall;     /* armed while it lags */
	bool has_missed;            /* something since the core was suspended */
	size_t counted_bytes;       /* of what it keeps back, in the sum of its client */
	struct aps_reap reap;
};

APS_BEGIN_DECLS

extern const struct aps_feature aps_subscriber_feature;

/* Takes `end`, whose target is its number, but on failure (NULL: no memory). */
struct aps_subscriber *aps_subscriber_new(struct aps_core *core, struct aps_client *client,
                                          const struct aps_window_limits *limits, struct aps_note_event *end);
/* NULL: it has ended. */
struct aps_subscriber *aps_subscriber_find(const struct aps_core *core, uint64_t id);
/* The application unsubscribed: nothing more is told. */
void aps_subscriber_leave(struct aps_core *core, struct aps_subscriber *subscriber);
/* The application consumed n events. */
void aps_subscriber_consumed(struct aps_core *core, struct aps_subscriber *subscriber, size_t n);

APS_END_DECLS

#endif
