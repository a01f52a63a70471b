#include "cache/arguments.h"

#include "codec/json_reader.h"
#include "codec/json_scan.h"
#include "codec/json_writer.h"

#include <stdlib.h>

#define MAX_SHOWN 40 /* bytes of a number */

/* What a canonical text is made from: `arena` holds the members of objects while they are sorted. */
struct writing {
	struct aps_json_writer w;
	struct aps_arena *arena;
	const struct aps_variables *variables;
	bool is_short; /* of memory */
};

struct member {
	struct aps_str key;
	struct aps_str json;             /* either */
	const struct aps_gql_node *node; /* or */
	struct member *next;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *const *left = a;
	const struct member *const *right = b;
	return aps_str_cmp((*left)->key, (*right)->key);
}

static void write_json(struct writing *in, struct aps_str json);
static void write_node(struct writing *in, const struct aps_gql_node *node);

static void write_members(struct writing *in, struct member *first, size_t n)
{
	struct member **sorted = aps_arena_get(in->arena, (n + 1) * sizeof(struct member *));
	if (sorted == NULL) {
		in->is_short = true;
		return;
	}
	n = 0;
	for (; first != NULL; first = first->next) sorted[n++] = first;
	if (n > 1) qsort(sorted, n, sizeof(struct member *), compare_members);
	aps_json_write_object(&in->w);
	for (size_t i = 0; i < n; i++) {
		/* of one key the last one counts, as in JSON.parse(); the members were collected backwards */
		if (i > 0 && aps_str_eq(sorted[i]->key, sorted[i - 1]->key)) continue;
		aps_json_write_key(&in->w, sorted[i]->key);
		if (sorted[i]->node != NULL)
			write_node(in, sorted[i]->node);
		else
			write_json(in, sorted[i]->json);
	}
	aps_json_write_object_end(&in->w);
}

static struct member *add_member(struct writing *in, struct member **first, size_t *n)
{
	struct member *member = aps_arena_get(in->arena, sizeof *member);
	if (member == NULL) {
		in->is_short = true;
		return NULL;
	}
	member->next = *first;
	*first = member;
	(*n)++;
	return member;
}

static void write_json_object(struct writing *in, struct aps_json_reader *r)
{
	struct member *first = NULL, *member;
	size_t n = 0;
	while (aps_json_next(r) == APS_JSON_KEY) {
		if ((member = add_member(in, &first, &n)) == NULL) return;
		member->key = aps_json_unescape(r, in->arena);
		if (member->key.p == NULL) in->is_short = true;
		if (aps_json_skip_value(r, &member->json) != APS_OK) return;
	}
	write_members(in, first, n);
}

static void write_json_string(struct writing *in, const struct aps_json_reader *r)
{
	struct aps_str text = aps_json_unescape(r, in->arena);
	if (text.p == NULL)
		in->is_short = true;
	else
		aps_json_write_string(&in->w, text);
}

static void write_token(struct writing *in, struct aps_json_reader *r, enum aps_json_token token)
{
	switch (token) {
	case APS_JSON_OBJECT: write_json_object(in, r); break;
	case APS_JSON_ARRAY:
		aps_json_write_array(&in->w);
		while ((token = aps_json_next(r)) != APS_JSON_ARRAY_END && token != APS_JSON_ERROR)
			write_token(in, r, token);
		aps_json_write_array_end(&in->w);
		break;
	case APS_JSON_STRING: write_json_string(in, r); break;
	case APS_JSON_INT: aps_json_write_int(&in->w, r->integer); break;
	case APS_JSON_DOUBLE:
		aps_json_write_double(&in->w, r->number == 0 ? 0 : r->number);
		break; /* no zero below zero */
	case APS_JSON_BIGINT: aps_json_write_raw(&in->w, r->text); break;
	case APS_JSON_TRUE: aps_json_write_bool(&in->w, true); break;
	case APS_JSON_FALSE: aps_json_write_bool(&in->w, false); break;
	default: aps_json_write_null(&in->w); break;
	}
}

/* The text was read whole before: it has no faults, and no depth that its first reader didn't allow. */
static void write_json(struct writing *in, struct aps_str json)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	write_token(in, &r, aps_json_next(&r));
}

static void write_number(struct writing *in, struct aps_str text)
{
	bool was_right = in->w.err.code == APS_OK;
	write_json(in, text); /* GraphQL's grammar of numbers is JSON's */
	if (!was_right || in->w.err.code != APS_E_USAGE) return;
	aps_fail(&in->w.err, APS_E_USAGE, "the document has the number %.*s%s, which is larger than a Float can be",
	         (int)(text.n < MAX_SHOWN ? text.n : MAX_SHOWN), text.p, text.n > MAX_SHOWN ? "..." : "");
}

