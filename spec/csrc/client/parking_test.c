/* Responses that wait for the application's functions, in the cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cache/freshness.h"
#include "parking_world.h"

#define NONE_ASKED "{\"a\":null}"

/* Who has something written. */
struct owner {
	struct aps_parked parked;
	char data[96];
	unsigned place; /* in the order in which they were told; 0: not yet */
};

static unsigned n_written;

static void written(struct aps_core *core, struct aps_parked *parked)
{
	(void)core;
	APS_CONTAINER_OF(parked, struct owner, parked)->place = ++n_written;
}

/* n < 0: there is nothing to ask about it. True: it was written at once. */
static bool write_into(uint64_t cache, struct owner *owner, int n)
{
	if (n < 0)
		strcpy(owner->data, NONE_ASKED);
	else
		object_of(owner->data, n);
	owner->place = 0;
	owner->parked = (struct aps_parked){
	        .operation = &query, .data = aps_str_of(owner->data), .errors = APS_STR(""), .written = written};
	return aps_caching_write(world.core, world.client, cache, &owner->parked);
}

static void a_response_is_written_when_its_objects_were_told(void **state)
{
	(void)state;
	struct owner one;
	n_written = 0;
	assert_false(write_into(CACHE, &one, 1));
	struct aps_answer_command *answer = expect_question(one.data);
	expect_nothing(); /* no answer is none */
	assert_int_equal(one.place, 0);
	assert_int_equal(read_n(CACHE, "Rkey"), -1);
	answer_with(answer, "key");
	assert_int_equal(one.place, 1);
	assert_int_equal(read_n(CACHE, "Rkey"), 1);
	/* where nothing is told its fields tell */
	assert_false(write_into(CACHE, &one, 2));
	answer_with(expect_question(one.data), NULL);
	assert_int_equal(read_n(CACHE, "RT:1"), 2);
	/* a question that got lost */
	assert_false(write_into(CACHE, &one, 3));
	answer = expect_question(one.data);
	struct aps_answer_command *lost = aps_answer_command_new(7, answer->head.id, aps_caching_run_answer);
	aps_command_free(&answer->head);
	lost->head.run(world.core, &lost->head);
	assert_int_equal(read_n(CACHE, "RT:1"), 3);
	assert_true(write_into(CACHE, &one, -1));
	assert_true(write_into(77, &one, 4)); /* of nobody */
	expect_nothing();
}

static void they_are_written_in_the_order_in_which_they_came(void **state)
{
	(void)state;
	struct owner owners[4];
	n_written = 0;
	assert_false(write_into(CACHE, &owners[0], 1));
	assert_false(write_into(CACHE, &owners[1], -1)); /* waits for the one before it */
	assert_false(write_into(CACHE, &owners[2], 2));
	assert_false(write_into(OTHER, &owners[3], 3));
	struct aps_answer_command *first = expect_question(owners[0].data);
	struct aps_answer_command *second = expect_question(owners[2].data);
	struct aps_answer_command *other = expect_question(owners[3].data);
	answer_with(second, "key");
	assert_int_equal(n_written, 0);
	answer_with(other, "key"); /* a partition of its own */
	assert_int_equal(owners[3].place, 1);
	answer_with(first, "key");
	assert_int_equal(owners[0].place, 2);
	assert_int_equal(owners[1].place, 3);
	assert_int_equal(owners[2].place, 4);
	assert_int_equal(read_n(CACHE, "Rkey"), 2);
	assert_int_equal(read_n(OTHER, "Rkey"), 3);
	assert_true(write_into(CACHE, &owners[0], -1));
	expect_nothing();
}

/* What can't be asked about isn't kept, and is told of all the same behind those before it. */
static void without_memory_to_ask_they_are_told_in_their_order(void **state)
{
	(void)state;
	struct owner owners[2];
	n_written = 0;
	assert_false(write_into(CACHE, &owners[0], 1));
	struct aps_answer_command *first = expect_question(owners[0].data);
	aps_mem_fail_at(1);
	assert_false(write_into(CACHE, &owners[1], 2));
	aps_mem_fail_at(0);
	assert_int_equal(n_written, 0);
	answer_with(first, "key");
	assert_int_equal(owners[0].place, 1);
	assert_int_equal(owners[1].place, 2);
	assert_int_equal(read_n(CACHE, "Rkey"), 1);
}

