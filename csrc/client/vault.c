#include "client/vault.h"

#include "base/mem.h"
#include "store/cache_store.h"
#include "store/layer_store.h"
#include "store/migrations.h"

#define BUSY_MS 2000

static enum aps_rc open_db(struct aps_vault *vault, enum aps_db_sync sync, struct aps_err *err)
{
	const struct aps_db_options options = {.synchronous = sync, .busy_ms = BUSY_MS};
	enum aps_rc rc = aps_db_open(vault->path, &options, &vault->db, err);
	if (rc == APS_OK) rc = aps_migrations_run(vault->db, err);
	if (rc == APS_OK) rc = aps_layer_store_start(vault->db, err);
	return rc == APS_OK ? aps_cache_store_last_number(vault->db, &vault->last_number, err) : rc;
}

static void free_vault(struct aps_vault *vault)
{
	aps_db_close(vault->db);
	aps_free(vault->path);
	aps_free(vault);
}

struct aps_vault *aps_vault_open(struct aps_vaults *vaults, const char *path, enum aps_db_sync sync,
                                 struct aps_err *err)
{
	struct aps_vault *vault = vaults->first;
	while (vault != NULL && strcmp(vault->path, path) != 0) vault = vault->next;
	if (vault != NULL) {
		vault->n_refs++;
		return vault;
	}
	vault = aps_calloc(1, sizeof *vault);
	if (vault != NULL) vault->path = aps_strndup(path, strlen(path));
	if (vault == NULL || vault->path == NULL) {
		if (vault != NULL) free_vault(vault);
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	if (open_db(vault, sync, err) != APS_OK) {
		free_vault(vault);
		return NULL;
	}
	vault->n_refs = 1;
	vault->next = vaults->first;
	vaults->first = vault;
	return vault;
}

void aps_vault_close(struct aps_vaults *vaults, struct aps_vault *vault)
{
	if (--vault->n_refs != 0) return;
	struct aps_vault **at = &vaults->first;
	while (*at != vault) at = &(*at)->next;
	*at = vault->next;
	free_vault(vault);
}

enum aps_rc aps_vault_begin(struct aps_vault *vault, struct aps_err *err)
{
	if (vault->is_writing) return APS_OK;
	enum aps_rc rc = aps_db_begin(vault->db, err);
	vault->is_writing = rc == APS_OK;
	return rc;
}

void aps_vault_add(struct aps_vault *vault, struct aps_vault_part *part)
{
	part->next = vault->parts;
	vault->parts = part;
}

void aps_vault_remove(struct aps_vault *vault, struct aps_vault_part *part)
{
	struct aps_vault_part **at = &vault->parts;
	while (*at != part) at = &(*at)->next;
	*at = part->next;
}

void aps_vault_abandon(struct aps_vault *vault)
{
	vault->is_writing = false;
	aps_db_rollback(vault->db);
	for (struct aps_vault_part *part = vault->parts; part != NULL; part = part->next) part->failed(part);
}

enum aps_rc aps_vault_commit(struct aps_vault *vault, struct aps_err *err)
{
	uint64_t generation;
	struct aps_vault_part *part;
	if (!vault->is_writing) return APS_OK;
	vault->is_writing = false;
	enum aps_rc rc = APS_OK;
	for (part = vault->parts; rc == APS_OK && part != NULL; part = part->next) rc = part->finish(part, err);
	if (rc == APS_OK) rc = aps_cache_store_advance(vault->db, vault->last_number, &generation, err);
	for (part = vault->parts; rc == APS_OK && part != NULL; part = part->next) part->announce(part, generation);
	if (rc == APS_OK) rc = aps_db_commit(vault->db, err);
	if (rc != APS_OK) aps_vault_abandon(vault);
	for (part = vault->parts; rc == APS_OK && part != NULL; part = part->next) part->committed(part, generation);
	return rc;
}
