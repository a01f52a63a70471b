#include "sync/read_back.h"

#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "gql/lexer.h"
#include "gql/parser.h"
#include "gql/printer.h"
#include "sync/level_fields.h"
#include "sync/selection_uses.h"

struct building {
	const struct aps_read_back *of;
	struct aps_arena arena;
	const struct aps_level_field *roots;
	const struct aps_gql_node *root;      /* the first of its fields */
	struct aps_gql_node *selections;      /* the mutation's, of one record */
	const struct aps_level_field *record; /* the fields in them */
	struct aps_err *err;
};

/* A list that grows at its end. */
struct nodes {
	struct aps_gql_node *first;
	struct aps_gql_node **end;
};

static enum aps_rc fail_nomem(struct building *in)
{
	return aps_arena_fail(&in->arena, "the query that reads a record", in->err);
}

static enum aps_rc refuse(struct building *in, const char *before, struct aps_str name, const char *after)
{
	int n = aps_str_shown(name);
	return aps_fail(in->err, APS_E_USAGE, "A record can't be read back: %s\"%.*s\"%s", before, n, name.p, after);
}

static struct aps_gql_node *add(struct building *in, struct nodes *list, enum aps_gql_kind kind)
{
	struct aps_gql_node *node = aps_arena_get(&in->arena, sizeof *node);
	if (node == NULL) return NULL;
	node->kind = kind;
	*list->end = node;
	list->end = &node->next;
	return node;
}

static struct aps_gql_node *add_copy(struct building *in, struct nodes *list, const struct aps_gql_node *of)
{
	struct aps_gql_node *node = add(in, list, of->kind);
	if (node == NULL) return NULL;
	*node = *of;
	node->next = NULL;
	return node;
}

/* NULL: there is none, or there are several that differ in their response key. What tells the name of the root's type
 * counts for nothing where none is asked for. */
static const struct aps_gql_node *pick_root(const struct aps_level_field *roots, struct aps_str response_key)
{
	const struct aps_gql_node *picked = NULL;
	for (; roots != NULL; roots = roots->next) {
		struct aps_str key = aps_gql_response_key(roots->node);
		bool is_asked = response_key.n != 0 ? aps_str_eq(key, response_key)
		                                    : !aps_str_is(roots->node->name, "__typename");
		if (!is_asked) continue;
		if (picked == NULL)
			picked = roots->node;
		else if (!aps_str_eq(key, aps_gql_response_key(picked)))
			return NULL;
	}
	return picked;
}

enum aps_rc aps_read_back_root(const struct aps_gql_document *document, const struct aps_gql_operation *operation,
                               struct aps_str response_key, const struct aps_gql_node **root, struct aps_err *err)
{
	struct aps_arena arena;
	struct aps_level_field *roots = NULL;
	aps_arena_init(&arena, APS_GQL_ARENA_BYTES);
	enum aps_rc rc = aps_level_fields_add(&roots, document, operation->node->items, &arena, err);
	*root = rc == APS_OK ? pick_root(roots, response_key) : NULL;
	aps_arena_clear(&arena);
	return rc;
}

/* A root field may be written several times, and selects all of it then (GraphQL October 2021, section 6.3.2). */
static enum aps_rc take_selections(struct building *in)
{
	struct nodes list = {.end = &list.first};
	struct aps_level_field *record = NULL;
	for (const struct aps_level_field *root = in->roots; root != NULL; root = root->next) {
		if (!aps_str_eq(aps_gql_response_key(root->node), aps_gql_response_key(in->root))) continue;
		for (const struct aps_gql_node *node = root->node->items; node != NULL; node = node->next)
			if (add_copy(in, &list, node) == NULL) return fail_nomem(in);
	}
	if (list.first == NULL) return refuse(in, "", aps_gql_response_key(in->root), " selects no fields of one");
	in->selections = list.first;
	enum aps_rc rc = aps_level_fields_add(&record, in->of->document, in->selections, &in->arena, in->err);
	in->record = record;
	return rc;
}

