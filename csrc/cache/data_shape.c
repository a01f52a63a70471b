#include "cache/data_shape.h"

#include "cache/object_type.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"

#define MAX_PATH_BYTES 120

struct checking {
	struct aps_binding *binding;
	struct aps_json_reader r;
	struct aps_json_writer w;
	struct aps_buf path;
	struct aps_buf seen;    /* one byte for each field of all open objects */
	struct aps_arena types; /* that objects tell */
	struct aps_err err;
};

/* An object whose members are looked at. */
struct object {
	const struct aps_selection_view *view;
	struct aps_str type; /* empty: not known */
	size_t seen_at;
	size_t n_members;
	bool has_id;
};

/* True: it is something else than null. */
static bool check_value(struct checking *in, const struct aps_selection_field *field);

static bool has_failed(const struct checking *in)
{
	return in->err.code != APS_OK || in->r.err.code != APS_OK;
}

static void fail_memory(struct checking *in)
{
	if (in->err.code == APS_OK) aps_fail(&in->err, APS_E_NOMEM, "no memory for data of the cache");
}

static void fail(struct checking *in, const char *why, struct aps_str what)
{
	struct aps_str path = aps_buf_str(&in->path);
	bool is_long = path.n > MAX_PATH_BYTES;
	int n_path = is_long ? MAX_PATH_BYTES : (int)path.n, n_what = what.n > 60 ? 60 : (int)what.n;
	if (in->err.code != APS_OK) return;
	aps_fail(&in->err, APS_E_USAGE, "data%.*s%s: %s%.*s", n_path, path.p != NULL ? path.p : "", is_long ? "…" : "",
	         why, n_what, what.n != 0 ? what.p : "");
}

static size_t push_name(struct checking *in, struct aps_str name)
{
	size_t at = in->path.n;
	aps_buf_add_byte(&in->path, '.');
	aps_buf_add_str(&in->path, name);
	return at;
}

static char *seen_of(const struct checking *in, const struct object *object)
{
	return in->seen.p + object->seen_at;
}

static bool open_object(struct checking *in, struct object *object, struct aps_selection *selection)
{
	object->view = aps_selection_view(in->binding, selection, object->type);
	object->seen_at = in->seen.n;
	if (object->view == NULL) {
		if (in->err.code == APS_OK) aps_binding_fail(in->binding, &in->err);
		return false;
	}
	size_t n = object->view->n_fields;
	char *p = aps_buf_reserve(&in->seen, n + 1);
	if (p == NULL) {
		fail_memory(in);
		return false;
	}
	memset(p, 0, n + 1);
	in->seen.n += n;
	return true;
}

static void read_member(struct checking *in, struct object *object, size_t *expected)
{
	struct aps_str name = aps_json_unescape(&in->r, &in->types);
	if (name.p == NULL) {
		fail_memory(in);
		return;
	}
	object->n_members++;
	const struct aps_selection_field *field = aps_selection_find(object->view, name, expected);
	if (field == NULL) {
		aps_json_skip_value(&in->r, NULL);
		return;
	}
	size_t path_at = push_name(in, field->response_key);
	seen_of(in, object)[field - object->view->fields] = 1;
	aps_json_write_key(&in->w, field->response_key);
	bool is_id = field->is_plain && (aps_str_is(field->name, "id") || aps_str_is(field->name, "_id"));
	if (check_value(in, field) && is_id) object->has_id = true;
	in->path.n = path_at;
}

static void complete_type(struct checking *in, const struct object *object, const struct aps_selection_field *field)
{
	if (object->type.n != 0) {
		aps_json_write_key(&in->w, field->response_key);
		aps_json_write_string(&in->w, object->type);
	} else if (object->has_id) {
		fail(in, "it has an id but no __typename, which tells the record that it is", APS_STR(""));
	}
}

static void tell_missing(struct checking *in, const struct object *object, const struct aps_selection_field *field)
{
	if (object->n_members == 0) {
		fail(in, "an empty table is an object (appsync.array{} is an empty list) and lacks the field ",
		     field->response_key);
		return;
	}
	size_t path_at = push_name(in, field->response_key);
	fail(in, "the field is selected and missing; appsync.null stands for no value", APS_STR(""));
	in->path.n = path_at;
}

static void look_for_missing(struct checking *in, const struct object *object)
{
	for (size_t i = 0; i < object->view->n_fields && !has_failed(in); i++) {
		const struct aps_selection_field *field = &object->view->fields[i];
		if (seen_of(in, object)[i]) continue;
		if (field->is_typename)
			complete_type(in, object, field);
		else if (field->guard == NULL)
			tell_missing(in, object, field);
	}
}

