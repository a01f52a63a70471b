/* Objects are read innermost first: the values of an object's fields are put one behind the other, each in its slot,
 * until the object ends; then they are put in order and become a record, or an embedded object. */
#include "cache/normalize.h"

#include "cache/doubt.h"
#include "cache/error_paths.h"
#include "cache/field_text.h"
#include "cache/freshness.h"
#include "cache/id_pairs.h"
#include "cache/identity.h"
#include "cache/merge_result.h"
#include "cache/object_type.h"
#include "cache/pages.h"
#include "cache/scalar.h"

/* Where a field's value stands; n 0: it wasn't there. Silent: something in it said nothing. */
struct slot {
	uint32_t at;
	uint32_t n;
	bool is_silent;
	bool is_old; /* silent, because something newer is known */
};

#define MAX_LANDMARKS 256 /* but for the root's */

struct normalizer {
	struct aps_merge *merge;
	struct aps_cache_write *write;
	struct aps_binding *binding;
	const struct aps_normalize_options *options;
	struct aps_normalized *out;
	struct aps_json_reader r;
	struct aps_buf values; /* of all open objects and lists */
	struct aps_buf slots;  /* of all open objects */
	struct aps_buf fields; /* of the object that ends */
	struct aps_buf key;
	struct aps_arena decoded;
	struct aps_error_paths errors;
	uint64_t path;      /* of the value that is read, where anybody asks */
	uint64_t root_path; /* of the root's field that it is in */
	bool has_silence;   /* in the value that was read last */
	bool is_at_root;    /* its fields are written */
	size_t next_asked;
	size_t next_skipped;
	size_t n_merges; /* fields that functions merge, so far */
	struct aps_err err;
};

/* An object whose members were read. */
struct object {
	struct normalizer *in;
	const struct aps_selection_view *view;
	size_t values_at;
	size_t slots_at;
	struct aps_str type;
	const struct aps_asked_object *asked; /* NULL: by its fields */
	bool has_silence;
};

static bool has_failed(const struct normalizer *in)
{
	return in->err.code != APS_OK || in->write->err.code != APS_OK;
}

static void fail_memory(struct normalizer *in)
{
	if (in->err.code == APS_OK) aps_fail(&in->err, APS_E_NOMEM, "no memory for a response in the cache");
}

static struct slot *slot_at(const struct normalizer *in, size_t slots_at, size_t index)
{
	return (struct slot *)(void *)(in->slots.p + slots_at) + index;
}

static struct aps_str value_at(const struct object *object, size_t index)
{
	const struct slot *slot = slot_at(object->in, object->slots_at, index);
	return slot->n != 0 ? (struct aps_str){object->in->values.p + slot->at, slot->n} : APS_STR("");
}

static void read_value(struct normalizer *in, const struct aps_selection_field *field, enum aps_json_token token);

static bool get_in_object(void *of, struct aps_str path, struct aps_cell *value);

/* The field of an object by its name, not its alias; false: it isn't there, or has arguments. */
static bool find_value(const struct object *object, struct aps_str name, struct aps_cell *value)
{
	for (size_t i = 0; i < object->view->n_fields; i++) {
		const struct aps_selection_field *field = &object->view->fields[i];
		struct aps_str kept = value_at(object, i);
		if (kept.n == 0 || !field->is_plain || !aps_str_eq(field->name, name)) continue;
		return aps_cell_take(&kept, value);
	}
	return false;
}

/* Into what the object embeds or refers to. */
static bool get_below(struct normalizer *in, const struct aps_cell *outer, struct aps_str name, struct aps_cell *value)
{
	uint32_t number = aps_names_find(&in->write->cache->names, name);
	struct aps_str fields = outer->text;
	if (outer->tag == APS_CELL_REF) {
		const struct aps_entry *record = aps_write_at(in->write, outer->as.entry);
		fields = record != NULL ? aps_entry_content(record) : APS_STR("");
	} else if (outer->tag != APS_CELL_OBJECT) {
		return false;
	}
	return number != 0 && aps_cell_find_field(fields, number, value);
}

