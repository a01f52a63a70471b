#include "cache/selection.h"

#include "cache/cell.h"
#include "gql/typenames.h"

#include <stdlib.h>

#define BINDING_BYTES ((size_t)64 * 1024 * 1024)
#define KEY_BYTES     ((size_t)16 * 1024 * 1024)
#define MANY_FIELDS   16 /* from so many on they are found by a hash */
#define FIRST_LABELS  32
#define LABELS_BACK   64 /* that are looked through for a key: of one that occurs far apart there are two */

/* A node whose `items` are selected: an operation, a field. */
struct owner {
	const struct aps_gql_node *node;
	struct owner *next;
};

struct aps_selection {
	struct owner *owners;
	struct owner **last;
	struct aps_selection_view *views; /* the one used last comes first */
	bool is_judged;                   /* has_conditions is known */
	bool has_conditions;
};

/* A view while its fields are collected. */
struct collecting {
	struct aps_binding *binding;
	struct aps_str type;
	struct found *first, **last;
	size_t n_found;
	struct aps_map by_key; /* of response keys, once there are many */
	struct visited *visited;
	bool is_short; /* of memory */
};

struct found {
	struct aps_selection_field field;
	struct found *next;
};

struct aps_varying {
	struct aps_varying *next;
	struct aps_selection_field *field; /* of a view */
};

struct visited {
	const struct aps_gql_node *fragment;
	const struct aps_gql_node *guard;
	struct visited *next;
};

static struct aps_selection *selection_new(struct aps_arena *arena, const struct aps_gql_node *node)
{
	struct aps_selection *selection = aps_arena_get(arena, sizeof *selection);
	struct owner *owner = aps_arena_get(arena, sizeof *owner);
	if (selection == NULL || owner == NULL) return NULL;
	owner->node = node;
	selection->owners = owner;
	selection->last = &owner->next;
	return selection;
}

static bool selection_add(struct aps_arena *arena, struct aps_selection *selection, const struct aps_gql_node *node)
{
	struct owner *owner = aps_arena_get(arena, sizeof *owner);
	if (owner == NULL) return false;
	owner->node = node;
	*selection->last = owner;
	selection->last = &owner->next;
	return true;
}

enum aps_rc aps_binding_init(struct aps_binding *binding, const struct aps_gql_document *document,
                             const struct aps_gql_operation *operation, struct aps_str variables, struct aps_err *err)
{
	static const char *const ROOTS[] = {
	        [APS_GQL_QUERY] = "Query", [APS_GQL_MUTATION] = "Mutation", [APS_GQL_SUBSCRIPTION] = "Subscription"};
	binding->is_fragment = operation->kind == APS_GQL_FRAGMENT;
	aps_arena_init(&binding->arena, BINDING_BYTES);
	aps_arena_init(&binding->varying_arena, BINDING_BYTES);
	aps_buf_init(&binding->scratch, KEY_BYTES);
	binding->varying = NULL;
	binding->selects_by_variables = false;
	binding->document = document;
	binding->labels = NULL;
	binding->n_labels = binding->label_capacity = 0;
	binding->root_type = binding->is_fragment ? operation->node->text : aps_str_of(ROOTS[operation->kind]);
	enum aps_rc rc =
	        aps_variables_init(&binding->variables, operation->node, variables, &binding->varying_arena, err);
	binding->root = rc == APS_OK ? selection_new(&binding->arena, operation->node) : NULL;
	if (rc == APS_OK && binding->root == NULL) rc = aps_arena_fail(&binding->arena, "the selection", err);
	if (rc != APS_OK) aps_binding_clear(binding);
	return rc;
}

enum aps_rc aps_binding_fail(const struct aps_binding *binding, struct aps_err *err)
{
	if (binding->err.code == APS_OK) return aps_arena_fail(&binding->arena, "the selection of an operation", err);
	if (err != NULL) *err = binding->err;
	return binding->err.code;
}

void aps_binding_clear(struct aps_binding *binding)
{
	aps_arena_clear(&binding->arena);
	aps_arena_clear(&binding->varying_arena);
	aps_buf_clear(&binding->scratch);
	binding->root = NULL;
}

struct aps_arena *aps_selection_arena(struct aps_binding *binding, const struct aps_selection_field *field)
{
	return field->is_varying ? &binding->varying_arena : &binding->arena;
}

