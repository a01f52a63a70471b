/* A client's realtime connections: which feed goes over which link, and what the application sees of them.
 * @thread core */
#ifndef APS_CLIENT_CONNECTIONS_H
#define APS_CLIENT_CONNECTIONS_H

#include "client/core.h"
#include "client/reach.h"
#include "client/topic.h"
#include "proto/connstate.h"

/* What all subscribers of a client keep back; each has a bound of its own besides. */
#define APS_ALL_KEPT_BYTES ((size_t)32 * 1024 * 1024)

struct aps_consumer;
struct aps_feed;
struct aps_link;

struct aps_connections {
	struct aps_client *client;
	struct aps_link *links;
	struct aps_table shared;   /* feeds by the hash of their topic */
	enum aps_conn_state shown; /* what connection:observe() was told last */
	bool is_online;
	struct aps_reach_user user; /* once there is a link */
	uint64_t last_number;       /* of a feed */
	size_t kept_bytes;          /* what the client's subscribers and feeds keep back, all together */
	struct aps_reap reap;
};

APS_BEGIN_DECLS

extern const struct aps_feature aps_realtime_feature;

struct aps_connections *aps_connections_of(const struct aps_core *core, const struct aps_client *client);

/* What somebody subscribes to. */
struct aps_subscription {
	struct aps_topic *topic;
	bool is_shared;
};

/* Joins a live feed of an equal topic, or makes one on a connection with room. Takes the topic. Where that fails the
 * consumer is told its end, as it is where the client is closing. */
void aps_connections_subscribe(struct aps_core *core, struct aps_client *client,
                               const struct aps_subscription *subscription, struct aps_consumer *consumer);
/* Puts a feed on a connection with room, or on a new one. */
enum aps_rc aps_connections_place(struct aps_core *core, struct aps_feed *feed, struct aps_err *err);
/* Nobody joins the feed any more. */
void aps_connections_unshare(struct aps_core *core, struct aps_feed *feed);
/* connection:observe() is told a state that is new. */
void aps_connections_show(struct aps_core *core, struct aps_client *client, const struct aps_err *err);
/* connection:observe() is told that events were dropped, and why. */
void aps_connections_tell_dropped(struct aps_core *core, struct aps_client *client, const char *why);

void aps_connections_set_online(struct aps_core *core, struct aps_client *client, bool is_online);

APS_END_DECLS

#endif