static bool is_unset(const struct writing *in, const struct aps_gql_node *value)
{
	return value->kind == APS_GQL_VARIABLE && aps_variables_get(in->variables, value->name).n == 0;
}

/* Arguments, or the fields of an object value. */
static void write_named_values(struct writing *in, const struct aps_gql_node *list)
{
	struct member *first = NULL;
	size_t n = 0;
	for (const struct aps_gql_node *node = list; node != NULL; node = node->next) {
		struct member *member = is_unset(in, node->value) ? NULL : add_member(in, &first, &n);
		if (member == NULL) continue;
		member->key = node->name;
		member->node = node->value;
	}
	write_members(in, first, n);
}

static void write_node(struct writing *in, const struct aps_gql_node *node)
{
	struct aps_str json;
	switch (node->kind) {
	case APS_GQL_VARIABLE:
		json = aps_variables_get(in->variables, node->name);
		aps_json_write_raw(&in->w, json.n != 0 ? json : APS_STR("null"));
		break;
	case APS_GQL_INT_VALUE:
	case APS_GQL_FLOAT_VALUE: write_number(in, node->text); break;
	case APS_GQL_STRING_VALUE:
	case APS_GQL_ENUM_VALUE: aps_json_write_string(&in->w, node->text); break;
	case APS_GQL_BOOLEAN_VALUE: aps_json_write_bool(&in->w, node->is_true); break;
	case APS_GQL_LIST_VALUE:
		aps_json_write_array(&in->w);
		for (const struct aps_gql_node *item = node->items; item != NULL; item = item->next)
			write_node(in, item);
		aps_json_write_array_end(&in->w);
		break;
	case APS_GQL_OBJECT_VALUE: write_named_values(in, node->items); break;
	default: aps_json_write_null(&in->w); break;
	}
}

static void begin_writing(struct writing *in, struct aps_buf *out, const struct aps_variables *variables,
                          struct aps_arena *arena)
{
	*in = (struct writing){.arena = arena, .variables = variables};
	aps_json_writer_init(&in->w, out);
}

static enum aps_rc end_writing(const struct writing *in, struct aps_err *err)
{
	if (in->is_short) return aps_arena_fail(in->arena, "the arguments of a field", err);
	if (in->w.err.code == APS_OK && in->w.buf->rc == APS_OK) return APS_OK;
	if (in->w.err.code == APS_OK) return aps_fail(err, in->w.buf->rc, "no memory for the arguments of a field");
	if (err != NULL) *err = in->w.err;
	return in->w.err.code;
}

enum aps_rc aps_canonical_json(struct aps_buf *out, struct aps_str json, struct aps_arena *arena, struct aps_err *err)
{
	struct writing in;
	begin_writing(&in, out, NULL, arena);
	write_json(&in, json);
	return end_writing(&in, err);
}

struct aps_str aps_variables_get(const struct aps_variables *variables, struct aps_str name)
{
	for (size_t i = 0; i < variables->n_items; i++)
		if (aps_str_eq(variables->items[i].name, name)) return variables->items[i].json;
	return APS_STR("");
}

static size_t count_members(struct aps_str json)
{
	struct aps_json_reader r;
	size_t n = 0;
	aps_json_reader_init(&r, json, 0);
	for (aps_json_next(&r); aps_json_next(&r) == APS_JSON_KEY; n++)
		if (aps_json_skip_value(&r, NULL) != APS_OK) break;
	return n;
}

static struct aps_variable *find_variable(const struct aps_variables *variables, struct aps_str name)
{
	for (size_t i = 0; i < variables->n_items; i++)
		if (aps_str_eq(variables->items[i].name, name)) return &variables->items[i];
	return NULL;
}

/* Text that is canonical as it stands: strings in which nothing is escaped, or has to be. */
static bool is_plain_string(struct aps_str json)
{
	if (json.n < 2 || json.p[0] != '"') return false;
	const char *end = json.p + json.n - 1;
	return aps_json_scan(json.p + 1, end) == end;
}

static enum aps_rc keep_plain(struct aps_variable *variable, struct aps_str json, struct aps_arena *arena,
                              struct aps_err *err)
{
	variable->json = aps_arena_dup(arena, json);
	return variable->json.p != NULL ? APS_OK : aps_arena_fail(arena, "the variables", err);
}

