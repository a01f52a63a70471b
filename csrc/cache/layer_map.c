#include "cache/layer_map.h"

#include "cache/id_alias.h"
#include "cache/id_pairs.h"

#include <stdlib.h>

struct mapping {
	struct aps_cache_write *write;
	const struct aps_policies *policies;
	const struct aps_layer *answered;
	struct aps_buf pairs; /* of struct aps_id_pair: temporary records that the answer has */
	bool is_changed;      /* something in the patch referred to one */
};

static void map_fields(struct mapping *in, struct aps_buf *out, struct aps_str fields, unsigned depth);

/* The record that a value refers to from now on; 0: the same, or it is no reference. */
static uint64_t follow(struct mapping *in, const struct aps_cell *value)
{
	uint64_t to = value->tag == APS_CELL_REF ? aps_id_pairs_follow(&in->pairs, value->as.entry) : 0;
	if (to != 0) in->is_changed = true;
	return to;
}

static bool has_reference(struct aps_str items, uint64_t to)
{
	struct aps_cell item;
	while (aps_cell_take(&items, &item))
		if (item.tag == APS_CELL_REF && item.as.entry == to) return true;
	return false;
}

static void map_value(struct mapping *in, struct aps_buf *out, const struct aps_cell *value, unsigned depth);

/* What has the record already doesn't have it twice. */
static void map_list(struct mapping *in, struct aps_buf *out, const struct aps_cell *list, unsigned depth)
{
	struct aps_str rest = list->text;
	struct aps_cell item;
	size_t at = out->n;
	uint64_t n = 0;
	while (aps_cell_take(&rest, &item)) {
		uint64_t to = follow(in, &item);
		struct aps_str put = {out->p + at, out->n - at};
		if (to != 0 && (has_reference(list->text, to) || (put.n != 0 && has_reference(put, to)))) continue;
		map_value(in, out, &item, depth + 1);
		n++;
	}
	aps_cell_close_list(out, at, n);
}

static void map_edits(struct mapping *in, struct aps_buf *out, struct aps_str edits)
{
	struct aps_cell item;
	size_t at = out->n;
	while (edits.n != 0) {
		size_t n_items = edits.p[0] == '+' ? 2 : 1;
		aps_buf_add_byte(out, edits.p[0]);
		edits = (struct aps_str){edits.p + 1, edits.n - 1};
		for (size_t i = 0; i < n_items && aps_cell_take(&edits, &item); i++) map_value(in, out, &item, 0);
	}
	aps_cell_close(out, APS_CELL_EDIT, at);
}

static void map_value(struct mapping *in, struct aps_buf *out, const struct aps_cell *value, unsigned depth)
{
	size_t at = out->n;
	bool is_within = depth < APS_CELL_MAX_DEPTH;
	uint64_t to = follow(in, value);
	if (to != 0) {
		aps_cell_put_ref(out, to);
	} else if (value->tag == APS_CELL_LIST && is_within) {
		map_list(in, out, value, depth);
	} else if (value->tag == APS_CELL_EDIT) {
		map_edits(in, out, value->text);
	} else if ((value->tag == APS_CELL_OBJECT || value->tag == APS_CELL_PATCH) && is_within) {
		map_fields(in, out, value->text, depth + 1);
		aps_cell_close(out, value->tag, at);
	} else {
		aps_buf_add_str(out, value->whole);
	}
}

static void map_fields(struct mapping *in, struct aps_buf *out, struct aps_str fields, unsigned depth)
{
	struct aps_cell_field field;
	while (aps_cell_take_field(&fields, &field)) {
		aps_cell_put_name(out, field.name, field.text);
		map_value(in, out, &field.value, depth);
	}
}

/* The same patch, with references to the other record. */
static void map_patch(struct mapping *in, struct aps_buf *out, const struct aps_layer_patch *patch)
{
	struct aps_str rest = {patch->bytes + 1, patch->n_bytes - 1};
	struct aps_cell value;
	aps_buf_add_byte(out, patch->bytes[0]);
	if (patch->bytes[0] == 'F')
		map_fields(in, out, rest, 0);
	else if (patch->bytes[0] == 'V' && aps_cell_take(&rest, &value))
		map_value(in, out, &value, 0);
}

