/* A store's file, as the core has it: one connection that writes, and one transaction a turn for all that is kept in
 * it.
 * @thread core */
#ifndef APS_CLIENT_VAULT_H
#define APS_CLIENT_VAULT_H

#include "store/db.h"

/* What is kept in a file, as the file knows it: embedded in each partition. */
struct aps_vault_part {
	struct aps_vault_part *next;
	/* The last word in the transaction. */
	enum aps_rc (*finish)(struct aps_vault_part *part, struct aps_err *err);
	/* This generation is about to be committed: readers are told what it changes. */
	void (*announce)(struct aps_vault_part *part, uint64_t generation);
	void (*committed)(struct aps_vault_part *part, uint64_t generation);
	/* Nothing of the turn is on disk: what is in memory is worth nothing. */
	void (*failed)(struct aps_vault_part *part);
};

struct aps_tidying;

struct aps_vault {
	struct aps_vault *next;
	char *path;
	struct aps_db *db;
	uint64_t last_number; /* of an entry */
	size_t n_refs;        /* partitions */
	bool is_writing;      /* the transaction of this turn is open */
	struct aps_vault_part *parts;
	struct aps_tidying *tidying; /* whoever opened the vault ends it before */
};

struct aps_vaults {
	struct aps_vault *first;
};

APS_BEGIN_DECLS

/* The vault of this file, opened if need be, with this level of safety; one reference. NULL: what the store says. */
struct aps_vault *aps_vault_open(struct aps_vaults *vaults, const char *path, enum aps_db_sync sync,
                                 struct aps_err *err);
void aps_vault_close(struct aps_vaults *vaults, struct aps_vault *vault);
void aps_vault_add(struct aps_vault *vault, struct aps_vault_part *part);
void aps_vault_remove(struct aps_vault *vault, struct aps_vault_part *part);
/* Before what is saved first in a turn; later ones find it open. */
enum aps_rc aps_vault_begin(struct aps_vault *vault, struct aps_err *err);
/* Nothing of this turn is kept, and the parts are told: something was saved half. What comes next begins anew. */
void aps_vault_abandon(struct aps_vault *vault);
/* The turn is over: its transaction is committed, and the parts are told. */
enum aps_rc aps_vault_commit(struct aps_vault *vault, struct aps_err *err);

APS_END_DECLS

#endif
