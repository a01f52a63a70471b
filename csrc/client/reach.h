/* Whether a client's service can be reached, as its requests and the application tell: sync/reachability.h with its
 * timer. Whoever has something to send is told of each change, and of each sign that a network may be back: the
 * application's word, what the system tells of addresses and routes (net/route_watch.h, while somebody waits), any
 * answer of the service. @thread core */
#ifndef APS_CLIENT_REACH_H
#define APS_CLIENT_REACH_H

#include "client/core.h"
#include "client/outcome.h"
#include "sync/reachability.h"

/* Two hints are so far apart: what comes in between is one, at the end of that time. */
#define APS_REACH_HINT_MS 500
/* An answer that is no news is no sign for those that don't reach their own endpoint; one in so many milliseconds is.
 */
#define APS_REACH_ANSWER_MS 5000

/* Embedded in whoever sends when it can. Each function may be NULL. */
struct aps_reach_user {
	struct aps_reach_user *next;
	/* It can be reached, or it can't. */
	void (*changed)(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
	/* One request may be sent; false: there is nothing to send. */
	bool (*probe)(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
	/* There is a sign: what waits to try once more tries within APS_HINT_SPREAD_MS. */
	void (*hint)(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
	/* Somebody's request was answered, maybe its own, and maybe in vain: that is such a sign for what wasn't. */
	void (*answered)(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
	bool is_wanting; /* it has something to send: aps_reach_set_wanted() */
	bool has_try;    /* what probe() has sent isn't over */
};

APS_BEGIN_DECLS

extern const struct aps_feature aps_reach_feature;

/* Joining twice, and leaving what wasn't joined, is legal. */
void aps_reach_join(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
void aps_reach_leave(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
/* What became of a request to the service. */
void aps_reach_heard(struct aps_core *core, struct aps_client *client, const struct aps_outcome *outcome);
/* The realtime connection stands. */
void aps_reach_connected(struct aps_core *core, struct aps_client *client);
void aps_reach_set_online(struct aps_core *core, struct aps_client *client, bool is_online);
/* The network may be back: what waits to try once more tries now. NULL: for all clients. Ignored while the client was
 * told that there is none. */
void aps_reach_hint(struct aps_core *core, struct aps_client *client);
/* Somebody waits for a network: from now on the system is listened to, where it tells. */
void aps_reach_await(struct aps_core *core);
/* If the user has the try: it doesn't ask the network after all. */
void aps_reach_abandon(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
/* The user has something to send, or hasn't. */
void aps_reach_set_wanted(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user,
                          bool is_wanted);
bool aps_reach_is_online(const struct aps_core *core, const struct aps_client *client);
/* By the application. */
bool aps_reach_is_told_offline(const struct aps_core *core, const struct aps_client *client);
/* Operations that the service has executed. */
uint64_t aps_reach_successes(const struct aps_core *core, const struct aps_client *client);

APS_END_DECLS

#endif