static bool get_in_object(void *of, struct aps_str path, struct aps_cell *value)
{
	const struct object *object = of;
	const char *dot = memchr(path.p, '.', path.n);
	struct aps_str name = {path.p, dot != NULL ? (size_t)(dot - path.p) : path.n};
	if (!find_value(object, name, value)) return false;
	while (dot != NULL) {
		struct aps_str rest = {dot + 1, path.n - (size_t)(dot + 1 - path.p)};
		dot = memchr(rest.p, '.', rest.n);
		name = (struct aps_str){rest.p, dot != NULL ? (size_t)(dot - rest.p) : rest.n};
		path = rest;
		struct aps_cell outer = *value;
		if (!get_below(object->in, &outer, name, value)) return false;
	}
	return true;
}

static struct aps_str type_of(const struct object *object)
{
	struct aps_cell type;
	if (object->view->typename_at >= object->view->n_fields) return APS_STR("");
	struct aps_str kept = value_at(object, object->view->typename_at);
	return kept.n != 0 && aps_cell_take(&kept, &type) && type.tag == APS_CELL_STRING ? type.text : APS_STR("");
}

/* "R" and the identity in in->key; false: the object has none. */
static bool identify(struct normalizer *in, struct object *object)
{
	aps_buf_reset(&in->key);
	aps_buf_add_byte(&in->key, 'R');
	enum aps_asked_answer answer = object->asked != NULL ? object->asked->answer : APS_ASKED_NOTHING;
	if (answer == APS_ASKED_NONE) return false;
	if (answer == APS_ASKED_KEY) {
		aps_buf_add_str(&in->key, aps_asked_key(in->options->asked, object->asked));
		return in->key.rc == APS_OK;
	}
	return aps_identity_of(&in->key, in->binding->policies, object->type, get_in_object, object);
}

/* Fields of one key, which came under several aliases, are one. */
static size_t put_alike(const struct object *object, size_t from)
{
	struct normalizer *in = object->in;
	const struct aps_selection_view *view = object->view;
	const struct aps_selection_field *field = &view->fields[view->by_name[from]];
	struct aps_str value = value_at(object, view->by_name[from]);
	struct aps_buf merged;
	aps_buf_init(&merged, APS_BUF_ANY_SIZE);
	size_t next = from + 1;
	for (; next < view->n_fields; next++) {
		const struct aps_selection_field *other = &view->fields[view->by_name[next]];
		struct aps_str second = value_at(object, view->by_name[next]);
		if (other->number != field->number || !aps_str_eq(other->key, field->key)) break;
		if (second.n == 0) continue;
		size_t at = merged.n;
		if (value.n != 0) {
			aps_merge_two(in->merge, value, second, &merged);
			value = (struct aps_str){merged.p + at, merged.n - at};
		} else {
			value = second;
		}
	}
	if (value.n != 0) {
		aps_cell_put_name(&in->fields, field->number, field->key);
		aps_buf_add_str(&in->fields, value);
	}
	if (merged.rc != APS_OK) fail_memory(in);
	aps_buf_clear(&merged);
	return next;
}

static bool is_alike(const struct aps_selection_view *view, size_t at)
{
	if (at + 1 >= view->n_fields) return false;
	const struct aps_selection_field *field = &view->fields[view->by_name[at]];
	const struct aps_selection_field *next = &view->fields[view->by_name[at + 1]];
	return field->number == next->number && aps_str_eq(field->key, next->key);
}

/* The fields in the order of records into in->fields; `with_arguments`: those as well. */
static void collect_fields(const struct object *object, bool with_arguments)
{
	struct normalizer *in = object->in;
	const struct aps_selection_view *view = object->view;
	aps_buf_reset(&in->fields);
	for (size_t i = 0; i < view->n_fields;) {
		const struct aps_selection_field *field = &view->fields[view->by_name[i]];
		struct aps_str value = value_at(object, view->by_name[i]);
		if (field->number == 0 && !with_arguments) {
			i++;
		} else if (is_alike(view, i)) {
			i = put_alike(object, i);
		} else {
			i++;
			if (value.n == 0) continue;
			aps_cell_put_name(&in->fields, field->number, field->key);
			aps_buf_add_str(&in->fields, value);
		}
	}
}

/* "F", the number of the record, ".", the key of the field. */
static struct aps_entry *field_entry(struct normalizer *in, const struct aps_entry *record,
                                     const struct aps_selection_field *field)
{
	aps_buf_reset(&in->key);
	aps_buf_addf(&in->key, "F%llu.", (unsigned long long)record->number);
	aps_buf_add_str(&in->key, field->key);
	if (in->key.rc != APS_OK) fail_memory(in);
	return in->key.rc == APS_OK ? aps_write_entry(in->write, aps_buf_str(&in->key)) : NULL;
}

