/* The fields that functions of the application merge, as userdata: of a response that the core asks about, or of data
 * that is to be written here. */
#ifndef APS_BINDING_MERGES_LUA_H
#define APS_BINDING_MERGES_LUA_H

#include "binding/value.h"
#include "client/question.h"

APS_BEGIN_DECLS

void apl_merges_register(lua_State *L);
/* Pushes what an event asks, which is taken from it; nil where Lua had no memory for it before. */
void apl_merges_push_question(lua_State *L, struct aps_question_event *event);
/* Pushes an empty one, for a write to note in it what it has to ask. */
void apl_merges_push(lua_State *L, enum apl_big_integers big);
struct aps_asked_merges *apl_merges_check(lua_State *L, int index);
/* The answer to a question; NULL: it was given already, or there was no question. */
struct aps_answer_command *apl_merges_take_answer(lua_State *L, int index);

APS_END_DECLS

#endif
