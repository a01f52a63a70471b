/* Lists of references, with records "T:0", "T:1", …, in a cache in memory. */
#ifndef SPEC_SYNCED_LIST_WORLD_H
#define SPEC_SYNCED_LIST_WORLD_H

#include "cache/long_list.h"
#include "cache/synced_list.h"
#include "cache_world.h"

#define LIST "{ all(n: 1) { id } }"

static const struct aps_str ITEMS[] = {{"items", 5}};

APS_UNUSED static const struct aps_list_place APART = {.field = {"all({\"n\":1})", 12}, .is_apart = true};
APS_UNUSED static const struct aps_list_place PLAIN = {.field = {"plain", 5}};
APS_UNUSED static const struct aps_list_place INSIDE = {
        .field = {"conn({\"n\":1})", 13}, .is_apart = true, .path = ITEMS, .n_path = 1};
APS_UNUSED static const struct aps_list_place BESIDE = {.field = {"~1", 2}, .is_apart = true};

static struct aps_synced_list list, beside;
static struct aps_err err;

/* Of the last write: entries that were written, and of them lists and blocks. */
static size_t n_written, n_blocks_written, written_bytes;

APS_UNUSED static int list_setup(void **state)
{
	list = beside = (struct aps_synced_list){.is_known = false};
	return setup(state);
}

APS_UNUSED static int list_teardown(void **state)
{
	aps_synced_list_clear(&list);
	aps_synced_list_clear(&beside);
	return teardown(state);
}

APS_UNUSED static void begin(void)
{
	aps_write_begin(&world.write, &world.cache);
}

APS_UNUSED static void commit(void)
{
	assert_true(aps_write_settle(&world.write));
	n_written = n_blocks_written = written_bytes = 0;
	for (size_t i = 0; i < aps_write_n_entries(&world.write); i++) {
		const struct aps_entry *entry = aps_write_entry_at(&world.write, i);
		n_written++;
		n_blocks_written += entry->n_key_bytes == 0;
		written_bytes += aps_entry_base(entry).n;
	}
	tell_changes();
	aps_write_commit(&world.write);
}

APS_UNUSED static void ok(enum aps_rc rc)
{
	if (rc != APS_OK) fail_msg("%s", err.msg);
}

/* Records "T:from" to "T:to-1", as a response brings them. */
APS_UNUSED static void make_records(unsigned from, unsigned to)
{
	begin();
	for (unsigned i = from; i < to; i++) {
		char key[24];
		snprintf(key, sizeof key, "RT:%u", i);
		struct aps_entry *entry = aps_write_entry(&world.write, aps_str_of(key));
		assert_non_null(entry);
		if (entry->content != NULL) continue;
		struct aps_buf fields;
		uint32_t id = aps_names_intern(&world.cache.names, APS_STR("id"));
		uint32_t type = aps_names_intern(&world.cache.names, APS_STR("__typename"));
		aps_buf_init(&fields, APS_BUF_ANY_SIZE);
		aps_cell_put_name(&fields, id < type ? id : type, APS_STR(""));
		aps_cell_put_text(&fields, APS_CELL_STRING, id < type ? aps_str_of(key + 3) : APS_STR("T"));
		aps_cell_put_name(&fields, id < type ? type : id, APS_STR(""));
		aps_cell_put_text(&fields, APS_CELL_STRING, id < type ? APS_STR("T") : aps_str_of(key + 3));
		aps_write_set(&world.write, entry, aps_buf_str(&fields));
		aps_buf_clear(&fields);
	}
	commit();
}

APS_UNUSED static uint64_t number_of(unsigned id)
{
	struct aps_entry *entry;
	char key[24];
	snprintf(key, sizeof key, "RT:%u", id);
	ok(aps_entries_find(&world.cache.entries, aps_str_of(key), &entry, &err));
	assert_non_null(entry);
	return entry->number;
}

APS_UNUSED static uint64_t *numbers_of(unsigned from, unsigned to)
{
	uint64_t *numbers = aps_malloc((to - from + 1) * sizeof *numbers);
	assert_non_null(numbers);
	for (unsigned i = from; i < to; i++) numbers[i - from] = number_of(i);
	return numbers;
}

APS_UNUSED static void add(const struct aps_list_place *place, struct aps_synced_list *to, unsigned from, unsigned end)
{
	uint64_t *numbers = numbers_of(from, end);
	begin();
	ok(aps_synced_list_add(&world.write, place, to, numbers, end - from, &err));
	commit();
	aps_free(numbers);
}

APS_UNUSED static void take_out(const struct aps_list_place *place, struct aps_synced_list *of, unsigned from,
                                unsigned end)
{
	uint64_t *numbers = numbers_of(from, end);
	begin();
	ok(aps_synced_list_remove(&world.write, place, of, numbers, end - from, &err));
	commit();
	aps_free(numbers);
}

APS_UNUSED static void start(const struct aps_list_place *place, struct aps_synced_list *of)
{
	begin();
	ok(aps_synced_list_begin(&world.write, place, of, &err));
	commit();
}

APS_UNUSED static bool load(const struct aps_list_place *place, struct aps_synced_list *of)
{
	bool is_there;
	begin();
	ok(aps_synced_list_load(&world.write, place, of, &is_there, &err));
	assert_int_equal(aps_write_n_entries(&world.write), 0);
	aps_write_abort(&world.write);
	return is_there;
}

APS_UNUSED static enum aps_rc move_to(const struct aps_list_place *place, struct aps_buf *unseen)
{
	const struct aps_list_at from = {&BESIDE, &beside}, to = {place, &list};
	return aps_synced_list_move(&world.write, from, to, unseen, &err);
}

/* "1 2 3": the ids in the list, as it stands there. */
static const char *show(const struct aps_list_place *place)
{
	static char text[65536];
	struct aps_buf items;
	struct aps_cell value, item;
	size_t n = 0;
	text[0] = '\0';
	aps_buf_init(&items, APS_BUF_ANY_SIZE);
	begin();
	if (!aps_list_place_find(&world.write, place, &value)) {
		aps_write_abort(&world.write);
		return "nothing";
	}
	if (value.tag == APS_CELL_LONG_LIST)
		ok(aps_long_list_items(&world.cache.entries, value.as.entry, &items, &err));
	else if (value.tag == APS_CELL_LIST)
		aps_buf_add_str(&items, value.text);
	struct aps_str rest = aps_buf_str(&items);
	while (aps_cell_take(&rest, &item)) {
		struct aps_entry *entry = NULL;
		if (item.tag == APS_CELL_REF) ok(aps_entries_at(&world.cache.entries, item.as.entry, &entry, &err));
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", n != 0 ? " " : "",
		                      entry != NULL ? (int)entry->n_key_bytes - 3 : 4,
		                      entry != NULL ? entry->key + 3 : "null");
	}
	aps_write_abort(&world.write);
	aps_buf_clear(&items);
	return text;
}

APS_UNUSED static size_t n_blocks(void)
{
	size_t n = 0;
	for (const struct aps_entry *entry = world.cache.entries.newest; entry != NULL; entry = entry->older)
		if (entry->number != 0 && entry->n_key_bytes == 0 && entry->content != NULL) n++;
	return n;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, list_setup, list_teardown)

#endif
