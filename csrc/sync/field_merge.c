#include "sync/field_merge.h"

#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "sync/record_fields.h"

#include <math.h>

#define MAX_COMPARED 1000000 /* pairs of elements: longer lists are joined without a look at what is there twice */

struct scalar {
	enum aps_json_token token;
	int64_t integer;
	double number;
	struct aps_str text; /* of a string, decoded */
};

/* What was gathered of lists. */
struct elements {
	struct aps_str *items;
	size_t n, capacity;
};

const char *aps_field_merge_name(enum aps_field_merge rule)
{
	static const char *const NAMES[] = {
#define APS_FIELD_MERGE_NAME(name, text) text,
	        APS_FIELD_MERGE_MAP(APS_FIELD_MERGE_NAME)
#undef APS_FIELD_MERGE_NAME
	};
	return rule < APS_FIELD_MERGE_COUNT ? NAMES[rule] : "?";
}

bool aps_field_merge_find(struct aps_str word, enum aps_field_merge *rule)
{
	for (unsigned i = 0; i < APS_FIELD_MERGE_COUNT; i++) {
		if (!aps_str_is(word, aps_field_merge_name((enum aps_field_merge)i))) continue;
		*rule = (enum aps_field_merge)i;
		return true;
	}
	return false;
}

bool aps_field_merge_counts_twice(enum aps_field_merge rule)
{
	return rule == APS_FIELD_MERGE_SUM_DELTA;
}

static bool is_none(struct aps_str value)
{
	return value.n == 0 || aps_str_is(value, "null");
}

static enum aps_rc read_scalar(struct aps_str json, struct aps_arena *arena, struct scalar *scalar, struct aps_err *err)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	*scalar = (struct scalar){.token = aps_json_next(&r)};
	scalar->integer = r.integer;
	scalar->number = r.number;
	if (scalar->token != APS_JSON_STRING) return APS_OK;
	scalar->text = aps_json_unescape(&r, arena);
	return scalar->text.p != NULL ? APS_OK : aps_arena_fail(arena, "a field that is merged", err);
}

static bool is_number(const struct scalar *scalar)
{
	return scalar->token == APS_JSON_INT || scalar->token == APS_JSON_DOUBLE || scalar->token == APS_JSON_BIGINT;
}

/* *order: < 0, 0, > 0. False: they can't be compared. */
static bool compare(const struct scalar *a, const struct scalar *b, int *order)
{
	if (a->token == APS_JSON_INT && b->token == APS_JSON_INT)
		*order = (a->integer > b->integer) - (a->integer < b->integer);
	else if (is_number(a) && is_number(b))
		*order = (a->number > b->number) - (a->number < b->number);
	else if (a->token == APS_JSON_STRING && b->token == APS_JSON_STRING)
		*order = aps_str_cmp(a->text, b->text);
	else
		return false;
	return true;
}

static enum aps_rc choose(const struct aps_field_versions *versions, bool is_max, struct aps_arena *arena,
                          struct aps_str *merged, struct aps_err *err)
{
	struct scalar local, remote;
	int order;
	*merged = versions->local;
	if (is_none(versions->local)) *merged = versions->remote;
	if (is_none(versions->local) || is_none(versions->remote)) return APS_OK;
	enum aps_rc rc = read_scalar(versions->local, arena, &local, err);
	if (rc == APS_OK) rc = read_scalar(versions->remote, arena, &remote, err);
	if (rc != APS_OK || !compare(&local, &remote, &order)) return rc;
	if (is_max ? order < 0 : order > 0) *merged = versions->remote;
	return APS_OK;
}

static enum aps_rc finish(struct aps_buf *text, enum aps_rc rc, struct aps_arena *arena, struct aps_str *merged,
                          struct aps_err *err)
{
	if (rc == APS_OK) *merged = aps_arena_dup(arena, aps_buf_str(text));
	aps_buf_clear(text);
	if (rc != APS_OK) return aps_fail(err, rc, "no memory for a field that is merged");
	return merged->p != NULL ? APS_OK : aps_arena_fail(arena, "a field that is merged", err);
}

static enum aps_rc read_summand(struct aps_str json, struct aps_arena *arena, struct scalar *scalar,
                                struct aps_err *err)
{
	*scalar = (struct scalar){.token = APS_JSON_INT};
	return is_none(json) ? APS_OK : read_scalar(json, arena, scalar, err);
}

static bool sum_exactly(const struct scalar *base, const struct scalar *local, const struct scalar *remote,
                        int64_t *sum)
{
	bool are_ints = base->token == APS_JSON_INT && local->token == APS_JSON_INT && remote->token == APS_JSON_INT;
	int64_t delta;
	return are_ints && !__builtin_sub_overflow(local->integer, base->integer, &delta) &&
	       !__builtin_add_overflow(remote->integer, delta, sum);
}

