#include "client/cache_settings.h"

#include "base/mem.h"
#include "base/rand.h"

#include <stdlib.h>
#include <string.h>

struct aps_cache_settings *aps_cache_settings_new(void)
{
	struct aps_rand rand;
	struct aps_cache_settings *settings = aps_calloc(1, sizeof *settings);
	if (settings == NULL) return NULL;
	aps_rand_init_system(&rand);
	atomic_init(&settings->n_refs, 1);
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
	aps_scratch_free(settings->scratch);
	aps_free(settings->path);
	aps_free(settings->seed);
	aps_free(settings->key_prefix);
	aps_free(settings);
}

/* A path that is none: nobody finds a store there. */
static enum aps_rc set_path(struct aps_cache_settings *settings, const char *path, struct aps_err *err)
{
	settings->path = aps_strndup(path, strlen(path));
	return settings->path != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

enum aps_rc aps_cache_settings_place(struct aps_cache_settings *settings, struct aps_err *err)
{
	const char *parent = getenv("TMPDIR");
	if (settings->path != NULL) return APS_OK;
	if (parent == NULL || parent[0] == '\0') parent = "/tmp";
	if (settings->scratch == NULL) settings->scratch = aps_scratch_new(parent, &settings->trouble);
	if (settings->scratch != NULL) return set_path(settings, aps_scratch_path(settings->scratch), err);
	if (settings->trouble.code == APS_E_NOMEM) {
		*err = settings->trouble;
		return APS_E_NOMEM;
	}
	return set_path(settings, "", err);
}
