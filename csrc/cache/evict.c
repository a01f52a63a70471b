#include "cache/evict.h"

#include "cache/cell.h"

static bool evict_entry(struct aps_cache_write *write, struct aps_entry *entry)
{
	if (entry == NULL || entry->content == NULL) return false;
	aps_write_set(write, entry, (struct aps_str){NULL, 0});
	aps_write_report(write, entry, 0);
	return true;
}

/* Each field is told of, for those who watch one of them. */
static bool evict_record(struct aps_cache_write *write, struct aps_entry *record)
{
	struct aps_cell_field field;
	if (record->content == NULL) return false;
	struct aps_str fields = aps_entry_content(record);
	while (aps_cell_take_field(&fields, &field)) aps_write_report(write, record, field.name);
	aps_write_set(write, record, (struct aps_str){NULL, 0});
	return true;
}

static bool evict_plain_field(struct aps_cache_write *write, struct aps_entry *record, struct aps_str name)
{
	uint32_t number = aps_names_find(&write->cache->names, name);
	struct aps_str fields = aps_entry_content(record);
	struct aps_cell_field field;
	struct aps_buf rest;
	bool is_there = false;
	if (number == 0) return false;
	aps_buf_init(&rest, APS_BUF_ANY_SIZE);
	while (aps_cell_take_field(&fields, &field)) {
		if (field.name == number)
			is_there = true;
		else
			aps_buf_add_str(&rest, field.whole);
	}
	if (rest.rc != APS_OK) aps_write_fail(write);
	if (is_there) aps_write_set(write, record, rest.n != 0 ? aps_buf_str(&rest) : APS_STR(""));
	if (is_there) aps_write_report(write, record, number);
	aps_buf_clear(&rest);
	return is_there;
}

/* The entry of this key, if there is one. */
static struct aps_entry *find(struct aps_cache_write *write, const struct aps_buf *key)
{
	struct aps_entry *entry = NULL;
	if (key->rc != APS_OK)
		aps_write_fail(write);
	else if (aps_entries_find_below(&write->cache->entries, aps_buf_str(key), &entry, &write->err) == APS_OK &&
	         entry != NULL)
		entry = aps_write_at(write, entry->number);
	return entry;
}

/* The fields with arguments whose key begins like this. */
static bool evict_fields(struct aps_cache_write *write, struct aps_str prefix)
{
	struct aps_buf numbers;
	bool is_there = false;
	aps_buf_init(&numbers, APS_BUF_ANY_SIZE);
	if (aps_entries_list(&write->cache->entries, prefix, &numbers, &write->err) == APS_OK) {
		const uint64_t *found = (const uint64_t *)(const void *)numbers.p;
		for (size_t i = 0; i < numbers.n / sizeof *found; i++) {
			struct aps_entry *entry = aps_write_at(write, found[i]);
			if (evict_entry(write, entry)) is_there = true;
		}
	}
	aps_buf_clear(&numbers);
	return is_there;
}

/* Those whose key goes on like this, up to the next one that is tried. */
static bool evict_continued(struct aps_cache_write *write, struct aps_buf *prefix, char next)
{
	size_t n = prefix->n;
	aps_buf_add_byte(prefix, next);
	if (prefix->rc != APS_OK) aps_write_fail(write);
	bool is_there = prefix->rc == APS_OK && evict_fields(write, aps_buf_str(prefix));
	prefix->n = n;
	return is_there;
}

/* "F", the record's number, ".", and what the field begins with. */
static bool evict_with_arguments(struct aps_cache_write *write, const struct aps_entry *record, struct aps_str field)
{
	struct aps_buf prefix;
	bool is_whole = field.n != 0 && memchr(field.p, '(', field.n) != NULL;
	aps_buf_init(&prefix, APS_BUF_ANY_SIZE);
	aps_buf_addf(&prefix, "F%llu", (unsigned long long)record->number);
	if (field.n == 0) {
		bool is_any = evict_continued(write, &prefix, '.');
		aps_buf_clear(&prefix);
		return is_any;
	}
	aps_buf_add_byte(&prefix, '.');
	aps_buf_add_str(&prefix, field);
	/* a bare name: the field that is merged in a way of its own, and all that have arguments or directives */
	bool is_there = evict_entry(write, find(write, &prefix));
	if (!is_whole && evict_continued(write, &prefix, '(')) is_there = true;
	if (!is_whole && evict_continued(write, &prefix, '@')) is_there = true;
	aps_buf_clear(&prefix);
	return is_there;
}

bool aps_evict_field(struct aps_cache_write *write, struct aps_entry *record, struct aps_str field, bool is_apart)
{
	struct aps_buf key;
	if (!is_apart) return evict_plain_field(write, record, field);
	aps_buf_init(&key, APS_BUF_ANY_SIZE);
	aps_buf_addf(&key, "F%llu.", (unsigned long long)record->number);
	aps_buf_add_str(&key, field);
	bool is_there = evict_entry(write, find(write, &key));
	aps_buf_clear(&key);
	return is_there;
}

bool aps_evict(struct aps_cache_write *write, struct aps_str key, struct aps_str field)
{
	struct aps_buf name;
	if (write->err.code != APS_OK) return false;
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	aps_buf_add_byte(&name, 'R');
	aps_buf_add_str(&name, key);
	struct aps_entry *record = find(write, &name);
	aps_buf_clear(&name);
	if (record == NULL) return false;
	bool is_there = field.n != 0 ? evict_plain_field(write, record, field) : evict_record(write, record);
	return evict_with_arguments(write, record, field) || is_there;
}
