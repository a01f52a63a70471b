/* Commits that fail, of the store that is in syncing_world.h. */
#ifndef APS_SPEC_SABOTEUR_H
#define APS_SPEC_SABOTEUR_H

#include "syncing_world.h"

/* What else is kept in the store: its last word fails so many times. */
struct saboteur {
	struct aps_vault_part part;
	unsigned n_left;
};

static struct saboteur saboteur;

static inline enum aps_rc saboteur_refuse(struct aps_vault_part *part, struct aps_err *err)
{
	struct saboteur *one = APS_CONTAINER_OF(part, struct saboteur, part);
	if (one->n_left == 0) return APS_OK;
	one->n_left--;
	return aps_fail(err, APS_E_NOMEM, "out of memory");
}

static inline void saboteur_announce(struct aps_vault_part *part, uint64_t generation)
{
	(void)part;
	(void)generation;
}

static inline void saboteur_failed(struct aps_vault_part *part)
{
	(void)part;
}

static inline enum aps_rc saboteur_moved(struct aps_vault_part *part, bool keeps, struct aps_err *err)
{
	(void)part;
	(void)keeps;
	(void)err;
	return APS_OK;
}

static inline void sabotage(unsigned n)
{
	saboteur = (struct saboteur){.part = {.finish = saboteur_refuse,
	                                      .announce = saboteur_announce,
	                                      .committed = saboteur_announce,
	                                      .failed = saboteur_failed,
	                                      .moved = saboteur_moved},
	                             .n_left = n};
	aps_vault_add(partition()->vault, &saboteur.part);
}

static inline void end_sabotage(void)
{
	assert_int_equal(saboteur.n_left, 0);
	aps_vault_remove(partition()->vault, &saboteur.part);
}

#endif
