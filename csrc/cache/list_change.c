#include "cache/list_change.h"

#include "cache/edit_value.h"
#include "cache/long_list_write.h"
#include "codec/json_reader.h"

/* A name on the way to the list. */
struct step {
	uint32_t name; /* 0: */
	struct aps_str text;
};

struct changing {
	struct aps_cache_write *write;
	struct aps_entry *entry;
	struct step field;    /* of the record; with neither: the entry is the field */
	struct aps_buf path;  /* struct step */
	struct aps_buf edits; /* as of an EDIT (cache/patch.h) */
	struct aps_arena names;
	struct aps_err err;
};

static void fail_memory(struct changing *in)
{
	if (in->err.code == APS_OK) aps_fail(&in->err, APS_E_NOMEM, "no memory for an edit of the cache");
}

static size_t count(const struct changing *in)
{
	return in->path.n / sizeof(struct step);
}

static const struct step *step_at(const struct changing *in, size_t index)
{
	return (const struct step *)(const void *)in->path.p + index;
}

/* False: no object has a field of this name. */
static bool add_step(struct changing *in, const struct aps_json_reader *r)
{
	struct step step = {0, aps_json_unescape(r, &in->names)};
	if (step.text.p == NULL) fail_memory(in);
	if (step.text.p == NULL) return false;
	bool has_arguments =
	        memchr(step.text.p, '(', step.text.n) != NULL || memchr(step.text.p, '@', step.text.n) != NULL;
	if (!has_arguments) step.name = aps_names_find(&in->write->cache->names, step.text);
	aps_buf_add(&in->path, &step, sizeof step);
	if (in->path.rc != APS_OK) fail_memory(in);
	return has_arguments || step.name != 0;
}

/* Up to the edits. */
static bool read_path(struct changing *in, struct aps_json_reader *r)
{
	while (aps_json_next(r) == APS_JSON_OBJECT && aps_json_next(r) == APS_JSON_KEY) {
		if (aps_json_text_is(r, "__edits")) return true;
		bool is_within = aps_json_text_is(r, "__fields") && aps_json_next(r) == APS_JSON_OBJECT &&
		                 aps_json_next(r) == APS_JSON_KEY;
		if (!is_within || !add_step(in, r)) return false;
	}
	return false;
}

static bool find_field(struct aps_str fields, const struct step *step, struct aps_cell *value)
{
	return step->name != 0 ? aps_cell_find_field(fields, step->name, value)
	                       : aps_cell_find_text_field(fields, step->text, value);
}

/* What stands at the end of the path in an object, or in what a patch makes of one. */
static bool follow(const struct changing *in, struct aps_cell *value)
{
	for (size_t i = 0; i < count(in); i++) {
		struct aps_str fields = value->text;
		if (value->tag != APS_CELL_OBJECT && value->tag != APS_CELL_PATCH) return false;
		if (!find_field(fields, step_at(in, i), value)) return false;
	}
	return true;
}

static bool find_value(const struct changing *in, struct aps_str content, struct aps_cell *value)
{
	bool is_there = in->field.name != 0 ? aps_cell_find_field(content, in->field.name, value)
	                                    : aps_cell_take(&content, value);
	return is_there && follow(in, value);
}

/* Of references: what an embedded object is doesn't go by a key. */
static bool find_list(const struct changing *in, struct aps_str content, struct aps_cell *list)
{
	struct aps_cell first;
	if (!find_value(in, content, list)) return false;
	struct aps_str items = list->text;
	if (list->tag == APS_CELL_LONG_LIST) return true;
	return list->tag == APS_CELL_LIST &&
	       (items.n == 0 ||
	        (aps_cell_take(&items, &first) && (first.tag == APS_CELL_REF || first.tag == APS_CELL_NULL)));
}

/* The layer on top has edited that list, so it is there. */
static bool is_edited_above(const struct changing *in)
{
	const struct aps_layer_patch *top = in->entry->layered != NULL ? in->entry->layered->top : NULL;
	struct aps_cell value;
	if (top == NULL || top->n_bytes == 0 || top->bytes[0] == 'X') return false;
	return find_value(in, (struct aps_str){top->bytes + 1, top->n_bytes - 1}, &value) && value.tag == APS_CELL_EDIT;
}

static void put_step(struct aps_buf *out, const struct step *step)
{
	aps_cell_put_name(out, step->name, step->name != 0 ? APS_STR("") : step->text);
}

static void put_edit(const struct changing *in, struct aps_buf *out, size_t from)
{
	size_t at = out->n;
	if (from == count(in)) {
		aps_buf_add_str(out, aps_buf_str(&in->edits));
		aps_cell_close(out, APS_CELL_EDIT, at);
		return;
	}
	put_step(out, step_at(in, from));
	put_edit(in, out, from + 1);
	aps_cell_close(out, APS_CELL_PATCH, at);
}

static void lay(struct changing *in)
{
	struct aps_buf patch;
	bool is_record = in->field.name != 0;
	aps_buf_init(&patch, APS_BUF_ANY_SIZE);
	aps_buf_add_byte(&patch, is_record ? 'F' : 'V');
	if (is_record) put_step(&patch, &in->field);
	put_edit(in, &patch, 0);
	if (patch.rc == APS_OK)
		aps_write_lay(in->write, in->entry, in->field.name, aps_buf_str(&patch));
	else
		fail_memory(in);
	aps_buf_clear(&patch);
}

