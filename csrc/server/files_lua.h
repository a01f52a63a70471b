/* What the local server's development mode asks of the file system and the terminal, and Lua's library can't tell. */
#ifndef APS_SERVER_FILES_LUA_H
#define APS_SERVER_FILES_LUA_H

#include "binding/compat.h"

APS_BEGIN_DECLS

/* Adds to the table on top of the stack:
 *   file_stamp(path)  -> text that changes when the file does, "file" | "folder" | "other"; or nil, message
 *   list_folder(path) -> the names in it, in no order, without "." and ".."; or nil, message
 *   is_terminal(fd)   -> whether that descriptor is a terminal */
void apl_files_register(lua_State *L);

APS_END_DECLS

#endif
