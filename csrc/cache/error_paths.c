#include "cache/error_paths.h"

#include "base/buf.h"
#include "base/mem.h"
#include "codec/json_reader.h"

#define FIRST_SLOTS 64

struct aps_error_place {
	struct aps_error_place *above;     /* NULL: the response */
	struct aps_error_place *next;      /* of the same slot */
	struct aps_error_place *made_then; /* before it */
	struct aps_str key;                /* p NULL: an index */
	int64_t index;
	uint64_t hash;
	bool is_named;
};

static uint64_t hash_of(const struct aps_error_paths *paths, const struct aps_error_place *above, struct aps_str key,
                        int64_t index)
{
	uint64_t seed = aps_str_hash((struct aps_str){(const char *)&above, sizeof above}, paths->seed);
	if (key.p == NULL) key = (struct aps_str){(const char *)&index, sizeof index};
	return aps_str_hash(key, seed);
}

static struct aps_error_place *find(const struct aps_error_paths *paths, const struct aps_error_place *above,
                                    struct aps_str key, int64_t index, uint64_t hash)
{
	struct aps_error_place *place = paths->n_slots != 0 ? paths->slots[hash & (paths->n_slots - 1)] : NULL;
	for (; place != NULL; place = place->next) {
		if (place->hash != hash || place->above != above || (place->key.p == NULL) != (key.p == NULL)) continue;
		if (key.p != NULL ? aps_str_eq(place->key, key) : place->index == index) return place;
	}
	return NULL;
}

static void put_in_slot(struct aps_error_paths *paths, struct aps_error_place *place)
{
	struct aps_error_place **slot = &paths->slots[place->hash & (paths->n_slots - 1)];
	place->next = *slot;
	*slot = place;
}

static bool grow(struct aps_error_paths *paths)
{
	size_t n = paths->n_slots == 0 ? FIRST_SLOTS : 2 * paths->n_slots;
	struct aps_error_place **slots = aps_calloc(n, sizeof *slots);
	if (slots == NULL) return false;
	aps_free(paths->slots);
	paths->slots = slots;
	paths->n_slots = n;
	for (struct aps_error_place *place = paths->last; place != NULL; place = place->made_then)
		put_in_slot(paths, place);
	return true;
}

static enum aps_rc fail_nomem(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory for the errors of a response");
}

/* Below *at, which it becomes. */
static enum aps_rc add_place(struct aps_error_paths *paths, struct aps_error_place **at, struct aps_str key,
                             int64_t index, struct aps_err *err)
{
	uint64_t hash = hash_of(paths, *at, key, index);
	struct aps_error_place *place = find(paths, *at, key, index, hash);
	if (place == NULL) {
		if (paths->n_places == APS_ERROR_PATHS_MAX_PLACES)
			return aps_fail(err, APS_E_TOO_BIG, "the errors of a response name more than %zu places",
			                APS_ERROR_PATHS_MAX_PLACES);
		if (paths->n_places == paths->n_slots && !grow(paths)) return fail_nomem(err);
		place = aps_arena_get(&paths->arena, sizeof *place);
		if (place == NULL) return fail_nomem(err);
		*place = (struct aps_error_place){
		        .above = *at, .made_then = paths->last, .key = key, .index = index, .hash = hash};
		paths->last = place;
		paths->n_places++;
		put_in_slot(paths, place);
	}
	*at = place;
	return APS_OK;
}

/* `span`: JSON text of a path. One that breaks off, or has what is no key and no index, names nothing. */
static enum aps_rc add_path(struct aps_error_paths *paths, struct aps_str span, struct aps_err *err)
{
	struct aps_json_reader r;
	struct aps_error_place *at = paths->root;
	enum aps_json_token token;
	enum aps_rc rc = APS_OK;
	aps_json_reader_init(&r, span, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return APS_OK;
	while (rc == APS_OK && ((token = aps_json_next(&r)) == APS_JSON_STRING || token == APS_JSON_INT)) {
		struct aps_str key = {NULL, 0};
		if (token == APS_JSON_STRING) key = aps_json_unescape(&r, &paths->arena);
		if (token == APS_JSON_STRING && key.p == NULL) return fail_nomem(err);
		rc = add_place(paths, &at, key, token == APS_JSON_INT ? r.integer : 0, err);
	}
	if (rc == APS_OK && token == APS_JSON_ARRAY_END && at != paths->root) at->is_named = true;
	return rc;
}

static enum aps_rc read_error(struct aps_error_paths *paths, struct aps_json_reader *r, struct aps_err *err)
{
	struct aps_str span;
	enum aps_rc rc = APS_OK;
	while (rc == APS_OK && aps_json_next(r) == APS_JSON_KEY) {
		bool is_path = aps_json_text_is(r, "path");
		if (aps_json_skip_value(r, &span) != APS_OK) return APS_OK;
		if (is_path) rc = add_path(paths, span, err);
	}
	return rc;
}

static enum aps_rc read_errors(struct aps_error_paths *paths, struct aps_str errors, struct aps_err *err)
{
	struct aps_json_reader r;
	enum aps_json_token token;
	enum aps_rc rc = APS_OK;
	aps_json_reader_init(&r, errors, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return APS_OK;
	paths->root = aps_arena_get(&paths->arena, sizeof *paths->root);
	if (paths->root == NULL) return fail_nomem(err);
	paths->at = paths->root;
	while (rc == APS_OK && (token = aps_json_next(&r)) != APS_JSON_ARRAY_END && token != APS_JSON_ERROR) {
		if (token == APS_JSON_ARRAY) aps_json_skip_rest(&r);
		if (token == APS_JSON_OBJECT) rc = read_error(paths, &r, err);
	}
	return rc;
}

void aps_error_paths_init(struct aps_error_paths *paths, struct aps_str errors, uint64_t seed, struct aps_err *err)
{
	*paths = (struct aps_error_paths){.seed = seed};
	aps_arena_init(&paths->arena, APS_BUF_ANY_SIZE);
	if (errors.n == 0) return;
	if (read_errors(paths, errors, err) != APS_OK || paths->n_places == 0) aps_error_paths_clear(paths);
}

void aps_error_paths_clear(struct aps_error_paths *paths)
{
	aps_arena_clear(&paths->arena);
	aps_free(paths->slots);
	*paths = (struct aps_error_paths){.arena = paths->arena};
}

static bool enter(struct aps_error_paths *paths, struct aps_str key, int64_t index)
{
	struct aps_error_place *place = NULL;
	if (paths->root == NULL) return false;
	if (paths->n_beyond == 0) place = find(paths, paths->at, key, index, hash_of(paths, paths->at, key, index));
	if (place == NULL) {
		paths->n_beyond++;
		return false;
	}
	paths->at = place;
	return place->is_named;
}

bool aps_error_paths_enter(struct aps_error_paths *paths, struct aps_str response_key)
{
	return enter(paths, response_key, 0);
}

bool aps_error_paths_enter_item(struct aps_error_paths *paths, size_t index)
{
	return enter(paths, (struct aps_str){NULL, 0}, (int64_t)index);
}

void aps_error_paths_leave(struct aps_error_paths *paths)
{
	if (paths->root == NULL) return;
	if (paths->n_beyond != 0)
		paths->n_beyond--;
	else
		paths->at = paths->at->above;
}