/* Of "author.name" "author". */
static bool begins_path(struct aps_str name, struct aps_str path)
{
	return path.n >= name.n && memcmp(path.p, name.p, name.n) == 0 && (path.n == name.n || path.p[name.n] == '.');
}

/* The service's own record has these of its own. */
static bool identifies(const struct mapping *in, const struct aps_entry *record, uint32_t number)
{
	struct aps_str name = aps_names_text(&in->write->cache->names, number), key = aps_entry_key(record);
	struct aps_str type = aps_key_type(key);
	type = (struct aps_str){type.p + 1, type.n >= 2 ? type.n - 2 : 0}; /* without "R" and the colon */
	const struct aps_type_policy *policy = aps_policies_find_type(in->policies, type);
	if (number == 0) return false;
	if (aps_str_is(name, "__typename")) return true;
	if (policy == NULL || policy->n_key_fields == 0) return aps_str_is(name, "id") || aps_str_is(name, "_id");
	for (size_t i = 0; i < policy->n_key_fields; i++)
		if (begins_path(name, policy->key_fields[i])) return true;
	return false;
}

static struct aps_str behind_kind(struct aps_str patch)
{
	return patch.n != 0 ? (struct aps_str){patch.p + 1, patch.n - 1} : patch;
}

static bool has_field(struct aps_str fields, const struct aps_cell_field *field)
{
	struct aps_cell value;
	return field->name != 0 ? aps_cell_find_field(fields, field->name, &value)
	                        : aps_cell_find_text_field(fields, field->text, &value);
}

/* The other record, what the layer says of it already, and whether what it said of the temporary one yields to what is
 * known. */
struct joining {
	const struct aps_entry *record;
	struct aps_str own;
	bool yields;
};

static void join_fields(const struct mapping *in, struct aps_buf *out, struct aps_str fields,
                        const struct joining *joining)
{
	struct aps_cell_field field, kept;
	struct aps_str known = aps_entry_content(joining->record), own = behind_kind(joining->own);
	bool has_field_left = aps_cell_take_field(&fields, &field), has_own = aps_cell_take_field(&own, &kept);
	while (has_field_left || has_own) {
		int order = !has_own          ? -1
		            : !has_field_left ? 1
		                              : aps_cell_compare_names(field.name, field.text, kept.name, kept.text);
		bool is_said = order < 0 && !identifies(in, joining->record, field.name) &&
		               !(joining->yields && has_field(known, &field));
		if (is_said) aps_buf_add_str(out, field.whole);
		if (order >= 0) aps_buf_add_str(out, kept.whole);
		if (order <= 0) has_field_left = aps_cell_take_field(&fields, &field);
		if (order >= 0) has_own = aps_cell_take_field(&own, &kept);
	}
}

/* A record's patch becomes one of the other record. Nothing is left of one that says nothing. */
static void join_record(const struct mapping *in, struct aps_buf *patch, const struct joining *joining)
{
	struct aps_buf joined;
	bool is_evicted = patch->p[0] == 'X' || (joining->own.n != 0 && joining->own.p[0] == 'X');
	aps_buf_init(&joined, APS_BUF_ANY_SIZE);
	aps_buf_add_byte(&joined, is_evicted ? 'X' : 'F');
	if (!is_evicted) join_fields(in, &joined, behind_kind(aps_buf_str(patch)), joining);
	if (!is_evicted && joined.n == 1) aps_buf_reset(&joined);
	aps_buf_clear(patch);
	*patch = joined;
}

