#include "client/sync_place.h"

/* Response keys from the root to the list. */
struct way {
	const struct aps_str *keys;
	size_t n_keys;
};

static const struct aps_selection_field *field_at(struct aps_binding *binding, struct aps_selection *selection,
                                                  struct aps_str type, struct aps_str key)
{
	size_t at = 0;
	const struct aps_selection_view *view = aps_selection_view(binding, selection, type);
	return view != NULL ? aps_selection_find(view, key, &at) : NULL;
}

/* No field of a service is called like that. */
static struct aps_str own_field(struct aps_arena *arena, struct aps_str root, const char *name)
{
	struct aps_buf field;
	aps_buf_init(&field, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&field, root);
	aps_buf_add_text(&field, name);
	struct aps_str made = field.rc == APS_OK ? aps_arena_dup(arena, aps_buf_str(&field)) : APS_STR("");
	aps_buf_clear(&field);
	return made;
}

static enum aps_rc put(struct aps_sync_run *run, struct aps_str root, bool is_apart, const struct aps_str *path,
                       size_t n_path, struct aps_err *err)
{
	struct aps_arena *arena = &run->place_arena;
	aps_arena_clear(arena);
	run->place = (struct aps_list_place){.is_apart = is_apart, .n_path = n_path};
	run->beside = run->lingers_at = (struct aps_list_place){.is_apart = true};
	struct aps_str *steps = n_path != 0 ? aps_arena_get(arena, n_path * sizeof *steps) : NULL;
	bool is_there = n_path == 0 || steps != NULL;
	for (size_t i = 0; is_there && i < n_path; i++) {
		steps[i] = aps_arena_dup(arena, path[i]);
		is_there = steps[i].p != NULL;
	}
	run->place.path = steps;
	run->beside.field = own_field(arena, root, "~base");
	run->lingers_at.field = own_field(arena, root, "~lingering");
	struct aps_str field = aps_arena_dup(arena, root);
	is_there = is_there && run->beside.field.n != 0 && run->lingers_at.field.n != 0 && field.p != NULL;
	if (!is_there) return aps_fail(err, APS_E_NOMEM, "no memory for a delta sync");
	run->place.field = field;
	return APS_OK;
}

static enum aps_rc find(struct aps_sync_run *run, struct aps_binding *binding, const struct way *way,
                        struct aps_err *err)
{
	struct aps_str path[APS_PAGE_MAX_PATH];
	const struct aps_selection_field *field = field_at(binding, binding->root, binding->root_type, way->keys[0]);
	struct aps_str root = field != NULL ? field->key : APS_STR("");
	bool is_apart = field != NULL && !field->is_plain;
	for (size_t i = 1; field != NULL && i < way->n_keys; i++) {
		field = field->selection != NULL ? field_at(binding, field->selection, APS_STR(""), way->keys[i])
		                                 : NULL;
		if (field != NULL) path[i - 1] = field->key;
	}
	if (binding->arena.rc != APS_OK) return aps_fail(err, APS_E_NOMEM, "no memory for a delta sync");
	if (field == NULL) return aps_fail(err, APS_E_USAGE, "the list of the base query isn't what it selects");
	return put(run, root, is_apart, path, way->n_keys - 1, err);
}

enum aps_rc aps_sync_place_find(struct aps_sync_run *run, const struct aps_page *page, struct aps_binding *binding,
                                struct aps_err *err)
{
	const struct way way = {page->path, page->n_path};
	if (!page->is_list || page->n_path == 0) return APS_OK;
	if (run->place.field.n != 0 && run->place.n_path == page->n_path - 1) return APS_OK;
	return find(run, binding, &way, err);
}

static bool selects_items(struct aps_binding *binding, struct aps_str root)
{
	const struct aps_selection_field *field = field_at(binding, binding->root, binding->root_type, root);
	if (field == NULL || field->selection == NULL) return false;
	field = field_at(binding, field->selection, APS_STR(""), APS_STR("items"));
	return field != NULL && field->selection != NULL;
}

enum aps_rc aps_sync_place_guess(struct aps_sync_run *run, struct aps_err *err)
{
	const struct aps_sync_part *part = &run->settings->parts[APS_SYNC_PART_BASE];
	const struct aps_operation *operation = &part->operation;
	struct aps_binding binding = {
	        .policies = run->partition->policies, .names = &run->partition->cache.names, .gives_numbers = true};
	if (operation->document == NULL) return APS_OK;
	enum aps_rc rc = aps_binding_init(&binding, operation->document, operation->definition,
	                                  aps_operation_variables(operation), err);
	if (rc == APS_OK) {
		const struct aps_str keys[] = {part->names.root, APS_STR("items")};
		bool has_items = selects_items(&binding, part->names.root);
		const struct way way = {keys, has_items ? 2 : 1};
		rc = find(run, &binding, &way, err);
	}
	aps_binding_clear(&binding);
	return rc;
}
