/* core.read_file: the files that a user names. */
#ifndef APS_BINDING_FILE_LUA_H
#define APS_BINDING_FILE_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds the functions to the table on top of the stack. */
void apl_file_register(lua_State *L);

APS_END_DECLS

#endif