static enum aps_rc find_root(struct building *in)
{
	struct aps_level_field *roots = NULL;
	const struct aps_gql_node *items = in->of->operation->node->items;
	enum aps_rc rc = aps_level_fields_add(&roots, in->of->document, items, &in->arena, in->err);
	if (rc != APS_OK) return rc;
	in->roots = roots;
	in->root = pick_root(roots, in->of->response_key);
	if (in->root != NULL) return take_selections(in);
	if (in->of->response_key.n != 0) return refuse(in, "no root field has the key ", in->of->response_key, "");
	return aps_fail(in->err, APS_E_USAGE, "A record can't be read back: the mutation has several root fields");
}

static bool is_plain(const struct aps_gql_node *field, struct aps_str name)
{
	return aps_str_eq(field->name, name) && field->arguments == NULL && field->items == NULL;
}

/* It is there whatever the variables are, and whichever type the record has. */
static bool is_selected(const struct aps_gql_node *list, struct aps_str name)
{
	for (; list != NULL; list = list->next) {
		bool is_it = list->kind == APS_GQL_FIELD && aps_str_eq(aps_gql_response_key(list), name);
		if (is_it && list->directives == NULL) return true;
	}
	return false;
}

/* Two fields with one response key must be the same (GraphQL October 2021, section 5.3.2). */
static bool is_taken(const struct building *in, struct aps_str name)
{
	for (const struct aps_level_field *other = in->record; other != NULL; other = other->next)
		if (aps_str_eq(aps_gql_response_key(other->node), name) && !is_plain(other->node, name)) return true;
	return false;
}

static enum aps_rc add_field(struct building *in, struct nodes *list, struct aps_str name)
{
	if (!aps_gql_is_name(name)) return refuse(in, "", name, " isn't the name of a field");
	if (is_taken(in, name)) return refuse(in, "the mutation selects something else as ", name, "");
	if (is_selected(list->first, name) || is_selected(in->selections, name)) return APS_OK;
	struct aps_gql_node *field = add(in, list, APS_GQL_FIELD);
	if (field == NULL) return fail_nomem(in);
	field->name = name;
	return APS_OK;
}

static enum aps_rc build_record(struct building *in, struct aps_gql_node *query_field)
{
	struct nodes list = {.end = &list.first};
	enum aps_rc rc = add_field(in, &list, APS_STR("__typename"));
	for (size_t i = 0; rc == APS_OK && i < in->of->n_fields; i++) rc = add_field(in, &list, in->of->fields[i]);
	for (size_t i = 0; rc == APS_OK && i < in->of->n_wanted; i++)
		if (!is_taken(in, in->of->wanted[i])) rc = add_field(in, &list, in->of->wanted[i]);
	*list.end = in->selections;
	query_field->items = list.first;
	return rc;
}

static bool set_value(struct aps_gql_node *node, enum aps_gql_kind kind, struct aps_str text)
{
	node->kind = kind;
	node->text = text;
	return true;
}

/* False: it is none that an argument can be. GraphQL's grammar of numbers is JSON's. */
static bool read_value(struct building *in, struct aps_json_reader *r, struct aps_gql_node *node)
{
	enum aps_json_token token = aps_json_next(r);
	switch (token) {
	case APS_JSON_STRING: return set_value(node, APS_GQL_STRING_VALUE, aps_json_unescape(r, &in->arena));
	case APS_JSON_INT:
	case APS_JSON_BIGINT: return set_value(node, APS_GQL_INT_VALUE, r->text);
	case APS_JSON_DOUBLE: return set_value(node, APS_GQL_FLOAT_VALUE, r->text);
	case APS_JSON_TRUE:
	case APS_JSON_FALSE:
		node->is_true = token == APS_JSON_TRUE;
		return set_value(node, APS_GQL_BOOLEAN_VALUE, r->text);
	case APS_JSON_NULL: return set_value(node, APS_GQL_NULL_VALUE, r->text);
	default: return false;
	}
}

static enum aps_rc add_argument(struct building *in, struct nodes *list, const struct aps_identity_field *field)
{
	struct aps_json_reader r;
	if (!aps_gql_is_name(field->name)) return refuse(in, "", field->name, " isn't the name of an argument");
	struct aps_gql_node *argument = add(in, list, APS_GQL_ARGUMENT);
	struct aps_gql_node *value = argument != NULL ? aps_arena_get(&in->arena, sizeof *value) : NULL;
	if (value == NULL) return fail_nomem(in);
	argument->name = field->name;
	argument->value = value;
	aps_json_reader_init(&r, field->value, 0);
	bool is_read = read_value(in, &r, value) && aps_json_next(&r) == APS_JSON_END;
	if (value->kind == APS_GQL_STRING_VALUE && value->text.p == NULL) return fail_nomem(in);
	return is_read ? APS_OK : refuse(in, "the identity's ", field->name, " is no string, number or boolean");
}