static void it_came_when_it_came(void **state)
{
	(void)state;
	struct owner one;
	struct aps_cell came;
	struct aps_entry *entry = NULL;
	struct aps_partition *partition = aps_caching_partition(world.core, world.client, CACHE);
	aps_policies_type(&world.client->settings.cache->policies, APS_STR("T"))->ttl_ms = 1000;
	int64_t now_s = aps_client_now_ms(world.client) / 1000;
	assert_false(write_into(CACHE, &one, 1));
	world.client->skew_ms = 3600000; /* an hour later */
	answer_with(expect_question(one.data), "key");
	assert_int_equal(aps_entries_find(&partition->cache.entries, APS_STR("Rkey"), &entry, NULL), APS_OK);
	assert_true(aps_cell_find_field(aps_entry_content(entry), APS_NAME_CAME, &came));
	assert_true(came.as.integer >= now_s && came.as.integer < now_s + 600);
}

static void what_came_before_a_clear_does_not_come_back(void **state)
{
	(void)state;
	struct owner owners[2];
	n_written = 0;
	assert_false(write_into(CACHE, &owners[0], 1));
	struct aps_answer_command *first = expect_question(owners[0].data);
	aps_caching_clear(world.core, world.client, CACHE, APS_PART_CLEARED);
	assert_int_equal(owners[0].place, 1);
	assert_false(write_into(CACHE, &owners[1], 2));
	struct aps_answer_command *second = expect_question(owners[1].data);
	answer_with(first, "old"); /* late: nobody asks that any more */
	answer_with(second, "new");
	assert_int_equal(read_n(CACHE, "Rold"), -1);
	assert_int_equal(read_n(CACHE, "Rnew"), 2);
	expect_nothing();
}

static void a_cache_that_closes_lets_go_of_what_waits(void **state)
{
	(void)state;
	struct owner owners[2];
	n_written = 0;
	assert_false(write_into(OTHER, &owners[0], 1));
	assert_false(write_into(CACHE, &owners[1], 2));
	struct aps_answer_command *first = expect_question(owners[0].data);
	aps_command_free(&expect_question(owners[1].data)->head);
	aps_caching_close(world.core, world.client, OTHER);
	assert_int_equal(owners[0].place, 1);
	answer_with(first, "key");
	aps_core_close_client(world.core, world.client);
	assert_int_equal(owners[1].place, 2);
	renew_client();
}

static size_t n_logs(const char *part)
{
	size_t n = 0;
	core_world_turn(&world);
	for (struct aps_event *event; (event = core_world_take(&world)) != NULL; drop(event)) {
		const struct aps_note_event *note = (const struct aps_note_event *)event;
		if (event->kind == APS_EVENT_LOG && strstr(note->text, part) != NULL) n++;
	}
	return n;
}

static void without_memory_to_ask_nobody_waits(void **state)
{
	(void)state;
	bool is_parked = false;
	size_t n_told = 0;
	for (size_t nth = 1; !is_parked; nth++) {
		struct owner one;
		aps_mem_fail_at(nth);
		is_parked = !write_into(CACHE, &one, 5);
		aps_mem_fail_at(0);
		if (is_parked)
			answer_with(expect_question(one.data), "key");
		else
			n_told +=
			        n_logs("the cache can't be written: no memory to ask for the identities in a response");
		assert_true(nth < 100);
	}
	assert_int_equal(n_told, 1); /* once */
	assert_int_equal(read_n(CACHE, "Rkey"), 5);
}

/* Merges. */

static void merge_a(bool asks_all)
{
	struct aps_policies *policies = &world.client->settings.cache->policies;
	aps_policies_field(policies, APS_STR("Query"), APS_STR("a"))->merge = APS_MERGE_ASKED;
	policies->asks_merges = true;
	policies->asks_all = asks_all;
}

static struct aps_answer_command *expect_merge(const char *existing)
{
	struct aps_question_event *event = (struct aps_question_event *)take();
	assert_non_null(event);
	assert_int_equal(event->head.kind, APS_EVENT_ASK);
	assert_null(event->data);
	struct aps_answer_command *answer = event->answer;
	event->answer = NULL;
	drop(&event->head);
	assert_int_equal(aps_asked_merges_count(answer->merges), 1);
	const struct aps_asked_merge *item = aps_asked_merges_at(answer->merges, 0);
	assert_true(aps_str_is(aps_asked_merges_text(answer->merges, item->existing), existing));
	return answer;
}

