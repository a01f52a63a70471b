/* What Lua writes into a cache: methods of its userdata, and lists of edits that it has been given back. */
#ifndef APS_BINDING_CACHE_EDIT_LUA_H
#define APS_BINDING_CACHE_EDIT_LUA_H

#include "binding/compat.h"
#include "cache/policies.h"

APS_BEGIN_DECLS

/* After apl_cache_register(). */
void apl_cache_edit_register(lua_State *L);
/* Pushes the key of the record that the table at index 2 is, or nil: it has none. */
int apl_identify(lua_State *L, const struct aps_policies *policies);

APS_END_DECLS

#endif