static enum aps_rc name_query_field(struct building *in, struct aps_str *name)
{
	static const char GET[] = "get";
	size_t n_get = sizeof GET - 1;
	*name = in->of->query_field;
	if (name->n == 0) {
		struct aps_str type = in->of->type;
		if (type.n == 0) return refuse(in, "the type that ", in->root->name, " gives isn't known");
		char *text = aps_arena_get(&in->arena, n_get + type.n);
		if (text == NULL) return fail_nomem(in);
		memcpy(text, GET, n_get);
		memcpy(text + n_get, type.p, type.n);
		*name = (struct aps_str){text, n_get + type.n};
	}
	return aps_gql_is_name(*name) ? APS_OK : refuse(in, "", *name, " isn't the name of a field");
}

static enum aps_rc build_query_field(struct building *in, struct aps_gql_node **out)
{
	struct nodes list = {.end = &list.first}, arguments = {.end = &arguments.first};
	struct aps_gql_node *field = add(in, &list, APS_GQL_FIELD);
	if (field == NULL) return fail_nomem(in);
	enum aps_rc rc = name_query_field(in, &field->name);
	if (rc != APS_OK) return rc;
	struct aps_str key = aps_gql_response_key(in->root);
	if (!aps_str_eq(key, field->name)) field->text = key;
	if (in->of->n_identity == 0) return refuse(in, "nothing identifies what ", in->root->name, " changes");
	for (size_t i = 0; rc == APS_OK && i < in->of->n_identity; i++)
		rc = add_argument(in, &arguments, &in->of->identity[i]);
	field->arguments = arguments.first;
	*out = field;
	return rc == APS_OK ? build_record(in, field) : rc;
}

/* The operation, and the fragments that it includes, in the order of the document. */
static enum aps_rc build_document(struct building *in, struct aps_gql_node *query_field,
                                  const struct aps_selection_uses *uses, struct aps_gql_node *document)
{
	struct nodes definitions = {.end = &definitions.first}, variables = {.end = &variables.first};
	struct aps_gql_node *query = add(in, &definitions, APS_GQL_OPERATION_DEFINITION);
	if (query == NULL) return fail_nomem(in);
	query->text = APS_STR("query");
	query->is_root = true;
	query->items = query_field;
	const struct aps_gql_node *node = in->of->operation->node->arguments;
	for (; node != NULL; node = node->next)
		if (aps_selection_uses_variable(uses, node->name) && add_copy(in, &variables, node) == NULL)
			return fail_nomem(in);
	query->arguments = variables.first;
	for (node = aps_gql_document_tree(in->of->document)->items; node != NULL; node = node->next) {
		bool is_used =
		        node->kind == APS_GQL_FRAGMENT_DEFINITION && aps_selection_uses_fragment(uses, node->name);
		if (is_used && add_copy(in, &definitions, node) == NULL) return fail_nomem(in);
	}
	document->items = definitions.first;
	return APS_OK;
}

static enum aps_rc check_text(struct building *in, const struct aps_buf *text, size_t n_before)
{
	if (text->rc == APS_E_NOMEM) return aps_fail(in->err, APS_E_NOMEM, "Out of memory while printing a document");
	if (text->rc == APS_OK && text->n - n_before <= APS_GQL_MAX_TEXT_BYTES) return APS_OK;
	return aps_fail(in->err, APS_E_TOO_BIG, "The query that reads a record is too large a document");
}

static enum aps_rc write_text(struct building *in, struct aps_buf *text, struct aps_gql_node **query)
{
	struct aps_gql_node document = {.kind = APS_GQL_DOCUMENT}, *query_field = NULL;
	struct aps_selection_uses uses;
	size_t n_before = text->n;
	enum aps_rc rc = find_root(in);
	if (rc == APS_OK) rc = build_query_field(in, &query_field);
	if (rc != APS_OK) return rc;
	rc = aps_selection_uses_init(&uses, in->of->document, query_field, in->err);
	if (rc == APS_OK) rc = build_document(in, query_field, &uses, &document);
	aps_selection_uses_clear(&uses);
	if (rc != APS_OK) return rc;
	*query = document.items;
	aps_gql_print(&document, APS_GQL_AS_WRITTEN, text);
	return check_text(in, text, n_before);
}

