#include "cache/field_text.h"

#include "cache/long_list.h"
#include "cache/scalar.h"

struct showing {
	struct aps_cache *cache;
	struct aps_json_writer w;
	struct aps_buf key;
	unsigned depth;
	struct aps_err err;
};

static void show_value(struct showing *in, const struct aps_cell *value, bool is_item);

static void fail_damaged(struct showing *in)
{
	if (in->err.code == APS_OK)
		aps_fail_word(&in->err, APS_E_STORAGE, "corrupt", 0, "a record of the cache is damaged");
}

static void show_ref(struct showing *in, uint64_t number, bool is_item)
{
	struct aps_entry *entry = NULL;
	aps_entries_at(&in->cache->entries, number, &entry, &in->err);
	struct aps_str key = entry != NULL ? aps_entry_key(entry) : APS_STR("");
	if (key.n == 0 && is_item) return;
	if (key.n == 0) {
		aps_json_write_null(&in->w);
		return;
	}
	aps_json_write_object(&in->w);
	aps_json_write_member(&in->w, "__ref", (struct aps_str){key.p + 1, key.n - 1});
	aps_json_write_object_end(&in->w);
}

static void show_items(struct showing *in, struct aps_str items)
{
	struct aps_cell item;
	aps_json_write_object(&in->w);
	aps_json_write_key(&in->w, APS_STR("__list"));
	aps_json_write_array(&in->w);
	while (items.n != 0 && in->err.code == APS_OK) {
		if (aps_cell_take(&items, &item))
			show_value(in, &item, true);
		else
			fail_damaged(in);
	}
	aps_json_write_array_end(&in->w);
	aps_json_write_object_end(&in->w);
}

static void show_long_list(struct showing *in, uint64_t number)
{
	struct aps_buf items;
	aps_buf_init(&items, APS_BUF_ANY_SIZE);
	if (aps_long_list_items(&in->cache->entries, number, &items, &in->err) == APS_OK)
		show_items(in, aps_buf_str(&items));
	aps_buf_clear(&items);
}

static struct aps_str name_of(const struct showing *in, const struct aps_cell_field *field)
{
	return field->name != 0 ? aps_names_text(&in->cache->names, field->name) : field->text;
}

/* A field could be taken for what an object is marked with. */
static bool needs_mark(const struct showing *in, struct aps_str fields)
{
	struct aps_cell_field field;
	while (aps_cell_take_field(&fields, &field)) {
		struct aps_str name = name_of(in, &field);
		if (aps_str_starts(name, "__") && !aps_str_is(name, "__typename")) return true;
	}
	return false;
}

static void show_fields(struct showing *in, struct aps_str fields)
{
	struct aps_cell_field field;
	bool is_marked = needs_mark(in, fields);
	if (is_marked) aps_json_write_object(&in->w);
	if (is_marked) aps_json_write_key(&in->w, APS_STR("__fields"));
	aps_json_write_object(&in->w);
	while (fields.n != 0 && in->err.code == APS_OK) {
		if (!aps_cell_take_field(&fields, &field)) {
			fail_damaged(in);
			return;
		}
		aps_json_write_key(&in->w, name_of(in, &field));
		show_value(in, &field.value, false);
	}
	aps_json_write_object_end(&in->w);
	if (is_marked) aps_json_write_object_end(&in->w);
}

static void show_json(struct showing *in, struct aps_str json)
{
	aps_json_write_object(&in->w);
	aps_json_write_key(&in->w, APS_STR("__json"));
	aps_json_write_raw(&in->w, json);
	aps_json_write_object_end(&in->w);
}

static void show_value(struct showing *in, const struct aps_cell *value, bool is_item)
{
	if (++in->depth > APS_CELL_MAX_DEPTH) fail_damaged(in);
	switch (in->err.code == APS_OK ? value->tag : APS_CELL_NULL) {
	case APS_CELL_REF: show_ref(in, value->as.entry, is_item); break;
	case APS_CELL_LIST: show_items(in, value->text); break;
	case APS_CELL_LONG_LIST: show_long_list(in, value->as.entry); break;
	case APS_CELL_OBJECT: show_fields(in, value->text); break;
	case APS_CELL_JSON: show_json(in, value->text); break;
	default:
		if (!aps_scalar_write(&in->w, value)) fail_damaged(in);
		break;
	}
	in->depth--;
}

static void show_variant(struct showing *in, struct aps_str field, bool is_apart, const struct aps_cell *value)
{
	aps_json_write_string(&in->w, field);
	aps_json_write_bool(&in->w, is_apart);
	show_value(in, value, false);
}

