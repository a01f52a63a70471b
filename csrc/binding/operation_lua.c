#include "binding/operation_lua.h"

#include "binding/fields.h"
#include "binding/gql_lua.h"
#include "binding/value.h"
#include "proto/gqlhttp.h"

#include <stdio.h>

#define OPERATION "appsync.core.operation"

static int Apl_operation_gc(lua_State *L)
{
	aps_operation_clear(lua_touserdata(L, 1));
	return 0;
}

struct aps_operation *apl_push_operation(lua_State *L)
{
	struct aps_operation *operation = apl_newuserdata(L, sizeof *operation);
	*operation = (struct aps_operation){.document = NULL};
	luaL_getmetatable(L, OPERATION);
	lua_setmetatable(L, -2);
	return operation;
}

/* Writes the declared variables of the operation that the table at index 2 has; undeclared ones are not sent. */
static enum aps_rc write_variables(lua_State *L, const struct aps_gql_operation *operation, struct aps_buf *out,
                                   struct aps_err *err)
{
	struct aps_json_writer w;
	char path[160];
	enum aps_rc rc = APS_OK;
	aps_json_writer_init(&w, out);
	aps_json_write_object(&w);
	lua_getfield(L, 2, "variables");
	for (size_t i = 0; rc == APS_OK && i < operation->n_variables && lua_istable(L, -1); i++) {
		struct aps_str name = operation->variables[i];
		lua_pushlstring(L, name.p, name.n);
		lua_gettable(L, -2);
		if (!lua_isnil(L, -1)) {
			snprintf(path, sizeof path, "variables.%.*s", (int)(name.n < 100 ? name.n : 100), name.p);
			aps_json_write_key(&w, name);
			rc = apl_value_write(L, -1, path, &w, err);
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	if (rc != APS_OK) return rc;
	aps_json_write_object_end(&w);
	if (aps_json_writer_finish(&w) == APS_OK) return APS_OK;
	return aps_fail(err, APS_E_USAGE, "the variables are too big to be sent");
}

enum aps_rc apl_read_operation(lua_State *L, struct aps_operation *out, struct aps_err *err)
{
	struct aps_str name = {"", 0};
	lua_getfield(L, 2, "document");
	struct aps_gql_document *doc = apl_gql_check_document(L, -1);
	apl_field_str(L, 2, "operation_name", &name);
	const struct aps_gql_operation *definition = aps_gql_document_find(doc, name);
	if (definition == NULL) luaL_error(L, "the document has no operation '%s'", name.p);
	bool has_typenames = apl_field_bool(L, 2, "typenames", false);
	struct aps_buf *variables = apl_push_buffer(L, APL_MAX_BODY_BYTES);
	enum aps_rc rc = write_variables(L, definition, variables, err);
	if (rc == APS_OK) rc = aps_operation_init(out, doc, definition, has_typenames, aps_buf_str(variables), err);
	if (rc == APS_OK) rc = aps_gqlhttp_check_body(out, APL_MAX_BODY_BYTES, err);
	if (rc == APS_E_TOO_BIG) rc = err->code = APS_E_USAGE;
	apl_release_buffer(L, -1);
	lua_pop(L, 2);
	return rc;
}

void apl_operation_register(lua_State *L)
{
	static const luaL_Reg NONE[] = {{NULL, NULL}};
	apl_register_class(L, OPERATION, Apl_operation_gc, NONE);
}
