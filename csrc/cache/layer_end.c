#include "cache/layer_end.h"

#include "cache/doubt.h"
#include "cache/evict.h"
#include "cache/freshness.h"
#include "cache/normalize.h"

static bool is_list(const struct aps_cell *value)
{
	return value->tag == APS_CELL_LIST || value->tag == APS_CELL_LONG_LIST;
}

static bool find_field(struct aps_str fields, const struct aps_cell_field *field, struct aps_cell *value)
{
	return field->name != 0 ? aps_cell_find_field(fields, field->name, value)
	                        : aps_cell_find_text_field(fields, field->text, value);
}

static bool keep_fields(struct aps_buf *out, struct aps_str base, struct aps_str fields, unsigned depth);

/* Appends of a patch's value what it does to lists that are in `base`; false: nothing. */
static bool keep_value(struct aps_buf *out, const struct aps_cell *base, const struct aps_cell *value, unsigned depth)
{
	size_t at = out->n;
	bool is_edit = value->tag == APS_CELL_EDIT && is_list(base);
	bool is_within = value->tag == APS_CELL_PATCH && base->tag == APS_CELL_OBJECT && depth < APS_CELL_MAX_DEPTH;
	if (is_edit) aps_buf_add_str(out, value->whole);
	if (!is_within || !keep_fields(out, base->text, value->text, depth + 1)) return is_edit;
	aps_cell_close(out, APS_CELL_PATCH, at);
	return true;
}

static bool keep_fields(struct aps_buf *out, struct aps_str base, struct aps_str fields, unsigned depth)
{
	struct aps_cell_field field;
	struct aps_cell known;
	bool keeps_any = false;
	while (aps_cell_take_field(&fields, &field)) {
		size_t at = out->n;
		if (!find_field(base, &field, &known)) continue;
		aps_cell_put_name(out, field.name, field.text);
		if (keep_value(out, &known, &field.value, depth))
			keeps_any = true;
		else
			out->n = at;
	}
	return keeps_any;
}

/* Of a patch of what has this content the part that is kept; false: none. */
static bool keep_patch(struct aps_buf *out, struct aps_str content, struct aps_str patch)
{
	struct aps_str rest = {patch.p + 1, patch.n - 1};
	struct aps_cell base, value;
	aps_buf_add_byte(out, patch.p[0]);
	if (patch.p[0] == 'F') return keep_fields(out, content, rest, 0);
	return aps_cell_take(&content, &base) && aps_cell_take(&rest, &value) && keep_value(out, &base, &value, 0);
}

/* Of `now` the fields that a patch has. */
static void take_fields(struct aps_buf *out, struct aps_str now, struct aps_str patch)
{
	struct aps_str fields = {patch.p + 1, patch.n - 1};
	struct aps_cell_field field;
	struct aps_cell value;
	while (aps_cell_take_field(&fields, &field)) {
		if (!find_field(now, &field, &value)) continue;
		aps_cell_put_name(out, field.name, field.text);
		aps_buf_add_str(out, value.whole);
	}
}

/* In the place of those that the record has. */
static void set_doubts(struct aps_cache_write *write, struct aps_entry *record, struct aps_str doubts)
{
	struct aps_buf content;
	aps_buf_init(&content, APS_BUF_ANY_SIZE);
	aps_doubts_replace(&content, aps_entry_content(record), doubts);
	if (content.rc == APS_OK)
		aps_write_set(write, record, aps_buf_str(&content));
	else
		aps_write_fail(write);
	aps_buf_clear(&content);
}

/* What was in doubt is so still: the service hasn't said this. */
static void merge_record(struct aps_merge *merge, struct aps_entry *record, struct aps_str fields)
{
	struct aps_buf kept;
	struct aps_str doubts = APS_STR("");
	aps_buf_init(&kept, APS_BUF_ANY_SIZE);
	bool has_doubts = aps_doubts_find(aps_entry_content(record), &doubts);
	aps_buf_add_str(&kept, doubts);
	if (kept.rc != APS_OK) aps_write_fail(merge->write);
	aps_merge_into_record(merge, record, fields);
	if (has_doubts && merge->write->err.code == APS_OK) set_doubts(merge->write, record, aps_buf_str(&kept));
	aps_buf_clear(&kept);
}

static void merge_kept(struct aps_merge *merge, struct aps_entry *entry, struct aps_str kept)
{
	struct aps_cache_write *write = merge->write;
	struct aps_buf now, fields;
	bool is_nowhere;
	aps_buf_init(&now, APS_BUF_ANY_SIZE);
	aps_buf_init(&fields, APS_BUF_ANY_SIZE);
	aps_patch_apply(&now, aps_entry_content(entry), kept, &is_nowhere, &write->cache->entries, &write->err);
	if (kept.p[0] == 'F') take_fields(&fields, aps_buf_str(&now), kept);
	if (fields.rc != APS_OK) aps_write_fail(write);
	if (write->err.code == APS_OK && kept.p[0] == 'F')
		merge_record(merge, entry, aps_buf_str(&fields));
	else if (write->err.code == APS_OK)
		aps_merge_into_field(merge, entry, aps_buf_str(&now));
	aps_buf_clear(&now);
	aps_buf_clear(&fields);
}

/* Plain fields that the layer evicts. */
static void evict_fields(struct aps_cache_write *write, struct aps_entry *record, struct aps_str patch)
{
	struct aps_str fields = {patch.p + 1, patch.n - 1};
	struct aps_cell_field field;
	while (write->err.code == APS_OK && aps_cell_take_field(&fields, &field))
		if (field.value.tag == APS_CELL_GONE && field.name != 0 && field.name != APS_NAME_CAME)
			aps_evict_field(write, record, aps_names_text(&write->cache->names, field.name), false);
}

