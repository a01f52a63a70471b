#include "cache/edit.h"

#include "base/mem.h"
#include "cache/edit_value.h"
#include "cache/evict.h"
#include "cache/list_change.h"
#include "cache/normalize.h"

#include <stdatomic.h>

struct aps_edits {
	atomic_size_t n_refs;
	struct aps_edit *first;
	struct aps_edit **end;
	size_t n;
	size_t n_bytes;
};

struct applying {
	struct aps_merge *merge;
	struct aps_cache_write *write;
	const struct aps_policies *policies;
	struct aps_buf key;
	struct aps_err err;
};

struct aps_edits *aps_edits_new(void)
{
	struct aps_edits *edits = aps_calloc(1, sizeof *edits);
	if (edits == NULL) return NULL;
	atomic_init(&edits->n_refs, 1);
	edits->end = &edits->first;
	edits->n_bytes = sizeof *edits;
	return edits;
}

struct aps_edits *aps_edits_ref(struct aps_edits *edits)
{
	atomic_fetch_add_explicit(&edits->n_refs, 1, memory_order_relaxed);
	return edits;
}

static void free_edit(struct aps_edit *edit)
{
	aps_gql_document_unref(edit->what.document);
	aps_asked_unref(edit->what.asked);
	aps_asked_merges_unref(edit->what.merges);
	aps_free(edit);
}

void aps_edits_unref(struct aps_edits *edits)
{
	if (edits == NULL || atomic_fetch_sub_explicit(&edits->n_refs, 1, memory_order_acq_rel) != 1) return;
	while (edits->first != NULL) {
		struct aps_edit *edit = edits->first;
		edits->first = edit->next;
		free_edit(edit);
	}
	aps_free(edits);
}

bool aps_edit_is_sure(const struct aps_edit_what *what)
{
	bool is_plain = what->kind == APS_EDIT_WRITE && what->merges == NULL;
	return is_plain || what->kind == APS_EDIT_LIST;
}

static size_t text_bytes(const struct aps_edit_what *what)
{
	return what->key.n + what->field.n + what->variables.n + what->json.n;
}

static size_t edit_bytes(const struct aps_edit_what *what)
{
	size_t n_asked = what->asked != NULL ? aps_asked_bytes(what->asked) : 0;
	size_t n_merges = what->merges != NULL ? aps_asked_merges_bytes(what->merges) : 0;
	return sizeof(struct aps_edit) + text_bytes(what) + 1 + n_asked + n_merges;
}

static void move_text(struct aps_str *text, char **to)
{
	if (text->n != 0) memcpy(*to, text->p, text->n);
	text->p = *to;
	*to += text->n;
}

bool aps_edits_add(struct aps_edits *edits, const struct aps_edit_what *what)
{
	struct aps_edit *edit = aps_malloc(sizeof *edit + text_bytes(what) + 1);
	if (edit == NULL) return false;
	edit->next = NULL;
	edit->what = *what;
	edit->n_bytes = edit_bytes(what);
	char *to = edit->bytes;
	move_text(&edit->what.key, &to);
	move_text(&edit->what.field, &to);
	move_text(&edit->what.variables, &to);
	move_text(&edit->what.json, &to);
	if (what->document != NULL) aps_gql_document_ref(what->document);
	if (what->asked != NULL) aps_asked_ref(what->asked);
	if (what->merges != NULL) aps_asked_merges_ref(what->merges);
	*edits->end = edit;
	edits->end = &edit->next;
	edits->n++;
	edits->n_bytes += edit->n_bytes;
	return true;
}

void aps_edits_drop_last(struct aps_edits *edits)
{
	struct aps_edit **at = &edits->first;
	while ((*at)->next != NULL) at = &(*at)->next;
	edits->n--;
	edits->n_bytes -= (*at)->n_bytes;
	free_edit(*at);
	*at = NULL;
	edits->end = at;
}

size_t aps_edits_count(const struct aps_edits *edits)
{
	return edits->n;
}

size_t aps_edits_bytes(const struct aps_edits *edits)
{
	return edits->n_bytes;
}

static void fail_memory(struct applying *in)
{
	if (in->err.code == APS_OK) aps_fail(&in->err, APS_E_NOMEM, "no memory for an edit of the cache");
}

/* "R" and the record's key. */
static bool name_record(struct applying *in, const struct aps_edit_what *what)
{
	aps_buf_reset(&in->key);
	aps_buf_add_byte(&in->key, 'R');
	aps_buf_add_str(&in->key, what->key);
	if (in->key.rc != APS_OK) fail_memory(in);
	return in->key.rc == APS_OK;
}

static void write_data(struct applying *in, const struct aps_edit_what *what)
{
	struct aps_binding binding = {
	        .policies = in->policies, .names = &in->write->cache->names, .gives_numbers = true};
	struct aps_normalized out;
	struct aps_str variables = what->variables.n != 0 ? what->variables : APS_STR("{}");
	if (!name_record(in, what)) return;
	bool has_root = what->key.n != 0;
	struct aps_layer *layer = in->write->layer;
	const struct aps_normalize_options options = {
	        .root = has_root ? aps_buf_str(&in->key) : APS_STR(""),
	        .now_s = what->now_s,
	        .identified = !has_root && layer != NULL ? &layer->identified : NULL,
	        .asked = what->asked,
	        .merges = what->merges,
	};
	if (aps_binding_init(&binding, what->document, what->definition, variables, &in->err) != APS_OK) return;
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	aps_normalize(in->merge, &binding, what->json, &options, &out, &in->err);
	aps_buf_clear(&out.stale);
	aps_binding_clear(&binding);
}

