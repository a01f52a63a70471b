#include "cache/error_paths.h"

#include "codec/json_reader.h"

#define MAX_PATH_BYTES ((size_t)1024 * 1024)

struct component {
	struct aps_str key; /* empty p: an index */
	int64_t index;
	struct component *next;
};

struct aps_error_path {
	struct aps_error_path *next;
	unsigned n_components;
	unsigned n_matched; /* of the place that is read */
	struct component **components;
};

static enum aps_rc read_components(struct aps_json_reader *r, struct aps_arena *arena, struct component **first,
                                   unsigned *n)
{
	struct component **last = first;
	enum aps_json_token token;
	*first = NULL;
	*n = 0;
	while ((token = aps_json_next(r)) == APS_JSON_STRING || token == APS_JSON_INT) {
		struct component *component = aps_arena_get(arena, sizeof *component);
		if (component == NULL) return APS_E_NOMEM;
		if (token == APS_JSON_STRING) component->key = aps_json_unescape(r, arena);
		if (token == APS_JSON_STRING && component->key.p == NULL) return APS_E_NOMEM;
		component->index = token == APS_JSON_INT ? r->integer : -1;
		*last = component;
		last = &component->next;
		(*n)++;
	}
	if (token != APS_JSON_ARRAY_END) *n = 0; /* no path */
	return APS_OK;
}

/* `span`: JSON text of a path. */
static enum aps_rc add_path(struct aps_error_paths *paths, struct aps_str span)
{
	struct aps_json_reader r;
	struct component *first;
	unsigned n;
	aps_json_reader_init(&r, span, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return APS_OK;
	if (read_components(&r, &paths->arena, &first, &n) != APS_OK) return APS_E_NOMEM;
	if (n == 0) return APS_OK;
	struct aps_error_path *path = aps_arena_get(&paths->arena, sizeof *path);
	if (path != NULL) path->components = aps_arena_get(&paths->arena, n * sizeof(struct component *));
	if (path == NULL || path->components == NULL) return APS_E_NOMEM;
	for (; first != NULL; first = first->next) path->components[path->n_components++] = first;
	path->next = paths->first;
	paths->first = path;
	return APS_OK;
}

static enum aps_rc read_error(struct aps_error_paths *paths, struct aps_json_reader *r)
{
	struct aps_str span;
	while (aps_json_next(r) == APS_JSON_KEY) {
		bool is_path = aps_json_text_is(r, "path");
		if (aps_json_skip_value(r, &span) != APS_OK) return APS_OK;
		if (is_path && add_path(paths, span) != APS_OK) return APS_E_NOMEM;
	}
	return APS_OK;
}

void aps_error_paths_init(struct aps_error_paths *paths, struct aps_str errors, struct aps_err *err)
{
	*paths = (struct aps_error_paths){.depth = 0};
	aps_arena_init(&paths->arena, MAX_PATH_BYTES);
	if (errors.n == 0) return;
	struct aps_json_reader r;
	aps_json_reader_init(&r, errors, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return;
	enum aps_json_token token;
	while ((token = aps_json_next(&r)) != APS_JSON_ARRAY_END && token != APS_JSON_ERROR) {
		if (token == APS_JSON_ARRAY) aps_json_skip_rest(&r);
		if (token == APS_JSON_OBJECT && read_error(paths, &r) != APS_OK) {
			aps_arena_fail(&paths->arena, "the errors of a response", err);
			return;
		}
	}
}

void aps_error_paths_clear(struct aps_error_paths *paths)
{
	aps_arena_clear(&paths->arena);
	paths->first = NULL;
}

static bool is_at(const struct component *component, struct aps_str key, int64_t index)
{
	return index >= 0 ? component->index == index : component->key.p != NULL && aps_str_eq(component->key, key);
}

static bool enter(struct aps_error_paths *paths, struct aps_str key, int64_t index)
{
	bool is_named = false;
	unsigned depth = paths->depth++;
	for (struct aps_error_path *path = paths->first; path != NULL; path = path->next) {
		if (path->n_matched != depth || path->n_components <= depth) continue;
		if (!is_at(path->components[depth], key, index)) continue;
		path->n_matched++;
		if (path->n_components == path->n_matched) is_named = true;
	}
	return is_named;
}

bool aps_error_paths_enter(struct aps_error_paths *paths, struct aps_str response_key)
{
	return paths->first != NULL && enter(paths, response_key, -1);
}

bool aps_error_paths_enter_item(struct aps_error_paths *paths, size_t index)
{
	return paths->first != NULL && enter(paths, APS_STR(""), (int64_t)index);
}

void aps_error_paths_leave(struct aps_error_paths *paths)
{
	if (paths->first == NULL) return;
	unsigned depth = --paths->depth;
	for (struct aps_error_path *path = paths->first; path != NULL; path = path->next)
		if (path->n_matched > depth) path->n_matched = depth;
}