static const struct aps_gql_node *fragment_of(const struct aps_binding *binding, const struct aps_gql_node *node)
{
	return node->kind == APS_GQL_FRAGMENT_SPREAD ? aps_gql_document_fragment(binding->document, node->name) : node;
}

static bool depends_on_type(const struct aps_binding *binding, const struct aps_gql_node *owner)
{
	for (const struct aps_gql_node *node = owner->items; node != NULL; node = node->next) {
		if (node->kind == APS_GQL_FIELD) {
			if (aps_policies_has_field(binding->policies, node->name)) return true;
			continue;
		}
		const struct aps_gql_node *fragment = fragment_of(binding, node);
		if (fragment == NULL || fragment->text.n != 0 || depends_on_type(binding, fragment)) return true;
	}
	return false;
}

static bool judge(const struct aps_binding *binding, struct aps_selection *selection)
{
	if (selection->is_judged) return selection->has_conditions;
	for (const struct owner *owner = selection->owners; owner != NULL; owner = owner->next)
		if (depends_on_type(binding, owner->node)) selection->has_conditions = true;
	selection->is_judged = true;
	return selection->has_conditions;
}

bool aps_selection_has_conditions(const struct aps_selection *selection)
{
	return selection->has_conditions;
}

struct aps_str aps_selection_condition(const struct aps_binding *binding, const struct aps_selection *selection)
{
	struct aps_str condition = APS_STR("");
	for (const struct owner *owner = selection->owners; owner != NULL; owner = owner->next) {
		for (const struct aps_gql_node *node = owner->node->items; node != NULL; node = node->next) {
			const struct aps_gql_node *fragment =
			        node->kind != APS_GQL_FIELD ? fragment_of(binding, node) : NULL;
			if (fragment == NULL || fragment->text.n == 0) continue;
			if (condition.n != 0 && !aps_str_eq(condition, fragment->text)) return APS_STR("");
			condition = fragment->text;
		}
	}
	return condition;
}

static struct found *find(const struct collecting *in, struct aps_str response_key)
{
	if (in->n_found >= MANY_FIELDS) return aps_map_get(&in->by_key, response_key);
	for (struct found *found = in->first; found != NULL; found = found->next)
		if (aps_str_eq(found->field.response_key, response_key)) return found;
	return NULL;
}

static bool remember(struct collecting *in, struct found *found)
{
	if (in->n_found < MANY_FIELDS) return true;
	if (in->n_found > MANY_FIELDS) return aps_map_set(&in->by_key, found->field.response_key, found);
	for (found = in->first; found != NULL; found = found->next)
		if (!aps_map_set(&in->by_key, found->field.response_key, found)) return false;
	return true;
}

static struct found *add(struct collecting *in)
{
	struct found *found = aps_arena_get(&in->binding->arena, sizeof *found);
	if (found == NULL) return NULL;
	*in->last = found;
	in->last = &found->next;
	in->n_found++;
	return found;
}

static bool has_variables(const struct aps_gql_node *value)
{
	if (value == NULL) return false;
	if (value->kind == APS_GQL_VARIABLE) return true;
	if (value->kind != APS_GQL_LIST_VALUE && value->kind != APS_GQL_OBJECT_VALUE) return false;
	for (const struct aps_gql_node *item = value->items; item != NULL; item = item->next)
		if (has_variables(value->kind == APS_GQL_LIST_VALUE ? item : item->value)) return true;
	return false;
}

static bool have_variables(const struct aps_gql_node *arguments)
{
	for (; arguments != NULL; arguments = arguments->next)
		if (has_variables(arguments->value)) return true;
	return false;
}

static bool is_varying(const struct aps_gql_node *field)
{
	if (have_variables(field->arguments)) return true;
	for (const struct aps_gql_node *node = field->directives; node != NULL; node = node->next)
		if (have_variables(node->arguments)) return true;
	return false;
}