static bool declares(const struct aps_gql_node *query, struct aps_str name)
{
	for (const struct aps_gql_node *node = query->arguments; node != NULL; node = node->next)
		if (aps_str_eq(node->name, name)) return true;
	return false;
}

static enum aps_rc copy_members(struct building *in, struct aps_json_reader *r, const struct aps_gql_node *query,
                                struct aps_json_writer *w)
{
	struct aps_str value;
	enum aps_json_token token = aps_json_next(r);
	if (token != APS_JSON_OBJECT && token != APS_JSON_NULL && token != APS_JSON_ERROR)
		return aps_fail(in->err, APS_E_USAGE, "The mutation's variables aren't an object");
	while ((token = aps_json_next(r)) == APS_JSON_KEY) {
		struct aps_str name = aps_json_unescape(r, &in->arena);
		if (name.p == NULL) return fail_nomem(in);
		if (aps_json_skip_value(r, &value) != APS_OK) break;
		if (!declares(query, name)) continue;
		aps_json_write_key(w, name);
		aps_json_write_raw(w, value);
	}
	if (token == APS_JSON_OBJECT_END) aps_json_next(r);
	if (r->err.code != APS_OK && in->err != NULL) *in->err = r->err;
	return r->err.code;
}

static enum aps_rc write_needed(struct building *in, const struct aps_gql_node *query, struct aps_str variables,
                                struct aps_buf *needed)
{
	struct aps_json_reader r;
	struct aps_json_writer w;
	aps_json_reader_init(&r, variables.n != 0 ? variables : APS_STR("{}"), APS_JSON_MAX_DEPTH);
	aps_json_writer_init(&w, needed);
	aps_json_write_object(&w);
	enum aps_rc rc = copy_members(in, &r, query, &w);
	aps_json_write_object_end(&w);
	if (rc != APS_OK) return rc;
	rc = aps_json_writer_finish(&w);
	return rc == APS_OK ? rc : aps_fail(in->err, rc, "No room for the variables of the query that reads a record");
}

enum aps_rc aps_read_back_disguised(const struct aps_read_back *of, struct aps_arena *arena, struct aps_str **keys,
                                    size_t *n, struct aps_err *err)
{
	struct building in = {.of = of, .err = err};
	*n = 0;
	*keys = NULL;
	aps_arena_init(&in.arena, APS_GQL_ARENA_BYTES);
	enum aps_rc rc = find_root(&in);
	size_t n_fields = 0;
	for (const struct aps_level_field *field = in.record; field != NULL; field = field->next) n_fields++;
	if (rc == APS_OK) *keys = aps_arena_get(arena, (n_fields + 1) * sizeof **keys);
	if (rc == APS_OK && *keys == NULL) rc = aps_arena_fail(arena, "the query that reads a record", err);
	for (const struct aps_level_field *field = in.record; rc == APS_OK && field != NULL; field = field->next) {
		struct aps_str key = aps_gql_response_key(field->node);
		if (!aps_str_eq(key, field->node->name) || field->node->arguments != NULL) (*keys)[(*n)++] = key;
	}
	aps_arena_clear(&in.arena);
	return rc;
}

enum aps_rc aps_read_back_write(const struct aps_read_back *of, struct aps_str variables, struct aps_buf *text,
                                struct aps_buf *needed, struct aps_err *err)
{
	struct building in = {.of = of, .err = err};
	struct aps_gql_node *query = NULL;
	size_t n_text = text->n, n_needed = needed->n;
	aps_arena_init(&in.arena, APS_GQL_ARENA_BYTES);
	enum aps_rc rc = write_text(&in, text, &query);
	if (rc == APS_OK) rc = write_needed(&in, query, variables, needed);
	if (rc != APS_OK) {
		text->n = n_text;
		needed->n = n_needed;
	}
	aps_arena_clear(&in.arena);
	return rc;
}