static enum aps_rc sum(const struct aps_field_versions *versions, struct aps_arena *arena, struct aps_str *merged,
                       struct aps_err *err)
{
	struct scalar base, local, remote;
	struct aps_json_writer w;
	struct aps_buf text;
	int64_t whole;
	*merged = versions->local;
	if (is_none(versions->local)) return APS_OK; /* it was taken away: that is no number */
	enum aps_rc rc = read_summand(versions->base, arena, &base, err);
	if (rc == APS_OK) rc = read_summand(versions->local, arena, &local, err);
	if (rc == APS_OK) rc = read_summand(versions->remote, arena, &remote, err);
	if (rc != APS_OK || !is_number(&base) || !is_number(&local) || !is_number(&remote)) return rc;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &text);
	double rounded = remote.number + (local.number - base.number);
	if (sum_exactly(&base, &local, &remote, &whole))
		aps_json_write_int(&w, whole);
	else if (isfinite(rounded))
		aps_json_write_double(&w, rounded);
	else
		aps_json_write_raw(&w, versions->local);
	return finish(&text, aps_json_writer_finish(&w), arena, merged, err);
}

static bool has(const struct elements *elements, struct aps_str item)
{
	for (size_t i = 0; i < elements->n; i++)
		if (aps_record_value_is_same(elements->items[i], item)) return true;
	return false;
}

static bool add(struct elements *elements, struct aps_str item, struct aps_arena *arena)
{
	if (elements->n == elements->capacity) {
		size_t capacity = elements->capacity != 0 ? elements->capacity * 2 : 16;
		struct aps_str *items = aps_arena_get(arena, capacity * sizeof *items);
		if (items == NULL) return false;
		if (elements->n != 0) memcpy(items, elements->items, elements->n * sizeof *items);
		elements->items = items;
		elements->capacity = capacity;
	}
	elements->items[elements->n++] = item;
	return true;
}

/* *is_list false: it is none. */
static enum aps_rc read_list(struct aps_str json, struct aps_arena *arena, struct elements *elements, bool *is_list,
                             struct aps_err *err)
{
	struct aps_json_reader r;
	struct aps_str item;
	*elements = (struct elements){NULL, 0, 0};
	*is_list = is_none(json);
	if (*is_list) return APS_OK;
	aps_json_reader_init(&r, json, 0);
	*is_list = aps_json_next(&r) == APS_JSON_ARRAY;
	while (*is_list && aps_json_skip_value(&r, &item) == APS_OK)
		if (!add(elements, item, arena)) return aps_arena_fail(arena, "a field that is merged", err);
	return APS_OK;
}

static bool is_too_long(size_t a, size_t b)
{
	return a != 0 && b > MAX_COMPARED / a;
}

static enum aps_rc join(const struct elements lists[3], bool is_union, struct aps_arena *arena, struct aps_str *merged,
                        struct aps_err *err)
{
	const struct elements *base = &lists[0], *local = &lists[1], *remote = &lists[2];
	struct elements all = {NULL, 0, 0};
	bool is_blind = is_too_long(local->n, remote->n + local->n + base->n) || is_too_long(remote->n, remote->n);
	for (size_t i = 0; i < remote->n; i++) {
		bool is_twice = is_union && !is_blind && has(&all, remote->items[i]);
		if (!is_twice && !add(&all, remote->items[i], arena)) goto no_memory;
	}
	for (size_t i = 0; i < local->n; i++) {
		bool is_old = !is_union && !is_blind && has(base, local->items[i]);
		bool is_there = !is_blind && has(&all, local->items[i]);
		if (!is_old && !is_there && !add(&all, local->items[i], arena)) goto no_memory;
	}
	struct aps_json_writer w;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &text);
	aps_json_write_array(&w);
	for (size_t i = 0; i < all.n; i++) aps_json_write_raw(&w, all.items[i]);
	aps_json_write_array_end(&w);
	return finish(&text, aps_json_writer_finish(&w), arena, merged, err);
no_memory:
	return aps_arena_fail(arena, "a field that is merged", err);
}

static enum aps_rc join_lists(const struct aps_field_versions *versions, bool is_union, struct aps_arena *arena,
                              struct aps_str *merged, struct aps_err *err)
{
	const struct aps_str texts[3] = {versions->base, versions->local, versions->remote};
	struct elements lists[3];
	*merged = versions->local;
	if (is_none(versions->local) && !is_union) return APS_OK;
	for (size_t i = 0; i < APS_COUNTOF(lists); i++) {
		bool is_list;
		enum aps_rc rc = read_list(texts[i], arena, &lists[i], &is_list, err);
		if (rc != APS_OK || !is_list) return rc;
	}
	return join(lists, is_union, arena, merged, err);
}

enum aps_rc aps_field_merge(enum aps_field_merge rule, const struct aps_field_versions *versions,
                            struct aps_arena *arena, struct aps_str *merged, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	switch (rule) {
	case APS_FIELD_MERGE_SERVER: *merged = versions->remote; break;
	case APS_FIELD_MERGE_MAX: rc = choose(versions, true, arena, merged, err); break;
	case APS_FIELD_MERGE_MIN: rc = choose(versions, false, arena, merged, err); break;
	case APS_FIELD_MERGE_SUM_DELTA: rc = sum(versions, arena, merged, err); break;
	case APS_FIELD_MERGE_UNION: rc = join_lists(versions, true, arena, merged, err); break;
	case APS_FIELD_MERGE_APPEND_ONCE: rc = join_lists(versions, false, arena, merged, err); break;
	case APS_FIELD_MERGE_ASK:
	case APS_FIELD_MERGE_CLIENT:
	case APS_FIELD_MERGE_COUNT:
	default: *merged = versions->local; break;
	}
	if (rc == APS_OK && merged->n == 0) *merged = APS_STR("null");
	return rc;
}
