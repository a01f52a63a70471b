#include "sync/record_fields.h"

#include "sync/same_json.h"

static struct aps_record_field *find(const struct aps_record_fields *fields, struct aps_str name)
{
	for (size_t i = 0; i < fields->n; i++)
		if (aps_str_eq(fields->items[i].name, name)) return &fields->items[i];
	return NULL;
}

static bool make_room(struct aps_record_fields *fields, size_t n, struct aps_arena *arena)
{
	if (n <= fields->capacity) return true;
	size_t capacity = fields->capacity * 2 > n ? fields->capacity * 2 : n;
	if (capacity < 8) capacity = 8;
	struct aps_record_field *items = aps_arena_get(arena, capacity * sizeof *items);
	if (items == NULL) return false;
	if (fields->n != 0) memcpy(items, fields->items, fields->n * sizeof *items);
	fields->items = items;
	fields->capacity = capacity;
	return true;
}

static void take_away(struct aps_record_fields *fields, struct aps_record_field *field)
{
	size_t n_behind = fields->n - (size_t)(field - fields->items) - 1;
	memmove(field, field + 1, n_behind * sizeof *field);
	fields->n--;
}

struct aps_str aps_record_fields_get(const struct aps_record_fields *fields, struct aps_str name)
{
	const struct aps_record_field *field = find(fields, name);
	return field != NULL ? field->value : APS_STR("");
}

bool aps_record_fields_set(struct aps_record_fields *fields, struct aps_str name, struct aps_str value,
                           struct aps_arena *arena)
{
	struct aps_record_field *field = find(fields, name);
	if (field == NULL) {
		if (!make_room(fields, fields->n + 1, arena)) return false;
		field = &fields->items[fields->n++];
		field->name = name;
	}
	field->value = value;
	return true;
}

static enum aps_rc read_member(struct aps_record_fields *fields, struct aps_json_reader *r, bool keeps_null,
                               struct aps_arena *arena, struct aps_err *err)
{
	struct aps_str value, name = aps_json_unescape(r, arena);
	if (name.p == NULL) return aps_arena_fail(arena, "a record", err);
	enum aps_rc rc = aps_json_skip_value(r, &value);
	if (rc != APS_OK) {
		*err = r->err;
		return rc;
	}
	if (aps_str_is(value, "null") && !keeps_null) {
		struct aps_record_field *former = find(fields, name);
		if (former != NULL) take_away(fields, former);
		return APS_OK;
	}
	if (fields->n == APS_RECORD_FIELDS_MAX)
		return aps_fail(err, APS_E_PROTOCOL, "a record has more than %d fields", APS_RECORD_FIELDS_MAX);
	return aps_record_fields_set(fields, name, value, arena) ? APS_OK : aps_arena_fail(arena, "a record", err);
}

enum aps_rc aps_record_fields_read(struct aps_record_fields *fields, struct aps_str json, bool keeps_null,
                                   struct aps_arena *arena, struct aps_err *err)
{
	struct aps_json_reader r;
	enum aps_json_token token;
	enum aps_rc rc = APS_OK;
	*fields = (struct aps_record_fields){NULL, 0, 0};
	aps_json_reader_init(&r, json, 0);
	token = aps_json_next(&r);
	if (token != APS_JSON_OBJECT && token != APS_JSON_ERROR)
		return aps_fail(err, APS_E_PROTOCOL, "a record is no JSON object");
	while (rc == APS_OK && token != APS_JSON_ERROR && (token = aps_json_next(&r)) == APS_JSON_KEY)
		rc = read_member(fields, &r, keeps_null, arena, err);
	if (rc != APS_OK) return rc;
	if (token == APS_JSON_OBJECT_END) token = aps_json_next(&r);
	if (token == APS_JSON_END) return APS_OK;
	*err = r.err;
	return err->code;
}

bool aps_record_fields_copy(struct aps_record_fields *to, const struct aps_record_fields *from, struct aps_arena *arena)
{
	*to = (struct aps_record_fields){NULL, 0, 0};
	if (!make_room(to, from->n, arena)) return false;
	if (from->n != 0) memcpy(to->items, from->items, from->n * sizeof *to->items);
	to->n = from->n;
	return true;
}

bool aps_record_fields_apply(struct aps_record_fields *record, const struct aps_record_fields *change,
                             struct aps_arena *arena)
{
	for (size_t i = 0; i < change->n; i++) {
		const struct aps_record_field *field = &change->items[i];
		struct aps_record_field *former;
		if (!aps_str_is(field->value, "null")) {
			if (!aps_record_fields_set(record, field->name, field->value, arena)) return false;
		} else if ((former = find(record, field->name)) != NULL) {
			take_away(record, former);
		}
	}
	return true;
}

void aps_record_fields_write(const struct aps_record_fields *fields, struct aps_json_writer *w)
{
	aps_json_write_object(w);
	for (size_t i = 0; i < fields->n; i++) {
		aps_json_write_key(w, fields->items[i].name);
		aps_json_write_raw(w, fields->items[i].value);
	}
	aps_json_write_object_end(w);
}

static bool is_null(struct aps_str value)
{
	return value.n == 0 || aps_str_is(value, "null");
}

/* A comparison passes over what only one side has: both ways it doesn't. */
bool aps_record_value_is_same(struct aps_str a, struct aps_str b)
{
	size_t budget = APS_SAME_JSON_BYTES;
	if (is_null(a) || is_null(b)) return is_null(a) && is_null(b);
	if (aps_str_eq(a, b)) return true;
	return aps_same_json(a, b, &budget) == APS_SAME_JSON_YES && aps_same_json(b, a, &budget) == APS_SAME_JSON_YES;
}

bool aps_record_fields_int(const struct aps_record_fields *fields, const char *name, int64_t *value)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, aps_record_fields_get(fields, aps_str_of(name)), 0);
	if (aps_json_next(&r) != APS_JSON_INT) return false;
	*value = r.integer;
	return true;
}

bool aps_record_fields_is_true(const struct aps_record_fields *fields, const char *name)
{
	return aps_str_is(aps_record_fields_get(fields, aps_str_of(name)), "true");
}
