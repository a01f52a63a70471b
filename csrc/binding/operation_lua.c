#include "binding/operation_lua.h"

#include "binding/fields.h"
#include "binding/gql_lua.h"
#include "binding/value.h"
#include "codec/utf8.h"
#include "proto/gqlhttp.h"

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

#define PREFIX    "variables."
#define MAX_SHOWN 100 /* bytes of a name */

/* Where a value stands, for what is said of it. */
static void name_path(char path[sizeof PREFIX + MAX_SHOWN], struct aps_str name)
{
	size_t n = name.n < MAX_SHOWN ? name.n : MAX_SHOWN;
	memcpy(path + sizeof PREFIX - 1, name.p, n);
	path[sizeof PREFIX - 1 + n] = '\0';
}

/* The value on top of the stack, as long as there is nothing to be said about it. */
static bool write_string(lua_State *L, struct aps_json_writer *w)
{
	struct aps_str text;
	if (lua_type(L, -1) != LUA_TSTRING) return false;
	text.p = lua_tolstring(L, -1, &text.n);
	bool is_text = text.n < 1024 && aps_utf8_check(text) == text.n;
	if (is_text) aps_json_write_string(w, text);
	return is_text && w->buf->rc == APS_OK;
}

/* Writes those of the table on top of the stack that the operation declares; undeclared ones are not sent. */
static enum aps_rc write_declared(lua_State *L, const struct aps_gql_operation *operation, struct aps_json_writer *w,
                                  struct aps_err *err)
{
	char path[sizeof PREFIX + MAX_SHOWN] = PREFIX;
	enum aps_rc rc = APS_OK;
	aps_json_write_object(w);
	for (size_t i = 0; rc == APS_OK && i < operation->n_variables && lua_istable(L, -1); i++) {
		struct aps_str name = operation->variables[i];
		lua_pushlstring(L, name.p, name.n);
		lua_gettable(L, -2);
		if (!lua_isnil(L, -1)) {
			aps_json_write_key(w, name);
			if (!write_string(L, w)) {
				name_path(path, name);
				rc = apl_value_write(L, -1, path, w, err);
			}
		}
		lua_pop(L, 1);
	}
	if (rc == APS_OK) aps_json_write_object_end(w);
	return rc;
}

enum aps_rc apl_write_variables(lua_State *L, const struct aps_gql_operation *operation, struct aps_buf *out,
                                struct aps_err *err)
{
	struct aps_json_writer w;
	enum aps_rc rc = APS_OK;
	aps_json_writer_init(&w, out);
	if (operation->kind != APS_GQL_FRAGMENT)
		rc = write_declared(L, operation, &w, err);
	else if (lua_istable(L, -1))
		rc = apl_value_write(L, -1, "variables", &w, err);
	if (rc != APS_OK) return rc;
	if (aps_json_writer_finish(&w) == APS_OK) return APS_OK;
	return aps_fail(err, APS_E_USAGE, "the variables are too big to be sent");
}

static const struct aps_gql_operation *find_fragment(const struct aps_gql_document *doc, struct aps_str name)
{
	for (size_t i = 0; i < aps_gql_document_n_fragments(doc); i++) {
		const struct aps_gql_operation *fragment = aps_gql_document_fragment_at(doc, i);
		if (aps_str_eq(fragment->name, name)) return fragment;
	}
	return NULL;
}

const struct aps_gql_operation *apl_push_definition(lua_State *L, struct aps_gql_document **doc)
{
	struct aps_str name = {"", 0};
	lua_getfield(L, 2, "document");
	*doc = apl_gql_check_document(L, -1);
	bool is_fragment = apl_field_str(L, 2, "fragment", &name);
	if (!is_fragment) apl_field_str(L, 2, "operation_name", &name);
	const struct aps_gql_operation *definition =
	        is_fragment ? find_fragment(*doc, name) : aps_gql_document_find(*doc, name);
	if (definition == NULL) luaL_error(L, "the document has no operation or fragment '%s'", name.p);
	return definition;
}

enum aps_rc apl_read_operation(lua_State *L, struct aps_operation *out, struct aps_err *err)
{
	struct aps_gql_document *doc;
	const struct aps_gql_operation *definition = apl_push_definition(L, &doc);
	bool has_typenames = apl_field_bool(L, 2, "typenames", false);
	struct aps_buf *variables = apl_push_buffer(L, APL_MAX_BODY_BYTES);
	lua_getfield(L, 2, "variables");
	enum aps_rc rc = apl_write_variables(L, definition, variables, err);
	lua_pop(L, 1);
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