/* The field's key: the name itself, or a copy with arguments in an arena. */
static bool give_key(struct aps_binding *binding, struct aps_selection_field *field)
{
	const struct aps_gql_node *node = field->node;
	field->is_varying = is_varying(node);
	bool is_bare = node->arguments == NULL && node->directives == NULL &&
	               !(field->policy != NULL && field->policy->has_key_args);
	field->key = field->name;
	if (!is_bare) {
		struct aps_buf *key = &binding->scratch;
		struct aps_arena *arena = aps_selection_arena(binding, field);
		const struct aps_key_args *key_args =
		        field->policy != NULL && field->policy->has_key_args ? &field->policy->key_args : NULL;
		aps_buf_reset(key);
		if (aps_field_key(key, node, key_args, &binding->variables, arena, &binding->err) == APS_OK)
			field->key = aps_arena_dup(arena, aps_buf_str(key));
		else
			field->key = (struct aps_str){NULL, 0};
	}
	if (field->key.p == NULL) return false;
	/* what is merged in a way of its own has an entry of its own */
	bool is_merged = field->policy != NULL && field->policy->merge != APS_MERGE_DEFAULT;
	field->is_plain = aps_str_eq(field->key, field->name) && !is_merged;
	if (!field->is_plain) return true;
	field->number = binding->gives_numbers ? aps_names_intern(binding->names, field->name)
	                                       : aps_names_find_lasting(binding->names, field->name);
	return field->number != 0 || !binding->gives_numbers;
}

static void collect_field(struct collecting *in, const struct aps_gql_node *node, const struct aps_gql_node *guard)
{
	struct aps_arena *arena = &in->binding->arena;
	struct aps_str response_key = aps_gql_response_key(node);
	struct found *found = find(in, response_key);
	if (found != NULL) {
		if (guard == NULL) found->field.guard = NULL;
		if (node->place.line != 0) found->field.is_added = false;
		if (found->field.selection != NULL && !selection_add(arena, found->field.selection, node))
			in->is_short = true;
		return;
	}
	if ((found = add(in)) == NULL) {
		in->is_short = true;
		return;
	}
	found->field = (struct aps_selection_field){
	        .response_key = response_key, .name = node->name, .node = node, .guard = guard};
	found->field.is_typename = aps_str_is(node->name, "__typename");
	found->field.policy = aps_policies_find_field(in->binding->policies, in->type, node->name);
	if (node->items != NULL && (found->field.selection = selection_new(arena, node)) == NULL) in->is_short = true;
	if (!give_key(in->binding, &found->field) || !remember(in, found)) in->is_short = true;
}

/* As graphql-js puts it last in what is sent. */
static void collect_typename(struct collecting *in, const struct aps_gql_node *guard)
{
	static const struct aps_gql_node TYPENAME = {.kind = APS_GQL_FIELD,
	                                             .name = {"__typename", sizeof "__typename" - 1}};
	bool was_there = find(in, TYPENAME.name) != NULL;
	collect_field(in, &TYPENAME, guard);
	struct found *added = was_there ? NULL : find(in, TYPENAME.name);
	if (added != NULL) added->field.is_added = true;
}

/* Fragments are entered once, and once more where they were behind a condition: nested ones would double otherwise. */
static bool visit(struct collecting *in, const struct aps_gql_node *fragment, const struct aps_gql_node *guard)
{
	for (const struct visited *visited = in->visited; visited != NULL; visited = visited->next)
		if (visited->fragment == fragment && (visited->guard == NULL || visited->guard == guard)) return false;
	struct visited *visited = aps_arena_get(&in->binding->arena, sizeof *visited);
	if (visited == NULL) {
		in->is_short = true;
		return false;
	}
	*visited = (struct visited){fragment, guard, in->visited};
	in->visited = visited;
	return true;
}

static enum aps_type_match match(const struct collecting *in, struct aps_str condition)
{
	if (condition.n == 0) return APS_TYPE_MATCHES;
	if (in->type.n == 0) return APS_TYPE_UNKNOWN;
	return aps_policies_match(in->binding->policies, condition, in->type);
}

/* @include(if: $a), @skip(if: $b) */
static bool is_conditional(const struct aps_gql_node *node)
{
	for (const struct aps_gql_node *directive = node->directives; directive != NULL; directive = directive->next) {
		bool is_condition = aps_str_is(directive->name, "include") || aps_str_is(directive->name, "skip");
		if (is_condition && have_variables(directive->arguments)) return true;
	}
	return false;
}