/* Fields, with another long list at the end of the path. */
static void put_fields(const struct changing *in, struct aps_buf *out, struct aps_str fields, const struct step *step,
                       size_t from, const struct aps_cell *list);

static void put_value(const struct changing *in, struct aps_buf *out, const struct aps_cell *value, size_t from,
                      const struct aps_cell *list)
{
	size_t at = out->n;
	if (from == count(in)) {
		aps_cell_put_long_list(out, list->as.entry, list->n_items);
		return;
	}
	put_fields(in, out, value->text, step_at(in, from), from + 1, list);
	aps_cell_close_object(out, at);
}

static void put_fields(const struct changing *in, struct aps_buf *out, struct aps_str fields, const struct step *step,
                       size_t from, const struct aps_cell *list)
{
	struct aps_cell_field field;
	while (aps_cell_take_field(&fields, &field)) {
		bool is_it = aps_cell_compare_names(field.name, field.text, step->name,
		                                    step->name != 0 ? APS_STR("") : step->text) == 0;
		if (!is_it) {
			aps_buf_add_str(out, field.whole);
			continue;
		}
		put_step(out, step);
		put_value(in, out, &field.value, from, list);
	}
}

static void set_list(struct changing *in, const struct aps_cell *list)
{
	struct aps_str content = aps_entry_content(in->entry);
	struct aps_buf now;
	struct aps_cell value;
	aps_buf_init(&now, UINT32_MAX);
	if (in->field.name != 0)
		put_fields(in, &now, content, &in->field, 0, list);
	else if (aps_cell_take(&content, &value))
		put_value(in, &now, &value, 0, list);
	if (now.rc == APS_OK)
		aps_write_set(in->write, in->entry, aps_buf_str(&now));
	else
		fail_memory(in);
	aps_write_report(in->write, in->entry, in->field.name);
	aps_buf_clear(&now);
}

/* Edits that take one item away, and put the same one at the end or not. */
static bool is_of_one(struct aps_str edits, struct aps_str *item, bool *comes)
{
	struct aps_cell gone, come, left;
	if (edits.n == 0 || edits.p[0] != '-') return false;
	edits = (struct aps_str){edits.p + 1, edits.n - 1};
	if (!aps_cell_take(&edits, &gone)) return false;
	*item = gone.whole;
	*comes = edits.n != 0;
	if (edits.n == 0) return true;
	if (edits.p[0] != '+') return false;
	edits = (struct aps_str){edits.p + 1, edits.n - 1};
	return aps_cell_take(&edits, &come) && aps_cell_take(&edits, &left) && edits.n == 0 &&
	       aps_str_eq(come.whole, gone.whole) && aps_str_eq(left.whole, gone.whole);
}

/* False: it takes more than one block. */
static bool change_long_list(struct changing *in, struct aps_cell list)
{
	struct aps_str item;
	uint64_t n_before = list.n_items;
	bool comes;
	if (list.tag != APS_CELL_LONG_LIST || !is_of_one(aps_buf_str(&in->edits), &item, &comes)) return false;
	if (!aps_long_list_change(in->write, list.as.entry, item, comes, &list.n_items)) return false;
	if (list.n_items != n_before && in->write->err.code == APS_OK) set_list(in, &list);
	return true;
}

/* The path and the edits are read. */
static bool change(struct changing *in)
{
	struct aps_cache_write *write = in->write;
	struct aps_cell list;
	bool is_laid = write->layer != NULL && write->cache->entries.layering != NULL && !in->entry->is_in_write;
	if (!is_laid || !is_edited_above(in)) {
		in->entry = aps_write_at(write, in->entry->number);
		if (in->entry == NULL || !find_list(in, aps_entry_content(in->entry), &list)) return true;
		if (!is_laid) return write->layer == NULL && change_long_list(in, list);
	}
	lay(in);
	return true;
}

enum aps_rc aps_list_change(struct aps_cache_write *write, struct aps_entry *entry, uint32_t name, struct aps_str json,
                            bool *is_done, struct aps_err *err)
{
	struct changing in = {.write = write, .entry = entry, .field = {.name = name}};
	struct aps_json_reader r;
	aps_buf_init(&in.path, APS_BUF_ANY_SIZE);
	aps_buf_init(&in.edits, APS_BUF_ANY_SIZE);
	aps_arena_init(&in.names, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&r, json, 0);
	*is_done = true;
	bool has_path = read_path(&in, &r) && in.err.code == APS_OK;
	if (has_path && aps_edit_value_edits(&in.edits, write, &r, &in.err) == APS_OK && in.edits.n != 0)
		*is_done = change(&in);
	if (in.err.code == APS_OK) in.err = write->err;
	aps_buf_clear(&in.path);
	aps_buf_clear(&in.edits);
	aps_arena_clear(&in.names);
	if (in.err.code != APS_OK && err != NULL) *err = in.err;
	return in.err.code;
}
