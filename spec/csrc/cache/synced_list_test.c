#include "cache/synced_list.h"

#include "cache_world.h"

#include "base/rand.h"
#include "cache/long_list.h"

#define LIST "{ all(n: 1) { id } }"

static const struct aps_str ITEMS[] = {{"items", 5}};

static const struct aps_list_place APART = {.field = {"all({\"n\":1})", 12}, .is_apart = true};
static const struct aps_list_place PLAIN = {.field = {"plain", 5}};
static const struct aps_list_place INSIDE = {
        .field = {"conn({\"n\":1})", 13}, .is_apart = true, .path = ITEMS, .n_path = 1};
static const struct aps_list_place BESIDE = {.field = {"~1", 2}, .is_apart = true};

static struct aps_synced_list list, beside;
static struct aps_err err;

/* Of the last write: entries that were written, and of them lists and blocks. */
static size_t n_written, n_blocks_written, written_bytes;

static int list_setup(void **state)
{
	list = beside = (struct aps_synced_list){.is_known = false};
	return setup(state);
}

static int list_teardown(void **state)
{
	aps_synced_list_clear(&list);
	aps_synced_list_clear(&beside);
	return teardown(state);
}

static void begin(void)
{
	aps_write_begin(&world.write, &world.cache);
}

static void commit(void)
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

static void ok(enum aps_rc rc)
{
	if (rc != APS_OK) fail_msg("%s", err.msg);
}

/* Records "T:from" to "T:to-1", as a response brings them. */
static void make_records(unsigned from, unsigned to)
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

static uint64_t number_of(unsigned id)
{
	struct aps_entry *entry;
	char key[24];
	snprintf(key, sizeof key, "RT:%u", id);
	ok(aps_entries_find(&world.cache.entries, aps_str_of(key), &entry, &err));
	assert_non_null(entry);
	return entry->number;
}

static uint64_t *numbers_of(unsigned from, unsigned to)
{
	uint64_t *numbers = aps_malloc((to - from + 1) * sizeof *numbers);
	assert_non_null(numbers);
	for (unsigned i = from; i < to; i++) numbers[i - from] = number_of(i);
	return numbers;
}

static void add(const struct aps_list_place *place, struct aps_synced_list *to, unsigned from, unsigned end)
{
	uint64_t *numbers = numbers_of(from, end);
	begin();
	ok(aps_synced_list_add(&world.write, place, to, numbers, end - from, &err));
	commit();
	aps_free(numbers);
}

static void take_out(const struct aps_list_place *place, struct aps_synced_list *of, unsigned from, unsigned end)
{
	uint64_t *numbers = numbers_of(from, end);
	begin();
	ok(aps_synced_list_remove(&world.write, place, of, numbers, end - from, &err));
	commit();
	aps_free(numbers);
}

static void start(const struct aps_list_place *place, struct aps_synced_list *of)
{
	begin();
	ok(aps_synced_list_begin(&world.write, place, of, &err));
	commit();
}

static bool load(const struct aps_list_place *place, struct aps_synced_list *of)
{
	bool is_there;
	begin();
	ok(aps_synced_list_load(&world.write, place, of, &is_there, &err));
	assert_int_equal(aps_write_n_entries(&world.write), 0);
	aps_write_abort(&world.write);
	return is_there;
}

static enum aps_rc move_to(const struct aps_list_place *place, struct aps_buf *unseen)
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

static size_t n_blocks(void)
{
	size_t n = 0;
	for (const struct aps_entry *entry = world.cache.entries.newest; entry != NULL; entry = entry->older)
		if (entry->number != 0 && entry->n_key_bytes == 0 && entry->content != NULL) n++;
	return n;
}

static void records_come_last_and_each_once(void **state)
{
	(void)state;
	static const struct aps_list_place *const PLACES[] = {&APART, &PLAIN};
	make_records(1, 10);
	for (size_t i = 0; i < APS_COUNTOF(PLACES); i++) {
		assert_false(load(PLACES[i], &list));
		start(PLACES[i], &list);
		assert_string_equal(show(PLACES[i]), "");
		add(PLACES[i], &list, 3, 5);
		add(PLACES[i], &list, 1, 6);
		assert_string_equal(show(PLACES[i]), "3 4 1 2 5");
		assert_int_equal(list.members.n_members, 5);
		assert_int_equal(list.n_items, 5);
		add(PLACES[i], &list, 1, 6);
		assert_int_equal(n_written, 0);
		take_out(PLACES[i], &list, 4, 10);
		assert_string_equal(show(PLACES[i]), "3 1 2");
		take_out(PLACES[i], &list, 4, 10);
		assert_int_equal(n_written, 0);
		assert_true(load(PLACES[i], &list));
		assert_int_equal(list.members.n_members, 3);
	}
	/* what stands beside it stays */
	write_data("{ a plain { id } z }", "{}", "{\"a\":1,\"plain\":[],\"z\":2}");
	add(&PLAIN, &list, 1, 2);
	assert_string_equal(world.changes.p, "ROOT_QUERY.plain");
	assert_reads("{ a plain { id } z }", "{}", "{\"a\":1,\"plain\":[{\"id\":\"1\",\"__typename\":\"T\"}],\"z\":2}");
}

