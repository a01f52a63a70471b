#include "binding/gql_lua.h"

#include "base/buf.h"
#include "binding/err_lua.h"
#include "binding/gql_tree.h"
#include "binding/value.h"
#include "gql/parser.h"
#include "gql/printer.h"

#define TREE_METATABLE "appsync.core.tree"

/* Owns what a parse or a print allocates, so that it is freed when Lua throws. */
struct tree {
	struct aps_arena arena;
	struct aps_buf text;
};

static struct tree *push_tree(lua_State *L)
{
	struct tree *tree = apl_newuserdata(L, sizeof *tree);
	aps_arena_init(&tree->arena, APS_GQL_ARENA_BYTES);
	aps_buf_init(&tree->text, APS_GQL_MAX_PRINT_BYTES);
	luaL_getmetatable(L, TREE_METATABLE);
	lua_setmetatable(L, -2);
	return tree;
}

static void clear_tree(struct tree *tree)
{
	aps_arena_clear(&tree->arena);
	aps_buf_clear(&tree->text);
}

static int Apl_tree_gc(lua_State *L)
{
	clear_tree(luaL_checkudata(L, 1, TREE_METATABLE));
	return 0;
}

static struct aps_str check_text(lua_State *L, int index)
{
	struct aps_str text;
	luaL_checktype(L, index, LUA_TSTRING);
	text.p = lua_tolstring(L, index, &text.n);
	return text;
}

/* nil and the error, with its place: line and column. */
static int fail_at(lua_State *L, const struct aps_err *err, struct aps_gql_place place)
{
	int n_results = apl_fail(L, err);
	lua_pushinteger(L, (lua_Integer)place.line);
	lua_setfield(L, -2, "line");
	lua_pushinteger(L, (lua_Integer)place.column);
	lua_setfield(L, -2, "column");
	return n_results;
}

static void push_text(lua_State *L, struct aps_str text)
{
	lua_pushlstring(L, text.n != 0 ? text.p : "", text.n);
}

/* document(text) */
static int Apl_gql_document(lua_State *L)
{
	struct aps_str text = check_text(L, 1);
	struct aps_gql_place place;
	struct aps_err err;
	struct aps_gql_document **slot = apl_newuserdata(L, sizeof(struct aps_gql_document *));
	*slot = NULL;
	luaL_getmetatable(L, APL_DOCUMENT_METATABLE);
	lua_setmetatable(L, -2);
	if (aps_gql_document_new(text, slot, &place, &err) == APS_OK) return 1;
	return fail_at(L, &err, place);
}

/* parse(text) */
static int Apl_gql_parse(lua_State *L)
{
	struct aps_str text = check_text(L, 1);
	struct aps_gql_place place;
	struct aps_err err;
	struct aps_gql_node *node;
	struct tree *tree = push_tree(L);
	enum aps_rc rc = aps_gql_parse(text, &tree->arena, &node, &place, &err);
	if (rc == APS_OK) {
		place = node->place;
		rc = apl_gql_admit_node(L, node, &err);
	}
	if (rc == APS_OK) {
		apl_gql_push_node(L, node);
		clear_tree(tree);
		return 1;
	}
	clear_tree(tree);
	return fail_at(L, &err, place);
}

/* print(ast) */
static int Apl_gql_print(lua_State *L)
{
	struct aps_err err;
	struct aps_gql_node *node;
	luaL_checktype(L, 1, LUA_TTABLE);
	struct tree *tree = push_tree(L);
	if (apl_gql_read_node(L, 1, &tree->arena, &node, &err) != APS_OK) {
		clear_tree(tree);
		return apl_fail(L, &err);
	}
	aps_gql_print(node, APS_GQL_AS_WRITTEN, &tree->text);
	if (tree->text.rc != APS_OK) {
		bool is_too_big = tree->text.rc == APS_E_TOO_BIG;
		aps_fail(&err, tree->text.rc, is_too_big ? "the print is too large" : "out of memory");
		clear_tree(tree);
		return apl_fail(L, &err);
	}
	push_text(L, aps_buf_str(&tree->text));
	clear_tree(tree);
	return 1;
}

struct aps_gql_document *apl_gql_check_document(lua_State *L, int index)
{
	struct aps_gql_document **slot = luaL_checkudata(L, index, APL_DOCUMENT_METATABLE);
	luaL_argcheck(L, *slot != NULL, index, "the document was collected");
	return *slot;
}

static void push_strings(lua_State *L, const struct aps_str *strings, size_t n)
{
	lua_createtable(L, n < 1024 ? (int)n : 1024, 0);
	for (size_t i = 0; i < n; i++) {
		push_text(L, strings[i]);
		lua_rawseti(L, -2, (int)i + 1);
	}
}

static int list_depth(const struct aps_gql_node *type)
{
	int depth = 0;
	for (; type != NULL; type = type->type) depth += type->kind == APS_GQL_LIST_TYPE;
	return depth;
}