/* It was asked for by a token: it continues what is there. */
static bool is_next_page(struct normalizer *in, const struct aps_selection_field *field)
{
	if (field->policy == NULL || field->policy->merge != APS_MERGE_CONNECTION) return false;
	aps_buf_reset(&in->key);
	return aps_argument_value(&in->key, field->node, APS_STR("nextToken"), &in->binding->variables, &in->decoded) &&
	       !aps_str_is(aps_buf_str(&in->key), "null");
}

static void append_page(struct normalizer *in, struct aps_entry *entry, struct aps_str value)
{
	struct aps_str content = aps_entry_content(entry);
	struct aps_cell known, page;
	struct aps_buf all;
	uint32_t items = aps_names_find(&in->write->cache->names, APS_STR("items"));
	if (!aps_cell_take(&content, &known) || !aps_cell_take(&value, &page) || items == 0) return;
	aps_buf_init(&all, APS_BUF_ANY_SIZE);
	if (aps_pages_append(&all, &known, &page, items, &in->write->cache->entries, &in->err) == APS_OK)
		aps_merge_into_field(in->merge, entry, aps_buf_str(&all));
	aps_buf_clear(&all);
}

static bool put_text(struct normalizer *in, struct aps_buf *out, struct aps_str content)
{
	struct aps_cell value;
	aps_buf_init(out, APS_BUF_ANY_SIZE);
	if (!aps_cell_take(&content, &value)) return true; /* there is none */
	return aps_field_value_text(out, in->write->cache, &value, &in->err) == APS_OK;
}

/* The one that is merged next. */
static enum aps_merge_state take_merge(struct normalizer *in, const struct object *object,
                                       const struct aps_selection_field *field, const struct aps_entry *entry,
                                       struct aps_str value, struct aps_str *result)
{
	struct aps_buf args, existing, incoming;
	enum aps_merge_state state = APS_MERGE_UNTOLD;
	aps_buf_init(&args, APS_BUF_ANY_SIZE);
	bool has_existing = put_text(in, &existing, aps_entry_content(entry)),
	     has_incoming = put_text(in, &incoming, value);
	bool has_args =
	        aps_argument_values(&args, field->node, &in->binding->variables, &in->decoded, &in->err) == APS_OK;
	const struct aps_merge_question question = {object->view->type, field->name, aps_buf_str(&args),
	                                            aps_buf_str(&existing), aps_buf_str(&incoming)};
	if (has_existing && has_incoming && has_args &&
	    !aps_asked_merges_take(in->options->merges, in->n_merges++, &question, &state, result))
		fail_memory(in);
	aps_buf_clear(&args);
	aps_buf_clear(&existing);
	aps_buf_clear(&incoming);
	return state;
}

static void note_landmark(const struct normalizer *in, const struct aps_entry *entry)
{
	struct aps_buf *landmarks = in->options->landmarks;
	if (landmarks == NULL || (!in->is_at_root && landmarks->n >= MAX_LANDMARKS * sizeof entry->number)) return;
	aps_buf_add(landmarks, &entry->number, sizeof entry->number);
}

static void write_field_entry(const struct object *object, const struct aps_entry *record,
                              const struct aps_selection_field *field, struct aps_str value)
{
	struct normalizer *in = object->in;
	bool continues = is_next_page(in, field);
	bool is_asked = field->policy != NULL && field->policy->merge == APS_MERGE_ASKED && in->options->merges != NULL;
	struct aps_str result;
	struct aps_entry *entry = field_entry(in, record, field);
	if (entry == NULL) return;
	note_landmark(in, entry);
	if (is_asked && take_merge(in, object, field, entry, value, &result) == APS_MERGE_TOLD)
		aps_merge_result(in->merge, entry, result, value, &in->err);
	else if (continues && entry->content != NULL)
		append_page(in, entry, value);
	else
		aps_merge_into_field(in->merge, entry, value);
}

static void write_fields_with_arguments(const struct object *object, const struct aps_entry *record)
{
	for (size_t i = 0; i < object->view->n_fields; i++) {
		const struct aps_selection_field *field = &object->view->fields[object->view->by_name[i]];
		struct aps_str value = value_at(object, object->view->by_name[i]);
		if (field->number != 0) return;
		if (value.n == 0) continue;
		write_field_entry(object, record, field, value);
	}
}