static void merge_with(struct aps_answer_command *answer, const char *result)
{
	if (result != NULL) assert_true(aps_asked_merges_tell(answer->merges, 0, aps_str_of(result)));
	answer->head.run(world.core, &answer->head);
}

/* The text of the root's a. */
static const char *read_a(void)
{
	static char text[128];
	struct aps_partition *partition = aps_caching_partition(world.core, world.client, CACHE);
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_field_text(&out, &partition->cache, APS_STR("ROOT_QUERY"), APS_STR("a"), NULL), APS_OK);
	snprintf(text, sizeof text, "%.*s", (int)out.n, out.p);
	aps_buf_clear(&out);
	return text;
}

#define IS_A(key) "[\"a\",true,{\"__ref\":\"" key "\"}]"

static void fields_are_merged_before_they_are_written(void **state)
{
	(void)state;
	struct owner one, two;
	merge_a(true);
	n_written = 0;
	assert_false(write_into(CACHE, &one, 1));
	answer_with(expect_question(one.data), "first");
	assert_int_equal(n_written, 0);
	merge_with(expect_merge(""), "{\"__ref\":\"first\"}");
	assert_int_equal(one.place, 1);
	assert_string_equal(read_a(), IS_A("first"));
	/* one that waits for its merge holds back those behind it, which are asked about what it has left */
	assert_false(write_into(CACHE, &one, 2));
	assert_false(write_into(CACHE, &two, -1));
	answer_with(expect_question(one.data), "second");
	merge_with(expect_merge("{\"__ref\":\"first\"}"), "{\"__ref\":\"second\"}");
	assert_int_equal(one.place, 2);
	assert_int_equal(two.place, 0);
	merge_with(expect_merge("{\"__ref\":\"second\"}"), "{\"__ref\":\"first\"}");
	assert_int_equal(two.place, 3);
	assert_string_equal(read_a(), IS_A("first"));
	expect_nothing();
}

static void run_edit(const char *json)
{
	const struct aps_edit_what what = {.kind = APS_EDIT_SET,
	                                   .key = APS_STR("ROOT_QUERY"),
	                                   .field = APS_STR("a"),
	                                   .is_apart = true,
	                                   .json = aps_str_of(json)};
	struct aps_edits *edits = aps_edits_new();
	assert_true(aps_edits_add(edits, &what));
	const struct aps_caching_edits own = {.number = 1, .edits = edits};
	aps_caching_edit(world.core, world.client, CACHE, &own);
	aps_edits_unref(edits);
}

/* Its write is given up once, for the merge, and so is what it made of the layer. */
static void a_layer_follows_an_answer_that_waited_for_both(void **state)
{
	(void)state;
	static const char HOPED[] = "{\"a\":{\"id\":\"tmp\",\"n\":1,\"p\":5,\"__typename\":\"T\"}}";
	static const char CAME[] = "{\"a\":{\"id\":\"9\",\"n\":3,\"p\":6,\"__typename\":\"T\"}}";
	struct aps_operation mutation = make("mutation { a { id n p } }");
	struct aps_policies *policies = &world.client->settings.cache->policies;
	const struct aps_edit_what what = {.kind = APS_EDIT_WRITE,
	                                   .key = APS_STR(""),
	                                   .document = mutation.document,
	                                   .definition = mutation.definition,
	                                   .json = aps_str_of(HOPED)};
	static struct owner one;
	aps_policies_field(policies, APS_STR("T"), APS_STR("p"))->merge = APS_MERGE_ASKED;
	policies->asks_merges = true;
	n_written = 0;
	for (int round = 0; round < 2; round++) { /* again with a layer that has left meanwhile */
		struct aps_edits *edits = aps_edits_new();
		const uint64_t layer = 50 + (uint64_t)round;
		assert_true(aps_edits_add(edits, &what));
		aps_caching_add_layer(world.core, world.client, CACHE, &(struct aps_caching_edits){layer, 0, edits});
		aps_edits_unref(edits);
		assert_int_equal(read_n(CACHE, "RT:tmp"), 1);
		one.parked = (struct aps_parked){.operation = &mutation,
		                                 .data = aps_str_of(CAME),
		                                 .errors = APS_STR(""),
		                                 .layer = layer,
		                                 .written = written};
		one.place = 0;
		assert_false(aps_caching_write(world.core, world.client, CACHE, &one.parked));
		answer_with(expect_question(CAME), "post/9");
		struct aps_answer_command *answer = expect_merge(round == 0 ? "" : "7");
		assert_int_equal(read_n(CACHE, "RT:tmp"), 1);
		const struct aps_caching_edits left = {.layer = layer};
		if (round == 1) aps_caching_settle_layer(world.core, world.client, CACHE, &left);
		merge_with(answer, "{\"__json\":7}");
		assert_int_equal(one.place, (unsigned)round + 1);
		assert_int_equal(read_n(CACHE, "RT:tmp"), -1);
		assert_int_equal(read_n(CACHE, "Rpost/9"), 3);
		aps_caching_settle_layer(world.core, world.client, CACHE, &left);
		assert_int_equal(read_n(CACHE, "Rpost/9"), 3);
	}
	expect_nothing();
	aps_operation_clear(&mutation);
}

