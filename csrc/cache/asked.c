#include "cache/asked.h"

#include "base/mem.h"
#include "cache/object_type.h"
#include "codec/json_reader.h"

#define KEYS_BYTES ((size_t)256 * 1024 * 1024)

struct scanning {
	struct aps_asked *asked;
	struct aps_binding *binding;
	struct aps_json_reader r;
	struct aps_arena types; /* that objects tell */
	struct aps_err err;
};

struct aps_asked *aps_asked_new(void)
{
	struct aps_asked *asked = aps_calloc(1, sizeof *asked);
	if (asked == NULL) return NULL;
	atomic_init(&asked->n_refs, 1);
	aps_buf_init(&asked->objects, APS_BUF_ANY_SIZE);
	aps_buf_init(&asked->keys, KEYS_BYTES);
	return asked;
}

struct aps_asked *aps_asked_ref(struct aps_asked *asked)
{
	atomic_fetch_add_explicit(&asked->n_refs, 1, memory_order_relaxed);
	return asked;
}

void aps_asked_unref(struct aps_asked *asked)
{
	if (asked == NULL || atomic_fetch_sub_explicit(&asked->n_refs, 1, memory_order_acq_rel) != 1) return;
	aps_buf_clear(&asked->objects);
	aps_buf_clear(&asked->keys);
	aps_free(asked);
}

size_t aps_asked_bytes(const struct aps_asked *asked)
{
	return sizeof *asked + asked->objects.n + asked->keys.n;
}

static struct aps_asked_object *objects_of(const struct aps_asked *asked)
{
	return (struct aps_asked_object *)(void *)asked->objects.p;
}

size_t aps_asked_count(const struct aps_asked *asked)
{
	return asked->objects.n / sizeof(struct aps_asked_object);
}

struct aps_str aps_asked_text(const struct aps_asked *asked, size_t index, struct aps_str data)
{
	const struct aps_asked_object *object = &objects_of(asked)[index];
	return (struct aps_str){data.p + object->at, object->n};
}

bool aps_asked_tell(struct aps_asked *asked, size_t index, struct aps_str key)
{
	struct aps_asked_object *object = &objects_of(asked)[index];
	size_t at = asked->keys.n;
	aps_buf_add_str(&asked->keys, key);
	if (asked->keys.rc != APS_OK) {
		asked->keys.rc = APS_OK; /* what was told before stays */
		asked->keys.n = at;
		return false;
	}
	object->answer = key.n != 0 ? APS_ASKED_KEY : APS_ASKED_NONE;
	object->key_at = at;
	object->n_key = key.n;
	return true;
}

const struct aps_asked_object *aps_asked_find(const struct aps_asked *asked, size_t at, size_t *next)
{
	const struct aps_asked_object *objects = objects_of(asked);
	size_t n = aps_asked_count(asked);
	while (*next < n && objects[*next].at < at) ++*next;
	return *next < n && objects[*next].at == at ? &objects[*next] : NULL;
}

struct aps_str aps_asked_key(const struct aps_asked *asked, const struct aps_asked_object *object)
{
	return (struct aps_str){asked->keys.p + object->key_at, object->n_key};
}

static bool has_failed(const struct scanning *in)
{
	return in->err.code != APS_OK || in->r.err.code != APS_OK;
}

static void fail_memory(struct scanning *in)
{
	if (in->err.code == APS_OK) aps_fail(&in->err, APS_E_NOMEM, "no memory for the objects of a response");
}

static struct aps_str look_for_type(struct scanning *in)
{
	struct aps_str type;
	if (!aps_object_type(&in->r, &in->types, &type)) fail_memory(in);
	return type;
}

static void scan_value(struct scanning *in, const struct aps_selection_field *field);

/* After its opening. */
static void scan_members(struct scanning *in, const struct aps_selection_view *view)
{
	size_t expected = 0;
	while (!has_failed(in) && aps_json_next(&in->r) == APS_JSON_KEY) {
		struct aps_str name = aps_json_unescape(&in->r, &in->types);
		if (name.p == NULL) {
			fail_memory(in);
			return;
		}
		const struct aps_selection_field *field = aps_selection_find(view, name, &expected);
		if (field != NULL && field->selection != NULL)
			scan_value(in, field);
		else
			aps_json_skip_value(&in->r, NULL);
	}
}

static const struct aps_selection_view *view_of(struct scanning *in, struct aps_selection *selection,
                                                struct aps_str type)
{
	const struct aps_selection_view *view = aps_selection_view(in->binding, selection, type);
	if (view == NULL && in->err.code == APS_OK) aps_binding_fail(in->binding, &in->err);
	return view;
}

static void scan_object(struct scanning *in, struct aps_selection *selection)
{
	const struct aps_asked_object object = {.at = (size_t)(in->r.text.p - in->r.start)};
	struct aps_str type = look_for_type(in);
	const struct aps_selection_view *view = view_of(in, selection, type);
	if (view == NULL) return;
	size_t index = aps_asked_count(in->asked);
	bool is_asked = view->typename_at < view->n_fields && aps_policies_asks(in->binding->policies, type);
	if (is_asked) aps_buf_add(&in->asked->objects, &object, sizeof object);
	if (in->asked->objects.rc != APS_OK) fail_memory(in);
	scan_members(in, view);
	if (is_asked && !has_failed(in)) objects_of(in->asked)[index].n = (size_t)(in->r.at - in->r.start) - object.at;
}

static void scan_items(struct scanning *in, const struct aps_selection_field *field)
{
	while (!has_failed(in)) {
		struct aps_json_reader ahead = in->r;
		if (aps_json_next(&ahead) == APS_JSON_ARRAY_END) break;
		scan_value(in, field);
	}
	aps_json_next(&in->r);
}

static void scan_value(struct scanning *in, const struct aps_selection_field *field)
{
	switch (aps_json_next(&in->r)) {
	case APS_JSON_OBJECT: scan_object(in, field->selection); break;
	case APS_JSON_ARRAY: scan_items(in, field); break;
	default: break;
	}
}

/* The root itself is nobody's to identify. */
static void scan_root(struct scanning *in)
{
	if (aps_json_next(&in->r) != APS_JSON_OBJECT) return; /* whoever writes it tells */
	struct aps_str type = in->binding->is_fragment ? look_for_type(in) : APS_STR("");
	const struct aps_selection_view *view =
	        view_of(in, in->binding->root, type.n != 0 ? type : in->binding->root_type);
	if (view != NULL) scan_members(in, view);
}

enum aps_rc aps_asked_scan(struct aps_asked *asked, struct aps_binding *binding, struct aps_str data,
                           struct aps_err *err)
{
	struct scanning in = {.asked = asked, .binding = binding};
	aps_json_reader_init(&in.r, data, 0);
	aps_arena_init(&in.types, APS_BUF_ANY_SIZE);
	scan_root(&in);
	if (in.err.code == APS_OK) in.err = in.r.err;
	aps_arena_clear(&in.types);
	if (in.err.code != APS_OK && err != NULL) *err = in.err;
	return in.err.code;
}
