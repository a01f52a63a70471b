#include "binding/gql_tree.h"

#include "binding/strings.h"
#include "gql/lexer.h"

#include <stdio.h>

/* How a member of a Lua node is kept in struct aps_gql_node. */
enum form {
	FORM_END,
	FORM_NAME,      /* a name */
	FORM_MAYBE,     /* a name, or nil */
	FORM_STRING,    /* any bytes */
	FORM_NUMBER,    /* the text of a number */
	FORM_OPERATION, /* query, mutation or subscription */
	FORM_FLAG,      /* a boolean */
	FORM_NODE,      /* a node */
	FORM_OPTIONAL,  /* a node, or nil */
	FORM_LIST,      /* a list of nodes, empty when it is missing */
	FORM_SOME,      /* a list of at least one node */
	FORM_SELECTION, /* a list of at least one node, nil for none */
	FORM_NAMES      /* a list of names */
};

struct member {
	const char *key;
	enum form form;
	size_t offset;
	uint64_t accepts; /* kinds of nodes */
};

#define KIND(name) ((uint64_t)1 << APS_GQL_##name)
#define VALUES                                                                                                         \
	(KIND(VARIABLE) | KIND(INT_VALUE) | KIND(FLOAT_VALUE) | KIND(STRING_VALUE) | KIND(BOOLEAN_VALUE) |             \
	 KIND(NULL_VALUE) | KIND(ENUM_VALUE) | KIND(LIST_VALUE) | KIND(OBJECT_VALUE))
#define TYPES      (KIND(NAMED_TYPE) | KIND(LIST_TYPE) | KIND(NON_NULL_TYPE))
#define SELECTIONS (KIND(FIELD) | KIND(FRAGMENT_SPREAD) | KIND(INLINE_FRAGMENT))
#define DEFINITIONS                                                                                                    \
	(KIND(OPERATION_DEFINITION) | KIND(FRAGMENT_DEFINITION) | KIND(DIRECTIVE_DEFINITION) |                         \
	 (((uint64_t)1 << APS_GQL_KIND_COUNT) - KIND(SCHEMA_DEFINITION)))

#define AT(member) offsetof(struct aps_gql_node, member)
#define END                                                                                                            \
	{                                                                                                              \
		NULL, FORM_END, 0, 0                                                                                   \
	}
#define NAMED                                                                                                          \
	{                                                                                                              \
		"name", FORM_NAME, AT(name), 0                                                                         \
	}
#define DIRECTIVES                                                                                                     \
	{                                                                                                              \
		"directives", FORM_LIST, AT(directives), KIND(DIRECTIVE)                                               \
	}
#define DESCRIBED                                                                                                      \
	{                                                                                                              \
		"description", FORM_OPTIONAL, AT(description), KIND(STRING_VALUE)                                      \
	}
#define ARGUMENTS                                                                                                      \
	{                                                                                                              \
		"arguments", FORM_LIST, AT(arguments), KIND(ARGUMENT)                                                  \
	}
#define ARGUMENT_DEFINITIONS                                                                                           \
	{                                                                                                              \
		"arguments", FORM_LIST, AT(arguments), KIND(INPUT_VALUE_DEFINITION)                                    \
	}
#define TYPED                                                                                                          \
	{                                                                                                              \
		"type", FORM_NODE, AT(type), TYPES                                                                     \
	}
#define DEFAULTED                                                                                                      \
	{                                                                                                              \
		"defaultValue", FORM_OPTIONAL, AT(value), VALUES                                                       \
	}
#define INTERFACES                                                                                                     \
	{                                                                                                              \
		"interfaces", FORM_NAMES, AT(interfaces), 0                                                            \
	}
#define SELECTION_SET                                                                                                  \
	{                                                                                                              \
		"selectionSet", FORM_SOME, AT(items), SELECTIONS                                                       \
	}
#define VALUED                                                                                                         \
	{                                                                                                              \
		"value", FORM_NODE, AT(value), VALUES                                                                  \
	}