/* The entry that a patch of this one is of from now on. */
static struct aps_entry *target_of(const struct mapping *in, struct aps_entry *entry)
{
	struct aps_cache_write *write = in->write;
	struct aps_str key = aps_entry_key(entry);
	uint64_t record = aps_id_pairs_follow(&in->pairs, entry->number);
	uint64_t owner = aps_id_pairs_follow(&in->pairs, aps_key_owner(key));
	if (record != 0) return aps_write_at(write, record);
	if (owner == 0) return entry;
	struct aps_buf other;
	aps_buf_init(&other, APS_BUF_ANY_SIZE);
	aps_buf_addf(&other, "F%llu", (unsigned long long)owner);
	const char *dot = memchr(key.p, '.', key.n);
	aps_buf_add(&other, dot, (size_t)(key.p + key.n - dot));
	if (other.rc != APS_OK) aps_write_fail(write);
	struct aps_entry *target = other.rc == APS_OK ? aps_write_entry(write, aps_buf_str(&other)) : NULL;
	aps_buf_clear(&other);
	return target;
}

/* What the layer hoped for has come, or what it was to begin with. */
static bool is_over(const struct mapping *in, const struct aps_layer_patch *patch)
{
	return patch->layer == in->answered || patch->entry->layered->patches == patch;
}

/* `target` is under layers, and shows its base. */
static void adapt(const struct mapping *in, const struct aps_layer_patch *patch, const struct aps_entry *target,
                  struct aps_buf *bytes)
{
	const struct aps_layer_patch *own = aps_layer_patch_of(patch->layer, target);
	const struct joining joining = {
	        .record = target,
	        .own = own != NULL ? (struct aps_str){own->bytes, own->n_bytes} : APS_STR(""),
	        .yields = is_over(in, patch),
	};
	bool is_record = aps_entry_key(target).p[0] == 'R';
	if (is_record)
		join_record(in, bytes, &joining);
	else if (own != NULL || (joining.yields && target->content != NULL))
		aps_buf_reset(bytes); /* of a field with arguments there is one value */
}

static void exchange(struct mapping *in, struct aps_layer_patch *patch, struct aps_entry *target, struct aps_buf *bytes)
{
	struct aps_cache_write *write = in->write;
	struct aps_layer_patch *own = target != patch->entry ? aps_layer_patch_of(patch->layer, target) : NULL;
	if (bytes->rc == APS_OK && target != patch->entry) adapt(in, patch, target, bytes);
	if (bytes->rc != APS_OK) aps_write_fail(write);
	bool keeps_own = own != NULL && bytes->n == 0;
	if (own != NULL && !keeps_own) aps_write_exchange(write, own, target, APS_STR(""));
	aps_write_exchange(write, patch, target, aps_buf_str(bytes));
}

static void map_one(struct mapping *in, struct aps_layer_patch *patch)
{
	struct aps_cache_write *write = in->write;
	struct aps_buf bytes;
	aps_buf_init(&bytes, APS_BUF_ANY_SIZE);
	in->is_changed = false;
	map_patch(in, &bytes, patch);
	struct aps_entry *target = target_of(in, patch->entry);
	bool is_other = in->is_changed || target != patch->entry;
	if (is_other && target != NULL && aps_write_under_layers(write, patch->entry) != NULL &&
	    aps_write_under_layers(write, target) != NULL) {
		if (patch->layer == in->answered && target == patch->entry) aps_alias_keep(write, patch, &in->pairs);
		exchange(in, patch, target, &bytes);
	}
	aps_buf_clear(&bytes);
}

/* What comes in the place of a patch stands before it in the layer's list. */
static void map_layer(struct mapping *in, const struct aps_layer *layer)
{
	struct aps_layer_patch *next;
	for (struct aps_layer_patch *patch = layer->patches; patch != NULL && in->write->err.code == APS_OK;
	     patch = next) {
		next = patch->next;
		if (!patch->is_leaving && patch->n_bytes != 0) map_one(in, patch);
	}
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return (one > other) - (one < other);
}

/* Nothing but layers knows of it. */
static bool is_temporary(const struct aps_entry *entry)
{
	if (entry == NULL || entry->layered == NULL) return false;
	return entry->is_in_write ? entry->content == NULL : entry->layered->base == NULL;
}

