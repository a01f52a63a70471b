/* Which entries the core has said that it wrote, by the hashes of their keys, as far back as there is room. A store
 * whose index is damaged doesn't find them by their keys, and no checksum tells: whoever misses one can look at its
 * number. */
#ifndef APS_CLIENT_RECENT_H
#define APS_CLIENT_RECENT_H

#include "client/channel.h"

#define APS_RECENT_SLOTS 256

struct aps_recent {
	struct aps_channel_change slots[APS_RECENT_SLOTS]; /* by hash; the latest takes the place of an earlier one */
};

APS_BEGIN_DECLS

void aps_recent_clear(struct aps_recent *recent);
void aps_recent_note(struct aps_recent *recent, const struct aps_channel_change *change);
/* The entry that has a key of this hash, if any has; 0: nothing was said of one. */
uint64_t aps_recent_find(const struct aps_recent *recent, uint64_t hash);

APS_END_DECLS

#endif