/* "F", the number of the record, "." and the field. */
static bool name_field(struct applying *in, const struct aps_entry *record, const struct aps_edit_what *what)
{
	aps_buf_reset(&in->key);
	aps_buf_addf(&in->key, "F%llu.", (unsigned long long)record->number);
	aps_buf_add_str(&in->key, what->field);
	if (in->key.rc != APS_OK) fail_memory(in);
	return in->key.rc == APS_OK;
}

static void replace_apart(struct applying *in, const struct aps_entry *record, const struct aps_edit_what *what)
{
	struct aps_cell known;
	struct aps_buf value;
	if (!name_field(in, record, what)) return;
	struct aps_entry *entry = aps_write_entry(in->write, aps_buf_str(&in->key));
	if (entry == NULL) return;
	struct aps_str content = aps_entry_content(entry);
	bool is_known = aps_cell_take(&content, &known);
	aps_buf_init(&value, UINT32_MAX);
	if (aps_edit_value_make(&value, in->write, is_known ? &known : NULL, what->json, &in->err) == APS_OK)
		aps_merge_into_field(in->merge, entry, aps_buf_str(&value));
	aps_buf_clear(&value);
}

static void replace_plain(struct applying *in, struct aps_entry *record, const struct aps_edit_what *what)
{
	struct aps_cell known;
	struct aps_buf fields, value;
	uint32_t number = aps_names_intern(&in->write->cache->names, what->field);
	if (number == 0) {
		fail_memory(in);
		return;
	}
	bool is_known = aps_cell_find_field(aps_entry_content(record), number, &known);
	aps_buf_init(&fields, UINT32_MAX);
	aps_buf_init(&value, UINT32_MAX);
	if (aps_edit_value_make(&value, in->write, is_known ? &known : NULL, what->json, &in->err) == APS_OK) {
		aps_cell_put_name(&fields, number, APS_STR(""));
		aps_buf_add_str(&fields, aps_buf_str(&value));
		if (fields.rc == APS_OK)
			aps_merge_into_record(in->merge, record, aps_buf_str(&fields));
		else
			fail_memory(in);
	}
	aps_buf_clear(&fields);
	aps_buf_clear(&value);
}

/* A record that is nowhere stays so: a field alone would not make one. */
static void set_field(struct applying *in, const struct aps_edit_what *what)
{
	struct aps_entry *record = NULL;
	if (!name_record(in, what)) return;
	aps_entries_find_below(&in->write->cache->entries, aps_buf_str(&in->key), &record, &in->err);
	if (record != NULL) record = aps_write_at(in->write, record->number);
	if (record == NULL || record->content == NULL) return;
	in->merge->replaces = true;
	if (what->json.n == 0)
		aps_evict_field(in->write, record, what->field, what->is_apart);
	else if (what->is_apart)
		replace_apart(in, record, what);
	else
		replace_plain(in, record, what);
	in->merge->replaces = false;
}

static void change_list(struct applying *in, const struct aps_edit_what *what)
{
	struct aps_entries *entries = &in->write->cache->entries;
	struct aps_entry *entry = NULL;
	uint32_t name = what->is_apart ? 0 : aps_names_find(&in->write->cache->names, what->field);
	bool is_done = true;
	if (!name_record(in, what)) return;
	aps_entries_find_below(entries, aps_buf_str(&in->key), &entry, &in->err);
	if (entry != NULL && what->is_apart) {
		const struct aps_entry *record = entry;
		entry = NULL;
		if (name_field(in, record, what))
			aps_entries_find_below(entries, aps_buf_str(&in->key), &entry, &in->err);
	}
	if (entry == NULL || (name == 0 && !what->is_apart)) return;
	if (aps_list_change(in->write, entry, name, what->json, &is_done, &in->err) == APS_OK && !is_done)
		set_field(in, what);
}

static void apply(struct applying *in, const struct aps_edit_what *what)
{
	switch (what->kind) {
	case APS_EDIT_WRITE: write_data(in, what); break;
	case APS_EDIT_SET: set_field(in, what); break;
	case APS_EDIT_LIST: change_list(in, what); break;
	case APS_EDIT_EVICT: aps_evict(in->write, what->key, what->field); break;
	}
}

enum aps_rc aps_edits_apply(const struct aps_edits *edits, size_t first, struct aps_merge *merge,
                            const struct aps_policies *policies, struct aps_err *err)
{
	struct applying in = {.merge = merge, .write = merge->write, .policies = policies};
	const struct aps_edit *edit = edits->first;
	aps_buf_init(&in.key, APS_BUF_ANY_SIZE);
	while (edit != NULL && first-- != 0) edit = edit->next;
	for (; edit != NULL && in.err.code == APS_OK && in.write->err.code == APS_OK; edit = edit->next)
		apply(&in, &edit->what);
	if (in.err.code == APS_OK) in.err = in.write->err;
	if (in.err.code != APS_OK && in.write->err.code == APS_OK) in.write->err = in.err;
	aps_buf_clear(&in.key);
	if (in.err.code != APS_OK && err != NULL) *err = in.err;
	return in.err.code;
}
