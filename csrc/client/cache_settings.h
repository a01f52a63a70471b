/* What a client was made with, as far as its cache is concerned. Built on the application's thread and not changed once
 * a partition is opened; the core and the application's readers share it by an atomic reference count. */
#ifndef APS_CLIENT_CACHE_SETTINGS_H
#define APS_CLIENT_CACHE_SETTINGS_H

#include "cache/policies.h"
#include "store/scratch.h"

#include <stdatomic.h>

struct aps_cache_settings {
	atomic_size_t n_refs;
	bool is_in_memory;           /* in a file that ends with the client; made when it is needed */
	char *path;                  /* in memory: NULL until then */
	struct aps_scratch *scratch; /* in memory: where that file is */
	struct aps_err trouble;      /* why there can be none; OK: nothing is known */
	char *seed;                  /* a store's file that a new one begins with; NULL: none */
	char *key_prefix;
	bool writes_nulls; /* of subscriptions */
	int64_t max_bytes; /* that a partition may keep on disk; 0: any */
	struct aps_policies policies;
};

APS_BEGIN_DECLS

/* One reference, no texts yet; NULL when memory is out. */
struct aps_cache_settings *aps_cache_settings_new(void);
struct aps_cache_settings *aps_cache_settings_ref(struct aps_cache_settings *settings);
void aps_cache_settings_unref(struct aps_cache_settings *settings); /* NULL is legal */
/* Before a partition is opened: where the store is in memory it has its file from now on, under TMPDIR, or trouble.
 * E_NOMEM. @thread app */
enum aps_rc aps_cache_settings_place(struct aps_cache_settings *settings, struct aps_err *err);

APS_END_DECLS

#endif