static bool is_a(enum aps_cell_tag tag, struct aps_str content)
{
	struct aps_cell value;
	return aps_cell_take(&content, &value) && value.tag == tag;
}

/* Tells of what is known and was not said; that is in doubt from now on, where nulls say nothing. */
static void report_silence(const struct object *object, const struct aps_entry *record, struct aps_buf *doubts)
{
	struct normalizer *in = object->in;
	struct aps_cell known;
	for (size_t i = 0; i < object->view->n_fields; i++) {
		const struct aps_selection_field *field = &object->view->fields[i];
		if (!slot_at(in, object->slots_at, i)->is_silent) continue;
		const struct aps_entry *entry = field->number == 0 ? field_entry(in, record, field) : NULL;
		/* a null that comes where a null is known says the same */
		bool is_known =
		        entry != NULL && entry->content != NULL && !is_a(APS_CELL_NULL, aps_entry_content(entry));
		if (field->number != 0)
			is_known = aps_cell_find_field(aps_entry_content(record), field->number, &known) &&
			           known.tag != APS_CELL_NULL;
		bool is_old = slot_at(in, object->slots_at, i)->is_old;
		if (has_failed(in) || (!is_known && !is_old)) continue;
		/* what is newer is shown; whoever asks for it once more hears what has become of it */
		const struct aps_stale_field stale = {field->number != 0 ? record->number : entry->number,
		                                      field->number};
		if (!is_old) aps_buf_add(&in->out->stale, &stale, sizeof stale);
		if (in->options->skips_nulls || is_old) aps_doubts_add(doubts, field->number, field->key);
	}
}

/* Fields with arguments that were said; merging has seen to the others. */
static void settle_doubts(const struct object *object, struct aps_buf *doubts)
{
	for (size_t i = 0; i < object->view->n_fields; i++) {
		const struct aps_selection_field *field = &object->view->fields[i];
		const struct slot *slot = slot_at(object->in, object->slots_at, i);
		if (field->number == 0 && slot->n != 0 && !slot->is_silent) aps_doubts_remove(doubts, 0, field->key);
	}
}

/* The record's fields, with these doubts in the place of those that it has. */
static void set_doubts(struct normalizer *in, struct aps_entry *record, struct aps_str doubts)
{
	struct aps_buf content;
	aps_buf_init(&content, APS_BUF_ANY_SIZE);
	aps_doubts_replace(&content, aps_entry_content(record), doubts);
	if (content.rc == APS_OK)
		aps_write_set(in->write, record, aps_buf_str(&content));
	else
		fail_memory(in);
	aps_buf_clear(&content);
}

/* After the record was written. */
static void write_doubts(const struct object *object, struct aps_entry *record)
{
	struct normalizer *in = object->in;
	struct aps_str known = APS_STR("");
	struct aps_buf doubts;
	bool has_doubts = in->write->layer == NULL && aps_doubts_find(aps_entry_content(record), &known);
	if (!object->has_silence && !has_doubts) return;
	aps_buf_init(&doubts, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&doubts, known);
	settle_doubts(object, &doubts);
	if (object->has_silence) report_silence(object, record, &doubts);
	if (doubts.rc != APS_OK) fail_memory(in);
	if (in->write->layer == NULL && !has_failed(in) && !aps_str_eq(aps_buf_str(&doubts), known))
		set_doubts(in, record, aps_buf_str(&doubts));
	aps_buf_clear(&doubts);
}

/* All that is known is newer than what comes. */
static bool fills(const struct normalizer *in)
{
	return in->options->fills && !in->is_at_root;
}

/* What an entry has of a field: false: nothing, or nothing that is newer than the response. */
static bool find_newer(struct normalizer *in, const struct aps_entry *record, const struct aps_selection_field *field,
                       struct aps_str *newer)
{
	struct aps_cell known;
	const struct aps_entry *entry = record;
	if (field->number == 0) {
		if (!fills(in) && is_next_page(in, field)) return false; /* it continues what is there */
		entry = field_entry(in, record, field);
	}
	if (entry == NULL || entry->content == NULL || (!fills(in) && entry->moment < in->options->asked_at))
		return false;
	*newer = aps_entry_content(entry);
	if (field->number == 0) return true;
	bool is_known = aps_cell_find_field(*newer, field->number, &known);
	*newer = known.whole;
	return is_known;
}

