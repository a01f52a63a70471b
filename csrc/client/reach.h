/* Whether a client's service can be reached, as its requests and the application tell: sync/reachability.h with its
 * timer. Whoever has something to send is told of each change. @thread core */
#ifndef APS_CLIENT_REACH_H
#define APS_CLIENT_REACH_H

#include "client/core.h"
#include "client/outcome.h"
#include "sync/reachability.h"

/* Embedded in whoever sends when it can. */
struct aps_reach_user {
	/* It can be reached, or it can't. */
	void (*changed)(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
	/* One request may be sent; false: there is nothing to send. */
	bool (*probe)(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
};

APS_BEGIN_DECLS

extern const struct aps_feature aps_reach_feature;

/* One at a time. */
void aps_reach_set_user(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user);
/* What became of a request to the service. */
void aps_reach_heard(struct aps_core *core, struct aps_client *client, const struct aps_outcome *outcome);
/* The realtime connection stands. */
void aps_reach_connected(struct aps_core *core, struct aps_client *client);
void aps_reach_set_online(struct aps_core *core, struct aps_client *client, bool is_online);
/* What had the try doesn't ask the network after all. */
void aps_reach_abandon(struct aps_core *core, struct aps_client *client);
/* Somebody has something to send, or nobody has. */
void aps_reach_set_wanted(struct aps_core *core, struct aps_client *client, bool is_wanted);
bool aps_reach_is_online(const struct aps_core *core, const struct aps_client *client);
/* By the application, and it was asked for nothing since that it has answered. */
bool aps_reach_is_told_offline(const struct aps_core *core, const struct aps_client *client);
/* Operations that the service has executed. */
uint64_t aps_reach_successes(const struct aps_core *core, const struct aps_client *client);

APS_END_DECLS

#endif