#define OPERATION                                                                                                      \
	{                                                                                                              \
		"operation", FORM_OPERATION, AT(text), 0                                                               \
	}
#define CONDITION(form)                                                                                                \
	{                                                                                                              \
		"typeCondition", form, AT(text), 0                                                                     \
	}
#define ITEMS(key, kind)                                                                                               \
	{                                                                                                              \
		key, FORM_LIST, AT(items), kind                                                                        \
	}

#define MEMBERS(name, ...) static const struct member name[] = {__VA_ARGS__, END}

MEMBERS(DOCUMENT, {"definitions", FORM_SOME, AT(items), DEFINITIONS});
MEMBERS(OPERATION_DEFINITION, OPERATION, {"name", FORM_MAYBE, AT(name), 0},
        {"variableDefinitions", FORM_LIST, AT(arguments), KIND(VARIABLE_DEFINITION)}, DIRECTIVES, SELECTION_SET);
MEMBERS(FRAGMENT_DEFINITION, NAMED, CONDITION(FORM_NAME), DIRECTIVES, SELECTION_SET);
MEMBERS(VARIABLE_DEFINITION, {"variable", FORM_NAME, AT(name), 0}, TYPED, DEFAULTED, DIRECTIVES);
MEMBERS(FIELD, {"alias", FORM_MAYBE, AT(text), 0}, NAMED, ARGUMENTS, DIRECTIVES,
        {"selectionSet", FORM_SELECTION, AT(items), SELECTIONS});
MEMBERS(FRAGMENT_SPREAD, NAMED, DIRECTIVES);
MEMBERS(INLINE_FRAGMENT, CONDITION(FORM_MAYBE), DIRECTIVES, SELECTION_SET);
MEMBERS(PAIR, NAMED, VALUED);
MEMBERS(DIRECTIVE, NAMED, ARGUMENTS);
MEMBERS(NAME_ONLY, NAMED);
MEMBERS(NUMBER, {"value", FORM_NUMBER, AT(text), 0});
MEMBERS(STRING, {"value", FORM_STRING, AT(text), 0}, {"block", FORM_FLAG, AT(is_true), 0});
MEMBERS(BOOLEAN, {"value", FORM_FLAG, AT(is_true), 0});
MEMBERS(NOTHING, END);
MEMBERS(ENUM, {"value", FORM_NAME, AT(text), 0});
MEMBERS(LIST, ITEMS("values", VALUES));
MEMBERS(OBJECT, ITEMS("fields", KIND(OBJECT_FIELD)));
MEMBERS(LIST_TYPE, TYPED);
MEMBERS(NON_NULL, {"type", FORM_NODE, AT(type), KIND(NAMED_TYPE) | KIND(LIST_TYPE)});
MEMBERS(OPERATION_TYPE, OPERATION, {"type", FORM_NAME, AT(name), 0});
MEMBERS(FIELD_DEFINITION, DESCRIBED, NAMED, ARGUMENT_DEFINITIONS, TYPED, DIRECTIVES);
MEMBERS(INPUT_VALUE, DESCRIBED, NAMED, TYPED, DEFAULTED, DIRECTIVES);
MEMBERS(DESCRIBED_NAME, DESCRIBED, NAMED, DIRECTIVES);
MEMBERS(DIRECTIVE_DEFINITION, DESCRIBED, NAMED, ARGUMENT_DEFINITIONS, {"repeatable", FORM_FLAG, AT(is_true), 0},
        {"locations", FORM_NAMES, AT(items), 0});
