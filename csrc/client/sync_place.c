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

/* No field of a service is called like that, and no other sync's of the same field. */
static struct aps_str own_field(struct aps_sync_run *run, struct aps_str root, const char *what)
{
	struct aps_buf field;
	aps_buf_init(&field, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&field, root);
	aps_buf_addf(&field, "~%s_%.16s", what, run->name);
	struct aps_str made = field.rc == APS_OK ? aps_arena_dup(&run->place_arena, aps_buf_str(&field)) : APS_STR("");
	aps_buf_clear(&field);
	return made;
}

/* Field by field, as the cache names them; NULL: no memory. */
static const struct aps_str *copy_path(struct aps_arena *arena, const struct aps_str *path, size_t n_path)
{
	struct aps_str *steps = aps_arena_get(arena, (n_path + 1) * sizeof *steps);
	for (size_t i = 0; steps != NULL && i < n_path; i++) steps[i] = aps_arena_dup(arena, path[i]);
	return steps;
}

/* What is found. */
struct found {
	struct aps_str root;
	bool is_apart;
	struct aps_str path[APS_PAGE_MAX_PATH];
	size_t n_path;
	struct aps_str token; /* beside the list; empty: it isn't selected */
};

static enum aps_rc put(struct aps_sync_run *run, const struct found *found, struct aps_err *err)
{
	struct aps_arena *arena = &run->place_arena;
	aps_arena_clear(arena);
	run->place = run->token_place = (struct aps_list_place){.is_apart = found->is_apart};
	run->beside = run->lingers_at = run->between_at = run->gone_at = (struct aps_list_place){.is_apart = true};
	struct aps_str field = aps_arena_dup(arena, found->root);
	const struct aps_str *path = copy_path(arena, found->path, found->n_path);
	struct aps_str *token_path = aps_arena_get(arena, (found->n_path + 1) * sizeof *token_path);
	for (size_t i = 0; path != NULL && token_path != NULL && i + 1 < found->n_path; i++) token_path[i] = path[i];
	bool has_token = found->token.n != 0 && found->n_path != 0;
	if (token_path != NULL && has_token) token_path[found->n_path - 1] = aps_arena_dup(arena, found->token);
	run->beside.field = own_field(run, found->root, "base");
	run->lingers_at.field = own_field(run, found->root, "lingering");
	run->between_at.field = own_field(run, found->root, "between");
	run->gone_at.field = own_field(run, found->root, "gone");
	bool is_short = run->beside.field.n == 0 || run->lingers_at.field.n == 0 || run->between_at.field.n == 0 ||
	                run->gone_at.field.n == 0;
	if (arena->rc != APS_OK || is_short) return aps_fail(err, APS_E_NOMEM, "no memory for a delta sync");
	run->place.path = path;
	run->place.n_path = found->n_path;
	run->token_place.path = token_path;
	run->token_place.n_path = found->n_path;
	if (has_token) run->token_place.field = field;
	run->place.field = field;
	return APS_OK;
}

static enum aps_rc find(struct aps_sync_run *run, struct aps_binding *binding, const struct way *way,
                        struct aps_err *err)
{
	struct aps_str token = run->settings->parts[APS_SYNC_PART_BASE].names.next_token;
	const struct aps_selection_field *field = field_at(binding, binding->root, binding->root_type, way->keys[0]);
	struct found found = {.n_path = way->n_keys - 1};
	if (field != NULL) found.root = field->key;
	if (field != NULL) found.is_apart = !field->is_plain;
	for (size_t i = 1; field != NULL && i < way->n_keys; i++) {
		struct aps_selection *selection = field->selection;
		field = selection != NULL ? field_at(binding, selection, APS_STR(""), way->keys[i]) : NULL;
		if (field == NULL) break;
		found.path[i - 1] = field->key;
		const struct aps_selection_field *beside =
		        token.n != 0 ? field_at(binding, selection, APS_STR(""), token) : NULL;
		found.token = beside != NULL ? beside->key : APS_STR("");
	}
	if (binding->arena.rc != APS_OK) return aps_fail(err, APS_E_NOMEM, "no memory for a delta sync");
	if (field == NULL) return aps_fail(err, APS_E_USAGE, "the list of the base query isn't what it selects");
	return put(run, &found, err);
}

enum aps_rc aps_sync_place_find(struct aps_sync_run *run, const struct aps_page *page, struct aps_binding *binding,
                                struct aps_err *err)
{
	const struct way way = {page->path, page->n_path};
	if (!page->is_list || page->n_path == 0) return APS_OK;
	return find(run, binding, &way, err);
}

/* What was shown of an earlier run: the first list depth-first, as in a page. */
struct search {
	struct aps_sync_run *run;
	struct aps_binding *binding;
	struct aps_cache_write *write;
	struct aps_str keys[APS_PAGE_MAX_PATH];
	struct aps_err *err;
};

/* The place of the first `n_keys` keys is in the run. True: there is a list, or a failure. */
static bool search_below(struct search *in, struct aps_selection *selection, size_t n_keys)
{
	struct aps_cell value;
	const struct way way = {in->keys, n_keys};
	if (find(in->run, in->binding, &way, in->err) != APS_OK) return true;
	if (aps_synced_list_is_at(in->write, &in->run->place)) return true;
	bool is_object = aps_list_place_find(in->write, &in->run->place, &value) && value.tag == APS_CELL_OBJECT;
	const struct aps_selection_view *view = is_object && n_keys < APS_PAGE_MAX_PATH
	                                                ? aps_selection_view(in->binding, selection, APS_STR(""))
	                                                : NULL;
	for (size_t i = 0; view != NULL && i < view->n_fields; i++) {
		if (view->fields[i].selection == NULL) continue;
		in->keys[n_keys] = view->fields[i].response_key;
		if (search_below(in, view->fields[i].selection, n_keys + 1)) return true;
	}
	return false;
}

static enum aps_rc search(struct aps_sync_run *run, struct aps_binding *binding, struct aps_err *err)
{
	const struct aps_page_names *names = &run->settings->parts[APS_SYNC_PART_BASE].names;
	struct aps_cache_write write = {.cache = &run->partition->cache}; /* only looked with */
	struct search in = {run, binding, &write, {names->root}, err};
	const struct aps_selection_field *field = field_at(binding, binding->root, binding->root_type, names->root);
	aps_err_clear(err);
	if (field == NULL || field->selection == NULL) return find(run, binding, &(struct way){in.keys, 1}, err);
	if (search_below(&in, field->selection, 1)) return err->code;
	return find(run, binding, &(struct way){in.keys, 1}, err);
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
	const struct aps_str keys[] = {part->names.root, part->names.items};
	const struct way way = {keys, 2};
	if (rc == APS_OK) rc = part->names.items.n != 0 ? find(run, &binding, &way, err) : search(run, &binding, err);
	aps_binding_clear(&binding);
	return rc;
}

bool aps_sync_place_is_lost(struct aps_sync_run *run)
{
	const struct aps_checkpoint *checkpoint = &run->machine.checkpoint;
	struct aps_cache_write write = {.cache = &run->partition->cache}; /* only looked with */
	bool has_begun = checkpoint->base.is_open && !checkpoint->is_beside && checkpoint->base.n_records != 0;
	if ((checkpoint->base_ms == 0 && !has_begun) || run->place.field.n == 0) return false;
	return aps_kept_list_look(&write, &run->place) == APS_KEPT_LIST_IS_OTHERS && write.err.code == APS_OK;
}