/* One variable's value in canonical text, kept in the arena. */
static enum aps_rc keep_value(struct aps_variable *variable, struct aps_str json, const struct aps_gql_node *node,
                              struct aps_arena *arena, struct aps_err *err)
{
	struct aps_buf text;
	struct writing in;
	if (is_plain_string(json)) return keep_plain(variable, json, arena, err);
	aps_buf_init(&text, arena->max_bytes);
	begin_writing(&in, &text, NULL, arena);
	if (node != NULL)
		write_node(&in, node);
	else
		write_json(&in, json);
	enum aps_rc rc = end_writing(&in, err);
	if (rc == APS_OK) variable->json = aps_arena_dup(arena, aps_buf_str(&text));
	if (rc == APS_OK && variable->json.p == NULL) rc = aps_arena_fail(arena, "the variables", err);
	aps_buf_clear(&text);
	return rc;
}

/* Declared names, those with a default having it. A fragment declares none, and takes those that are given. */
static enum aps_rc declare(struct aps_variables *variables, const struct aps_gql_node *operation, struct aps_str json,
                           struct aps_arena *arena, struct aps_err *err)
{
	size_t n = operation->kind == APS_GQL_FRAGMENT_DEFINITION ? count_members(json) : 0;
	for (const struct aps_gql_node *node = operation->arguments; node != NULL; node = node->next) n++;
	variables->items = aps_arena_get(arena, (n + 1) * sizeof *variables->items);
	if (variables->items == NULL) return aps_arena_fail(arena, "the variables", err);
	for (const struct aps_gql_node *node = operation->arguments; node != NULL; node = node->next) {
		struct aps_variable *variable = &variables->items[variables->n_items++];
		variable->name = node->name;
		variable->json = APS_STR("");
		if (node->value == NULL) continue;
		enum aps_rc rc = keep_value(variable, APS_STR(""), node->value, arena, err);
		if (rc != APS_OK) return rc;
	}
	return APS_OK;
}

enum aps_rc aps_variables_init(struct aps_variables *variables, const struct aps_gql_node *operation,
                               struct aps_str json, struct aps_arena *arena, struct aps_err *err)
{
	*variables = (struct aps_variables){.n_items = 0};
	enum aps_rc rc = declare(variables, operation, json, arena, err);
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	enum aps_json_token token = rc == APS_OK ? aps_json_next(&r) : APS_JSON_END;
	while (rc == APS_OK && (token = aps_json_next(&r)) == APS_JSON_KEY) {
		struct aps_str name = aps_json_unescape(&r, arena), span;
		if (name.p == NULL) return aps_arena_fail(arena, "the variables", err);
		if (aps_json_skip_value(&r, &span) != APS_OK) break;
		struct aps_variable *variable = find_variable(variables, name);
		if (variable == NULL && operation->kind == APS_GQL_FRAGMENT_DEFINITION) {
			variable = &variables->items[variables->n_items++];
			variable->name = name;
		}
		if (variable != NULL) rc = keep_value(variable, span, NULL, arena, err);
	}
	if (rc == APS_OK && r.err.code != APS_OK) {
		if (err != NULL) *err = r.err;
		rc = r.err.code;
	}
	return rc;
}

static const struct aps_gql_node *find_named(const struct aps_gql_node *list, struct aps_str name)
{
	for (; list != NULL; list = list->next)
		if (aps_str_eq(list->name, name)) return list;
	return NULL;
}

static bool is_silent(const struct aps_gql_node *directive)
{
	static const char *const SILENT[] = {"include", "skip",       "client",     "rest",
	                                     "export",  "connection", "nonreactive"};
	for (size_t i = 0; i < APS_COUNTOF(SILENT); i++)
		if (aps_str_is(directive->name, SILENT[i])) return true;
	return false;
}

/* The arguments of these names that are given, as an object. */
static void write_picked(struct writing *in, const struct aps_gql_node *arguments, const struct aps_key_args *names)
{
	struct member *first = NULL;
	size_t n = 0;
	for (size_t i = 0; i < names->n_names; i++) {
		const struct aps_gql_node *argument = find_named(arguments, names->names[i]);
		struct member *member =
		        argument == NULL || is_unset(in, argument->value) ? NULL : add_member(in, &first, &n);
		if (member == NULL) continue;
		member->key = argument->name;
		member->node = argument->value;
	}
	write_members(in, first, n);
}

static const struct aps_gql_node *find_connection_key(const struct aps_gql_node *field,
                                                      const struct aps_gql_node **directive)
{
	*directive = find_named(field->directives, APS_STR("connection"));
	const struct aps_gql_node *key =
	        *directive != NULL ? find_named((*directive)->arguments, APS_STR("key")) : NULL;
	return key != NULL && key->value->kind == APS_GQL_STRING_VALUE ? key->value : NULL;
}

