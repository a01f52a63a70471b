#include "synced_list_world.h"

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

static void blocks_that_have_got_small_become_one(void **state)
{
	(void)state;
	make_records(0, 1536);
	start(&APART, &list);
	add(&APART, &list, 0, 1536);
	assert_int_equal(n_blocks(), 9); /* the list, and eight of 192 */
	take_out(&APART, &list, 192, 342);
	assert_int_equal(n_blocks(), 9);
	take_out(&APART, &list, 0, 150); /* that before it, */
	assert_int_equal(n_blocks(), 8);
	assert_int_equal(n_blocks_written, 3);
	take_out(&APART, &list, 384, 534); /* and that behind it */
	assert_int_equal(n_blocks(), 7);
	assert_int_equal(n_blocks_written, 3);
	take_out(&APART, &list, 150, 576); /* all of it */
	assert_int_equal(n_blocks(), 6);
	assert_int_equal(list.n_items, 960);
	take_out(&APART, &list, 578, 1536);
	assert_string_equal(show(&APART), "576 577");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(records_come_last_and_each_once),
	        TEST(where_no_list_of_references_stands_nothing_is_added),
	        TEST(a_list_of_any_length_is_kept_and_its_untouched_blocks_stay),
	        TEST(blocks_that_have_got_small_become_one),
	        TEST(a_list_inside_of_objects_is_kept_there),
	        TEST(nulls_in_a_list_stay_where_they_are),
	        TEST(what_others_have_made_of_a_list_is_looked_at_again),
	        TEST(a_change_that_only_its_owner_can_know_of_is_looked_at_once_it_forgets),
	        TEST(layers_over_a_list_stay_on_top_of_it),
	        TEST(a_collected_list_takes_the_place_of_the_one_that_is_shown),
	        TEST(a_list_that_was_not_collected_replaces_nothing),
	        TEST(what_a_list_begins_in_the_place_of_leaves_no_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