static void keep_temporary(struct mapping *in)
{
	struct aps_cache_write *write = in->write;
	struct aps_id_pair *all = (struct aps_id_pair *)(void *)in->pairs.p;
	size_t n = in->pairs.n / sizeof *all, n_kept = 0;
	for (size_t i = 0; i < n && write->err.code == APS_OK; i++) {
		struct aps_entry *entry;
		aps_entries_at_below(&write->cache->entries, all[i].from, &entry, &write->err);
		if (write->err.code == APS_OK && is_temporary(entry)) all[n_kept++] = all[i];
	}
	in->pairs.n = n_kept * sizeof *all;
}

/* Those that change or mention one of the temporary records, from the lowest. */
static void list_layers(const struct mapping *in, struct aps_buf *ids)
{
	const struct aps_id_pair *all = (const struct aps_id_pair *)(const void *)in->pairs.p;
	struct aps_cache_write *write = in->write;
	struct aps_layer_source *source = write->cache->layers.source;
	if (source == NULL) aps_layers_list(&write->cache->layers, ids);
	for (size_t i = 0; source != NULL && i < in->pairs.n / sizeof *all && write->err.code == APS_OK; i++)
		source->list(source, all[i].from, ids, &write->err);
	if (ids->rc != APS_OK) aps_write_fail(write);
	if (ids->n != 0) qsort(ids->p, ids->n / sizeof(uint64_t), sizeof(uint64_t), compare_ids);
}

static void map_layers(struct mapping *in)
{
	struct aps_cache_write *write = in->write;
	struct aps_buf ids;
	aps_buf_init(&ids, APS_BUF_ANY_SIZE);
	list_layers(in, &ids);
	const uint64_t *all = (const uint64_t *)(const void *)ids.p;
	for (size_t i = 0; i < ids.n / sizeof *all && write->err.code == APS_OK; i++) {
		struct aps_layer *layer;
		if (i != 0 && all[i] == all[i - 1]) continue;
		aps_layers_load(&write->cache->layers, all[i], &layer, &write->err);
		if (write->err.code == APS_OK && layer != NULL) map_layer(in, layer);
	}
	aps_buf_clear(&ids);
}

static void write_aliases(const struct mapping *in)
{
	const struct aps_id_pair *all = (const struct aps_id_pair *)(const void *)in->pairs.p;
	struct aps_entries *entries = &in->write->cache->entries;
	for (size_t i = 0; i < in->pairs.n / sizeof *all && in->write->err.code == APS_OK; i++)
		aps_alias_write(in->write, in->policies, aps_entries_peek(entries, all[i].from),
		                aps_entries_peek(entries, all[i].to));
}

static void put_text(struct aps_buf *out, struct aps_str text)
{
	aps_cell_put_count(out, text.n);
	aps_buf_add_str(out, text);
}

static void tell(const struct mapping *in, struct aps_buf *mapped)
{
	const struct aps_id_pair *all = (const struct aps_id_pair *)(const void *)in->pairs.p;
	struct aps_entries *entries = &in->write->cache->entries;
	for (size_t i = 0; i < in->pairs.n / sizeof *all && in->write->err.code == APS_OK; i++) {
		struct aps_str type, id, other_type, other_id;
		aps_key_texts(aps_entry_key(aps_entries_peek(entries, all[i].from)), &type, &id);
		aps_key_texts(aps_entry_key(aps_entries_peek(entries, all[i].to)), &other_type, &other_id);
		put_text(mapped, type);
		put_text(mapped, id);
		put_text(mapped, other_id);
	}
	if (mapped->rc != APS_OK) aps_write_fail(in->write);
}

void aps_layers_follow(struct aps_cache_write *write, const struct aps_policies *policies, struct aps_layer *answered,
                       struct aps_buf *came, struct aps_buf *mapped)
{
	struct mapping in = {.write = write, .policies = policies, .answered = answered};
	if (write->err.code != APS_OK) return;
	aps_buf_init(&in.pairs, APS_BUF_ANY_SIZE);
	if (aps_id_pairs_find(&answered->identified, came, &in.pairs, &write->err) == APS_OK) {
		keep_temporary(&in);
		if (in.pairs.n != 0) map_layers(&in);
		write_aliases(&in);
		if (mapped != NULL) tell(&in, mapped);
	}
	aps_buf_clear(&in.pairs);
}
