/* The runtime as userdata. It and its clients share one box, so that either may be collected first. */
#ifndef APS_BINDING_RUNTIME_LUA_H
#define APS_BINDING_RUNTIME_LUA_H

#include "binding/runtime_box.h"

APS_BEGIN_DECLS

/* Adds runtime() to the table on top of the stack. */
void apl_runtime_register(lua_State *L);
/* Pushes this state's runtime; where it has none, one that is made. nil, error. */
int apl_runtime_open(lua_State *L,
                     struct aps_runtime *(*make)(const struct aps_feature *const *features, struct aps_err *err));
/* Adds methods of a runtime that make what stands above it: its clients. */
void apl_runtime_add_methods(lua_State *L, const luaL_Reg *methods);
/* The box of the runtime at index 1; throws. */
struct apl_runtime *apl_runtime_check(lua_State *L);
struct apl_runtime *apl_runtime_ref(struct apl_runtime *box);
void apl_runtime_unref(struct apl_runtime *box);
/* NULL: E_USAGE, it was opened before a fork. Throws when it is closed. */
struct aps_runtime *apl_runtime_get(lua_State *L, const struct apl_runtime *box, struct aps_err *err);
/* Gives the command in the pending userdata at `pending` away. */
enum aps_rc apl_runtime_post(lua_State *L, struct apl_runtime *box, int pending, struct aps_err *err);

APS_END_DECLS

#endif
