/* A client's caches as userdata: each is the reader of one partition. */
#ifndef APS_BINDING_CACHE_LUA_H
#define APS_BINDING_CACHE_LUA_H

#include "binding/runtime_lua.h"
#include "binding/value.h"
#include "client/cache_settings.h"
#include "client/made_ids.h"

/* The partition of one identity; counted by the userdata that point to it. */
struct apl_cache {
	struct apl_cache *next;
	size_t n_refs;
	struct apl_caches *caches;
	uint64_t id;
	char *identity;
	struct aps_channel *channel;
	struct aps_reader *reader;
	struct aps_made_ids made_ids;
	struct aps_command *closing; /* made in advance: a finalizer posts it */
	int n_begun;                 /* begin() without an end: edits wait for it */
};

/* What the userdata of a client and those of its caches share, so that either may be collected first. */
struct apl_caches {
	size_t n_refs;
	struct apl_runtime *box;
	uint64_t client;
	unsigned generation; /* of the process that has opened them */
	bool is_closed;      /* the client is: the core has closed its partitions */
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
/* The cache at index 1. NULL: it is closed, or the parent's of a fork, and *err says so. */
struct apl_cache *apl_cache_check(lua_State *L, struct aps_err *err);
/* The same of a userdata's content. */
struct apl_cache *apl_cache_of(lua_State *L, struct apl_cache **slot, struct aps_err *err);
/* Throws for what isn't a cache at index 1. */
void apl_cache_check_type(lua_State *L);
/* The same as apl_cache_check() for what comes late, from finalizers too. NULL: it is closed, or the parent's of a
 * fork, and nothing is said. */
struct apl_cache *apl_cache_check_late(lua_State *L);
/* After its reader has read: tells the core of damage that was met. */
void apl_cache_tell_damage(const struct apl_cache *cache);
/* Likewise of what was used, once a minute: what isn't told now is told later. */
void apl_cache_tell_uses(const struct apl_cache *cache, int64_t now_s);
/* Adds methods of a cache. */
void apl_cache_add_methods(lua_State *L, const luaL_Reg *methods);
/* The client is closed: nothing is read any more, and the core's is the last connection to the store. NULL is legal. */
void apl_caches_close(struct apl_caches *caches);
/* Pushes the cache of this identity's partition, which is opened where no other userdata has it; the runtime is usable.
 * Pushes nothing on failure: E_NOMEM, and what posting a command says. `patience_ms`: another client had the partition
 * until now, and its first read waits so long for the core to have come to this one; 0: for nothing. */
enum aps_rc apl_cache_push(lua_State *L, struct apl_caches *caches, const char *identity, int64_t patience_ms,
                           struct aps_err *err);

APS_END_DECLS

#endif
