/* The service's ids of records that the application made up ids for (store/id_map.h), as the core finds them: what is
 * asked is asked by those. The application's thread needn't open the store for that. @thread core */
#ifndef APS_CLIENT_PARTITION_IDS_H
#define APS_CLIENT_PARTITION_IDS_H

#include "client/vault.h"
#include "proto/operation.h"

/* Of which partition. */
struct aps_ids_owner {
	const struct aps_vault *vault;
	const char *prefix, *identity;
};

APS_BEGIN_DECLS

/* It is sure that there are none. */
bool aps_partition_ids_are_none(const struct aps_ids_owner *of);
/* Puts the service's ids into the operation's variables; those that can't be read now stay as they are. E_NOMEM: and
 * nothing is changed. */
enum aps_rc aps_partition_ids_put(const struct aps_ids_owner *of, struct aps_operation *operation, struct aps_err *err);

APS_END_DECLS

#endif