static void collect(struct collecting *in, const struct aps_gql_node *owner, const struct aps_gql_node *guard)
{
	for (const struct aps_gql_node *node = owner->items; node != NULL && !in->is_short; node = node->next) {
		if (is_conditional(node)) in->binding->selects_by_variables = true;
		if (!aps_is_included(node, &in->binding->variables)) continue;
		if (node->kind == APS_GQL_FIELD) {
			collect_field(in, node, guard);
			continue;
		}
		const struct aps_gql_node *fragment = fragment_of(in->binding, node);
		enum aps_type_match matches = fragment != NULL ? match(in, fragment->text) : APS_TYPE_DIFFERS;
		if (matches == APS_TYPE_DIFFERS) continue;
		const struct aps_gql_node *below = guard == NULL && matches == APS_TYPE_UNKNOWN ? fragment : guard;
		if (visit(in, fragment, below)) collect(in, fragment, below);
	}
	if (aps_gql_wants_typename(owner)) collect_typename(in, guard);
}

static int compare_fields(const void *a, const void *b)
{
	const struct aps_selection_field *const *left = a, *const *right = b;
	int order = aps_cell_compare_names((*left)->number, (*left)->key, (*right)->number, (*right)->key);
	return order != 0 ? order : *left < *right ? -1 : 1;
}

static bool sort_by_name(struct aps_arena *arena, struct aps_selection_view *view)
{
	const struct aps_selection_field **sorted = aps_arena_get(arena, (view->n_fields + 1) * sizeof *sorted);
	uint32_t *by_name = aps_arena_get(arena, (view->n_fields + 1) * sizeof *by_name);
	if (sorted == NULL || by_name == NULL) return false;
	for (size_t i = 0; i < view->n_fields; i++) sorted[i] = &view->fields[i];
	qsort(sorted, view->n_fields, sizeof *sorted, compare_fields);
	for (size_t i = 0; i < view->n_fields; i++) by_name[i] = (uint32_t)(sorted[i] - view->fields);
	view->by_name = by_name;
	return true;
}

/* The slot of a response key, or the free one where it would be. */
static size_t slot_of(const struct aps_selection_view *view, struct aps_str response_key)
{
	size_t slot = aps_str_hash(response_key, view->seed) & (view->n_slots - 1);
	while (view->by_key[slot] != 0 && !aps_str_eq(view->fields[view->by_key[slot] - 1].response_key, response_key))
		slot = (slot + 1) & (view->n_slots - 1);
	return slot;
}

static bool index_keys(struct aps_arena *arena, struct aps_selection_view *view, uint64_t seed)
{
	if (view->n_fields < MANY_FIELDS) return true;
	view->seed = seed;
	view->n_slots = MANY_FIELDS;
	while (view->n_slots < 2 * view->n_fields) view->n_slots *= 2;
	uint32_t *slots = aps_arena_get(arena, view->n_slots * sizeof *slots);
	if (slots == NULL) return false;
	memset(slots, 0, view->n_slots * sizeof *slots);
	view->by_key = slots;
	for (size_t i = 0; i < view->n_fields; i++)
		slots[slot_of(view, view->fields[i].response_key)] = (uint32_t)i + 1;
	return true;
}

static bool grow_labels(struct aps_binding *binding)
{
	if (binding->n_labels < binding->label_capacity) return true;
	size_t capacity = binding->label_capacity == 0 ? FIRST_LABELS : 2 * binding->label_capacity;
	struct aps_str *labels = aps_arena_get(&binding->arena, capacity * sizeof *labels);
	if (labels == NULL) return false;
	if (binding->n_labels != 0) memcpy(labels, binding->labels, binding->n_labels * sizeof *labels);
	binding->labels = labels;
	binding->label_capacity = capacity;
	return true;
}

static bool give_label(struct aps_binding *binding, struct aps_selection_field *field)
{
	size_t n = binding->n_labels, first = n > LABELS_BACK ? n - LABELS_BACK : 0;
	for (size_t i = n; i > first; i--) {
		if (!aps_str_eq(binding->labels[i - 1], field->response_key)) continue;
		field->label = (uint32_t)(i - 1);
		return true;
	}
	if (n == UINT32_MAX || !grow_labels(binding)) return false;
	binding->labels[n] = field->response_key;
	field->label = (uint32_t)n;
	binding->n_labels++;
	return true;
}

static bool note_varying(struct aps_binding *binding, struct aps_selection_field *field)
{
	if (!field->is_varying) return true;
	struct aps_varying *varying = aps_arena_get(&binding->arena, sizeof *varying);
	if (varying == NULL) return false;
	*varying = (struct aps_varying){binding->varying, field};
	binding->varying = varying;
	return true;
}

