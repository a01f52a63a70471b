/* Random changes, damage, and memory that runs out. */
#include "synced_list_world.h"

#include "base/rand.h"

/* As a naive list of ids. */
struct model {
	unsigned ids[4000];
	size_t n;
};

static void model_add(struct model *model, unsigned from, unsigned to)
{
	for (unsigned id = from; id < to; id++) {
		bool is_there = false;
		for (size_t i = 0; i < model->n; i++) is_there = is_there || model->ids[i] == id;
		if (!is_there) model->ids[model->n++] = id;
	}
}

static size_t model_remove(struct model *model, unsigned from, unsigned to)
{
	size_t n = 0, n_before = model->n;
	for (size_t i = 0; i < model->n; i++)
		if (model->ids[i] < from || model->ids[i] >= to) model->ids[n++] = model->ids[i];
	model->n = n;
	return n_before - n;
}

static void assert_is(const struct model *model)
{
	static char text[65536];
	size_t n = 0;
	text[0] = '\0';
	for (size_t i = 0; i < model->n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%u", i != 0 ? " " : "", model->ids[i]);
	assert_string_equal(show(&APART), text);
	assert_int_equal(list.members.n_members, model->n);
	assert_int_equal(list.n_items, model->n);
}

static void any_changes_give_the_list_that_a_naive_one_is(void **state)
{
	(void)state;
	enum { N = 4000 };
	static struct model model;
	struct aps_rand rand;
	print_message("seed 5\n");
	aps_rand_init(&rand, 5);
	model.n = 0;
	make_records(0, N);
	start(&APART, &list);
	for (int round = 0; round < 300; round++) {
		unsigned from = (unsigned)aps_rand_below(&rand, N), most = aps_rand_below(&rand, 4) == 0 ? 1500 : 40;
		unsigned to = from + (unsigned)aps_rand_below(&rand, most);
		if (to > N) to = N;
		bool was_long = list.number != 0;
		if (aps_rand_below(&rand, 2) == 0) {
			size_t before = model.n;
			add(&APART, &list, from, to);
			model_add(&model, from, to);
			size_t n_new = model.n - before;
			if (was_long)
				assert_true(n_blocks_written <= (n_new != 0) * (2 + n_new / APS_BLOCK_MAX_ITEMS + 1));
		} else {
			take_out(&APART, &list, from, to);
			size_t n_gone = model_remove(&model, from, to);
			/* the list, and for each item at most its block and that before or behind it */
			if (was_long && list.number != 0) assert_true(n_blocks_written <= (n_gone != 0) + 3 * n_gone);
		}
		if (aps_rand_below(&rand, 8) == 0) aps_synced_list_forget(&list);
		if (!list.is_known) assert_true(load(&APART, &list));
		assert_is(&model);
		assert_true(n_blocks() <= model.n / 64 + 16);
	}
}

static void damage_is_told_and_nothing_is_written(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t n;
	} CONTENTS[] = {
	        {"\x09\x7f\x01\x08\x01", 5},                              /* a list longer than its block */
	        {"\x01", 1},                                              /* none at all */
	        {"\x09\x0a\x01\x08\xff\xff\xff\xff\xff\xff\xff\x7f", 12}, /* a number that was never given */
	        {"\x09\x02\x02\x08", 4},                                  /* an item that is none */
	        {NULL, 0},                                                /* it was evicted */
	};
	for (size_t i = 0; i < APS_COUNTOF(CONTENTS) * 2; i++) {
		bool is_there;
		make_records(0, 600);
		start(&APART, &list);
		add(&APART, &list, 0, 600);
		struct aps_entry *entry = world.cache.entries.newest;
		bool is_block = i % 2 == 0; /* else the list itself, which has no such form either */
		while (entry->n_key_bytes != 0 || (entry->number == list.number) == is_block) entry = entry->older;
		const char *bytes = CONTENTS[i / 2].bytes;
		aps_entries_set(&world.cache.entries, entry,
		                bytes != NULL ? aps_strndup(bytes, CONTENTS[i / 2].n) : NULL, CONTENTS[i / 2].n);
		uint64_t record = number_of(0);
		if (bytes != NULL || is_block) {
			aps_synced_list_forget(&list);
			begin();
			assert_int_equal(aps_synced_list_load(&world.write, &APART, &list, &is_there, &err),
			                 APS_E_STORAGE);
			assert_string_equal(err.word, "corrupt");
			aps_write_abort(&world.write);
			assert_false(list.is_known);
			begin();
			assert_int_equal(aps_synced_list_remove(&world.write, &APART, &list, &record, 1, &err),
			                 APS_E_STORAGE);
			aps_write_abort(&world.write);
		}
		list_teardown(NULL);
		list_setup(NULL);
	}
}