/* In the place of the value that has come. Of an embedded object there may be more in that. */
static void keep_known(struct normalizer *in, struct slot *slot, struct aps_str known)
{
	struct aps_str given = {in->values.p + slot->at, slot->n};
	slot->n = 0;
	if (!is_a(APS_CELL_OBJECT, given) || !is_a(APS_CELL_OBJECT, known)) return;
	struct aps_buf both;
	aps_buf_init(&both, APS_BUF_ANY_SIZE);
	aps_merge_two(in->merge, given, known, &both);
	slot->at = (uint32_t)in->values.n;
	slot->n = (uint32_t)both.n;
	aps_buf_add_str(&in->values, aps_buf_str(&both));
	if (both.rc != APS_OK || in->values.rc != APS_OK) fail_memory(in);
	aps_buf_clear(&both);
}

/* A request that was under way when something newer came was answered: of that the response says nothing. */
static void keep_newer(struct object *object, const struct aps_entry *record)
{
	struct normalizer *in = object->in;
	struct aps_str newer, doubts;
	if ((in->options->asked_at == 0 && !fills(in)) || in->write->layer != NULL) return;
	bool has_doubts = aps_doubts_find(aps_entry_content(record), &doubts);
	for (size_t i = 0; !has_failed(in) && i < object->view->n_fields; i++) {
		struct slot *slot = slot_at(in, object->slots_at, i);
		if (slot->n == 0 || slot->is_silent) continue;
		if (!find_newer(in, record, &object->view->fields[i], &newer)) continue;
		if (fills(in)) keep_known(in, slot, newer);
		if (fills(in) || (!has_doubts && aps_str_eq(newer, value_at(object, i)))) continue;
		slot->n = 0;
		slot->is_silent = slot->is_old = object->has_silence = true;
	}
}

/* A record of this key from the object's fields. */
static struct aps_entry *write_record(struct object *object, struct aps_str key)
{
	struct normalizer *in = object->in;
	struct aps_entry *record = aps_write_entry(in->write, key);
	if (record == NULL) return NULL;
	keep_newer(object, record);
	collect_fields(object, false);
	/* what is only expected hasn't come; nor has a state before what is there */
	bool keeps_time = in->options->now_s != 0 && in->write->layer == NULL;
	if (fills(in) && record->content != NULL) keeps_time = false;
	if (keeps_time && aps_freshness_counts(in->binding->policies, object->type))
		aps_freshness_put(&in->fields, in->options->now_s);
	if (in->fields.rc != APS_OK) fail_memory(in);
	aps_merge_into_record(in->merge, record, aps_buf_str(&in->fields));
	write_fields_with_arguments(object, record);
	write_doubts(object, record);
	return record;
}

/* A key of the application's function may say nothing of the type. */
static void note_identified(struct normalizer *in, const struct object *object, const struct aps_entry *record)
{
	if (in->options->identified == NULL || record == NULL) return;
	const struct aps_identified identified = {aps_identified_below(in->path, object->type), record->number,
	                                          in->path == in->root_path};
	aps_buf_add(in->options->identified, &identified, sizeof identified);
	if (in->options->identified->rc != APS_OK) fail_memory(in);
}

static void end_object(struct object *object)
{
	struct normalizer *in = object->in;
	object->type = type_of(object);
	if (identify(in, object)) {
		const struct aps_entry *record = write_record(object, aps_buf_str(&in->key));
		note_identified(in, object, record);
		in->has_silence = false;
		in->values.n = object->values_at;
		aps_cell_put_ref(&in->values, record != NULL ? record->number : 0);
	} else {
		collect_fields(object, true);
		in->has_silence = object->has_silence;
		in->values.n = object->values_at;
		aps_buf_add_str(&in->values, aps_buf_str(&in->fields));
		aps_cell_close_object(&in->values, object->values_at);
	}
	if (in->values.rc != APS_OK || in->fields.rc != APS_OK || in->key.rc != APS_OK) fail_memory(in);
}

