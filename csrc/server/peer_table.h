/* Peers by id. An id names a slot and how often it was used, so a stale id never reaches another peer; it is exact in
 * a double. */
#ifndef APS_SERVER_PEER_TABLE_H
#define APS_SERVER_PEER_TABLE_H

#include "server/peer.h"

APS_BEGIN_DECLS

/* Gives the peer its id; false when memory is out. */
bool aps_peer_table_add(struct aps_peer_table *table, struct aps_peer *peer);
struct aps_peer *aps_peer_table_get(const struct aps_peer_table *table, uint64_t id);
void aps_peer_table_remove(struct aps_peer_table *table, uint64_t id);
void aps_peer_table_clear(struct aps_peer_table *table);

APS_END_DECLS

#endif
