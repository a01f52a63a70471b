#include "sync/page.h"

#include "gql/parser.h"
#include "sync/level_fields.h"
#include "sync/selection_uses.h"

#define MAX_LEVELS 64 /* selection sets that are looked through: fragments can make billions of them */

struct naming {
	struct aps_page_names *names;
	const struct aps_gql_document *document;
	const struct aps_gql_operation *definition;
	struct aps_str version_field;
	struct aps_arena arena;
	const struct aps_level_field *roots;
	const struct aps_gql_node *root;
	const struct aps_level_field *own;                       /* of the root field */
	const struct aps_level_field *record;                    /* of a record; NULL: nothing tells where it is */
	const struct aps_level_field *around[APS_PAGE_MAX_PATH]; /* what was searched: the levels on the way to it */
	size_t n_around;
	unsigned n_levels;
	struct aps_err *err;
};

typedef bool level_test(const struct naming *in, const struct aps_level_field *level);

static const char *kind_of(const struct naming *in)
{
	static const char *const WORDS[] = {[APS_GQL_QUERY] = "query",
	                                    [APS_GQL_MUTATION] = "mutation",
	                                    [APS_GQL_SUBSCRIPTION] = "subscription",
	                                    [APS_GQL_FRAGMENT] = "fragment"};
	return WORDS[in->definition->kind];
}

/* "The query "ListTodos" selects …": `predicate` goes on with a field's name. */
static enum aps_rc refuse(struct naming *in, const char *predicate, struct aps_str field)
{
	struct aps_str name = in->definition->name;
	int n = aps_str_shown(name), n_field = aps_str_shown(field);
	const char *quote = n != 0 ? "\"" : "", *field_quote = n_field != 0 ? "\"" : "";
	return aps_fail(in->err, APS_E_USAGE, "The %s%s%s%.*s%s %s%s%.*s%s", kind_of(in), n != 0 ? " " : "", quote, n,
	                n != 0 ? name.p : "", quote, predicate, field_quote, n_field, n_field != 0 ? field.p : "",
	                field_quote);
}

static const struct aps_gql_node *find_field(const struct aps_level_field *level, struct aps_str name, bool is_leaf)
{
	for (; level != NULL; level = level->next)
		if (aps_str_eq(level->node->name, name) && (level->node->items == NULL) == is_leaf) return level->node;
	return NULL;
}

static struct aps_str key_of(const struct aps_level_field *level, const char *name)
{
	const struct aps_gql_node *field = find_field(level, aps_str_of(name), true);
	return field != NULL ? aps_gql_response_key(field) : (struct aps_str){NULL, 0};
}

/* A field may be written several times, and selects all of it then (GraphQL October 2021, section 6.3.2). */
static enum aps_rc enter(struct naming *in, const struct aps_level_field *level, const struct aps_gql_node *field,
                         const struct aps_level_field **inner)
{
	struct aps_level_field *found = NULL;
	struct aps_str key = aps_gql_response_key(field);
	enum aps_rc rc = APS_OK;
	for (; rc == APS_OK && level != NULL; level = level->next)
		if (aps_str_eq(aps_gql_response_key(level->node), key))
			rc = aps_level_fields_add(&found, in->document, level->node->items, &in->arena, in->err);
	*inner = found;
	return rc;
}

static enum aps_rc find_root(struct naming *in)
{
	struct aps_level_field *roots = NULL;
	const struct aps_gql_node *items = in->definition->node->items;
	enum aps_rc rc = aps_level_fields_add(&roots, in->document, items, &in->arena, in->err);
	if (rc != APS_OK) return rc;
	in->roots = roots;
	for (; roots != NULL; roots = roots->next) {
		if (aps_str_is(roots->node->name, "__typename")) continue;
		if (in->root == NULL) in->root = roots->node;
		if (!aps_str_eq(aps_gql_response_key(in->root), aps_gql_response_key(roots->node)))
			return refuse(in, "has several root fields: a sync reads one", APS_STR(""));
	}
	if (in->root == NULL) return refuse(in, "has no root field that a sync could read", APS_STR(""));
	rc = enter(in, in->roots, in->root, &in->own);
	if (rc != APS_OK || in->own != NULL) return rc;
	return refuse(in, "selects no fields of ", in->root->name);
}

static bool is_page(const struct aps_level_field *level)
{
	static const char *const BESIDE[] = {"items", "startedAt", "__typename"};
	bool has_items = find_field(level, APS_STR("items"), false) != NULL;
	if (find_field(level, APS_STR("nextToken"), true) != NULL) return true;
	for (; has_items && level != NULL; level = level->next) {
		size_t i = 0;
		while (i < APS_COUNTOF(BESIDE) && !aps_str_is(level->node->name, BESIDE[i])) i++;
		has_items = i < APS_COUNTOF(BESIDE);
	}
	return has_items;
}

