#include "binding/merges_lua.h"

#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/operation_lua.h"
#include "binding/value_build.h"

#define MERGES "appsync.core.merges"

static const char *const PARTS[] = {"existing", "incoming", "args", NULL};

struct merges {
	struct aps_asked_merges *merges; /* NULL: the answer was given */
	struct aps_answer_command *answer;
	enum apl_big_integers big;
	struct aps_str building; /* what is being made; p NULL: nothing */
	struct apl_value_build build;
};

static struct merges *push(lua_State *L, enum apl_big_integers big)
{
	struct merges *merges = apl_newuserdata(L, sizeof *merges);
	merges->merges = NULL;
	merges->answer = NULL;
	merges->big = big;
	merges->building.p = NULL;
	luaL_getmetatable(L, MERGES);
	lua_setmetatable(L, -2);
	return merges;
}

void apl_merges_push_question(lua_State *L, struct aps_question_event *event)
{
	if (event->answer == NULL) {
		lua_pushnil(L);
		return;
	}
	struct merges *merges = push(L, event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED);
	merges->answer = event->answer;
	merges->merges = aps_asked_merges_ref(event->answer->merges);
	event->answer = NULL;
}

void apl_merges_push(lua_State *L, enum apl_big_integers big)
{
	struct merges *merges = push(L, big);
	merges->merges = aps_asked_merges_new();
	if (merges->merges == NULL) luaL_error(L, "not enough memory");
}

static struct merges *check(lua_State *L, int index)
{
	struct merges *merges = luaL_checkudata(L, index, MERGES);
	if (merges->merges == NULL) luaL_error(L, "the question was answered");
	return merges;
}

struct aps_asked_merges *apl_merges_check(lua_State *L, int index)
{
	return check(L, index)->merges;
}

struct aps_answer_command *apl_merges_take_answer(lua_State *L, int index)
{
	struct merges *merges = luaL_checkudata(L, index, MERGES);
	struct aps_answer_command *answer = merges->answer;
	merges->answer = NULL;
	if (answer == NULL) return NULL;
	aps_asked_merges_unref(merges->merges);
	merges->merges = NULL;
	return answer;
}

static int Apl_merges_gc(lua_State *L)
{
	struct merges *merges = luaL_checkudata(L, 1, MERGES);
	if (merges->answer != NULL) aps_command_free(&merges->answer->head);
	aps_asked_merges_unref(merges->merges);
	merges->answer = NULL;
	merges->merges = NULL;
	return 0;
}

/* From 0. */
static size_t check_number(lua_State *L, const struct merges *merges)
{
	lua_Number number = luaL_checknumber(L, 2), n = (lua_Number)aps_asked_merges_count(merges->merges);
	luaL_argcheck(L, number >= 1 && number <= n, 2, "no such merge");
	return (size_t)number - 1;
}

static int Apl_merges_count(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)aps_asked_merges_count(check(L, 1)->merges));
	return 1;
}

/* merges:open(i) → "Query.listPosts"; nil: it was asked for already */
static int Apl_merges_open(lua_State *L)
{
	const struct merges *merges = check(L, 1);
	const struct aps_asked_merge *item = aps_asked_merges_at(merges->merges, check_number(L, merges));
	struct aps_str field = aps_asked_merges_text(merges->merges, item->field);
	if (item->state == APS_MERGE_OPEN)
		lua_pushlstring(L, field.p, field.n);
	else
		lua_pushnil(L);
	return 1;
}

/* merges:size(i) → bytes of text that it is about */
static int Apl_merges_size(lua_State *L)
{
	const struct merges *merges = check(L, 1);
	const struct aps_asked_merge *item = aps_asked_merges_at(merges->merges, check_number(L, merges));
	lua_pushnumber(L, (lua_Number)(item->existing.n + item->incoming.n));
	return 1;
}

static struct aps_str part_of(const struct merges *merges, size_t index, int part)
{
	const struct aps_asked_merge *item = aps_asked_merges_at(merges->merges, index);
	const struct aps_asked_text *texts[] = {&item->existing, &item->incoming, &item->args};
	return aps_asked_merges_text(merges->merges, *texts[part]);
}

/* merges:step(i, part, max_values, held) → true, value: nil, there is none; false; nil, err */
static int Apl_merges_step(lua_State *L)
{
	struct aps_err err = {0};
	struct merges *merges = check(L, 1);
	struct aps_str text = part_of(merges, check_number(L, merges), luaL_checkoption(L, 3, NULL, PARTS));
	lua_Number max_values = luaL_checknumber(L, 4);
	luaL_argcheck(L, max_values >= 1, 4, "at least 1 expected");
	luaL_checktype(L, 5, LUA_TTABLE);
	lua_settop(L, 5);
	if (text.n == 0) {
		lua_pushboolean(L, 1);
		lua_pushnil(L);
		return 2;
	}
	if (merges->building.p != text.p) {
		apl_value_build_init(&merges->build, text, merges->big, APS_JSON_LENIENT);
		merges->building = text;
	}
	enum apl_step step = apl_value_build_step(L, &merges->build, 5, apl_size_of(max_values), &err);
	if (step == APL_STEP_MORE) {
		lua_pushboolean(L, 0);
		return 1;
	}
	merges->building.p = NULL;
	if (step == APL_STEP_FAILED) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	lua_insert(L, -2);
	return 2;
}

/* merges:tell(i, value): nil: nothing came of it → true; nil, err: the value can't be kept */
static int Apl_merges_tell(lua_State *L)
{
	struct aps_err err = {0};
	struct merges *merges = check(L, 1);
	size_t index = check_number(L, merges);
	struct aps_str result = APS_STR("");
	lua_settop(L, 3);
	if (!lua_isnil(L, 3)) {
		struct aps_json_writer w;
		struct aps_buf *json = apl_push_buffer(L, APL_MAX_BODY_BYTES);
		aps_json_writer_init(&w, json);
		if (apl_value_write_kept(L, 3, "the result", &w, &err) != APS_OK) return apl_fail(L, &err);
		result = aps_buf_str(json);
	}
	merges->building.p = NULL; /* the text may move */
	if (!aps_asked_merges_tell(merges->merges, index, result)) return luaL_error(L, "not enough memory");
	lua_pushboolean(L, 1);
	return 1;
}

void apl_merges_register(lua_State *L)
{
	static const luaL_Reg METHODS[] = {
	        {"count", Apl_merges_count}, {"open", Apl_merges_open}, {"size", Apl_merges_size},
	        {"step", Apl_merges_step},   {"tell", Apl_merges_tell}, {NULL, NULL},
	};
	apl_register_class(L, MERGES, Apl_merges_gc, METHODS);
}
