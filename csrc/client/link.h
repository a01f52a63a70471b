/* A link: one realtime connection of a client, its machine, and the feeds that it carries. @thread core
 * Functions may free the link when it has nothing left to do: don't use it after they return. */
#ifndef APS_CLIENT_LINK_H
#define APS_CLIENT_LINK_H

#include "client/feed.h"
#include "net/ws.h"
#include "proto/realtime.h"

APS_BEGIN_DECLS

/* Puts a feed on a connection with room, or on a new one. */
enum aps_rc aps_link_place(struct aps_core *core, struct aps_feed *feed, struct aps_err *err);
/* The feed is gone from the machine already. */
void aps_link_forget(struct aps_core *core, struct aps_link *link, struct aps_feed *feed);
/* Tells the machine that a subscription is gone. */
void aps_link_remove(struct aps_core *core, struct aps_link *link, uint64_t number);
/* Answers the machine's wish for a start. */
void aps_link_start(struct aps_core *core, struct aps_link *link, uint64_t number, struct aps_str payload);
void aps_link_retry_auth(struct aps_core *core, struct aps_link *link, uint64_t number);
/* Headers that a connect waited for have come. */
void aps_link_headers_ready(struct aps_core *core, struct aps_link *link);
/* Stops or resumes reading, as its consumers have become full or have caught up. */
void aps_link_update_pause(struct aps_core *core, struct aps_link *link);
/* connection:observe() is told that events were dropped. */
void aps_link_tell_dropped(struct aps_core *core, struct aps_client *client);
void aps_link_set_online(struct aps_core *core, struct aps_client *client, bool is_online);
/* Stops or resumes reading all sockets: core->is_behind or core->is_flooded has changed. */
void aps_link_update_all(struct aps_core *core);
/* Events of the realtime thread. */
void aps_link_take_batch(struct aps_core *core, struct aps_ws_batch *batch);
/* What a text about one subscription may quote: its own start and its connection's handshake. Not the other feeds'
 * starts: there may be thousands of both. */
void aps_feed_secrets(const struct aps_feed *feed, struct aps_secrets *secrets);
/* `kept`: see aps_mask(). */
void aps_feed_mask(const struct aps_feed *feed, char *text, size_t n, struct aps_str kept);
/* What was said of a connection may quote all that was sent there. */
void aps_link_mask(const struct aps_link *link, char *text);
/* Ends all feeds with this error and closes the connections at once. */
void aps_link_close_all(struct aps_core *core, struct aps_client *client, const struct aps_err *err);

APS_END_DECLS

#endif