MEMBERS(SCHEMA, DESCRIBED, DIRECTIVES, ITEMS("operationTypes", KIND(OPERATION_TYPE_DEFINITION)));
MEMBERS(FIELDS, DESCRIBED, NAMED, INTERFACES, DIRECTIVES, ITEMS("fields", KIND(FIELD_DEFINITION)));
MEMBERS(UNION, DESCRIBED, NAMED, DIRECTIVES, {"types", FORM_NAMES, AT(items), 0});
MEMBERS(ENUM_TYPE, DESCRIBED, NAMED, DIRECTIVES, ITEMS("values", KIND(ENUM_VALUE_DEFINITION)));
MEMBERS(INPUT_OBJECT, DESCRIBED, NAMED, DIRECTIVES, ITEMS("fields", KIND(INPUT_VALUE_DEFINITION)));

static const struct member *const MEMBERS_OF[APS_GQL_KIND_COUNT] = {
        [APS_GQL_DOCUMENT] = DOCUMENT,
        [APS_GQL_OPERATION_DEFINITION] = OPERATION_DEFINITION,
        [APS_GQL_FRAGMENT_DEFINITION] = FRAGMENT_DEFINITION,
        [APS_GQL_VARIABLE_DEFINITION] = VARIABLE_DEFINITION,
        [APS_GQL_FIELD] = FIELD,
        [APS_GQL_FRAGMENT_SPREAD] = FRAGMENT_SPREAD,
        [APS_GQL_INLINE_FRAGMENT] = INLINE_FRAGMENT,
        [APS_GQL_ARGUMENT] = PAIR,
        [APS_GQL_DIRECTIVE] = DIRECTIVE,
        [APS_GQL_VARIABLE] = NAME_ONLY,
        [APS_GQL_INT_VALUE] = NUMBER,
        [APS_GQL_FLOAT_VALUE] = NUMBER,
        [APS_GQL_STRING_VALUE] = STRING,
        [APS_GQL_BOOLEAN_VALUE] = BOOLEAN,
        [APS_GQL_NULL_VALUE] = NOTHING,
        [APS_GQL_ENUM_VALUE] = ENUM,
        [APS_GQL_LIST_VALUE] = LIST,
        [APS_GQL_OBJECT_VALUE] = OBJECT,
        [APS_GQL_OBJECT_FIELD] = PAIR,
        [APS_GQL_NAMED_TYPE] = NAME_ONLY,
        [APS_GQL_LIST_TYPE] = LIST_TYPE,
        [APS_GQL_NON_NULL_TYPE] = NON_NULL,
        [APS_GQL_NAME] = NAME_ONLY,
        [APS_GQL_OPERATION_TYPE_DEFINITION] = OPERATION_TYPE,
        [APS_GQL_FIELD_DEFINITION] = FIELD_DEFINITION,
        [APS_GQL_INPUT_VALUE_DEFINITION] = INPUT_VALUE,
        [APS_GQL_ENUM_VALUE_DEFINITION] = DESCRIBED_NAME,
        [APS_GQL_DIRECTIVE_DEFINITION] = DIRECTIVE_DEFINITION,
        [APS_GQL_SCHEMA_DEFINITION] = SCHEMA,
        [APS_GQL_SCALAR_TYPE_DEFINITION] = DESCRIBED_NAME,
        [APS_GQL_OBJECT_TYPE_DEFINITION] = FIELDS,
        [APS_GQL_INTERFACE_TYPE_DEFINITION] = FIELDS,
        [APS_GQL_UNION_TYPE_DEFINITION] = UNION,
        [APS_GQL_ENUM_TYPE_DEFINITION] = ENUM_TYPE,
        [APS_GQL_INPUT_OBJECT_TYPE_DEFINITION] = INPUT_OBJECT,
        [APS_GQL_SCHEMA_EXTENSION] = SCHEMA,
        [APS_GQL_SCALAR_TYPE_EXTENSION] = DESCRIBED_NAME,
        [APS_GQL_OBJECT_TYPE_EXTENSION] = FIELDS,
        [APS_GQL_INTERFACE_TYPE_EXTENSION] = FIELDS,
        [APS_GQL_UNION_TYPE_EXTENSION] = UNION,
        [APS_GQL_ENUM_TYPE_EXTENSION] = ENUM_TYPE,
        [APS_GQL_INPUT_OBJECT_TYPE_EXTENSION] = INPUT_OBJECT,
};

