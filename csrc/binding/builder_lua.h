/* Values that are built in steps, as userdata. */
#ifndef APS_BINDING_BUILDER_LUA_H
#define APS_BINDING_BUILDER_LUA_H

#include "binding/value.h"
#include "client/event.h"

APS_BEGIN_DECLS

/* Adds builder() to the table on top of the stack. */
void apl_builder_register(lua_State *L);
/* Pushes one for a text of an event, which it keeps alive. */
void apl_builder_push_of_result(lua_State *L, struct aps_result_event *event, struct aps_str json);
void apl_builder_push_of_data(lua_State *L, const struct aps_data_event *event, struct aps_str json);

APS_END_DECLS

#endif