static void where_no_list_of_references_stands_nothing_is_added(void **state)
{
	(void)state;
	static const char *const VALUES[] = {"null", "1", "[1]", "[{\"a\":1}]", "{\"items\":[]}"};
	make_records(1, 3);
	for (size_t i = 0; i < APS_COUNTOF(VALUES); i++) {
		char data[64];
		snprintf(data, sizeof data, "{\"all\":%s}", VALUES[i]);
		write_data(i == 4   ? "{ all(n: 1) { items { id } } }"
		           : i >= 2 ? "{ all(n: 1) { a } }"
		                    : "{ all(n: 1) }",
		           "{}", data);
		assert_false(load(&APART, &list));
		add(&APART, &list, 1, 3);
		assert_int_equal(n_written, 0);
		take_out(&APART, &list, 1, 3);
		assert_int_equal(n_written, 0);
		assert_int_equal(list.members.n_members, 0);
	}
}

static void a_list_of_any_length_is_kept_and_its_untouched_blocks_stay(void **state)
{
	(void)state;
	make_records(0, 3000);
	start(&APART, &list);
	add(&APART, &list, 0, APS_BLOCK_MAX_ITEMS);
	assert_int_equal(list.number, 0);
	assert_int_equal(n_blocks(), 0);
	add(&APART, &list, APS_BLOCK_MAX_ITEMS, APS_BLOCK_MAX_ITEMS + 1);
	assert_true(list.number != 0);
	add(&APART, &list, APS_BLOCK_MAX_ITEMS + 1, 2000);
	add(&APART, &list, 2000, 2001);
	assert_int_equal(n_blocks_written, 2); /* the list, and its last block */
	add(&APART, &list, 2001, 3000);
	assert_true(n_blocks_written <= 2 + 1000 / APS_BLOCK_MAX_ITEMS + 1);
	assert_int_equal(list.members.n_members, 3000);
	struct aps_synced_list other = {.is_known = false};
	assert_true(load(&APART, &other));
	assert_int_equal(other.members.n_members, 3000);
	assert_int_equal(other.n_items, 3000);
	assert_int_equal(other.number, list.number);
	aps_synced_list_clear(&other);
	/* in one block, in two */
	take_out(&APART, &list, 1000, 1001);
	assert_int_equal(n_blocks_written, 2);
	take_out(&APART, &list, 1001, 1100);
	assert_true(n_blocks_written <= 4);
	/* short again */
	take_out(&APART, &list, 200, 3000);
	assert_int_equal(list.number, 0);
	assert_int_equal(n_blocks(), 0);
	assert_int_equal(list.members.n_members, 200);
	take_out(&APART, &list, 0, 200);
	assert_string_equal(show(&APART), "");
	begin();
	ok(aps_synced_list_drop(&world.write, &APART, &list, &err));
	commit();
	assert_string_equal(show(&APART), "nothing");
	assert_false(load(&APART, &list));
}

static void a_list_inside_of_objects_is_kept_there(void **state)
{
	(void)state;
	make_records(1, 400);
	write_data("{ conn(n: 1) { items { id } nextToken } }", "{}", "{\"conn\":{\"items\":[],\"nextToken\":\"t\"}}");
	assert_true(load(&INSIDE, &list));
	add(&INSIDE, &list, 1, 3);
	assert_non_null(strstr(world.changes.p, ".conn({\"n\":1})"));
	assert_reads("{ conn(n: 1) { items { id } nextToken } }", "{}",
	             "{\"conn\":{\"items\":[{\"id\":\"1\",\"__typename\":\"T\"},{\"id\":\"2\",\"__typename\":\"T\"}],"
	             "\"nextToken\":\"t\"}}");
	add(&INSIDE, &list, 1, 400);
	assert_true(list.number != 0);
	take_out(&INSIDE, &list, 2, 400);
	assert_reads("{ conn(n: 1) { items { id } nextToken } }", "{}",
	             "{\"conn\":{\"items\":[{\"id\":\"1\",\"__typename\":\"T\"}],\"nextToken\":\"t\"}}");
	assert_int_equal(n_blocks(), 0);
}

