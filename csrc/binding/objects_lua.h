/* The objects whose identity a function of the application tells, as userdata: of a response that the core asks about,
 * or of data that is to be written here. */
#ifndef APS_BINDING_OBJECTS_LUA_H
#define APS_BINDING_OBJECTS_LUA_H

#include "binding/value.h"
#include "client/question.h"

APS_BEGIN_DECLS

void apl_objects_register(lua_State *L);
/* Pushes what an event asks, which is taken from it; nil where Lua had no memory for it before. */
void apl_objects_push_question(lua_State *L, struct aps_question_event *event);
/* Pushes those of a text, which is copied; a reference of `asked` is taken. */
void apl_objects_push(lua_State *L, struct aps_asked *asked, struct aps_str data, enum apl_big_integers big);
/* What was told of those at `index`, as far as it was, and their text. */
struct aps_asked *apl_objects_asked(lua_State *L, int index, struct aps_str *data);
/* The answer to a question; NULL: it was given already, or there was no question. */
struct aps_answer_command *apl_objects_take_answer(lua_State *L, int index);

APS_END_DECLS

#endif