/* After the opening of the object. */
static void check_members(struct checking *in, struct object *object, struct aps_selection *selection)
{
	size_t expected = 0;
	if (!open_object(in, object, selection)) return;
	aps_json_write_object(&in->w);
	while (!has_failed(in) && aps_json_next(&in->r) == APS_JSON_KEY) read_member(in, object, &expected);
	if (!has_failed(in)) look_for_missing(in, object);
	aps_json_write_object_end(&in->w);
	in->seen.n = object->seen_at;
}

static struct aps_str look_for_type(struct checking *in)
{
	struct aps_str type;
	if (!aps_object_type(&in->r, &in->types, &type)) fail_memory(in);
	return type;
}

/* Of an object that doesn't tell it. */
static struct aps_str type_of(const struct checking *in, const struct aps_selection_field *field)
{
	struct aps_str condition = aps_selection_condition(in->binding, field->selection);
	if (condition.n != 0 && aps_policies_is_object(in->binding->policies, condition)) return condition;
	return field->policy != NULL ? field->policy->lookup : APS_STR("");
}

static void check_items(struct checking *in, const struct aps_selection_field *field)
{
	size_t n = 0, path_at = in->path.n;
	aps_json_write_array(&in->w);
	while (!has_failed(in)) {
		struct aps_json_reader ahead = in->r;
		if (aps_json_next(&ahead) == APS_JSON_ARRAY_END) break;
		aps_buf_addf(&in->path, "[%zu]", ++n);
		check_value(in, field);
		in->path.n = path_at;
	}
	aps_json_next(&in->r);
	aps_json_write_array_end(&in->w);
}

static void check_selected(struct checking *in, const struct aps_selection_field *field, enum aps_json_token token)
{
	static const char NONE[] =
	        "fields of it are selected, so it must be an object, a list of them or appsync.null, "
	        "got ";
	switch (token) {
	case APS_JSON_OBJECT: {
		struct object object = {.type = look_for_type(in)};
		if (object.type.n == 0) object.type = type_of(in, field);
		check_members(in, &object, field->selection);
		break;
	}
	case APS_JSON_ARRAY: check_items(in, field); break;
	case APS_JSON_NULL: aps_json_write_null(&in->w); break;
	case APS_JSON_STRING: fail(in, NONE, APS_STR("a string")); break;
	case APS_JSON_TRUE:
	case APS_JSON_FALSE: fail(in, NONE, APS_STR("a boolean")); break;
	case APS_JSON_INT:
	case APS_JSON_BIGINT:
	case APS_JSON_DOUBLE: fail(in, NONE, APS_STR("a number")); break;
	default: break; /* the reader tells */
	}
}

static bool check_value(struct checking *in, const struct aps_selection_field *field)
{
	struct aps_str span;
	if (field->selection != NULL) {
		check_selected(in, field, aps_json_next(&in->r));
		return true;
	}
	if (aps_json_skip_value(&in->r, &span) != APS_OK) return false;
	aps_json_write_raw(&in->w, span);
	return !aps_str_is(span, "null");
}

static void check_root(struct checking *in, struct aps_str type)
{
	struct object object = {.type = in->binding->root_type};
	if (aps_json_next(&in->r) != APS_JSON_OBJECT) {
		if (in->r.err.code == APS_OK) fail(in, "it must be an object", APS_STR(""));
		return;
	}
	if (in->binding->is_fragment) {
		object.type = look_for_type(in);
		if (object.type.n == 0) object.type = type;
	}
	check_members(in, &object, in->binding->root);
}

enum aps_rc aps_data_complete(struct aps_buf *out, struct aps_binding *binding, struct aps_str type,
                              struct aps_str data, struct aps_err *err)
{
	struct checking in = {.binding = binding};
	aps_json_reader_init(&in.r, data, 0);
	aps_json_writer_init(&in.w, out);
	aps_buf_init(&in.path, APS_BUF_ANY_SIZE);
	aps_buf_init(&in.seen, APS_BUF_ANY_SIZE);
	aps_arena_init(&in.types, APS_BUF_ANY_SIZE);
	check_root(&in, type);
	if (in.err.code == APS_OK) in.err = in.r.err;
	if (in.err.code == APS_OK && (in.path.rc != APS_OK || in.seen.rc != APS_OK)) fail_memory(&in);
	if (in.err.code == APS_OK && aps_json_writer_finish(&in.w) != APS_OK) in.err = in.w.err;
	aps_buf_clear(&in.path);
	aps_buf_clear(&in.seen);
	aps_arena_clear(&in.types);
	if (in.err.code != APS_OK && err != NULL) *err = in.err;
	return in.err.code;
}