/* The order in which a view's fields stand in a record must stay, too. */
static bool change_key(struct aps_binding *binding, struct aps_selection_field *field)
{
	bool was_plain = field->is_plain;
	field->lookup_key = (struct aps_str){NULL, 0};
	return give_key(binding, field) && !was_plain && !field->is_plain;
}

bool aps_binding_change(struct aps_binding *binding, const struct aps_gql_operation *operation,
                        struct aps_str variables)
{
	if (binding->selects_by_variables) return false;
	binding->err = (struct aps_err){.code = APS_OK};
	aps_arena_reset(&binding->varying_arena);
	if (aps_variables_init(&binding->variables, operation->node, variables, &binding->varying_arena, NULL) !=
	    APS_OK)
		return false;
	for (const struct aps_varying *varying = binding->varying; varying != NULL; varying = varying->next)
		if (!change_key(binding, varying->field)) return false;
	return true;
}

static void collect_all(struct collecting *in, const struct aps_selection *selection)
{
	in->last = &in->first;
	aps_map_init(&in->by_key, in->binding->names->by_text.seed);
	for (const struct owner *owner = selection->owners; owner != NULL; owner = owner->next)
		collect(in, owner->node, NULL);
	aps_map_clear(&in->by_key);
}

static struct aps_selection_view *view_new(struct aps_binding *binding, const struct aps_selection *selection,
                                           struct aps_str type)
{
	struct collecting in = {.binding = binding, .type = type};
	collect_all(&in, selection);
	struct aps_selection_view *view = aps_arena_get(&binding->arena, sizeof *view);
	if (view == NULL || in.is_short) return NULL;
	view->type = aps_arena_dup(&binding->arena, type);
	view->fields = aps_arena_get(&binding->arena, (in.n_found + 1) * sizeof *view->fields);
	if (view->type.p == NULL || view->fields == NULL) return NULL;
	view->typename_at = (uint32_t)in.n_found;
	for (const struct found *found = in.first; found != NULL; found = found->next) {
		if (found->field.is_typename && aps_str_is(found->field.response_key, "__typename"))
			view->typename_at = (uint32_t)view->n_fields;
		struct aps_selection_field *field = &view->fields[view->n_fields++];
		*field = found->field;
		if (!give_label(binding, field) || !note_varying(binding, field)) return NULL;
	}
	if (!index_keys(&binding->arena, view, binding->names->by_text.seed)) return NULL;
	return sort_by_name(&binding->arena, view) ? view : NULL;
}

const struct aps_selection_view *aps_selection_view(struct aps_binding *binding, struct aps_selection *selection,
                                                    struct aps_str type)
{
	struct aps_selection_view *first = selection->views;
	if (!judge(binding, selection)) {
		if (first == NULL) selection->views = view_new(binding, selection, APS_STR(""));
		return selection->views;
	}
	for (struct aps_selection_view **at = &selection->views; *at != NULL; at = &(*at)->next) {
		struct aps_selection_view *view = *at;
		if (!aps_str_eq(view->type, type)) continue;
		*at = view->next;
		view->next = selection->views;
		selection->views = view;
		return view;
	}
	struct aps_selection_view *added = view_new(binding, selection, type);
	if (added == NULL) return NULL;
	added->next = first;
	selection->views = added;
	return added;
}

const struct aps_selection_field *aps_selection_find(const struct aps_selection_view *view, struct aps_str response_key,
                                                     size_t *at)
{
	size_t index = *at < view->n_fields ? *at : 0, n_tries = view->by_key != NULL ? 1 : view->n_fields;
	for (size_t i = 0; i < n_tries; i++, index++) {
		if (index >= view->n_fields) index = 0;
		if (!aps_str_eq(view->fields[index].response_key, response_key)) continue;
		*at = index + 1;
		return &view->fields[index];
	}
	index = view->by_key != NULL ? view->by_key[slot_of(view, response_key)] : 0;
	if (index == 0) return NULL;
	*at = index;
	return &view->fields[index - 1];
}

bool aps_selection_has_number(const struct aps_selection *selection, uint32_t number)
{
	for (const struct aps_selection_view *view = selection->views; view != NULL; view = view->next)
		for (size_t i = 0; i < view->n_fields; i++)
			if (view->fields[i].is_plain && view->fields[i].number == number) return true;
	return false;
}