static void a_block_that_is_lost_is_told_by_who_knows_the_list(void **state)
{
	(void)state;
	make_records(0, 600);
	start(&APART, &list);
	add(&APART, &list, 0, 600);
	struct aps_entry *entry = world.cache.entries.newest;
	while (entry->n_key_bytes != 0 || entry->number == list.number) entry = entry->older;
	aps_entries_forget(&world.cache.entries, entry);
	uint64_t record = number_of(0);
	begin();
	assert_int_equal(aps_synced_list_remove(&world.write, &APART, &list, &record, 1, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "corrupt");
	assert_false(list.is_known);
	aps_write_abort(&world.write);
}

/* All that is done to a list, in one write. */
static enum aps_rc do_all(const uint64_t *numbers)
{
	struct aps_buf unseen;
	bool is_there;
	struct aps_cache_write *write = &world.write;
	aps_buf_init(&unseen, APS_BUF_ANY_SIZE);
	begin();
	enum aps_rc rc = aps_synced_list_load(write, &INSIDE, &list, &is_there, &err);
	if (rc == APS_OK) rc = aps_synced_list_add(write, &INSIDE, &list, numbers, 500, &err);
	if (rc == APS_OK) rc = aps_synced_list_remove(write, &INSIDE, &list, numbers, 100, &err);
	if (rc == APS_OK) rc = aps_synced_list_begin(write, &BESIDE, &beside, &err);
	if (rc == APS_OK) rc = aps_synced_list_add(write, &BESIDE, &beside, numbers, 300, &err);
	if (rc == APS_OK) rc = aps_synced_list_add(write, &BESIDE, &beside, numbers + 300, 100, &err);
	if (rc == APS_OK) rc = aps_synced_list_remove(write, &BESIDE, &beside, numbers, 300, &err);
	if (rc == APS_OK) rc = move_to(&INSIDE, &unseen);
	if (rc == APS_OK) rc = aps_synced_list_begin(write, &PLAIN, &beside, &err);
	if (rc == APS_OK) rc = aps_synced_list_drop(write, &PLAIN, &beside, &err);
	if (rc == APS_OK && !aps_write_settle(write)) rc = APS_E_NOMEM;
	aps_buf_clear(&unseen);
	return rc;
}

static void without_memory_a_list_stays_as_it_is(void **state)
{
	(void)state;
	size_t n_failed = 0;
	make_records(0, 700);
	start(&APART, &list);
	write_data("{ conn(n: 1) { items { id } } }", "{}", "{\"conn\":{\"items\":[]}}");
	write_layer(7, "{ conn(n: 1) { n } }", "{\"conn\":{\"n\":1}}");
	add(&INSIDE, &list, 600, 700);
	uint64_t *numbers = numbers_of(0, 500);
	char before[2048];
	snprintf(before, sizeof before, "%s", show(&INSIDE));
	for (size_t nth = 1;; nth++) {
		if (nth % 3 == 0) aps_synced_list_clear(&list);
		aps_mem_fail_at(nth);
		enum aps_rc rc = do_all(numbers);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		if (rc != APS_E_NOMEM) fail_msg("%s", err.msg);
		aps_write_abort(&world.write);
		aps_synced_list_forget(&list);
		aps_synced_list_forget(&beside);
		assert_string_equal(show(&INSIDE), before);
		assert_string_equal(show(&BESIDE), "nothing");
		n_failed++;
	}
	aps_write_commit(&world.write);
	assert_true(n_failed > 50);
	assert_int_equal(list.members.n_members, 100);
	assert_int_equal(n_blocks(), 0);
	aps_free(numbers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(any_changes_give_the_list_that_a_naive_one_is),
	        TEST(damage_is_told_and_nothing_is_written),
	        TEST(a_block_that_is_lost_is_told_by_who_knows_the_list),
	        TEST(without_memory_a_list_stays_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
