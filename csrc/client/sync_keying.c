#include "client/sync_keying.h"

#include "cache/identity.h"
#include "cache/scalar.h"

static enum aps_rc bind(struct aps_sync_keying *keying, const struct aps_sync_run *run, struct aps_err *err)
{
	const struct aps_operation *operation = &run->settings->parts[run->keeping.part].operation;
	struct aps_partition *partition = run->partition;
	keying->own = (struct aps_binding){.policies = partition->policies, .names = &partition->cache.names};
	enum aps_rc rc = aps_binding_init(&keying->own, operation->document, operation->definition,
	                                  aps_operation_variables(operation), err);
	if (rc == APS_OK)
		keying->binding = &keying->own;
	else
		aps_binding_clear(&keying->own);
	return rc;
}

/* What is selected of a record: where the page has its list, or the one record. */
static enum aps_rc find_selection(struct aps_sync_keying *keying, const struct aps_page *page, struct aps_err *err)
{
	struct aps_selection *selection = keying->binding->root;
	struct aps_str type = keying->binding->root_type;
	for (size_t i = 0; selection != NULL && i < page->n_path; i++) {
		size_t at = 0;
		const struct aps_selection_view *view = aps_selection_view(keying->binding, selection, type);
		if (view == NULL) return aps_binding_fail(keying->binding, err);
		const struct aps_selection_field *field = aps_selection_find(view, page->path[i], &at);
		selection = field != NULL ? field->selection : NULL;
		type = APS_STR("");
	}
	keying->selection = page->n_path != 0 ? selection : NULL;
	return APS_OK;
}

enum aps_rc aps_sync_keying_init(struct aps_sync_keying *keying, const struct aps_sync_run *run,
                                 const struct aps_page *page, const struct aps_partition_data *data,
                                 struct aps_binding *binding, struct aps_err *err)
{
	*keying = (struct aps_sync_keying){.partition = run->partition, .data = data, .binding = binding};
	aps_buf_init(&keying->type, APS_BUF_ANY_SIZE);
	aps_buf_init(&keying->cell, APS_BUF_ANY_SIZE);
	aps_arena_init(&keying->arena, APS_BUF_ANY_SIZE);
	enum aps_rc rc = binding == NULL ? bind(keying, run, err) : APS_OK;
	if (rc == APS_OK) rc = find_selection(keying, page, err);
	if (rc != APS_OK) aps_sync_keying_clear(keying);
	return rc;
}

void aps_sync_keying_clear(struct aps_sync_keying *keying)
{
	if (keying->binding == &keying->own) aps_binding_clear(&keying->own);
	keying->binding = NULL;
	aps_buf_clear(&keying->type);
	aps_buf_clear(&keying->cell);
	aps_arena_clear(&keying->arena);
}

/* The member that is a field; `selected`: what is selected of it. */
static bool find_member(const struct aps_selection_view *view, struct aps_json_members *members, struct aps_str name,
                        struct aps_str *text, struct aps_selection **selected)
{
	*selected = NULL;
	if (view == NULL) return aps_json_members_named(members, name, text);
	for (size_t i = 0; i < view->n_fields; i++) {
		const struct aps_selection_field *field = &view->fields[i];
		if (!field->is_plain || !aps_str_eq(field->name, name)) continue;
		if (!aps_json_members_named(members, field->response_key, text)) continue;
		*selected = field->selection;
		return true;
	}
	return false;
}

/* The text of what stands there. */
static bool find(struct aps_sync_keying *keying, struct aps_str path, struct aps_str *text)
{
	struct aps_json_members below, *members = &keying->members;
	const struct aps_selection_view *view = keying->view;
	for (;;) {
		const char *dot = memchr(path.p, '.', path.n);
		struct aps_str name = {path.p, dot != NULL ? (size_t)(dot - path.p) : path.n};
		struct aps_selection *selected;
		if (!find_member(view, members, name, text, &selected)) return false;
		if (dot == NULL) return true;
		if (view != NULL && selected == NULL) return false;
		if (view != NULL) view = aps_selection_view(keying->binding, selected, APS_STR(""));
		path = (struct aps_str){dot + 1, path.n - (size_t)(dot + 1 - path.p)};
		members = &below;
		aps_json_members_init(members, *text);
	}
}

static bool take(struct aps_sync_keying *keying, struct aps_str text, struct aps_cell *value)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, text, 0);
	enum aps_json_token token = aps_json_next(&r);
	if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY || token == APS_JSON_ERROR) return false;
	aps_buf_reset(&keying->cell);
	if (!aps_scalar_put(&keying->cell, &r, token, &keying->arena)) {
		keying->is_short = true;
		return false;
	}
	struct aps_str rest = aps_buf_str(&keying->cell);
	return aps_cell_take(&rest, value);
}

static bool get(void *of, struct aps_str path, struct aps_cell *value)
{
	struct aps_str text;
	return find(of, path, &text) && take(of, text, value);
}

/* It is in all that is sent, under its name. */
static void read_type(struct aps_sync_keying *keying)
{
	struct aps_str text;
	struct aps_cell type;
	aps_buf_reset(&keying->type);
	if (!aps_json_members_get(&keying->members, "__typename", &text)) return;
	if (take(keying, text, &type) && type.tag == APS_CELL_STRING) aps_buf_add_str(&keying->type, type.text);
}

static void set_view(struct aps_sync_keying *keying)
{
	keying->view = NULL;
	if (keying->selection == NULL) return;
	keying->view = aps_selection_view(keying->binding, keying->selection, APS_STR(""));
	if (keying->view != NULL && aps_selection_has_conditions(keying->selection))
		keying->view = aps_selection_view(keying->binding, keying->selection, aps_buf_str(&keying->type));
}

static bool is_short(const struct aps_sync_keying *keying)
{
	return keying->is_short || keying->type.rc != APS_OK || keying->binding->arena.rc != APS_OK ||
	       (keying->selection != NULL && keying->view == NULL);
}

void aps_sync_keying_put(struct aps_sync_keying *keying, struct aps_str text, struct aps_buf *keys)
{
	const struct aps_asked *asked = keying->data->asked;
	size_t at = keys->n, place = (size_t)(text.p - keying->data->data.p);
	const struct aps_asked_object *told = asked != NULL ? aps_asked_find(asked, place, &keying->next_asked) : NULL;
	if (told != NULL && told->answer == APS_ASKED_NONE) return;
	aps_buf_add_byte(keys, 'R');
	if (told != NULL && told->answer == APS_ASKED_KEY) {
		aps_buf_add_str(keys, aps_asked_key(asked, told));
		return;
	}
	aps_json_members_init(&keying->members, text);
	read_type(keying);
	set_view(keying);
	if (!aps_identity_of(keys, keying->partition->policies, aps_buf_str(&keying->type), get, keying)) keys->n = at;
	/* else it would be taken for one without an identity */
	if (is_short(keying)) keys->rc = APS_E_NOMEM;
}
