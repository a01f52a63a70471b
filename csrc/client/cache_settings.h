/* What a client was made with, as far as its cache is concerned. Built on the application's thread, never changed
 * after; the core and the application's reader share it by an atomic reference count. */
#ifndef APS_CLIENT_CACHE_SETTINGS_H
#define APS_CLIENT_CACHE_SETTINGS_H

#include "cache/policies.h"

#include <stdatomic.h>

struct aps_cache_settings {
	atomic_size_t n_refs;
	char *path;
	char *key_prefix;
	size_t max_bytes; /* in memory */
	struct aps_policies policies;
};

APS_BEGIN_DECLS

/* One reference, no texts yet; NULL when memory is out. */
struct aps_cache_settings *aps_cache_settings_new(void);
struct aps_cache_settings *aps_cache_settings_ref(struct aps_cache_settings *settings);
void aps_cache_settings_unref(struct aps_cache_settings *settings); /* NULL is legal */

APS_END_DECLS

#endif