/* --- tree to Lua ------------------------------------------------------------------------------------------------- */

static void push_list(lua_State *L, const struct aps_gql_node *list, bool as_names)
{
	lua_newtable(L);
	for (int i = 1; list != NULL; list = list->next, i++) {
		if (as_names)
			lua_pushlstring(L, list->name.p, list->name.n);
		else
			apl_gql_push_node(L, list);
		lua_rawseti(L, -2, i);
	}
}

static const struct aps_gql_node *child_of(const struct aps_gql_node *node, const struct member *member)
{
	const struct aps_gql_node *child = NULL;
	if (member->form >= FORM_NODE) memcpy(&child, (const char *)node + member->offset, sizeof child);
	return child;
}

static const struct aps_str *text_of(const struct aps_gql_node *node, const struct member *member)
{
	return (const struct aps_str *)(const void *)((const char *)node + member->offset);
}

/* Pushes the member's value; false (and nothing) where the node has none. */
static bool push_member(lua_State *L, const struct aps_gql_node *node, const struct member *member)
{
	const struct aps_str *text = text_of(node, member);
	const struct aps_gql_node *child = child_of(node, member);
	switch (member->form) {
	case FORM_FLAG: lua_pushboolean(L, *(const bool *)((const char *)node + member->offset)); return true;
	case FORM_NODE:
	case FORM_OPTIONAL:
		if (child == NULL) return false;
		apl_gql_push_node(L, child);
		return true;
	case FORM_SELECTION:
		if (child == NULL) return false;
		push_list(L, child, false);
		return true;
	case FORM_LIST:
	case FORM_SOME: push_list(L, child, false); return true;
	case FORM_NAMES: push_list(L, child, true); return true;
	case FORM_MAYBE:
		if (text->n == 0) return false;
		lua_pushlstring(L, text->p, text->n);
		return true;
	default: lua_pushlstring(L, text->n != 0 ? text->p : "", text->n); return true;
	}
}

void apl_gql_push_node(lua_State *L, const struct aps_gql_node *node)
{
	luaL_checkstack(L, 8, "syntax tree");
	lua_createtable(L, 0, 6);
	lua_pushstring(L, aps_gql_kind_name(node->kind));
	lua_setfield(L, -2, "kind");
	lua_createtable(L, 0, 2);
	lua_pushinteger(L, (lua_Integer)node->place.line);
	lua_setfield(L, -2, "line");
	lua_pushinteger(L, (lua_Integer)node->place.column);
	lua_setfield(L, -2, "column");
	lua_setfield(L, -2, "loc");
	for (const struct member *member = MEMBERS_OF[node->kind]; member->form != FORM_END; member++)
		if (push_member(L, node, member)) lua_setfield(L, -2, member->key);
}

static enum aps_rc admit_node(lua_State *L, const struct aps_gql_node *node, struct apl_document_strings *strings,
                              struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (const struct member *member = MEMBERS_OF[node->kind]; member->form != FORM_END; member++) {
		if (member->form < FORM_FLAG)
			rc = apl_strings_admit(L, strings, *text_of(node, member), member->form != FORM_STRING, err);
		const struct aps_gql_node *child = child_of(node, member);
		bool is_list = member->form >= FORM_LIST;
		for (; child != NULL && rc == APS_OK; child = is_list ? child->next : NULL)
			rc = member->form == FORM_NAMES ? apl_strings_admit(L, strings, child->name, true, err)
			                                : admit_node(L, child, strings, err);
		if (rc != APS_OK) return rc;
	}
	return APS_OK;
}

enum aps_rc apl_gql_admit_node(lua_State *L, const struct aps_gql_node *node, struct aps_err *err)
{
	struct apl_document_strings strings = {.strings = NULL};
	apl_strings_begin(L, &strings);
	if (strings.strings == NULL || admit_node(L, node, &strings, err) == APS_OK) return APS_OK;
	return aps_fail(err, APS_E_TOO_BIG, "The document has too many names that collide in Lua's table of strings");
}

