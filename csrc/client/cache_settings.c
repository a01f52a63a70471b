#include "client/cache_settings.h"

#include "base/mem.h"
#include "base/rand.h"

#define MAX_BYTES ((size_t)32 * 1024 * 1024)

struct aps_cache_settings *aps_cache_settings_new(void)
{
	struct aps_rand rand;
	struct aps_cache_settings *settings = aps_calloc(1, sizeof *settings);
	if (settings == NULL) return NULL;
	aps_rand_init_system(&rand);
	atomic_init(&settings->n_refs, 1);
	settings->max_bytes = MAX_BYTES;
	aps_policies_init(&settings->policies, aps_rand_u64(&rand));
	return settings;
}

struct aps_cache_settings *aps_cache_settings_ref(struct aps_cache_settings *settings)
{
	atomic_fetch_add(&settings->n_refs, 1);
	return settings;
}

void aps_cache_settings_unref(struct aps_cache_settings *settings)
{
	if (settings == NULL || atomic_fetch_sub(&settings->n_refs, 1) != 1) return;
	aps_policies_clear(&settings->policies);
	aps_free(settings->path);
	aps_free(settings->key_prefix);
	aps_free(settings);
}