static void fold(struct aps_merge *merge, struct aps_entry *entry, struct aps_str patch)
{
	struct aps_cache_write *write = merge->write;
	struct aps_buf kept;
	if (patch.n == 0 || entry == NULL || entry->content == NULL) return;
	if (patch.p[0] == 'X') {
		aps_write_set(write, entry, (struct aps_str){NULL, 0});
		return;
	}
	aps_buf_init(&kept, APS_BUF_ANY_SIZE);
	bool is_kept = keep_patch(&kept, aps_entry_content(entry), patch);
	if (kept.rc != APS_OK) aps_write_fail(write);
	if (is_kept && write->err.code == APS_OK) merge_kept(merge, entry, aps_buf_str(&kept));
	if (patch.p[0] == 'F') evict_fields(write, entry, patch);
	aps_buf_clear(&kept);
}

void aps_layer_fold(struct aps_merge *merge, const struct aps_layer *layer)
{
	struct aps_cache_write *write = merge->write;
	const struct aps_layer_patch *patch = layer->patches;
	for (; patch != NULL && write->err.code == APS_OK; patch = patch->next)
		if (!patch->is_leaving)
			fold(merge, aps_write_at(write, patch->entry->number),
			     (struct aps_str){patch->bytes, patch->n_bytes});
}

struct doubting {
	struct aps_cache_write *write;
	struct aps_buf *stale;
	uint32_t typename;
};

static void put_stale(const struct doubting *in, uint64_t entry, uint32_t name)
{
	const struct aps_stale_field stale = {entry, name};
	aps_buf_add(in->stale, &stale, sizeof stale);
}

/* The plain ones among `fields` that the record has. */
static void doubt_fields(const struct doubting *in, const struct aps_entry *record, struct aps_str fields,
                         struct aps_buf *doubts)
{
	struct aps_cell_field field;
	struct aps_cell known;
	while (aps_cell_take_field(&fields, &field)) {
		bool is_plain = field.name != 0 && field.name != APS_NAME_CAME && field.name != in->typename;
		if (!is_plain || !aps_cell_find_field(aps_entry_content(record), field.name, &known)) continue;
		aps_doubts_add(doubts, field.name, APS_STR(""));
		put_stale(in, record->number, field.name);
	}
}

/* A field with arguments is in doubt in its record. */
static void doubt_apart(const struct doubting *in, const struct aps_entry *field, struct aps_buf *doubts)
{
	struct aps_str key = aps_entry_key(field);
	const char *dot = memchr(key.p, '.', key.n);
	if (field->content == NULL || dot == NULL) return;
	aps_doubts_add(doubts, 0, (struct aps_str){dot + 1, (size_t)(key.p + key.n - dot) - 1});
	put_stale(in, field->number, 0);
}

/* Of a record with what is in doubt already. `field`: the entry of a field that has arguments; NULL: `fields` of it. */
static void doubt_record(const struct doubting *in, struct aps_entry *record, const struct aps_entry *field,
                         struct aps_str fields)
{
	struct aps_str known = APS_STR("");
	struct aps_buf doubts;
	aps_buf_init(&doubts, APS_BUF_ANY_SIZE);
	aps_doubts_find(aps_entry_content(record), &known);
	aps_buf_add_str(&doubts, known);
	if (field != NULL)
		doubt_apart(in, field, &doubts);
	else
		doubt_fields(in, record, fields, &doubts);
	if (doubts.rc != APS_OK) aps_write_fail(in->write);
	if (!aps_str_eq(aps_buf_str(&doubts), known)) set_doubts(in->write, record, aps_buf_str(&doubts));
	aps_buf_clear(&doubts);
}

static void doubt(const struct doubting *in, const struct aps_layer_patch *patch)
{
	struct aps_str key = aps_entry_key(patch->entry), said = {patch->bytes, patch->n_bytes};
	bool is_record = key.n != 0 && key.p[0] == 'R';
	uint64_t number = is_record ? patch->entry->number : aps_key_owner(key);
	struct aps_entry *field = aps_write_at(in->write, patch->entry->number);
	struct aps_entry *record = aps_write_at(in->write, number);
	if (field == NULL || record == NULL || record->content == NULL) return;
	bool is_part = is_record && aps_str_is(key, "RROOT_QUERY") && said.n != 0 && said.p[0] == 'F';
	struct aps_str fields = is_part ? (struct aps_str){said.p + 1, said.n - 1} : aps_entry_content(record);
	doubt_record(in, record, is_record ? NULL : field, fields);
}

static struct doubting doubting_of(struct aps_cache_write *write, struct aps_buf *stale)
{
	return (struct doubting){write, stale, aps_names_find(&write->cache->names, APS_STR("__typename"))};
}

void aps_record_doubt(struct aps_cache_write *write, struct aps_str key, struct aps_buf *stale)
{
	struct aps_entry *record = NULL;
	const struct doubting in = doubting_of(write, stale);
	aps_entries_find_below(&write->cache->entries, key, &record, &write->err);
	if (record != NULL && write->err.code == APS_OK) record = aps_write_at(write, record->number);
	if (record == NULL || write->err.code != APS_OK || record->content == NULL) return;
	doubt_record(&in, record, NULL, aps_entry_content(record));
}

void aps_layer_doubt(struct aps_cache_write *write, const struct aps_layer *layer, struct aps_buf *stale)
{
	const struct doubting in = doubting_of(write, stale);
	const struct aps_layer_patch *patch = layer->patches;
	for (; patch != NULL && write->err.code == APS_OK; patch = patch->next)
		if (!patch->is_leaving) doubt(&in, patch);
}