static void read_member(struct normalizer *in, struct object *object, size_t *expected)
{
	struct aps_str name = in->r.text;
	if (in->r.has_escapes) {
		name = aps_json_unescape(&in->r, &in->decoded);
		if (name.p == NULL) fail_memory(in);
	}
	const struct aps_selection_field *field = aps_selection_find(object->view, name, expected);
	if (in->r.has_escapes) aps_arena_clear(&in->decoded);
	if (field == NULL) {
		aps_json_skip_value(&in->r, NULL);
		return;
	}
	size_t at = in->values.n, index = (size_t)(field - object->view->fields);
	uint64_t path = in->path;
	if (in->options->identified != NULL) in->path = aps_identified_below(path, field->response_key);
	if (path == 0) in->root_path = in->path;
	bool is_under_error = aps_error_paths_enter(&in->errors, field->response_key);
	enum aps_json_token token = aps_json_next(&in->r);
	in->has_silence = false;
	read_value(in, field, token);
	in->path = path;
	aps_error_paths_leave(&in->errors);
	if (is_under_error || (token == APS_JSON_NULL && in->options->skips_nulls)) {
		in->values.n = at;
		in->has_silence = true;
	}
	object->has_silence = object->has_silence || in->has_silence;
	*slot_at(in, object->slots_at, index) =
	        (struct slot){(uint32_t)at, (uint32_t)(in->values.n - at), in->has_silence, false};
}

static bool open_slots(struct normalizer *in, struct object *object)
{
	size_t n = object->view->n_fields * sizeof(struct slot);
	char *p = n != 0 ? aps_buf_reserve(&in->slots, n) : NULL;
	if (n != 0 && p == NULL) return false;
	if (n != 0) memset(p, 0, n);
	in->slots.n += n;
	return true;
}

/* The members of an object whose opening was read. */
static bool read_members(struct normalizer *in, struct object *object)
{
	size_t expected = 0;
	enum aps_json_token token;
	if (!open_slots(in, object)) {
		fail_memory(in);
		return false;
	}
	while (!has_failed(in) && (token = aps_json_next(&in->r)) == APS_JSON_KEY) read_member(in, object, &expected);
	return !has_failed(in) && in->r.err.code == APS_OK;
}

static const struct aps_selection_view *view_of(struct normalizer *in, struct aps_selection *selection,
                                                struct aps_str type)
{
	const struct aps_selection_view *view = aps_selection_view(in->binding, selection, type);
	if (view == NULL && in->err.code == APS_OK) aps_binding_fail(in->binding, &in->err);
	return view;
}

static bool begin_object(struct normalizer *in, struct object *object, const struct aps_selection_view *view)
{
	if (view == NULL) return false;
	*object = (struct object){.in = in, .view = view, .values_at = in->values.n, .slots_at = in->slots.n};
	return true;
}

/* The __typename of the object that the reader has just opened; empty: it has none. The reader stays. */
static struct aps_str look_for_type(struct normalizer *in)
{
	struct aps_str type = APS_STR("");
	if (!aps_object_type(&in->r, &in->decoded, &type)) fail_memory(in);
	return type;
}

/* What was told of the object that the reader has just opened. */
static const struct aps_asked_object *find_asked(struct normalizer *in)
{
	if (in->options->asked == NULL) return NULL;
	return aps_asked_find(in->options->asked, (size_t)(in->r.text.p - in->r.start), &in->next_asked);
}

/* Whether the object that the reader has just opened is passed over: then it is. */
static bool skip_object(struct normalizer *in)
{
	const struct aps_normalize_options *options = in->options;
	size_t at = (size_t)(in->r.at - in->r.start) - 1;
	while (in->next_skipped < options->n_skipped && options->skipped[in->next_skipped] < at) in->next_skipped++;
	if (in->next_skipped >= options->n_skipped || options->skipped[in->next_skipped] != at) return false;
	aps_json_skip_rest(&in->r);
	aps_cell_put_tag(&in->values, APS_CELL_NULL);
	return true;
}

static void read_object(struct normalizer *in, struct aps_selection *selection)
{
	if (in->options->n_skipped != 0 && skip_object(in)) return;
	struct object object;
	const struct aps_asked_object *asked = find_asked(in);
	const struct aps_selection_view *view = view_of(in, selection, APS_STR(""));
	if (view != NULL && aps_selection_has_conditions(selection)) {
		struct aps_str type = look_for_type(in);
		if (type.n != 0) view = view_of(in, selection, type);
	}
	if (!begin_object(in, &object, view)) return;
	object.asked = asked;
	if (!read_members(in, &object)) return;
	end_object(&object);
	in->slots.n = object.slots_at;
}