/* lists: name → depth; required: name → true. Fields of the operation on top of the stack. */
static void set_variable_types(lua_State *L, const struct aps_gql_operation *operation)
{
	lua_newtable(L);
	lua_newtable(L);
	for (const struct aps_gql_node *node = operation->node->arguments; node != NULL; node = node->next) {
		if (node->kind != APS_GQL_VARIABLE_DEFINITION) continue;
		int depth = list_depth(node->type);
		push_text(L, node->name);
		lua_pushinteger(L, depth);
		if (depth != 0)
			lua_rawset(L, -4);
		else
			lua_pop(L, 2);
		if (node->type->kind != APS_GQL_NON_NULL_TYPE || node->value != NULL) continue;
		push_text(L, node->name);
		lua_pushboolean(L, 1);
		lua_rawset(L, -3);
	}
	lua_setfield(L, -3, "required");
	lua_setfield(L, -2, "lists");
}

/* The names of the root fields, whatever they are answered under, in the same order. */
static void push_root_names(lua_State *L, const struct aps_gql_operation *operation)
{
	int n = 0;
	lua_newtable(L);
	for (const struct aps_gql_node *node = operation->node->items; node != NULL; node = node->next) {
		if (node->kind != APS_GQL_FIELD) continue;
		push_text(L, node->name);
		lua_rawseti(L, -2, ++n);
	}
}

/* document:operations() */
static int Apl_document_operations(lua_State *L)
{
	static const char *const KINDS[] = {
	        [APS_GQL_QUERY] = "query", [APS_GQL_MUTATION] = "mutation", [APS_GQL_SUBSCRIPTION] = "subscription"};
	const struct aps_gql_document *doc = apl_gql_check_document(L, 1);
	lua_newtable(L);
	for (size_t i = 0; i < aps_gql_document_n_operations(doc); i++) {
		const struct aps_gql_operation *operation = aps_gql_document_operation(doc, i);
		lua_createtable(L, 0, 7);
		lua_pushstring(L, KINDS[operation->kind]);
		lua_setfield(L, -2, "kind");
		push_text(L, operation->name);
		lua_setfield(L, -2, "name");
		push_strings(L, operation->variables, operation->n_variables);
		lua_setfield(L, -2, "variables");
		push_strings(L, operation->root_fields, operation->n_root_fields);
		lua_setfield(L, -2, "root_fields");
		push_root_names(L, operation);
		lua_setfield(L, -2, "root_names");
		set_variable_types(L, operation);
		lua_rawseti(L, -2, (int)i + 1);
	}
	return 1;
}

/* document:fragments(): the names of those that no other one includes, of a document without operations */
static int Apl_document_fragments(lua_State *L)
{
	const struct aps_gql_document *doc = apl_gql_check_document(L, 1);
	lua_newtable(L);
	for (size_t i = 0; i < aps_gql_document_n_fragments(doc); i++) {
		push_text(L, aps_gql_document_fragment_at(doc, i)->name);
		lua_rawseti(L, -2, (int)i + 1);
	}
	return 1;
}

/* document:text([with_typenames]) */
static int Apl_document_text(lua_State *L)
{
	const struct aps_gql_document *doc = apl_gql_check_document(L, 1);
	push_text(L, lua_toboolean(L, 2) ? aps_gql_document_text_typenames(doc) : aps_gql_document_text(doc));
	return 1;
}

/* document:hash() */
static int Apl_document_hash(lua_State *L)
{
	push_text(L, aps_gql_document_hash(apl_gql_check_document(L, 1)));
	return 1;
}

/* document:bytes() */
static int Apl_document_bytes(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)aps_gql_document_bytes(apl_gql_check_document(L, 1)));
	return 1;
}

/* Names the operation; the text may be long and hold what a log must not. */
static int Apl_document_tostring(lua_State *L)
{
	const struct aps_gql_document *doc = apl_gql_check_document(L, 1);
	const struct aps_gql_operation *first = aps_gql_document_operation(doc, 0);
	if (first == NULL) first = aps_gql_document_fragment_at(doc, 0);
	lua_pushliteral(L, "appsync.core.document: ");
	push_text(L, first->name.n != 0 ? first->name : APS_STR("(anonymous)"));
	lua_concat(L, 2);
	return 1;
}

static int Apl_document_gc(lua_State *L)
{
	struct aps_gql_document **slot = luaL_checkudata(L, 1, APL_DOCUMENT_METATABLE);
	aps_gql_document_unref(*slot);
	*slot = NULL;
	return 0;
}

static void make_metatables(lua_State *L)
{
	static const luaL_Reg METHODS[] = {{"operations", Apl_document_operations},
	                                   {"fragments", Apl_document_fragments},
	                                   {"text", Apl_document_text},
	                                   {"hash", Apl_document_hash},
	                                   {"bytes", Apl_document_bytes},
	                                   {NULL, NULL}};
	static const luaL_Reg META[] = {{"__gc", Apl_document_gc}, {"__tostring", Apl_document_tostring}, {NULL, NULL}};
	static const luaL_Reg TREE_META[] = {{"__gc", Apl_tree_gc}, {NULL, NULL}};
	if (luaL_newmetatable(L, APL_DOCUMENT_METATABLE)) {
		apl_register(L, META);
		lua_newtable(L);
		apl_register(L, METHODS);
		lua_setfield(L, -2, "__index");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	if (luaL_newmetatable(L, TREE_METATABLE)) {
		apl_register(L, TREE_META);
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_pop(L, 2);
}

void apl_gql_register(lua_State *L)
{
	static const luaL_Reg FUNCTIONS[] = {
	        {"document", Apl_gql_document}, {"parse", Apl_gql_parse}, {"print", Apl_gql_print}, {NULL, NULL}};
	make_metatables(L);
	apl_register(L, FUNCTIONS);
}