/* @connection(key: "k", filter: ["a"]) */
static void write_connection(struct writing *in, const struct aps_gql_node *field, const struct aps_gql_node *key,
                             const struct aps_gql_node *directive)
{
	const struct aps_gql_node *filter = find_named(directive->arguments, APS_STR("filter"));
	aps_buf_add_str(in->w.buf, key->text);
	if (filter == NULL || filter->value->kind != APS_GQL_LIST_VALUE || filter->value->items == NULL) return;
	size_t n = 0;
	for (const struct aps_gql_node *item = filter->value->items; item != NULL; item = item->next) n++;
	struct aps_str *names = aps_arena_get(in->arena, n * sizeof *names);
	if (names == NULL) {
		in->is_short = true;
		return;
	}
	n = 0;
	for (const struct aps_gql_node *item = filter->value->items; item != NULL; item = item->next)
		names[n++] = item->text;
	const struct aps_key_args picked = {names, n};
	aps_buf_add_byte(in->w.buf, '(');
	write_picked(in, field->arguments, &picked);
	aps_buf_add_byte(in->w.buf, ')');
}

static void write_arguments(struct writing *in, const struct aps_gql_node *field, const struct aps_key_args *key_args)
{
	if (key_args != NULL && key_args->n_names == 0) return;
	if (key_args == NULL && field->arguments == NULL) return;
	aps_buf_add_byte(in->w.buf, '(');
	if (key_args != NULL)
		write_picked(in, field->arguments, key_args);
	else
		write_named_values(in, field->arguments);
	aps_buf_add_byte(in->w.buf, ')');
}

static void write_directives(struct writing *in, const struct aps_gql_node *field)
{
	for (const struct aps_gql_node *node = field->directives; node != NULL; node = node->next) {
		if (is_silent(node)) continue;
		aps_buf_add_byte(in->w.buf, '@');
		aps_buf_add_str(in->w.buf, node->name);
		in->w.needs_comma = false;
		if (node->arguments == NULL) continue;
		aps_buf_add_byte(in->w.buf, '(');
		write_named_values(in, node->arguments);
		aps_buf_add_byte(in->w.buf, ')');
	}
}

enum aps_rc aps_field_key(struct aps_buf *out, const struct aps_gql_node *field, const struct aps_key_args *key_args,
                          const struct aps_variables *variables, struct aps_arena *arena, struct aps_err *err)
{
	struct writing in;
	const struct aps_gql_node *directive;
	const struct aps_gql_node *key = find_connection_key(field, &directive);
	begin_writing(&in, out, variables, arena);
	if (key != NULL) {
		write_connection(&in, field, key, directive);
	} else {
		aps_buf_add_str(out, field->name);
		write_arguments(&in, field, key_args);
		in.w.needs_comma = false;
		write_directives(&in, field);
	}
	return end_writing(&in, err);
}

bool aps_argument_value(struct aps_buf *out, const struct aps_gql_node *field, struct aps_str name,
                        const struct aps_variables *variables, struct aps_arena *arena)
{
	struct writing in;
	const struct aps_gql_node *argument = find_named(field->arguments, name);
	begin_writing(&in, out, variables, arena);
	if (argument == NULL || is_unset(&in, argument->value)) return false;
	write_node(&in, argument->value);
	return end_writing(&in, NULL) == APS_OK;
}

struct aps_str aps_argument_variable(const struct aps_gql_node *field, struct aps_str name,
                                     const struct aps_variables *variables)
{
	const struct aps_gql_node *argument = find_named(field->arguments, name);
	bool is_variable = argument != NULL && argument->value->kind == APS_GQL_VARIABLE;
	return is_variable ? aps_variables_get(variables, argument->value->name) : APS_STR("");
}

enum aps_rc aps_argument_values(struct aps_buf *out, const struct aps_gql_node *field,
                                const struct aps_variables *variables, struct aps_arena *arena, struct aps_err *err)
{
	struct writing in;
	begin_writing(&in, out, variables, arena);
	write_named_values(&in, field->arguments);
	return end_writing(&in, err);
}

static bool is_true(const struct aps_gql_node *directive, const struct aps_variables *variables, bool otherwise)
{
	const struct aps_gql_node *condition = find_named(directive->arguments, APS_STR("if"));
	if (condition == NULL) return otherwise;
	if (condition->value->kind == APS_GQL_BOOLEAN_VALUE) return condition->value->is_true;
	if (condition->value->kind != APS_GQL_VARIABLE) return otherwise;
	struct aps_str json = aps_variables_get(variables, condition->value->name);
	return aps_str_is(json, "true") ? true : aps_str_is(json, "false") ? false : otherwise;
}

bool aps_is_included(const struct aps_gql_node *selection, const struct aps_variables *variables)
{
	for (const struct aps_gql_node *node = selection->directives; node != NULL; node = node->next) {
		if (aps_str_is(node->name, "skip") && is_true(node, variables, false)) return false;
		if (aps_str_is(node->name, "include") && !is_true(node, variables, true)) return false;
	}
	return true;
}
