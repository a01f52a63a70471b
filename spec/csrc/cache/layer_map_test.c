#include "cache_world.h"

#include "cache/id_pairs.h"
#include "cache/layer_map.h"

static const char *told_key; /* by the application's function, of all objects; NULL: it isn't asked */

static struct aps_asked *ask(struct aps_binding *binding, const char *data)
{
	if (told_key == NULL) return NULL;
	struct aps_asked *asked = aps_asked_new();
	world.policies.asks_all = true;
	assert_int_equal(aps_asked_scan(asked, binding, aps_str_of(data), NULL), APS_OK);
	for (size_t i = 0; i < aps_asked_count(asked); i++) aps_asked_tell(asked, i, aps_str_of(told_key));
	return asked;
}

static void normalize(const char *query, const char *data, struct aps_str root, struct aps_buf *identified)
{
	struct aps_gql_document *doc = parse(query);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
	struct aps_err err = {0};
	struct aps_normalized out;
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err),
	                 APS_OK);
	struct aps_asked *asked = ask(&binding, data);
	const struct aps_normalize_options options = {.root = root, .identified = identified, .asked = asked};
	if (aps_normalize(&world.merge, &binding, aps_str_of(data), &options, &out, &err) != APS_OK)
		fail_msg("%s", err.msg);
	aps_asked_unref(asked);
	aps_buf_clear(&out.stale);
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
}

static void begin(void)
{
	aps_merge_clear(&world.merge);
	assert_true(aps_merge_init(&world.merge, &world.write));
}

/* A layer for what a mutation hopes for; what its function makes of that is added with also(), until end(). */
static void hope(uint64_t layer, const char *mutation, const char *data)
{
	aps_write_begin_layer(&world.write, &world.cache, layer);
	begin();
	normalize(mutation, data, APS_STR(""), &world.write.layer->identified);
}

static void also(const char *query, const char *data)
{
	normalize(query, data, APS_STR("RROOT_QUERY"), NULL);
}

static const char *end(void)
{
	assert_true(aps_write_settle(&world.write));
	tell_changes();
	note_changed();
	aps_write_commit(&world.write);
	return world.changes.n != 0 ? world.changes.p : "";
}

/* What the service has answered, while the layer stays. */
static void answer(uint64_t layer, const char *mutation, const char *data)
{
	struct aps_buf identified;
	aps_buf_init(&identified, APS_BUF_ANY_SIZE);
	aps_write_begin(&world.write, &world.cache);
	begin();
	normalize(mutation, data, APS_STR(""), &identified);
	aps_layers_follow(&world.write, &world.policies, aps_layers_find(&world.cache.layers, layer), &identified,
	                  NULL);
	aps_buf_clear(&identified);
}

static void leave(uint64_t layer)
{
	aps_write_begin(&world.write, &world.cache);
	begin();
	aps_write_leave(&world.write, aps_layers_find(&world.cache.layers, layer));
}

#define CREATE "mutation { make { id n } }"
#define LIST   "{ all { id n } }"

static const char *made(const char *id, const char *n)
{
	static char texts[4][160];
	static int turn;
	char *text = texts[turn++ % 4];
	snprintf(text, sizeof texts[0], "{\"make\":{\"id\":\"%s\",\"n\":\"%s\",\"__typename\":\"T\"}}", id, n);
	return text;
}

/* "a1 b2": ids of one character, and what stands in n. */
static const char *list(const char *items)
{
	static char texts[4][1024];
	static int turn;
	char *text = texts[turn++ % 4];
	int n = snprintf(text, sizeof texts[0], "{\"all\":[");
	for (bool is_first = true; *items != '\0'; items += items[2] == ' ' ? 3 : 2, is_first = false)
		n += snprintf(text + n, sizeof texts[0] - (size_t)n,
		              "%s{\"id\":\"%c\",\"n\":\"%c\",\"__typename\":\"T\"}", is_first ? "" : ",", items[0],
		              items[1]);
	snprintf(text + n, sizeof texts[0] - (size_t)n, "]}");
	return text;
}

static void hope_for_one(uint64_t layer, const char *id, const char *n, const char *items)
{
	hope(layer, CREATE, made(id, n));
	also(LIST, list(items));
	end();
}