static void a_merge_sees_what_is_there_when_it_is_written(void **state)
{
	(void)state;
	struct owner one;
	merge_a(false);
	assert_false(write_into(CACHE, &one, 1));
	merge_with(expect_merge(""), "{\"__ref\":\"T:1\"}");
	assert_false(write_into(CACHE, &one, 1));
	struct aps_answer_command *answer = expect_merge("{\"__ref\":\"T:1\"}");
	run_edit("{\"__ref\":\"own\"}");
	merge_with(answer, "{\"__ref\":\"old\"}");
	assert_int_equal(one.place, 0);
	merge_with(expect_merge("{\"__ref\":\"own\"}"), "{\"__ref\":\"new\"}");
	assert_true(one.place != 0);
	assert_string_equal(read_a(), IS_A("new"));
	/* what nothing came of replaces, and so does what nobody answers for */
	assert_false(write_into(CACHE, &one, 1));
	answer = expect_merge("{\"__ref\":\"new\"}");
	assert_true(aps_asked_merges_tell(answer->merges, 0, APS_STR("")));
	merge_with(answer, NULL);
	assert_string_equal(read_a(), IS_A("T:1"));
	run_edit("{\"__ref\":\"own\"}");
	assert_false(write_into(CACHE, &one, 1));
	answer = expect_merge("{\"__ref\":\"own\"}");
	struct aps_answer_command *lost = aps_answer_command_new(7, answer->head.id, aps_caching_run_answer);
	aps_command_free(&answer->head);
	merge_with(lost, NULL);
	assert_string_equal(read_a(), IS_A("T:1"));
	expect_nothing();
	/* closing and clearing let go of it */
	assert_false(write_into(CACHE, &one, 1));
	aps_command_free(&expect_merge("{\"__ref\":\"T:1\"}")->head);
	aps_caching_clear(world.core, world.client, CACHE, APS_PART_CLEARED);
	assert_true(one.place != 0);
	assert_false(write_into(CACHE, &one, 1));
	aps_command_free(&expect_merge("")->head);
	aps_caching_close(world.core, world.client, CACHE);
	assert_true(one.place != 0);
}

static void without_memory_to_ask_for_a_merge_nobody_waits(void **state)
{
	(void)state;
	bool is_parked = false;
	merge_a(false);
	for (size_t nth = 1; !is_parked; nth++) {
		struct owner one;
		aps_mem_fail_at(nth);
		is_parked = !write_into(CACHE, &one, 5);
		aps_mem_fail_at(0);
		if (is_parked) merge_with(expect_merge(""), "{\"__ref\":\"T:1\"}");
		n_logs("");
		assert_true(nth < 400);
	}
	assert_string_equal(read_a(), IS_A("T:1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_response_is_written_when_its_objects_were_told, setup, teardown),
	        cmocka_unit_test_setup_teardown(they_are_written_in_the_order_in_which_they_came, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_to_ask_they_are_told_in_their_order, setup, teardown),
	        cmocka_unit_test_setup_teardown(it_came_when_it_came, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_came_before_a_clear_does_not_come_back, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_cache_that_closes_lets_go_of_what_waits, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_to_ask_nobody_waits, setup, teardown),
	        cmocka_unit_test_setup_teardown(fields_are_merged_before_they_are_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_layer_follows_an_answer_that_waited_for_both, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_merge_sees_what_is_there_when_it_is_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_to_ask_for_a_merge_nobody_waits, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
