#include "client/known_fields.h"

#include "codec/json_reader.h"

enum aps_rc aps_known_field(struct aps_partition *partition, struct aps_str key, struct aps_str name,
                            struct aps_cell *value, bool *is_known, struct aps_err *err)
{
	struct aps_cache *cache = &partition->cache;
	struct aps_entry *entry = NULL;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_byte(&text, 'R');
	aps_buf_add_str(&text, key);
	enum aps_rc rc = text.rc == APS_OK ? aps_entries_find(&cache->entries, aps_buf_str(&text), &entry, err)
	                                   : aps_fail(err, APS_E_NOMEM, "out of memory");
	aps_buf_clear(&text);
	uint32_t number = aps_names_find(&cache->names, name);
	*is_known = entry != NULL && number != 0 && aps_entry_base(entry).n != 0 &&
	            aps_cell_find_field(aps_entry_base(entry), number, value);
	return rc;
}

/* A field of this value was selected without fields of its own, as a list of scalars is, too (JSON). Of null nobody
 * knows. */
static bool is_leaf(const struct aps_cell *value)
{
	switch (value->tag) {
	case APS_CELL_FALSE:
	case APS_CELL_TRUE:
	case APS_CELL_INT:
	case APS_CELL_DOUBLE:
	case APS_CELL_NUMBER:
	case APS_CELL_STRING:
	case APS_CELL_JSON: return true;
	default: return false;
	}
}

enum aps_rc aps_known_fields_among(struct aps_partition *partition, struct aps_str key, struct aps_str object,
                                   struct aps_arena *arena, struct aps_known_fields *fields, struct aps_err *err)
{
	struct aps_json_reader r;
	struct aps_cell value;
	bool is_known;
	fields->n = 0;
	aps_json_reader_init(&r, object, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return APS_OK;
	while (fields->n != APS_KNOWN_FIELDS && aps_json_next(&r) == APS_JSON_KEY) {
		struct aps_str name = aps_json_unescape(&r, arena);
		if (name.p == NULL) return aps_arena_fail(arena, "a queued mutation", err);
		if (aps_known_field(partition, key, name, &value, &is_known, err) != APS_OK) return err->code;
		if (is_known && is_leaf(&value)) fields->names[fields->n++] = name;
		if (aps_json_skip_value(&r, NULL) != APS_OK) return APS_OK;
	}
	return APS_OK;
}