static void the_item_goes_on_as_the_services_own(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("a1"));
	hope_for_one(1, "x", "2", "a1 x2");
	answer(1, CREATE, made("7", "3"));
	assert_string_equal(end(), "T:7.__typename T:7.id T:7.n ROOT_QUERY.all T:x.__typename T:x.id T:x.n");
	assert_reads(LIST, "{}", list("a1 73"));
	assert_reads("{ make { id } }", "{}", "missing make");
	leave(1);
	also(LIST, list("a1 73"));
	end();
	assert_reads(LIST, "{}", list("a1 73"));
	assert_int_equal(world.cache.layers.by_id.n_items, 0);
}

static void an_item_that_was_told_before_is_there_once(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("a1"));
	hope_for_one(1, "x", "2", "a1 x2");
	write_data(LIST, "{}", list("73 a1"));
	assert_reads(LIST, "{}", list("73 a1 x2"));
	answer(1, CREATE, made("7", "3"));
	end();
	assert_reads(LIST, "{}", list("73 a1"));
	leave(1);
	end();
	assert_reads(LIST, "{}", list("73 a1"));
}

#define UPDATE "mutation { change { id n m } }"

static void other_layers_speak_of_it_by_its_new_name(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("a1"));
	hope_for_one(1, "x", "2", "a1 x2");
	hope(2, UPDATE, "{\"change\":{\"id\":\"x\",\"n\":\"4\",\"m\":true,\"__typename\":\"T\"}}");
	end();
	hope_for_one(3, "y", "5", "a1 x4 y5");
	answer(1, CREATE, made("7", "3"));
	end();
	assert_reads(LIST, "{}", list("a1 74 y5"));
	leave(1);
	also(LIST, list("73 a1"));
	end();
	assert_reads(LIST, "{}", list("74 y5 a1")); /* behind its neighbour */
	leave(2);
	end();
	assert_reads(LIST, "{}", list("73 y5 a1"));
	assert_reads("{ all { m } }", "{}", "missing all.0.m");
	leave(3);
	end();
	assert_reads(LIST, "{}", list("73 a1"));
}

static void the_later_mutation_may_be_answered_first(void **state)
{
	(void)state;
	write_data(LIST, "{}", list(""));
	hope_for_one(1, "x", "2", "x2");
	hope(2, CREATE, made("x", "4"));
	end();
	answer(2, CREATE, made("7", "5"));
	end();
	assert_reads(LIST, "{}", list("75"));
	leave(2);
	end();
	assert_reads(LIST, "{}", list("75")); /* what the first one says of it is older than that */
	answer(1, CREATE, made("7", "6"));
	end();
	leave(1);
	also(LIST, list("76"));
	end();
	assert_reads(LIST, "{}", list("76"));
}

static void an_answer_that_is_taken_back_changes_nothing(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("a1"));
	hope_for_one(1, "x", "2", "a1 x2");
	hope_for_one(2, "y", "3", "a1 x2 y3");
	for (int round = 0; round < 2; round++) {
		answer(1, CREATE, made("7", "4"));
		assert_true(aps_write_settle(&world.write));
		aps_write_abort(&world.write);
		assert_reads(LIST, "{}", list("a1 x2 y3"));
		write_data("{ one(k: 1) { id n } }", "{}", "{\"one\":{\"id\":\"7\",\"n\":\"9\",\"__typename\":\"T\"}}");
	}
	answer(1, CREATE, made("7", "4"));
	end();
	assert_reads(LIST, "{}", list("a1 74 y3"));
	leave(1);
	end();
	leave(2);
	end();
	assert_reads(LIST, "{}", list("a1"));
	assert_reads("{ one(k: 1) { id n } }", "{}", "{\"one\":{\"id\":\"7\",\"n\":\"4\",\"__typename\":\"T\"}}");
}

#define TWO "mutation { two { id n } }"

static const char *two(const char *items)
{
	static char text[1024];
	snprintf(text, sizeof text, "{\"two\":%s", strchr(list(items), '['));
	return text;
}

static void several_are_paired_by_their_places(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("a1"));
	hope(1, TWO, two("x1 y2"));
	also(LIST, list("x1 a1 y2"));
	end();
	answer(1, TWO, two("73 84"));
	end();
	assert_reads(LIST, "{}", list("73 a1 84"));
}

