/* Values that are built in steps, as userdata. */
#ifndef APS_BINDING_BUILDER_LUA_H
#define APS_BINDING_BUILDER_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds builder() to the table on top of the stack. */
void apl_builder_register(lua_State *L);

APS_END_DECLS

#endif
