#include "cache_world.h"

#include "base/rand.h"

#define POST "{ a { id title likes } }"

static const char *post(const char *fields)
{
	static char text[256];
	snprintf(text, sizeof text, "{\"a\":{\"id\":\"1\",%s,\"__typename\":\"Post\"}}", fields);
	return text;
}

static void a_layer_shows_until_it_leaves(void **state)
{
	(void)state;
	write_data(POST, "{}", post("\"title\":\"one\",\"likes\":1"));
	assert_string_equal(write_layer(7, "{ a { id title } }", post("\"title\":\"two\"")), "Post:1.title");
	assert_reads(POST, "{}", post("\"title\":\"two\",\"likes\":1"));
	assert_string_equal(write_answer(7, "{ x }", "{\"x\":1}"), "ROOT_QUERY.x Post:1.title");
	assert_reads(POST, "{}", post("\"title\":\"one\",\"likes\":1"));
	assert_int_equal(world.cache.layers.by_id.n_items, 0);
}

static void what_the_service_brings_shows_beside_a_layer_and_not_through_it(void **state)
{
	(void)state;
	write_data(POST, "{}", post("\"title\":\"one\",\"likes\":1"));
	write_layer(7, "{ a { id title } }", post("\"title\":\"two\""));
	assert_string_equal(write_data(POST, "{}", post("\"title\":\"three\",\"likes\":2")), "Post:1.likes");
	assert_reads(POST, "{}", post("\"title\":\"two\",\"likes\":2"));
	/* the answer agrees with the layer: nothing moves */
	assert_string_equal(write_answer(7, "{ a { id title } }", post("\"title\":\"two\"")), "");
	assert_reads(POST, "{}", post("\"title\":\"two\",\"likes\":2"));
}

static void layers_lie_one_above_the_other_and_leave_in_any_order(void **state)
{
	(void)state;
	write_data(POST, "{}", post("\"title\":\"base\",\"likes\":0"));
	write_layer(1, "{ a { id title } }", post("\"title\":\"first\""));
	write_layer(2, POST, post("\"title\":\"second\",\"likes\":2"));
	write_layer(3, "{ a { id likes } }", post("\"likes\":3"));
	assert_reads(POST, "{}", post("\"title\":\"second\",\"likes\":3"));
	assert_string_equal(write_answer(2, "{ x }", "{\"x\":1}"), "ROOT_QUERY.x Post:1.title");
	assert_reads(POST, "{}", post("\"title\":\"first\",\"likes\":3"));
	write_answer(1, "{ x }", "{\"x\":1}");
	assert_reads(POST, "{}", post("\"title\":\"base\",\"likes\":3"));
	write_answer(3, "{ x }", "{\"x\":1}");
	assert_reads(POST, "{}", post("\"title\":\"base\",\"likes\":0"));
}

#define LIST "{ all { id } }"

static const char *list(const char *ids)
{
	static char text[1024];
	int n = snprintf(text, sizeof text, "{\"all\":[");
	for (; *ids != '\0'; ids++)
		n += snprintf(text + n, sizeof text - (size_t)n, "{\"id\":\"%c\",\"__typename\":\"T\"}%s", *ids,
		              ids[1] != '\0' ? "," : "");
	snprintf(text + n, sizeof text - (size_t)n, "]}");
	return text;
}

static void a_list_never_lacks_an_item_between_its_optimistic_and_its_real_form(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("ab"));
	write_layer(1, LIST, list("abx"));
	write_layer(2, LIST, list("abxy"));
	/* somebody else's item comes, and one goes */
	write_data(LIST, "{}", list("bc"));
	assert_reads(LIST, "{}", list("bxyc"));
	/* the service has x under its own name, and the list with it, in one write */
	write_answer(1, LIST, list("bcz"));
	assert_reads(LIST, "{}", list("bczy"));
	write_answer(2, LIST, list("bczw"));
	assert_reads(LIST, "{}", list("bczw"));
}

static void a_record_that_only_a_layer_knows_goes_with_it(void **state)
{
	(void)state;
	write_data(LIST, "{}", list(""));
	write_layer(1, "{ all { id } n(x: 1) }", "{\"all\":[{\"id\":\"new\",\"__typename\":\"T\"}],\"n\":{\"k\":1}}");
	assert_reads("{ n(x: 1) }", "{}", "{\"n\":{\"k\":1}}");
	write_answer(1, "{ x }", "{\"x\":1}");
	assert_reads(LIST, "{}", list(""));
	assert_reads("{ n(x: 1) }", "{}", "missing n");
}

static void a_long_list_under_a_layer_goes_on_growing(void **state)
{
	(void)state;
	struct aps_buf data;
	aps_buf_init(&data, APS_BUF_ANY_SIZE);
	for (int round = 0; round < 3; round++) {
		aps_buf_reset(&data);
		aps_buf_add_text(&data, "{\"all\":[");
		for (int i = 0; i < 600 + round; i++)
			aps_buf_addf(&data, "%s{\"id\":\"%d\",\"__typename\":\"T\"}", i != 0 ? "," : "", i);
		size_t at = data.n;
		aps_buf_add_text(&data, "]}");
		write_data(LIST, "{}", data.p);
		if (round == 0) assert_string_equal(read_data(LIST, "{}"), data.p);
		data.n = at;
		aps_buf_add_text(&data, ",{\"id\":\"mine\",\"__typename\":\"T\"}]}");
		if (round == 0) write_layer(1, LIST, data.p);
		/* behind its neighbour, which was the last at first */
		const char *shown = read_data(LIST, "{}");
		const char *mine = strstr(shown, "\"mine\"");
		assert_non_null(mine);
		assert_true(strstr(shown, "\"599\"") < mine);
		assert_true(round == 0 || strstr(shown, "\"600\"") > mine);
	}
	write_answer(1, "{ x }", "{\"x\":1}");
	assert_null(strstr(read_data(LIST, "{}"), "mine"));
	aps_buf_clear(&data);
}

