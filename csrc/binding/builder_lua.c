#include "binding/builder_lua.h"

#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/value_build.h"
#include "rt/bytes.h"

#define BUILDER "appsync.core.builder"

struct builder {
	struct aps_bytes *bytes; /* NULL: it is over */
	struct apl_value_build build;
};

static void let_go(struct builder *builder)
{
	aps_bytes_unref(builder->bytes);
	builder->bytes = NULL;
}

/* builder(text, big_integers, strictness): copies the text, so that nothing has to keep it alive. */
static int Apl_builder(lua_State *L)
{
	struct aps_str text;
	text.p = luaL_checklstring(L, 1, &text.n);
	enum apl_big_integers big = apl_check_big_integers(L, 2);
	enum aps_json_strictness strictness = apl_check_strictness(L, 3);
	struct builder *builder = apl_newuserdata(L, sizeof *builder);
	builder->bytes = NULL;
	luaL_getmetatable(L, BUILDER);
	lua_setmetatable(L, -2);
	builder->bytes = aps_bytes_new(text.n);
	if (builder->bytes == NULL) {
		struct aps_err err;
		aps_fail(&err, APS_E_NOMEM, "out of memory");
		return apl_fail(L, &err);
	}
	memcpy(builder->bytes->p, text.p, text.n);
	apl_value_build_init(&builder->build, (struct aps_str){builder->bytes->p, text.n}, big, strictness);
	return 1;
}

/* builder:step(max_values, held) → true, value; false; nil, err */
static int Apl_builder_step(lua_State *L)
{
	struct aps_err err = {0};
	struct builder *builder = luaL_checkudata(L, 1, BUILDER);
	lua_Number max_values = luaL_checknumber(L, 2);
	luaL_argcheck(L, max_values >= 1, 2, "at least 1 expected");
	luaL_checktype(L, 3, LUA_TTABLE);
	if (builder->bytes == NULL) return luaL_error(L, "the builder is over");
	enum apl_step step = apl_value_build_step(L, &builder->build, 3, apl_size_of(max_values), &err);
	if (step == APL_STEP_MORE) {
		lua_pushboolean(L, 0);
		return 1;
	}
	let_go(builder);
	if (step == APL_STEP_FAILED) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	lua_insert(L, -2);
	return 2;
}

static int Apl_builder_gc(lua_State *L)
{
	let_go(luaL_checkudata(L, 1, BUILDER));
	return 0;
}

void apl_builder_register(lua_State *L)
{
	static const luaL_Reg FUNCTIONS[] = {{"builder", Apl_builder}, {NULL, NULL}};
	static const luaL_Reg METHODS[] = {{"step", Apl_builder_step}, {NULL, NULL}};
	apl_register_class(L, BUILDER, Apl_builder_gc, METHODS);
	apl_register(L, FUNCTIONS);
}