/* --- Lua to tree ------------------------------------------------------------------------------------------------- */

/* A level of an object value is two nodes; the rest is what stands around the deepest value. */
#define MAX_NODES_DEEP (2 * APS_GQL_MAX_DEPTH + 16)

/* The way from the root to the member that is read, for messages. */
struct step {
	const struct step *up;
	const char *key;
	size_t index; /* in a list, from 1; 0 outside one */
	unsigned depth;
};

struct reading {
	lua_State *L;
	struct aps_arena *arena;
	struct aps_err *err;
};

static struct aps_gql_node *read_node(const struct reading *reading, uint64_t accepts, const struct step *step);

static size_t write_path(const struct step *step, char *out, size_t size)
{
	if (step == NULL) return (size_t)snprintf(out, size, "ast");
	size_t n = write_path(step->up, out, size);
	if (n >= size) return n;
	int more = step->index == 0 ? snprintf(out + n, size - n, ".%s", step->key)
	                            : snprintf(out + n, size - n, ".%s[%zu]", step->key, step->index);
	return n + (size_t)more;
}

static bool refuse(const struct reading *reading, const struct step *step, const char *expected)
{
	char path[120];
	write_path(step, path, sizeof path);
	aps_fail(reading->err, APS_E_USAGE, "%s: expected %s, got %s", path, expected, luaL_typename(reading->L, -1));
	return false;
}

static bool is_number_text(struct aps_str text)
{
	struct aps_gql_lexer lexer;
	struct aps_gql_token token;
	aps_gql_lexer_init(&lexer, text);
	if (aps_gql_lexer_next(&lexer, &token) != APS_OK || token.text.n != text.n) return false;
	return token.kind == APS_GQL_TOKEN_INT || token.kind == APS_GQL_TOKEN_FLOAT;
}

static bool is_operation_word(struct aps_str text)
{
	return aps_str_is(text, "query") || aps_str_is(text, "mutation") || aps_str_is(text, "subscription");
}

/* The string on top of the stack, which its table keeps alive. */
static bool read_text(const struct reading *reading, enum form form, struct aps_str *out, const struct step *step)
{
	lua_State *L = reading->L;
	if (form == FORM_MAYBE && lua_isnil(L, -1)) return true;
	if (lua_type(L, -1) == LUA_TSTRING) out->p = lua_tolstring(L, -1, &out->n);
	bool is_string = out->p != NULL;
	if (form == FORM_STRING) return is_string || refuse(reading, step, "a string");
	if (form == FORM_NUMBER)
		return (is_string && is_number_text(*out)) || refuse(reading, step, "the text of a number");
	if (form == FORM_OPERATION)
		return (is_string && is_operation_word(*out)) || refuse(reading, step, "an operation's kind");
	return (is_string && aps_gql_is_name(*out)) || refuse(reading, step, "a name");
}

static struct aps_gql_node *new_node(const struct reading *reading, enum aps_gql_kind kind)
{
	struct aps_gql_node *node = aps_arena_get(reading->arena, sizeof *node);
	if (node != NULL)
		node->kind = kind;
	else
		aps_arena_fail(reading->arena, "the syntax tree", reading->err);
	return node;
}

static struct aps_gql_node *read_name_node(const struct reading *reading, const struct step *step)
{
	struct aps_gql_node *node = new_node(reading, APS_GQL_NAME);
	return node != NULL && read_text(reading, FORM_NAME, &node->name, step) ? node : NULL;
}