static void show_plain(struct showing *in, struct aps_str fields, struct aps_str field)
{
	struct aps_cell value;
	uint32_t number = aps_names_find(&in->cache->names, field);
	if (number != 0 && aps_cell_find_field(fields, number, &value)) show_variant(in, field, false, &value);
}

/* "F", the record's number, ".", the field: an entry, of which nothing may be known. */
static void show_apart(struct showing *in, const struct aps_entry *entry, size_t n_prefix)
{
	struct aps_cell value;
	struct aps_str key = entry != NULL ? aps_entry_key(entry) : APS_STR("");
	if (entry == NULL || entry->content == NULL || entry->n_content_bytes == 0 || key.n < n_prefix) return;
	struct aps_str content = aps_entry_content(entry);
	if (aps_cell_take(&content, &value))
		show_variant(in, (struct aps_str){key.p + n_prefix, key.n - n_prefix}, true, &value);
	else
		fail_damaged(in);
}

/* The fields whose key goes on like this behind the name. */
static void show_continued(struct showing *in, size_t n_prefix, char next)
{
	struct aps_buf numbers;
	size_t n_key = in->key.n;
	aps_buf_init(&numbers, APS_BUF_ANY_SIZE);
	aps_buf_add_byte(&in->key, next);
	if (in->key.rc == APS_OK) aps_entries_list(&in->cache->entries, aps_buf_str(&in->key), &numbers, &in->err);
	const uint64_t *found = (const uint64_t *)(const void *)numbers.p;
	for (size_t i = 0; i < numbers.n / sizeof *found && in->err.code == APS_OK; i++) {
		struct aps_entry *entry = NULL;
		aps_entries_at(&in->cache->entries, found[i], &entry, &in->err);
		show_apart(in, entry, n_prefix);
	}
	in->key.n = n_key;
	aps_buf_clear(&numbers);
}

static void show_record(struct showing *in, const struct aps_entry *record, struct aps_str field)
{
	struct aps_entry *entry = NULL;
	bool is_whole = memchr(field.p, '(', field.n) != NULL || memchr(field.p, '@', field.n) != NULL;
	if (!is_whole) show_plain(in, aps_entry_content(record), field);
	aps_buf_reset(&in->key);
	aps_buf_addf(&in->key, "F%llu.", (unsigned long long)record->number);
	size_t n_prefix = in->key.n;
	aps_buf_add_str(&in->key, field);
	if (in->key.rc != APS_OK || in->err.code != APS_OK) return;
	aps_entries_find(&in->cache->entries, aps_buf_str(&in->key), &entry, &in->err);
	show_apart(in, entry, n_prefix);
	if (!is_whole && in->err.code == APS_OK) show_continued(in, n_prefix, '(');
	if (!is_whole && in->err.code == APS_OK) show_continued(in, n_prefix, '@');
}

static enum aps_rc conclude(struct showing *in, struct aps_err *err)
{
	if (in->err.code == APS_OK && (in->w.err.code == APS_E_UTF8 || in->w.err.code == APS_E_USAGE)) fail_damaged(in);
	if (in->err.code == APS_OK && (in->key.rc != APS_OK || aps_json_writer_finish(&in->w) != APS_OK))
		aps_fail(&in->err, APS_E_NOMEM, "no memory for a field of the cache");
	if (in->err.code != APS_OK && err != NULL) *err = in->err;
	return in->err.code;
}

enum aps_rc aps_field_text(struct aps_buf *out, struct aps_cache *cache, struct aps_str key, struct aps_str field,
                           struct aps_err *err)
{
	struct showing in = {.cache = cache};
	struct aps_entry *record = NULL;
	aps_buf_init(&in.key, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&in.w, out);
	aps_json_write_array(&in.w);
	aps_buf_add_byte(&in.key, 'R');
	aps_buf_add_str(&in.key, key);
	if (in.key.rc == APS_OK) aps_entries_find(&cache->entries, aps_buf_str(&in.key), &record, &in.err);
	if (record != NULL && record->content != NULL) show_record(&in, record, field);
	aps_json_write_array_end(&in.w);
	enum aps_rc rc = conclude(&in, err);
	aps_buf_clear(&in.key);
	return rc;
}

enum aps_rc aps_field_value_text(struct aps_buf *out, struct aps_cache *cache, const struct aps_cell *value,
                                 struct aps_err *err)
{
	struct showing in = {.cache = cache};
	aps_buf_init(&in.key, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&in.w, out);
	show_value(&in, value, false);
	return conclude(&in, err);
}