static void what_only_comes_in_another_order_is_no_other_record(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("a1 b2"));
	hope(1, TWO, two("a3 b4 x5"));
	also(LIST, list("a3 b4 x5"));
	end();
	answer(1, TWO, two("b6 x7 a8")); /* x is real, and b was hoped for as b */
	end();
	assert_reads(LIST, "{}", list("a3 b4 x5"));
	leave(1);
	end();
	assert_reads(LIST, "{}", list("a8 b6"));
}

static void an_answer_of_another_type_is_another_record(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("a1"));
	hope_for_one(1, "x", "2", "a1 x2");
	answer(1, CREATE, "{\"make\":{\"id\":\"7\",\"n\":\"3\",\"__typename\":\"U\"}}");
	end();
	assert_reads(LIST, "{}", list("a1 x2"));
}

static void keys_of_a_function_need_not_begin_with_a_type(void **state)
{
	(void)state;
	told_key = "draft";
	hope_for_one(1, "x", "2", "x2");
	told_key = "post/7";
	answer(1, CREATE, made("7", "3"));
	end();
	told_key = NULL;
	assert_reads(LIST, "{}", list("73"));
}

static void what_was_evicted_stays_so(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("a1"));
	hope_for_one(1, "x", "2", "a1 x2");
	aps_write_begin_layer(&world.write, &world.cache, 2);
	begin();
	struct aps_entry *entry = aps_write_entry(&world.write, APS_STR("RT:x"));
	aps_write_set(&world.write, entry, (struct aps_str){NULL, 0});
	end();
	assert_reads(LIST, "{}", list("a1"));
	answer(1, CREATE, made("7", "3"));
	end();
	assert_reads(LIST, "{}", list("a1"));
	leave(2);
	end();
	assert_reads(LIST, "{}", list("a1 73"));
}

#define NESTED "{ all { id n sub(k: 1) { v } self { id } in { of { id } ofs { id } } } }"

static void fields_with_arguments_and_references_below_go_along(void **state)
{
	(void)state;
	write_data(NESTED, "{}", "{\"all\":[]}");
	hope(1, CREATE, made("x", "2"));
	also(NESTED,
	     "{\"all\":[{\"id\":\"x\",\"n\":\"2\",\"sub\":{\"v\":1},\"self\":{\"id\":\"x\",\"__typename\":\"T\"},"
	     "\"in\":{\"of\":{\"id\":\"x\",\"__typename\":\"T\"},\"ofs\":[{\"id\":\"x\",\"__typename\":\"T\"},null]},"
	     "\"__typename\":\"T\"}]}");
	end();
	answer(1, CREATE, made("7", "3"));
	end();
	assert_reads(
	        NESTED, "{}",
	        "{\"all\":[{\"id\":\"7\",\"n\":\"3\",\"sub\":{\"v\":1},\"self\":{\"id\":\"7\",\"__typename\":\"T\"},"
	        "\"in\":{\"of\":{\"id\":\"7\",\"__typename\":\"T\"},\"ofs\":[{\"id\":\"7\",\"__typename\":\"T\"},null]}"
	        ","
	        "\"__typename\":\"T\"}]}");
	leave(1);
	end();
	assert_reads(NESTED, "{}", "{\"all\":[]}");
}

static void who_looks_for_the_temporary_id_finds_it(void **state)
{
	(void)state;
	static const char GET[] = "{ get(id: \"x\\\"y\") { id n } }", OTHER[] = "{ got(id: \"x\\\"y\") { id n } }";
	struct aps_field_policy *policy = aps_policies_field(&world.policies, APS_STR("Query"), APS_STR("get"));
	policy->lookup = APS_STR("T");
	hope(1, CREATE, made("x\\\"y", "2"));
	also(OTHER, "{\"got\":{\"id\":\"x\\\"y\",\"n\":\"2\",\"__typename\":\"T\"}}");
	also("{ by(n: \"2\") { id } }", "{\"by\":{\"id\":\"x\\\"y\",\"__typename\":\"T\"}}");
	end();
	assert_reads(GET, "{}", "{\"get\":{\"id\":\"x\\\"y\",\"n\":\"2\",\"__typename\":\"T\"}}");
	answer(1, CREATE, made("7", "3"));
	end();
	for (int round = 0; round < 2; round++) {
		assert_reads(GET, "{}", "{\"get\":{\"id\":\"7\",\"n\":\"3\",\"__typename\":\"T\"}}");
		assert_reads(OTHER, "{}", "{\"got\":{\"id\":\"7\",\"n\":\"3\",\"__typename\":\"T\"}}");
		if (round != 0) break;
		leave(1);
		end();
	}
	assert_reads("{ by(n: \"2\") { id } }", "{}", "missing by");
}