static const struct aps_gql_node *find_version(const struct naming *in, const struct aps_level_field *level)
{
	static const char *const FIELDS[] = {"_version", "version", "_lastChangedAt", "updatedAt"};
	const struct aps_gql_node *field = NULL;
	if (in->version_field.n != 0) return find_field(level, in->version_field, true);
	for (size_t i = 0; field == NULL && i < APS_COUNTOF(FIELDS); i++)
		field = find_field(level, aps_str_of(FIELDS[i]), true);
	return field;
}

static bool is_record(const struct naming *in, const struct aps_level_field *level)
{
	if (find_version(in, level) != NULL) return true;
	return in->version_field.n == 0 && (find_field(level, APS_STR("_deleted"), true) != NULL ||
	                                    find_field(level, APS_STR("aws_ds"), true) != NULL);
}

/* Where nothing tells which level is the records': the first one with fields of its own. */
static bool may_be_record(const struct naming *in APS_UNUSED, const struct aps_level_field *level)
{
	if (find_field(level, APS_STR("nextToken"), true) != NULL) return false;
	for (; level != NULL; level = level->next) {
		struct aps_str name = level->node->name;
		bool is_own = !aps_str_is(name, "startedAt") && !aps_str_is(name, "__typename");
		if (is_own && level->node->items == NULL) return true;
	}
	return false;
}

static bool has_token(const struct naming *in APS_UNUSED, const struct aps_level_field *level)
{
	return find_field(level, APS_STR("nextToken"), true) != NULL;
}

/* Depth-first. */
static enum aps_rc search(struct naming *in, level_test *is_it, const struct aps_level_field *level, size_t depth,
                          const struct aps_level_field **found)
{
	enum aps_rc rc = APS_OK;
	in->n_levels++;
	in->n_around = depth;
	if (is_it(in, level)) {
		*found = level;
		return APS_OK;
	}
	in->around[depth] = level;
	for (const struct aps_level_field *field = level; rc == APS_OK && *found == NULL && field != NULL;
	     field = field->next) {
		const struct aps_level_field *inner;
		if (field->node->items == NULL || depth + 1 == APS_PAGE_MAX_PATH || in->n_levels == MAX_LEVELS)
			continue;
		rc = enter(in, level, field->node, &inner);
		if (rc == APS_OK) rc = search(in, is_it, inner, depth + 1, found);
	}
	return rc;
}

/* NULL: there is none. */
static enum aps_rc find_level(struct naming *in, level_test *is_it, const struct aps_level_field **found)
{
	*found = NULL;
	in->n_levels = 0;
	return search(in, is_it, in->own, 0, found);
}

/* Of the objects around the records the first one that has it gives the key. */
static void name_page_fields(struct aps_page_names *names, const struct aps_level_field *level)
{
	if (names->next_token.n == 0) names->next_token = key_of(level, "nextToken");
	if (names->started_at.n == 0) names->started_at = key_of(level, "startedAt");
}

/* A token that isn't beside the records counts nevertheless: one that nobody asks for would be the end of the list. */
static enum aps_rc search_records(struct naming *in)
{
	const struct aps_level_field *level = NULL;
	enum aps_rc rc = find_level(in, is_record, &in->record);
	if (rc == APS_OK && in->record == NULL) rc = find_level(in, may_be_record, &level);
	if (rc != APS_OK) return rc;
	if (in->names->is_page) name_page_fields(in->names, in->own);
	for (size_t i = 0; (in->record != NULL || level != NULL) && i < in->n_around; i++)
		name_page_fields(in->names, in->around[i]);
	rc = in->names->next_token.n == 0 ? find_level(in, has_token, &level) : APS_OK;
	if (rc == APS_OK && in->names->next_token.n == 0 && level != NULL)
		in->names->next_token = key_of(level, "nextToken");
	return rc;
}

/* An order has its `items`, too: then `startedAt` is the order's. In doubt it is, because a delta query of seconds, of
 * which the service thinks as of milliseconds, brings too much; the other way round nothing would come. */
static enum aps_rc find_items(struct naming *in, const struct aps_gql_node *items)
{
	in->names->items = aps_gql_response_key(items);
	enum aps_rc rc = enter(in, in->own, items, &in->record);
	if (rc != APS_OK) return rc;
	bool is_around = is_record(in, in->record) && !is_record(in, in->own);
	if (in->names->is_page || is_around) name_page_fields(in->names, in->own);
	return APS_OK;
}

