/* The feature that keeps what is read: a client's partition, what goes into it, and the commit at the turn's end.
 * @thread core */
#ifndef APS_CLIENT_CACHING_H
#define APS_CLIENT_CACHING_H

#include "client/core.h"
#include "proto/operation.h"

APS_BEGIN_DECLS

/* Writes the data of a response into the client's cache, where it has one; read once the turn is over. */
void aps_caching_write(struct aps_core *core, struct aps_client *client, const struct aps_operation *operation,
                       struct aps_str data, struct aps_str errors);

extern const struct aps_feature aps_caching_feature;

APS_END_DECLS

#endif
