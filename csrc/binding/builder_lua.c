#include "binding/builder_lua.h"

#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/runtime_box.h"
#include "binding/value_build.h"
#include "rt/bytes.h"

#define BUILDER "appsync.core.builder"

/* What keeps the text alive is one of two; neither: it is over. */
struct builder {
	struct aps_bytes *bytes;
	struct aps_result_event *event;
	struct aps_str text;
	enum apl_big_integers big;
	enum aps_json_strictness strictness;
	struct apl_value_build build;
};

static void let_go(struct builder *builder)
{
	aps_bytes_unref(builder->bytes);
	aps_result_event_unref(builder->event);
	builder->bytes = NULL;
	builder->event = NULL;
}

static void unref_bytes(void *bytes)
{
	aps_bytes_unref(bytes);
}

static void unref_event(void *event)
{
	aps_result_event_unref(event);
}

/* In a frame. */
static void dispose(lua_State *L, struct builder *builder)
{
	if (builder->bytes != NULL) apl_runtime_dispose(L, builder->text.n, unref_bytes, builder->bytes);
	if (builder->event != NULL) apl_runtime_dispose(L, builder->text.n, unref_event, builder->event);
	builder->bytes = NULL;
	builder->event = NULL;
}

static struct builder *push_builder(lua_State *L, enum apl_big_integers big, enum aps_json_strictness strictness)
{
	struct builder *builder = apl_newuserdata(L, sizeof *builder);
	builder->bytes = NULL;
	builder->event = NULL;
	builder->big = big;
	builder->strictness = strictness;
	luaL_getmetatable(L, BUILDER);
	lua_setmetatable(L, -2);
	return builder;
}

static void begin(struct builder *builder, struct aps_str text)
{
	builder->text = text;
	apl_value_build_init(&builder->build, text, builder->big, builder->strictness);
}

void apl_builder_push_of_result(lua_State *L, struct aps_result_event *event, struct aps_str json)
{
	struct builder *builder =
	        push_builder(L, event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED, APS_JSON_LENIENT);
	builder->event = aps_result_event_ref(event);
	begin(builder, json);
}

void apl_builder_push_of_data(lua_State *L, const struct aps_data_event *event, struct aps_str json)
{
	struct builder *builder =
	        push_builder(L, event->big_integers_as_text ? APL_BIG_STRING : APL_BIG_ROUNDED, APS_JSON_LENIENT);
	builder->bytes = aps_bytes_ref(event->bytes);
	begin(builder, json);
}

/* builder(text, big_integers, strictness): copies the text, so that nothing has to keep it alive. */
static int Apl_builder(lua_State *L)
{
	struct aps_str text;
	text.p = luaL_checklstring(L, 1, &text.n);
	enum apl_big_integers big = apl_check_big_integers(L, 2);
	struct builder *builder = push_builder(L, big, apl_check_strictness(L, 3));
	builder->bytes = aps_bytes_new(text.n);
	if (builder->bytes == NULL) {
		struct aps_err err;
		aps_fail(&err, APS_E_NOMEM, "out of memory");
		return apl_fail(L, &err);
	}
	memcpy(builder->bytes->p, text.p, text.n);
	begin(builder, (struct aps_str){builder->bytes->p, text.n});
	return 1;
}

static bool is_over(const struct builder *builder)
{
	return builder->bytes == NULL && builder->event == NULL;
}

/* builder:step(max_values, held) → true, value; false; nil, err */
static int Apl_builder_step(lua_State *L)
{
	struct aps_err err = {0};
	struct builder *builder = luaL_checkudata(L, 1, BUILDER);
	lua_Number max_values = luaL_checknumber(L, 2);
	luaL_argcheck(L, max_values >= 1, 2, "at least 1 expected");
	luaL_checktype(L, 3, LUA_TTABLE);
	if (is_over(builder)) return luaL_error(L, "the builder is over");
	enum apl_step step = apl_value_build_step(L, &builder->build, 3, apl_size_of(max_values), &err);
	if (step == APL_STEP_MORE) {
		lua_pushboolean(L, 0);
		return 1;
	}
	dispose(L, builder);
	if (step == APL_STEP_FAILED) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	lua_insert(L, -2);
	return 2;
}

/* builder:again(): from the start, with another table: also after a throw. */
static int Apl_builder_again(lua_State *L)
{
	struct builder *builder = luaL_checkudata(L, 1, BUILDER);
	if (is_over(builder)) return luaL_error(L, "the builder is over");
	begin(builder, builder->text);
	return 0;
}

/* builder:drop(): it is over. Twice is legal. */
static int Apl_builder_drop(lua_State *L)
{
	dispose(L, luaL_checkudata(L, 1, BUILDER));
	return 0;
}

static int Apl_builder_gc(lua_State *L)
{
	let_go(luaL_checkudata(L, 1, BUILDER));
	return 0;
}

void apl_builder_register(lua_State *L)
{
	static const luaL_Reg FUNCTIONS[] = {{"builder", Apl_builder}, {NULL, NULL}};
	static const luaL_Reg METHODS[] = {
	        {"step", Apl_builder_step},
	        {"again", Apl_builder_again},
	        {"drop", Apl_builder_drop},
	        {NULL, NULL},
	};
	apl_register_class(L, BUILDER, Apl_builder_gc, METHODS);
	apl_register(L, FUNCTIONS);
}