static void nulls_in_a_list_stay_where_they_are(void **state)
{
	(void)state;
	make_records(1, 400);
	write_data("{ all(n: 1) { id } }", "{}",
	           "{\"all\":[null,{\"id\":\"1\",\"__typename\":\"T\"},null,{\"id\":\"1\",\"__typename\":\"T\"}]}");
	assert_true(load(&APART, &list));
	assert_int_equal(list.members.n_members, 1);
	assert_int_equal(list.n_items, 4);
	add(&APART, &list, 1, 400);
	assert_int_equal(list.n_items, 402);
	assert_int_equal(list.members.n_members, 399);
	take_out(&APART, &list, 1, 399); /* each time that it is there */
	assert_string_equal(show(&APART), "null null 399");
	assert_int_equal(list.n_items, 3);
}

static void what_others_have_made_of_a_list_is_looked_at_again(void **state)
{
	(void)state;
	struct aps_buf text;
	make_records(0, 1000);
	start(&APART, &list);
	add(&APART, &list, 0, 600);
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"all\":[");
	for (int i = 0; i < 500; i++)
		aps_buf_addf(&text, "%s{\"id\":\"%d\",\"__typename\":\"T\"}", i != 0 ? "," : "", i);
	aps_buf_add_text(&text, "]}");
	write_data(LIST, "{}", text.p);
	aps_buf_clear(&text);
	/* the same blocks, but other items */
	add(&APART, &list, 500, 502);
	assert_int_equal(list.n_items, 502);
	assert_int_equal(list.members.n_members, 502);
	/* a short one of the same length */
	write_data(LIST, "{}", "{\"all\":[{\"id\":\"1\",\"__typename\":\"T\"},{\"id\":\"2\",\"__typename\":\"T\"}]}");
	add(&APART, &list, 3, 4);
	assert_string_equal(show(&APART), "1 2 3");
	write_data(LIST, "{}",
	           "{\"all\":[{\"id\":\"4\",\"__typename\":\"T\"},{\"id\":\"5\",\"__typename\":\"T\"},"
	           "{\"id\":\"6\",\"__typename\":\"T\"}]}");
	add(&APART, &list, 1, 5);
	assert_string_equal(show(&APART), "4 5 6 1 2 3");
	write_data("{ all(n: 1) }", "{}", "{\"all\":null}");
	add(&APART, &list, 1, 5);
	assert_int_equal(list.members.n_members, 0);
	assert_string_equal(show(&APART), "");
}

static void a_change_that_only_its_owner_can_know_of_is_looked_at_once_it_forgets(void **state)
{
	(void)state;
	make_records(0, 700);
	start(&APART, &list);
	add(&APART, &list, 0, 600);
	uint64_t known = list.number;
	struct aps_synced_list other = {.is_known = false};
	take_out(&APART, &other, 0, 1);
	add(&APART, &other, 650, 651);
	aps_synced_list_clear(&other);
	assert_true(list.is_known && list.number == known && list.n_items == 600);
	aps_synced_list_forget(&list);
	assert_true(load(&APART, &list));
	assert_false(aps_number_set_has(&list.members, number_of(0)));
	assert_true(aps_number_set_has(&list.members, number_of(650)));
}

static void layers_over_a_list_stay_on_top_of_it(void **state)
{
	(void)state;
	make_records(1, 6);
	start(&APART, &list);
	add(&APART, &list, 1, 3);
	/* what a call adds at the end, and takes away */
	write_layer(7, "{ all(n: 1) { id } }",
	            "{\"all\":[{\"id\":\"2\",\"__typename\":\"T\"},{\"id\":\"9\",\"__typename\":\"T\"}]}");
	assert_string_equal(show(&APART), "1 2");
	add(&APART, &list, 3, 4);
	assert_string_equal(show(&APART), "1 2 3");
	const char *shown = read_data(LIST, "{}");
	assert_null(strstr(shown, "\"id\":\"1\""));
	assert_non_null(strstr(shown, "\"id\":\"9\""));
	assert_non_null(strstr(shown, "\"id\":\"3\""));
	/* the list is another one, and moves: still */
	make_records(10, 400);
	start(&BESIDE, &beside);
	add(&BESIDE, &beside, 1, 4);
	add(&BESIDE, &beside, 10, 400);
	begin();
	ok(move_to(&APART, NULL));
	commit();
	shown = read_data(LIST, "{}");
	assert_null(strstr(shown, "\"id\":\"1\""));
	assert_non_null(strstr(shown, "\"id\":\"9\""));
	assert_non_null(strstr(shown, "\"id\":\"399\""));
	take_out(&APART, &list, 10, 400);
	write_answer(7, "{ z }", "{\"z\":1}");
	assert_reads(LIST, "{}",
	             "{\"all\":[{\"id\":\"1\",\"__typename\":\"T\"},{\"id\":\"2\",\"__typename\":\"T\"},"
	             "{\"id\":\"3\",\"__typename\":\"T\"}]}");
}