static void read_list(struct normalizer *in, const struct aps_selection_field *field)
{
	size_t at = in->values.n, n = 0;
	enum aps_json_token token;
	uint64_t path = in->path;
	bool has_silence = false;
	while (!has_failed(in) && (token = aps_json_next(&in->r)) != APS_JSON_ARRAY_END) {
		if (token == APS_JSON_ERROR) return;
		if (in->options->identified != NULL) in->path = aps_identified_at(path, n);
		in->has_silence = aps_error_paths_enter_item(&in->errors, n++);
		read_value(in, field, token);
		aps_error_paths_leave(&in->errors);
		has_silence = has_silence || in->has_silence;
	}
	in->path = path;
	in->has_silence = has_silence;
	aps_cell_close_list(&in->values, at, n);
}

static void read_value(struct normalizer *in, const struct aps_selection_field *field, enum aps_json_token token)
{
	switch (token) {
	case APS_JSON_OBJECT:
	case APS_JSON_ARRAY:
		if (field->selection == NULL)
			aps_scalar_put_json(&in->values, &in->r);
		else if (token == APS_JSON_ARRAY)
			read_list(in, field);
		else
			read_object(in, field->selection);
		break;
	default:
		if (!aps_scalar_put(&in->values, &in->r, token, &in->decoded)) fail_memory(in);
		break;
	}
}

static void read_root(struct normalizer *in)
{
	struct object object;
	if (aps_json_next(&in->r) != APS_JSON_OBJECT) {
		if (in->r.err.code == APS_OK) aps_fail(&in->err, APS_E_PROTOCOL, "a response's data isn't an object");
		return;
	}
	struct aps_str type = in->binding->is_fragment ? look_for_type(in) : APS_STR("");
	if (type.n == 0) type = in->binding->root_type;
	const struct aps_selection_view *view = view_of(in, in->binding->root, type);
	if (!begin_object(in, &object, view) || !read_members(in, &object)) return;
	in->is_at_root = true;
	const struct aps_entry *root = in->options->root.n != 0 ? write_record(&object, in->options->root) : NULL;
	if (root != NULL) note_landmark(in, root);
	in->slots.n = object.slots_at;
}

static void init(struct normalizer *in)
{
	aps_json_reader_init(&in->r, APS_STR(""), 0);
	aps_buf_init(&in->values, UINT32_MAX);
	aps_buf_init(&in->slots, APS_BUF_ANY_SIZE);
	aps_buf_init(&in->fields, APS_BUF_ANY_SIZE);
	aps_buf_init(&in->key, APS_BUF_ANY_SIZE);
	aps_arena_init(&in->decoded, APS_BUF_ANY_SIZE);
}

static void clear(struct normalizer *in)
{
	aps_error_paths_clear(&in->errors);
	aps_buf_clear(&in->values);
	aps_buf_clear(&in->slots);
	aps_buf_clear(&in->fields);
	aps_buf_clear(&in->key);
	aps_arena_clear(&in->decoded);
}

enum aps_rc aps_normalize(struct aps_merge *merge, struct aps_binding *binding, struct aps_str data,
                          const struct aps_normalize_options *options, struct aps_normalized *out, struct aps_err *err)
{
	struct normalizer in = {
	        .merge = merge, .write = merge->write, .binding = binding, .options = options, .out = out};
	init(&in);
	aps_error_paths_init(&in.errors, options->errors, in.write->cache->entries.seed, &in.err);
	aps_json_reader_init(&in.r, data, 0);
	if (!has_failed(&in)) read_root(&in);
	if (!has_failed(&in) && in.r.err.code == APS_OK && options->merges != NULL &&
	    aps_asked_merges_are_open(options->merges))
		aps_fail_word(&in.err, APS_E_CONFLICT, "asked", 0, "a field waits for its merge function");
	if (in.err.code == APS_OK) in.err = in.write->err.code != APS_OK ? in.write->err : in.r.err;
	if (in.err.code != APS_OK && in.write->err.code == APS_OK) in.write->err = in.err;
	if (in.err.code != APS_OK && err != NULL) *err = in.err;
	clear(&in);
	return in.err.code;
}
