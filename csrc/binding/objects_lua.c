#include "binding/objects_lua.h"

#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/value_build.h"
#include "codec/utf8.h"

#define OBJECTS "appsync.core.objects"

struct objects {
	struct aps_asked *asked; /* NULL: the answer was given */
	struct aps_answer_command *answer;
	struct aps_bytes *data;
	enum apl_big_integers big;
	size_t building; /* the number of the object that is being made; 0: none */
	struct apl_value_build build;
};

static struct objects *push(lua_State *L, enum apl_big_integers big)
{
	struct objects *objects = apl_newuserdata(L, sizeof *objects);
	objects->asked = NULL;
	objects->answer = NULL;
	objects->data = NULL;
	objects->big = big;
	objects->building = 0;
	luaL_getmetatable(L, OBJECTS);
	lua_setmetatable(L, -2);
	return objects;
}

void apl_objects_push_question(lua_State *L, struct aps_question_event *event)
{
	if (event->answer == NULL) {
		lua_pushnil(L);
		return;
	}
	struct objects *objects = push(L, event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED);
	objects->answer = event->answer;
	objects->asked = aps_asked_ref(event->answer->asked);
	objects->data = aps_bytes_ref(event->data);
	event->answer = NULL;
}

void apl_objects_push(lua_State *L, struct aps_asked *asked, struct aps_str data, enum apl_big_integers big)
{
	struct objects *objects = push(L, big);
	objects->data = aps_bytes_new(data.n);
	if (objects->data == NULL) luaL_error(L, "out of memory");
	memcpy(objects->data->p, data.p, data.n);
	objects->asked = aps_asked_ref(asked);
}

static struct objects *check(lua_State *L, int index)
{
	struct objects *objects = luaL_checkudata(L, index, OBJECTS);
	if (objects->asked == NULL) luaL_error(L, "the question was answered");
	return objects;
}

struct aps_asked *apl_objects_asked(lua_State *L, int index, struct aps_str *data)
{
	const struct objects *objects = check(L, index);
	*data = (struct aps_str){objects->data->p, objects->data->n};
	return objects->asked;
}

static void let_go(struct objects *objects)
{
	aps_asked_unref(objects->asked);
	aps_bytes_unref(objects->data);
	objects->asked = NULL;
	objects->data = NULL;
}

/* From now on what was told is the answer's alone. */
struct aps_answer_command *apl_objects_take_answer(lua_State *L, int index)
{
	struct objects *objects = luaL_checkudata(L, index, OBJECTS);
	struct aps_answer_command *answer = objects->answer;
	objects->answer = NULL;
	if (answer != NULL) let_go(objects);
	return answer;
}

static int Apl_objects_gc(lua_State *L)
{
	struct objects *objects = luaL_checkudata(L, 1, OBJECTS);
	if (objects->answer != NULL) aps_command_free(&objects->answer->head);
	objects->answer = NULL;
	let_go(objects);
	return 0;
}

/* From 0. */
static size_t check_number(lua_State *L, const struct objects *objects)
{
	lua_Number number = luaL_checknumber(L, 2);
	luaL_argcheck(L, number >= 1 && number <= (lua_Number)aps_asked_count(objects->asked), 2, "no such object");
	return (size_t)number - 1;
}

static int Apl_objects_count(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)aps_asked_count(check(L, 1)->asked));
	return 1;
}

/* objects:step(i, max_values, held) → true, object; false; nil, err */
static int Apl_objects_step(lua_State *L)
{
	struct aps_err err = {0};
	struct objects *objects = check(L, 1);
	size_t index = check_number(L, objects);
	lua_Number max_values = luaL_checknumber(L, 3);
	luaL_argcheck(L, max_values >= 1, 3, "at least 1 expected");
	luaL_checktype(L, 4, LUA_TTABLE);
	lua_settop(L, 4);
	if (objects->building != index + 1) {
		struct aps_str data = {objects->data->p, objects->data->n};
		apl_value_build_init(&objects->build, aps_asked_text(objects->asked, index, data), objects->big,
		                     APS_JSON_LENIENT);
		objects->building = index + 1;
	}
	enum apl_step step = apl_value_build_step(L, &objects->build, 4, apl_size_of(max_values), &err);
	if (step == APL_STEP_MORE) {
		lua_pushboolean(L, 0);
		return 1;
	}
	objects->building = 0;
	if (step == APL_STEP_FAILED) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	lua_insert(L, -2);
	return 2;
}

/* objects:tell(i, key): nil: it has none → true; false: the key isn't UTF-8 */
static int Apl_objects_tell(lua_State *L)
{
	struct objects *objects = check(L, 1);
	size_t index = check_number(L, objects);
	struct aps_str key = APS_STR("");
	if (!lua_isnoneornil(L, 3)) key.p = luaL_checklstring(L, 3, &key.n);
	bool is_text = aps_utf8_check(key) == key.n && memchr(key.p, '\0', key.n) == NULL;
	if (is_text && !aps_asked_tell(objects->asked, index, key)) return luaL_error(L, "not enough memory");
	lua_pushboolean(L, is_text);
	return 1;
}

void apl_objects_register(lua_State *L)
{
	static const luaL_Reg METHODS[] = {
	        {"count", Apl_objects_count},
	        {"step", Apl_objects_step},
	        {"tell", Apl_objects_tell},
	        {NULL, NULL},
	};
	apl_register_class(L, OBJECTS, Apl_objects_gc, METHODS);
}
