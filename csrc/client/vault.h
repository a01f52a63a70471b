/* A store's file, as the core has it: one connection that writes, the partitions that are kept in it, and one
 * transaction a turn for all of them. @thread core */
#ifndef APS_CLIENT_VAULT_H
#define APS_CLIENT_VAULT_H

#include "client/channel.h"
#include "store/cache_store.h"

struct aps_partition;

struct aps_vault {
	struct aps_vault *next;
	char *path;
	struct aps_db *db;
	uint64_t last_number; /* of an entry */
	size_t n_refs;        /* partitions */
	bool is_writing;      /* the transaction of this turn is open */
	struct aps_partition *partitions;
};

struct aps_vaults {
	struct aps_vault *first;
};

APS_BEGIN_DECLS

/* The vault of this file, opened if need be; one reference. NULL: what the store says. */
struct aps_vault *aps_vault_open(struct aps_vaults *vaults, const char *path, struct aps_err *err);
void aps_vault_close(struct aps_vaults *vaults, struct aps_vault *vault);
/* Before what is saved first in a turn; later ones find it open. */
enum aps_rc aps_vault_begin(struct aps_vault *vault, struct aps_err *err);
/* The turn is over: its transaction is committed, and readers are told. After a failure nothing of the turn is on disk,
 * and what is in memory of all its partitions is forgotten. */
enum aps_rc aps_vault_commit(struct aps_vault *vault, struct aps_err *err);

APS_END_DECLS

#endif
