/* A link: one realtime connection of a client, its machine, and the feeds that it carries. @thread core
 * A link that has nothing left to do ends: it is out of all lists, and freed at the end of the turn. NULL is legal for
 * the link of a feed that has ended. */
#ifndef APS_CLIENT_LINK_H
#define APS_CLIENT_LINK_H

#include "auth/secrets.h"
#include "base/str.h"

struct aps_core;
struct aps_feed;
struct aps_link;

APS_BEGIN_DECLS

/* The feed is gone from the machine already. */
void aps_link_forget(struct aps_link *link, struct aps_feed *feed);
/* Tells the machine that a subscription is gone. */
void aps_link_remove(struct aps_core *core, struct aps_link *link, uint64_t number);
/* Answers the machine's wish for a start. */
void aps_link_start(struct aps_core *core, struct aps_link *link, uint64_t number, struct aps_str payload);
void aps_link_retry_auth(struct aps_core *core, struct aps_link *link, uint64_t number);
/* Headers that a connect waited for have come. */
void aps_link_headers_ready(struct aps_core *core, struct aps_link *link);
/* Stops or resumes reading, as its consumers have become full or have caught up. */
void aps_link_update_pause(struct aps_core *core, struct aps_link *link);
/* Monotonic: when something came last; 0: it wasn't read as it came, since then. */
int64_t aps_link_heard_ms(const struct aps_link *link, int64_t since_ms);
/* What a text about one subscription may quote: its own start and its connection's handshake. Not the other feeds'
 * starts: there may be thousands of both. */
void aps_feed_secrets(const struct aps_feed *feed, struct aps_secrets *secrets);
/* `kept`: see aps_mask(). */
void aps_feed_mask(const struct aps_feed *feed, char *text, size_t n, struct aps_str kept);
/* What was said of a connection may quote all that was sent there. */
void aps_link_mask(const struct aps_link *link, char *text);

APS_END_DECLS

#endif
