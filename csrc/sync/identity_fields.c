#include "sync/identity_fields.h"

#include "codec/json_reader.h"
#include "codec/json_writer.h"

static size_t colon_at(struct aps_str key)
{
	const char *colon = key.n != 0 ? memchr(key.p, ':', key.n) : NULL;
	return colon != NULL ? (size_t)(colon - key.p) : key.n;
}

struct aps_str aps_identity_type(struct aps_str key)
{
	size_t n = colon_at(key);
	return n != key.n ? (struct aps_str){key.p, n} : APS_STR("");
}

struct aps_str aps_identity_tail(struct aps_str key)
{
	size_t n = colon_at(key);
	return n != key.n ? (struct aps_str){key.p + n + 1, key.n - n - 1} : key;
}

static enum aps_rc keep_string(struct aps_str text, struct aps_arena *arena, struct aps_str *json, struct aps_err *err)
{
	struct aps_json_writer w;
	struct aps_buf buf;
	aps_buf_init(&buf, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &buf);
	aps_json_write_string(&w, text);
	enum aps_rc rc = aps_json_writer_finish(&w);
	if (rc == APS_OK) {
		*json = aps_arena_dup(arena, aps_buf_str(&buf));
		if (json->p == NULL) rc = aps_arena_fail(arena, "a record's key", err);
	} else if (rc == APS_E_UTF8) {
		rc = aps_fail(err, APS_E_USAGE, "The record's key isn't UTF-8");
	} else {
		rc = aps_fail(err, rc, "Out of memory while reading a record's key");
	}
	aps_buf_clear(&buf);
	return rc;
}

static bool is_scalar(struct aps_str json)
{
	return json.n != 0 && json.p[0] != '{' && json.p[0] != '[';
}

/* {"a":…,"b":…}: exactly these members, in this order. */
static bool read_members(struct aps_str tail, const struct aps_str *names, size_t n_names, struct aps_arena *arena,
                         struct aps_identity_field *fields)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, tail, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return false;
	for (size_t i = 0; i < n_names; i++) {
		if (aps_json_next(&r) != APS_JSON_KEY) return false;
		struct aps_str name = aps_json_unescape(&r, arena);
		if (name.p == NULL || !aps_str_eq(name, names[i])) return false;
		fields[i].name = names[i];
		if (aps_json_skip_value(&r, &fields[i].value) != APS_OK || !is_scalar(fields[i].value)) return false;
	}
	return aps_json_next(&r) == APS_JSON_OBJECT_END && aps_json_next(&r) == APS_JSON_END;
}

enum aps_rc aps_identity_fields_of(struct aps_str key, const struct aps_str *names, size_t n_names,
                                   struct aps_arena *arena, struct aps_identity_field **fields, struct aps_err *err)
{
	struct aps_str tail = aps_identity_tail(key);
	*fields = aps_arena_get(arena, (n_names + 1) * sizeof **fields);
	if (*fields == NULL) return aps_arena_fail(arena, "a record's key", err);
	if (aps_identity_type(key).n == 0) return aps_fail(err, APS_E_USAGE, "The record's key names no type");
	if (n_names <= 1) {
		(*fields)[0].name = n_names == 1 ? names[0] : APS_STR("id");
		return keep_string(tail, arena, &(*fields)[0].value, err);
	}
	if (read_members(tail, names, n_names, arena, *fields)) return APS_OK;
	if (arena->rc != APS_OK) return aps_arena_fail(arena, "a record's key", err);
	return aps_fail(err, APS_E_USAGE, "The record's key isn't made of its type's key fields");
}
