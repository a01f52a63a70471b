#include "client/caching.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/partition.h"

/* Of a client. */
struct caching {
	struct aps_reap reap;
	struct aps_vault *vault; /* NULL: it couldn't be opened; that was told */
	struct aps_partition *partition;
	bool has_failed; /* the last write did: told once */
};

static enum aps_rc open_all(struct aps_core *core APS_UNUSED, void **part, struct aps_err *err)
{
	*part = aps_calloc(1, sizeof(struct aps_vaults));
	return *part != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

static struct aps_vaults *vaults_of(const struct aps_core *core)
{
	return aps_core_part(core, &aps_caching_feature);
}

static void close_all(struct aps_core *core APS_UNUSED, void *part)
{
	aps_free(part);
}

static enum aps_rc open_partition(struct aps_core *core, struct caching *caching,
                                  const struct aps_cache_settings *settings, struct aps_err *err)
{
	caching->vault = aps_vault_open(vaults_of(core), settings->path, err);
	if (caching->vault == NULL) return err->code;
	caching->partition = aps_partition_open(caching->vault, settings->key_prefix, settings->identity,
	                                        &settings->policies, settings->channel, err);
	if (caching->partition != NULL) {
		caching->partition->max_bytes = settings->max_bytes;
		return APS_OK;
	}
	aps_vault_close(vaults_of(core), caching->vault);
	caching->vault = NULL;
	return err->code;
}

/* A client whose store can't be opened works without one. */
static enum aps_rc client_opened(struct aps_core *core, struct aps_client *client, void **part, struct aps_err *err)
{
	const struct aps_cache_settings *settings = client->settings.cache;
	struct caching *caching = aps_calloc(1, sizeof *caching);
	if (caching == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	*part = caching;
	if (settings == NULL || open_partition(core, caching, settings, err) == APS_OK) return APS_OK;
	APS_STATS_ADD(client->stats, store_failures, 1);
	aps_core_log(core, client->id, "error", "the store %s can't be used: %s", settings->path, err->msg);
	return APS_OK;
}

static void tell_failure(struct aps_core *core, const struct aps_vault *vault, const struct aps_err *err)
{
	for (struct aps_client *client = core->clients; client != NULL; client = client->next) {
		struct caching *caching = aps_client_part(core, client, &aps_caching_feature);
		if (caching->vault != vault || caching->has_failed) continue;
		caching->has_failed = true;
		APS_STATS_ADD(client->stats, store_failures, 1);
		aps_core_log(core, client->id, "error", "the cache can't be written: %s", err->msg);
	}
}

static void commit(struct aps_core *core, struct aps_vault *vault)
{
	struct aps_err err;
	if (aps_vault_commit(vault, &err) != APS_OK) tell_failure(core, vault, &err);
}

static void free_caching(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct caching, reap));
}

static void client_closing(struct aps_core *core, struct aps_client *client, const struct aps_err *err APS_UNUSED)
{
	struct caching *caching = aps_client_part(core, client, &aps_caching_feature);
	if (caching->vault != NULL) {
		commit(core, caching->vault);
		aps_partition_close(caching->partition);
		aps_vault_close(vaults_of(core), caching->vault);
		caching->vault = NULL;
	}
	aps_core_reap(core, &caching->reap, free_caching);
}

static void turn_end(struct aps_core *core)
{
	for (struct aps_vault *vault = vaults_of(core)->first; vault != NULL; vault = vault->next) commit(core, vault);
}

void aps_caching_write(struct aps_core *core, struct aps_client *client, const struct aps_operation *operation,
                       struct aps_str data, struct aps_str errors)
{
	APS_ON_THREAD(core->thread);
	struct caching *caching = aps_client_part(core, client, &aps_caching_feature);
	struct aps_err err;
	if (caching->partition == NULL) return;
	const struct aps_partition_data what = {
	        .operation = operation,
	        .data = data,
	        .errors = errors,
	        .skips_nulls = operation->definition->kind == APS_GQL_SUBSCRIPTION,
	        .now_s = aps_client_now_ms(client) / 1000,
	};
	if (aps_partition_write(caching->partition, &what, &err) == APS_OK)
		caching->has_failed = false;
	else
		tell_failure(core, caching->vault, &err);
}

const struct aps_feature aps_caching_feature = {
        .name = "caches",
        .open = open_all,
        .client_opened = client_opened,
        .client_closing = client_closing,
        .turn_end = turn_end,
        .close = close_all,
};