static enum aps_rc find_record(struct naming *in)
{
	struct aps_page_names *names = in->names;
	const struct aps_gql_node *items = find_field(in->own, APS_STR("items"), false);
	names->is_page = is_page(in->own);
	names->is_event = in->definition->kind == APS_GQL_SUBSCRIPTION && !names->is_page;
	if (names->is_event) {
		in->record = in->own;
		return APS_OK;
	}
	enum aps_rc rc = items != NULL ? find_items(in, items) : search_records(in);
	names->has_list = items != NULL || names->is_page || (in->record != NULL && in->record != in->own);
	return rc;
}

static enum aps_rc name_record(struct naming *in)
{
	struct aps_page_names *names = in->names;
	const struct aps_level_field *level = in->record != NULL ? in->record : in->own;
	const struct aps_gql_node *version = find_version(in, level);
	if (version == NULL && in->version_field.n != 0)
		return refuse(in, "doesn't select its version field ", in->version_field);
	if (version != NULL) {
		names->version = aps_gql_response_key(version);
		names->version_field = version->name;
	}
	const struct aps_gql_node *changed_at = find_field(level, APS_STR("_lastChangedAt"), true);
	if (changed_at == NULL) changed_at = find_field(level, APS_STR("updatedAt"), true);
	if (changed_at != NULL) {
		names->changed_at = aps_gql_response_key(changed_at);
		names->changed_at_field = changed_at->name;
	}
	names->aws_ds = key_of(level, "aws_ds");
	names->deleted = key_of(level, "_deleted");
	names->typename = key_of(level, "__typename");
	return APS_OK;
}

/* Recursion goes through what stands in each other: the parser's depth limit bounds it. */
static bool add_holders(struct aps_page_names *names, const struct aps_gql_node *items)
{
	bool is_ok = true;
	for (; is_ok && items != NULL; items = items->next) {
		if (items->items == NULL) continue;
		if (items->kind == APS_GQL_FIELD)
			is_ok = aps_map_set(&names->holders, aps_gql_response_key(items), names);
		is_ok = is_ok && add_holders(names, items->items);
	}
	return is_ok;
}

static enum aps_rc find_holders(struct naming *in)
{
	struct aps_selection_uses uses;
	const struct aps_gql_node *items = in->definition->node->items;
	enum aps_rc rc = aps_selection_uses_init(&uses, in->document, items, in->err);
	bool is_ok = rc != APS_OK || add_holders(in->names, items);
	const struct aps_gql_node *node = aps_gql_document_tree(in->document)->items;
	for (; rc == APS_OK && is_ok && node != NULL; node = node->next)
		if (node->kind == APS_GQL_FRAGMENT_DEFINITION && aps_selection_uses_fragment(&uses, node->name))
			is_ok = add_holders(in->names, node->items);
	aps_selection_uses_clear(&uses);
	return is_ok ? rc : aps_fail(in->err, APS_E_NOMEM, "Out of memory while reading a selection set");
}

/* From the document into the arena. */
static enum aps_rc keep_texts(struct aps_page_names *names, struct aps_err *err)
{
	struct aps_str *const texts[] = {&names->root,       &names->field,         &names->items,
	                                 &names->next_token, &names->started_at,    &names->version,
	                                 &names->changed_at, &names->aws_ds,        &names->deleted,
	                                 &names->typename,   &names->version_field, &names->changed_at_field};
	for (size_t i = 0; i < APS_COUNTOF(texts); i++) {
		if (texts[i]->n == 0) continue;
		*texts[i] = aps_arena_dup(&names->arena, *texts[i]);
		if (texts[i]->p == NULL) return aps_arena_fail(&names->arena, "the names of a page", err);
	}
	return APS_OK;
}

enum aps_rc aps_page_names_init(struct aps_page_names *names, const struct aps_gql_document *document,
                                const struct aps_gql_operation *definition, struct aps_str version_field,
                                struct aps_err *err)
{
	struct naming in = {.names = names,
	                    .document = document,
	                    .definition = definition,
	                    .version_field = version_field,
	                    .err = err};
	*names = (struct aps_page_names){0};
	aps_arena_init(&names->arena, APS_BUF_ANY_SIZE);
	aps_map_init(&names->holders, 0);
	aps_arena_init(&in.arena, APS_GQL_ARENA_BYTES);
	enum aps_rc rc = find_root(&in);
	if (rc == APS_OK) rc = find_record(&in);
	if (rc == APS_OK) rc = name_record(&in);
	if (rc == APS_OK) rc = find_holders(&in);
	if (rc == APS_OK) {
		names->root = aps_gql_response_key(in.root);
		names->field = in.root->name;
		rc = keep_texts(names, err);
	}
	aps_arena_clear(&in.arena);
	if (rc != APS_OK) aps_page_names_clear(names);
	return rc;
}

void aps_page_names_clear(struct aps_page_names *names)
{
	aps_arena_clear(&names->arena);
	aps_map_clear(&names->holders);
	*names = (struct aps_page_names){.arena = names->arena, .holders = names->holders};
}