static void keys_of_several_fields_are_the_services(void **state)
{
	(void)state;
	static const struct aps_str FIELDS[] = {{"a", 1}, {"b.c", 3}};
	struct aps_type_policy *policy = aps_policies_type(&world.policies, APS_STR("T"));
	policy->key_fields = aps_policies_dup(&world.policies, FIELDS, 2);
	policy->n_key_fields = 2;
	static const char MAKE[] = "mutation { make { a b { c } n } }", ALL[] = "{ all { a b { c } n } }";
	write_data(ALL, "{}", "{\"all\":[]}");
	hope(1, MAKE, "{\"make\":{\"a\":1,\"b\":{\"c\":2},\"n\":3,\"__typename\":\"T\"}}");
	also(ALL, "{\"all\":[{\"a\":1,\"b\":{\"c\":2},\"n\":3,\"__typename\":\"T\"}]}");
	end();
	hope(2, MAKE, "{\"make\":{\"a\":1,\"b\":{\"c\":2},\"n\":4,\"__typename\":\"T\"}}");
	end();
	answer(1, MAKE, "{\"make\":{\"a\":5,\"b\":{\"c\":6},\"n\":7,\"__typename\":\"T\"}}");
	end();
	assert_reads(ALL, "{}", "{\"all\":[{\"a\":5,\"b\":{\"c\":6},\"n\":4,\"__typename\":\"T\"}]}");
}

static void without_memory_an_answer_changes_nothing(void **state)
{
	(void)state;
	write_data(LIST, "{}", list("a1"));
	hope(1, CREATE, made("x", "2"));
	also(LIST, list("a1 x2"));
	also("{ got(id: \"x\") { id } }", "{\"got\":{\"id\":\"x\",\"__typename\":\"T\"}}");
	end();
	hope_for_one(2, "y", "3", "a1 x2 y3");
	for (size_t nth = 1;; nth++) {
		struct aps_buf identified;
		aps_buf_init(&identified, APS_BUF_ANY_SIZE);
		aps_write_begin(&world.write, &world.cache);
		begin();
		normalize(CREATE, made("7", "4"), APS_STR(""), &identified);
		aps_mem_fail_at(nth);
		aps_layers_follow(&world.write, &world.policies, aps_layers_find(&world.cache.layers, 1), &identified,
		                  NULL);
		bool is_ok = aps_write_settle(&world.write);
		aps_mem_fail_at(0);
		aps_buf_clear(&identified);
		assert_int_equal(is_ok ? APS_OK : APS_E_NOMEM, world.write.err.code);
		aps_write_abort(&world.write); /* all the same: what is tried here is the way back */
		assert_reads(LIST, "{}", list("a1 x2 y3"));
		if (is_ok) break;
	}
	answer(1, CREATE, made("7", "4"));
	end();
	assert_reads(LIST, "{}", list("a1 74 y3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(the_item_goes_on_as_the_services_own, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_item_that_was_told_before_is_there_once, setup, teardown),
	        cmocka_unit_test_setup_teardown(other_layers_speak_of_it_by_its_new_name, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_later_mutation_may_be_answered_first, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_answer_that_is_taken_back_changes_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(several_are_paired_by_their_places, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_only_comes_in_another_order_is_no_other_record, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_answer_of_another_type_is_another_record, setup, teardown),
	        cmocka_unit_test_setup_teardown(keys_of_a_function_need_not_begin_with_a_type, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_was_evicted_stays_so, setup, teardown),
	        cmocka_unit_test_setup_teardown(fields_with_arguments_and_references_below_go_along, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_looks_for_the_temporary_id_finds_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(keys_of_several_fields_are_the_services, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_an_answer_changes_nothing, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