/* Once all layers have left, the cache is as if there had never been any. */
static void layers_leave_nothing_behind(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct aps_rand rand;
		char base[64][160], shown[512];
		size_t n_base = 0;
		uint64_t next = 1, first = 1;
		world_close();
		world_open();
		aps_rand_init(&rand, seed);
		for (int step = 0; step < 40; step++) {
			char data[160];
			const char *of[] = {"A", "B"};
			snprintf(data, sizeof data,
			         "{\"r\":{\"id\":\"%llu\",\"n\":%llu,\"e\":{\"k%llu\":1},\"l\":[{\"id\":\"%llu\",\"__"
			         "typename\":\"L\"}],"
			         "\"__typename\":\"%s\"}}",
			         (unsigned long long)aps_rand_below(&rand, 2),
			         (unsigned long long)aps_rand_below(&rand, 3),
			         (unsigned long long)aps_rand_below(&rand, 2),
			         (unsigned long long)aps_rand_below(&rand, 3), of[aps_rand_below(&rand, 2)]);
			static const char QUERY[] = "{ r { id n e { k0 k1 } l { id } } }";
			uint64_t kind = aps_rand_below(&rand, 3);
			if (kind == 0) {
				write_layer(next++, QUERY, data);
				continue;
			}
			bool leaves = kind == 1 && first < next;
			write_answer(leaves ? first++ : 0, QUERY, data);
			memcpy(base[n_base++], data, sizeof data);
		}
		while (first < next) write_answer(first++, "{ x }", "{\"x\":1}");
		static const char ALL[] = "{ r { id n e { k0 k1 } l { id } } }";
		snprintf(shown, sizeof shown, "%s", read_with(ALL, "{}", true));
		world_close();
		world_open();
		for (size_t i = 0; i < n_base; i++) write_data(ALL, "{}", base[i]);
		assert_string_equal(read_with(ALL, "{}", true), shown);
	}
}

static void without_memory_a_layer_is_as_if_it_had_never_been(void **state)
{
	(void)state;
	static const char QUERY[] = "{ all { id t } n(x: 1) }";
	static const char BASE[] = "{\"all\":[{\"id\":\"1\",\"t\":1,\"__typename\":\"T\"}],\"n\":1}";
	static const char MORE[] = "{\"all\":[{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"},"
	                           "{\"id\":\"2\",\"t\":3,\"__typename\":\"T\"}],\"n\":2}";
	write_data(QUERY, "{}", BASE);
	for (int leaves = 0; leaves <= 1; leaves++) {
		if (leaves == 1) {
			write_layer(1, QUERY, MORE);
			write_layer(2, QUERY, MORE);
		}
		for (size_t nth = 1;; nth++) {
			struct aps_gql_document *doc = parse(QUERY);
			struct aps_binding binding = {
			        .policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
			struct aps_err err = {0};
			struct aps_normalized out;
			const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
			aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
			assert_int_equal(aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0),
			                                  APS_STR("{}"), &err),
			                 APS_OK);
			aps_merge_clear(&world.merge);
			assert_true(aps_merge_init(&world.merge, &world.write));
			aps_mem_fail_at(nth);
			if (leaves == 0)
				aps_write_begin_layer(&world.write, &world.cache, 9);
			else
				aps_write_begin(&world.write, &world.cache);
			if (leaves != 0) aps_write_leave(&world.write, aps_layers_find(&world.cache.layers, 1));
			bool is_ok = world.write.err.code == APS_OK &&
			             aps_normalize(&world.merge, &binding, aps_str_of(MORE), &options, &out, &err) ==
			                     APS_OK &&
			             aps_write_settle(&world.write);
			aps_mem_fail_at(0);
			/* all the same: what is tried here is the way back */
			aps_write_abort(&world.write);
			aps_buf_clear(&out.stale);
			aps_binding_clear(&binding);
			aps_gql_document_unref(doc);
			assert_reads(QUERY, "{}", leaves == 0 ? BASE : MORE);
			if (is_ok) break;
		}
	}
	write_answer(2, "{ x }", "{\"x\":1}");
	assert_reads(QUERY, "{}", MORE);
	write_answer(1, "{ x }", "{\"x\":1}");
	assert_reads(QUERY, "{}", BASE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_layer_shows_until_it_leaves, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_the_service_brings_shows_beside_a_layer_and_not_through_it, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(layers_lie_one_above_the_other_and_leave_in_any_order, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_list_never_lacks_an_item_between_its_optimistic_and_its_real_form,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(a_record_that_only_a_layer_knows_goes_with_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_long_list_under_a_layer_goes_on_growing, setup, teardown),
	        cmocka_unit_test_setup_teardown(layers_leave_nothing_behind, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_a_layer_is_as_if_it_had_never_been, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