static bool read_list(const struct reading *reading, const struct member *member, struct aps_gql_node **tail,
                      const struct step *step)
{
	lua_State *L = reading->L;
	bool may_miss = member->form != FORM_SOME;
	if (may_miss && lua_isnil(L, -1)) return true;
	if (!lua_istable(L, -1)) return refuse(reading, step, "a list");
	struct step inner = *step;
	size_t n = lua_rawlen(L, -1);
	if (n == 0 && (member->form == FORM_SOME || member->form == FORM_SELECTION))
		return refuse(reading, step, "a list that isn't empty");
	for (inner.index = 1; inner.index <= n; inner.index++) {
		lua_rawgeti(L, -1, (int)inner.index);
		*tail = member->form == FORM_NAMES ? read_name_node(reading, &inner)
		                                   : read_node(reading, member->accepts, &inner);
		lua_pop(L, 1);
		if (*tail == NULL) return false;
		tail = &(*tail)->next;
	}
	return true;
}

/* The member's value is on top of the stack. */
static bool read_member(const struct reading *reading, const struct member *member, struct aps_gql_node *node,
                        const struct step *step)
{
	char *at = (char *)node + member->offset;
	struct aps_gql_node *child = NULL;
	switch (member->form) {
	case FORM_FLAG:
		if (!lua_isboolean(reading->L, -1) && !lua_isnil(reading->L, -1))
			return refuse(reading, step, "a boolean");
		*(bool *)at = lua_toboolean(reading->L, -1) != 0;
		return true;
	case FORM_OPTIONAL:
		if (lua_isnil(reading->L, -1)) return true;
		child = read_node(reading, member->accepts, step);
		break;
	case FORM_NODE: child = read_node(reading, member->accepts, step); break;
	case FORM_LIST:
	case FORM_SOME:
	case FORM_SELECTION:
	case FORM_NAMES:
		if (!read_list(reading, member, &child, step)) return false;
		memcpy(at, &child, sizeof child);
		return true;
	default: return read_text(reading, member->form, (struct aps_str *)(void *)at, step);
	}
	memcpy(at, &child, sizeof child);
	return child != NULL;
}

/* The node on top of the stack, which stays there. */
static struct aps_gql_node *read_node(const struct reading *reading, uint64_t accepts, const struct step *step)
{
	lua_State *L = reading->L;
	enum aps_gql_kind kind = APS_GQL_KIND_COUNT;
	struct step inner = {.up = step, .depth = step != NULL ? step->depth + 1 : 1};
	if (inner.depth > MAX_NODES_DEEP || !lua_checkstack(L, 8)) {
		aps_fail(reading->err, APS_E_DEPTH, "The syntax tree is nested deeper than %u levels", MAX_NODES_DEEP);
		return NULL;
	}
	if (lua_istable(L, -1)) {
		lua_pushliteral(L, "kind");
		lua_rawget(L, -2);
		struct aps_str name = {NULL, 0};
		if (lua_type(L, -1) == LUA_TSTRING) name.p = lua_tolstring(L, -1, &name.n);
		if (name.p != NULL) aps_gql_kind_find(name, &kind);
		lua_pop(L, 1);
	}
	if (kind == APS_GQL_KIND_COUNT || (accepts >> kind & 1) == 0) {
		refuse(reading, step, "a node of a kind that may stand here");
		return NULL;
	}
	struct aps_gql_node *node = new_node(reading, kind);
	if (node == NULL) return NULL;
	for (const struct member *member = MEMBERS_OF[kind]; member->form != FORM_END; member++) {
		inner.key = member->key;
		lua_pushstring(L, member->key);
		lua_rawget(L, -2);
		bool is_ok = read_member(reading, member, node, &inner);
		lua_pop(L, 1);
		if (!is_ok) return NULL;
	}
	return node;
}

enum aps_rc apl_gql_read_node(lua_State *L, int index, struct aps_arena *arena, struct aps_gql_node **out,
                              struct aps_err *err)
{
	const struct reading reading = {L, arena, err};
	aps_err_clear(err);
	lua_pushvalue(L, index);
	*out = read_node(&reading, ~(uint64_t)0, NULL);
	lua_pop(L, 1);
	return *out != NULL ? APS_OK : err->code;
}