static void a_collected_list_takes_the_place_of_the_one_that_is_shown(void **state)
{
	(void)state;
	static const struct aps_list_place *const PLACES[] = {&APART, &PLAIN, &INSIDE};
	static const struct {
		unsigned from, to;
	} FORMERS[] = {{0, 5}, {0, 500}}, NOWS[] = {{3, 8}, {400, 900}};
	make_records(0, 1000);
	for (size_t i = 0; i < 12; i++) {
		const struct aps_list_place *place = PLACES[i % 3];
		struct aps_buf unseen;
		unsigned from = FORMERS[i / 3 % 2].from, to = FORMERS[i / 3 % 2].to;
		unsigned now_from = NOWS[i / 6].from, now_to = NOWS[i / 6].to;
		begin();
		aps_list_place_set(&world.write, place, APS_STR("\x09\x01\x00")); /* an empty list */
		commit();
		assert_true(load(place, &list));
		add(place, &list, from, to);
		start(&BESIDE, &beside);
		add(&BESIDE, &beside, now_from, now_to);
		if (i % 2 == 0) aps_synced_list_forget(&list);
		aps_buf_init(&unseen, APS_BUF_ANY_SIZE);
		begin();
		ok(move_to(place, &unseen));
		commit();
		size_t n_unseen = 0;
		for (unsigned id = from; id < to; id++) {
			if (id >= now_from && id < now_to) continue;
			assert_true(n_unseen < unseen.n / sizeof(uint64_t));
			assert_int_equal(((const uint64_t *)(const void *)unseen.p)[n_unseen++], number_of(id));
		}
		assert_int_equal(unseen.n / sizeof(uint64_t), n_unseen);
		aps_buf_clear(&unseen);
		assert_true(list.is_known && list.members.n_members == now_to - now_from);
		assert_string_equal(show(&BESIDE), "nothing");
		assert_false(load(&BESIDE, &beside));
		/* nothing is left of the former one, and the new one wasn't copied */
		assert_int_equal(n_blocks(), list.number == 0 ? 0 : 1 + (now_to - now_from + 191) / 192);
		assert_true(written_bytes < 4096);
		struct aps_synced_list other = {.is_known = false};
		assert_true(load(place, &other));
		assert_int_equal(other.members.n_members, now_to - now_from);
		aps_synced_list_clear(&other);
		add(place, &list, 999, 1000);
		take_out(place, &list, 0, 1000);
		assert_string_equal(show(place), "");
	}
}

static void a_list_that_was_not_collected_replaces_nothing(void **state)
{
	(void)state;
	make_records(1, 3);
	start(&APART, &list);
	add(&APART, &list, 1, 3);
	begin();
	assert_int_equal(move_to(&APART, NULL), APS_E_CONFLICT);
	assert_int_equal(world.write.err.code, APS_E_CONFLICT);
	assert_false(list.is_known);
	aps_write_abort(&world.write);
	assert_string_equal(show(&APART), "1 2");
}

static void what_a_list_begins_in_the_place_of_leaves_no_blocks(void **state)
{
	(void)state;
	make_records(0, 600);
	start(&APART, &list);
	add(&APART, &list, 0, 600);
	write_data("{ plain { x { id } y { id } } }", "{}", "{\"plain\":{\"x\":[],\"y\":[]}}");
	assert_true(n_blocks() > 3);
	start(&APART, &list);
	assert_int_equal(list.n_items + list.members.n_members, 0);
	start(&PLAIN, &beside);
	assert_int_equal(n_blocks(), 0);
	add(&APART, &list, 0, 600);
	begin();
	ok(aps_synced_list_drop(&world.write, &APART, &list, &err));
	ok(aps_synced_list_drop(&world.write, &APART, &list, &err));
	commit();
	assert_int_equal(n_blocks(), 0);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, list_setup, list_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(records_come_last_and_each_once),
	        TEST(where_no_list_of_references_stands_nothing_is_added),
	        TEST(a_list_of_any_length_is_kept_and_its_untouched_blocks_stay),
	        TEST(a_list_inside_of_objects_is_kept_there),
	        TEST(nulls_in_a_list_stay_where_they_are),
	        TEST(what_others_have_made_of_a_list_is_looked_at_again),
	        TEST(a_change_that_only_its_owner_can_know_of_is_looked_at_once_it_forgets),
	        TEST(layers_over_a_list_stay_on_top_of_it),
	        TEST(a_collected_list_takes_the_place_of_the_one_that_is_shown),
	        TEST(a_list_that_was_not_collected_replaces_nothing),
	        TEST(what_a_list_begins_in_the_place_of_leaves_no_blocks),
	        TEST(any_changes_give_the_list_that_a_naive_one_is),
	        TEST(damage_is_told_and_nothing_is_written),
	        TEST(a_block_that_is_lost_is_told_by_who_knows_the_list),
	        TEST(without_memory_a_list_stays_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
