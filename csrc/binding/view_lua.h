/* What a watch shows, as a userdata that Lua makes its value of, in steps. */
#ifndef APS_BINDING_VIEW_LUA_H
#define APS_BINDING_VIEW_LUA_H

#include "binding/value.h"
#include "client/view.h"

APS_BEGIN_DECLS

void apl_view_register(lua_State *L);
/* Takes a reference of the view. */
void apl_view_push(lua_State *L, struct aps_view *view, enum apl_big_integers big);

APS_END_DECLS

#endif
