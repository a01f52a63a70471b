/* A client's caches as userdata: each is the reader of one partition. */
#ifndef APS_BINDING_CACHE_LUA_H
#define APS_BINDING_CACHE_LUA_H

#include "binding/runtime_lua.h"
#include "binding/value.h"
#include "client/cache_settings.h"

struct apl_cache;

/* What the userdata of a client and those of its caches share, so that either may be collected first. */
struct apl_caches {
	size_t n_refs;
	struct apl_runtime *box;
	uint64_t client;
	bool is_closed; /* the client is: the core has closed its partitions */
	struct aps_cache_settings *settings;
	enum apl_big_integers big;
	struct apl_cache *first; /* the open ones, one for an identity */
};

APS_BEGIN_DECLS

void apl_cache_register(lua_State *L);
/* One reference; takes references of the box and the settings. NULL when memory is out. */
struct apl_caches *apl_caches_new(struct apl_runtime *box, uint64_t client, struct aps_cache_settings *settings,
                                  enum apl_big_integers big);
void apl_caches_unref(struct apl_caches *caches); /* NULL is legal */
/* Pushes the cache of this identity's partition, which is opened where no other userdata has it; the runtime is usable.
 * Pushes nothing on failure: E_NOMEM, and what posting a command says. */
enum aps_rc apl_cache_push(lua_State *L, struct apl_caches *caches, const char *identity, struct aps_err *err);

APS_END_DECLS

#endif
