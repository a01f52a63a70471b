#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "client/collecting.h"
#include "collecting_world.h"

#include "client/partition.h"

#define T(id, rest) "{\"id\":\"" id "\",\"__typename\":\"T\"" rest "}"

static void what_nobody_reaches_leaves_memory_and_disk(void **state)
{
	(void)state;
	write_now("{ a { id next { id } } }", "{\"a\":" T("1", ",\"next\":" T("2", "")) "}");
	assert_string_equal(read_now("{ a { id next { id } } }"), "{\"a\":{\"id\":\"1\",\"next\":{\"id\":\"2\"}}}");
	write_now("{ a { id } }", "{\"a\":" T("3", "") "}");
	assert_int_equal(n_rows(), 3);
	assert_int_equal(collect_now(), 2);
	assert_int_equal(n_rows(), 1);
	assert_int_equal(collect_now(), 0);
	assert_string_equal(read_now("{ a { id } }"), "{\"a\":{\"id\":\"3\"}}");
	assert_int_equal(atomic_load(&world.client->stats->records_collected), 2);
	/* one of the same key is a new one, for the reader as well */
	write_now("{ a { id next { id } } }", "{\"a\":" T("1", ",\"next\":null") "}");
	assert_string_equal(read_now("{ a { id next { id } } }"), "{\"a\":{\"id\":\"1\",\"next\":null}}");
}

static void an_empty_store_has_nothing_to_collect(void **state)
{
	(void)state;
	assert_int_equal(collect_now(), 0);
	assert_int_equal(collect_now(), 0);
}

static void numbers_are_never_given_twice(void **state)
{
	(void)state;
	write_now("{ b }", "{\"b\":1}");
	write_now("{ a { id } }", "{\"a\":" T("1", "") "}");
	write_now("{ a { id } }", "{\"a\":null}");
	assert_int_equal(collect_now(), 1);
	int64_t last = in_file("SELECT value FROM counter WHERE id = -1");
	assert_true(last > in_file("SELECT max(id) FROM entry"));
	close_client();
	open_client();
	write_now("{ a { id } }", "{\"a\":" T("1", "") "}");
	assert_int_equal(in_file("SELECT max(id) FROM entry"), last + 1);
}

/* {"all":[T:from, …]} with a text of n_bytes in each. */
static char *many(int from, int n, int n_bytes)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"all\":[");
	for (int i = 0; i < n; i++)
		aps_buf_addf(&text, "%s{\"id\":\"%d\",\"__typename\":\"T\",\"text\":\"%0*d\"}", i != 0 ? "," : "",
		             from + i, n_bytes, from + i);
	aps_buf_add_text(&text, "]}");
	return aps_buf_take(&text, NULL);
}

static void write_many(const char *query, int from, int n, int n_bytes)
{
	char *text = many(from, n, n_bytes);
	write_now(query, text);
	aps_free(text);
}

static void slices_are_short_and_others_are_served_in_between(void **state)
{
	(void)state;
	enum { N = 20000 };
	write_many("{ all { id text } }", 1, N, 10);
	write_now("{ all { id } }", "{\"all\":[]}");
	run_command(aps_collect_command_new(world.client->id, CACHE, 5));
	size_t n_turns = 0;
	int64_t last = n_rows(), most = 0;
	while (core_world_turn(&world.core) == 0) {
		int64_t n = n_rows();
		if (last - n > most) most = last - n;
		last = n;
		n_turns++;
		char data[64];
		snprintf(data, sizeof data, "{\"a\":%zu}", n_turns);
		write_to(CACHE, "{ a }", data);
	}
	assert_true(n_turns > N / 1000);
	assert_true(most <= 1000);
	assert_int_equal(wait_for(5, NULL), N);
	assert_int_equal(n_rows(), 0);
	char expected[64];
	core_world_turn(&world.core);
	snprintf(expected, sizeof expected, "{\"a\":%zu}", n_turns);
	assert_string_equal(read_now("{ a }"), expected);
}

static void what_comes_back_while_rows_leave_is_a_new_record(void **state)
{
	(void)state;
	enum { N = 3000 };
	write_many("{ all { id text } }", 1, N, 10);
	write_now("{ all { id } }", "{\"all\":[]}");
	run_command(aps_collect_command_new(world.client->id, CACHE, 5));
	while (n_rows() == N + 17) core_world_turn(&world.core);
	while (n_rows() > N / 2) core_world_turn(&world.core);
	assert_true(n_rows() > 0); /* some are left, and are as good as gone */
	write_many("{ all { id text } }", 1, N, 20);
	assert_true(wait_for(5, NULL) > 0);
	assert_int_equal(n_records(), N + 1);
	char *text = many(1, N, 20);
	struct aps_operation operation = make("{ all { id text } }", "{}");
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	struct aps_err err;
	assert_int_equal(aps_reader_read(world.reader, &operation, &options, &world.result, &err), APS_OK);
	assert_int_equal(world.result.n_missing, 0);
	aps_operation_clear(&operation);
	aps_free(text);
	assert_int_equal(collect_now(), 0);
}

/* Turns until a collection is over, while another process commits after each of them, which drops what it knows. */
static size_t collect_among_writers(void)
{
	struct aps_partition *partition = aps_caching_partition(world.core.core, world.client, CACHE);
	size_t n_turns = 0;
	bool is_over = false;
	run_command(aps_collect_command_new(world.client->id, CACHE, 900));
	for (; !is_over && n_turns < 100; n_turns++) {
		if (n_turns != 0) partition->collector->reset(partition->collector);
		turn_later();
		for (struct aps_event *event; (event = core_world_take(&world.core)) != NULL;) {
			is_over = is_over || (event->kind == APS_EVENT_RESULT && event->target == 900);
			event->mail.kind->free_mail(&event->mail);
		}
	}
	return n_turns;
}

static void where_others_write_all_the_time_it_is_done_at_once(void **state)
{
	(void)state;
	enum { N = 10000 };
	struct aps_partition *partition = aps_caching_partition(world.core.core, world.client, CACHE);
	aps_clock_stand(1000000, 1000000000); /* a slice has as much time as it needs, and ends with its deletions */
	for (int round = 0; round < 2; round++) {
		partition->vault->has_others = round == 0;
		write_many("{ all { id text } }", 1, N, 10);
		write_now("{ all { id } }", "{\"all\":[]}");
		size_t n_turns = collect_among_writers();
		if (round == 0) assert_int_equal(n_turns, 4);
		if (round == 1) assert_true(n_turns > N / 1000);
		assert_int_equal(n_rows(), 0);
	}
	aps_clock_go_on();
}

static void what_is_asked_for_meanwhile_is_answered_by_the_next_one(void **state)
{
	(void)state;
	write_many("{ all { id text } }", 1, 500, 10);
	write_now("{ all { id } }", "{\"all\":[]}");
	run_command(aps_collect_command_new(world.client->id, CACHE, 5));
	turn_later(); /* it has begun */
	write_to(CACHE, "{ a { id } }", "{\"a\":" T("x", "") "}");
	write_to(CACHE, "{ a { id } }", "{\"a\":null}");
	run_command(aps_collect_command_new(world.client->id, CACHE, 6));
	run_command(aps_collect_command_new(world.client->id, CACHE, 7));
	int64_t first = wait_for(5, NULL), second = wait_for(6, NULL);
	assert_int_equal(first + second, 501);
	assert_int_equal(wait_for(7, NULL), second);
	assert_int_equal(n_rows(), 0);
}

static void a_client_that_closes_answers_what_waits(void **state)
{
	(void)state;
	const char *message;
	uint64_t id = world.client->id;
	write_many("{ all { id text } }", 1, 2000, 10);
	run_command(aps_collect_command_new(id, CACHE, 5));
	core_world_turn(&world.core);
	run_command(aps_collect_command_new(id, CACHE, 6));
	close_client();
	assert_int_equal(wait_for(5, &message), -1);
	assert_string_equal(message, "the client was closed");
	assert_int_equal(wait_for(6, &message), -1);
	run_command(aps_collect_command_new(id, CACHE, 7));
	assert_int_equal(wait_for(7, &message), -1);
	assert_string_equal(message, "the client is closed");
	open_client();
	run_command(aps_collect_command_new(id, CACHE + 1, 8));
	assert_int_equal(wait_for(8, &message), -1);
	assert_string_equal(message, "the store can't be used");
}

static void reopen_with_limit(int64_t max_bytes)
{
	close_client();
	world.settings->max_bytes = max_bytes;
	open_client();
}

static int64_t n_bytes_kept(void)
{
	return in_file("SELECT sum(value) FROM counter WHERE id > 0");
}

static void bytes_are_counted_as_rows_come_and_go(void **state)
{
	(void)state;
	static const char SUM[] =
	        "SELECT sum(32 + 2 * coalesce(length(key), 0) + coalesce(length(content), 0)) FROM entry";
	write_many("{ all(n: 1) { id text } }", 1, 700, 10);
	assert_int_equal(n_bytes_kept(), in_file(SUM));
	write_many("{ all(n: 1) { id text } }", 100, 300, 30);
	write_now("{ all(n: 1) { id } a { id } }", "{\"all\":[],\"a\":" T("1", "") "}");
	assert_int_equal(n_bytes_kept(), in_file(SUM));
	collect_now();
	assert_int_equal(n_bytes_kept(), in_file(SUM));
	/* what layers say is nobody's size */
	struct aps_edits *edits = aps_edits_new();
	const struct aps_edit_what what = {.kind = APS_EDIT_SET,
	                                   .key = APS_STR("T:1"),
	                                   .field = APS_STR("text"),
	                                   .json = APS_STR("\"optimistic\"")};
	assert_true(aps_edits_add(edits, &what));
	aps_caching_add_layer(world.core.core, world.client, CACHE, &(struct aps_caching_edits){9, 0, edits});
	write_now("{ a { id text more } }", "{\"a\":" T("1", ",\"text\":\"from the service\",\"more\":1") "}");
	assert_int_equal(n_bytes_kept(), in_file(SUM));
	collect_now();
	aps_caching_settle_layer(world.core.core, world.client, CACHE, &(struct aps_caching_edits){9, 0, edits});
	core_world_turn(&world.core);
	assert_int_equal(n_bytes_kept(), in_file(SUM));
	assert_string_equal(read_now("{ a { text more } }"), "{\"a\":{\"text\":\"optimistic\",\"more\":1}}");
	aps_edits_unref(edits);
	close_client();
	open_client();
	write_many("{ all(n: 2) { id text } }", 1, 10, 10);
	assert_int_equal(n_bytes_kept(), in_file(SUM));
}

/* Nothing but the layer refers to what it has made, and to T:3, which nothing reaches any more. */
static void what_layers_speak_of_stays_whether_they_are_in_memory_or_not(void **state)
{
	(void)state;
	uint64_t id;
	struct aps_err err;
	write_now("{ all { id text } a { id } }", "{\"all\":[" T("3", ",\"text\":\"three\"") "],\"a\":" T("1", "") "}");
	struct aps_edits *edits = aps_edits_new();
	const struct aps_edit_what what = {.kind = APS_EDIT_SET,
	                                   .key = APS_STR("T:1"),
	                                   .field = APS_STR("link"),
	                                   .json = APS_STR("{\"__ref\":\"T:3\"}")};
	assert_true(aps_edits_add(edits, &what));
	struct aps_partition *partition = aps_caching_partition(world.core.core, world.client, CACHE);
	assert_int_equal(aps_partition_add_layer(partition, 0, APS_LAYER_QUEUED, edits, &id, &err), APS_OK);
	aps_edits_unref(edits);
	write_now("{ all { id } a { id } }", "{\"all\":[],\"a\":null}");
	close_client();
	open_client();
	assert_int_equal(collect_now(), 0);
	write_now("{ a { id } }", "{\"a\":" T("1", "") "}");
	assert_string_equal(read_now("{ a { id link { id text } } }"),
	                    "{\"a\":{\"id\":\"1\",\"link\":{\"id\":\"3\",\"text\":\"three\"}}}");
	partition = aps_caching_partition(world.core.core, world.client, CACHE);
	assert_int_equal(aps_partition_drop_layer(partition, id, false, &err), APS_OK);
	core_world_turn(&world.core);
	assert_int_equal(collect_now(), 1);
}

static void above_the_limit_the_longest_unused_leave_until_nine_tenths(void **state)
{
	(void)state;
	const int64_t limit = 400000;
	reopen_with_limit(limit);
	/* lists of a hundred, each used later than the one before */
	for (int i = 0; i < 60; i++) {
		char query[64];
		snprintf(query, sizeof query, "{ all(n: %d) { id text } }", i);
		world.client->skew_ms += 60000;
		write_many(query, i * 100, 100, 100);
		settle();
		assert_true(n_bytes_kept() <= limit);
	}
	assert_true(n_bytes_kept() > limit / 2);
	assert_true(strncmp(read_now("{ all(n: 59) { id text } }"), "{", 1) == 0);
	assert_true(strncmp(read_now("{ all(n: 50) { id text } }"), "{", 1) == 0);
	assert_string_equal(read_now("{ all(n: 0) { id text } }"), "missing all");
	/* what has left can come back */
	write_many("{ all(n: 0) { id text } }", 0, 100, 100);
	assert_true(strncmp(read_now("{ all(n: 0) { id text } }"), "{", 1) == 0);
	assert_true(atomic_load(&world.client->stats->records_collected) > 2000);
}

static void what_a_reader_uses_stays(void **state)
{
	(void)state;
	const int64_t limit = 400000;
	reopen_with_limit(limit);
	aps_reader_note_uses(world.reader);
	for (int i = 0; i < 40; i++) {
		char query[64];
		snprintf(query, sizeof query, "{ all(n: %d) { id text } }", i);
		world.client->skew_ms += 60000;
		write_many(query, i * 100, 100, 100);
		world.now_s = aps_client_now_ms(world.client) / 1000;
		assert_true(strncmp(read_now("{ all(n: 0) { id text } }"), "{", 1) == 0);
		uint64_t numbers[512];
		for (size_t n;
		     (n = aps_reader_take_used(world.reader, world.now_s, numbers, APS_COUNTOF(numbers))) != 0;)
			run_command(aps_used_command_new(world.client->id, CACHE, numbers, n));
		settle();
	}
	assert_string_equal(read_now("{ all(n: 1) { id text } }"), "missing all");
	assert_true(strncmp(read_now("{ all(n: 0) { id text } }"), "{", 1) == 0);
}

static void what_is_retained_stays_until_it_is_released(void **state)
{
	(void)state;
	const int64_t limit = 400000;
	reopen_with_limit(limit);
	retain_now(77, "{ all(n: 0) { id text } }");
	for (int i = 0; i < 40; i++) {
		char query[64];
		snprintf(query, sizeof query, "{ all(n: %d) { id text } }", i);
		world.client->skew_ms += 60000;
		write_many(query, i * 100, 100, 100);
		settle();
	}
	assert_true(strncmp(read_now("{ all(n: 0) { id text } }"), "{", 1) == 0);
	assert_string_equal(read_now("{ all(n: 1) { id text } }"), "missing all");
	run_command(aps_release_command_new(world.client->id, CACHE, 78));
	run_command(aps_release_command_new(world.client->id, CACHE, 77));
	for (int i = 40; i < 60; i++) {
		char query[64];
		snprintf(query, sizeof query, "{ all(n: %d) { id text } }", i);
		world.client->skew_ms += 60000;
		write_many(query, i * 100, 100, 100);
		settle();
	}
	assert_string_equal(read_now("{ all(n: 0) { id text } }"), "missing all");
}

static void what_cannot_leave_is_not_tried_for_ever(void **state)
{
	(void)state;
	reopen_with_limit(65536);
	retain_now(77, "{ all(n: 0) { id text } }");
	write_many("{ all(n: 0) { id text } }", 1, 1000, 100);
	settle();
	assert_true(n_bytes_kept() > 65536);
	write_now("{ a }", "{\"a\":1}");
	size_t n_turns = 0;
	while (world.core.core->timers.n_items != 0) {
		core_world_turn(&world.core);
		n_turns++;
	}
	assert_int_equal(n_turns, 0);
	assert_true(strncmp(read_now("{ all(n: 0) { id text } }"), "{", 1) == 0);
}

static void pages_that_are_free_are_given_back(void **state)
{
	(void)state;
	write_many("{ all { id text } }", 1, 10000, 400);
	int64_t n_pages = in_file("PRAGMA page_count");
	write_now("{ all { id } }", "{\"all\":[]}");
	assert_int_equal(collect_now(), 10000);
	settle();
	assert_true(in_file("PRAGMA page_count") < n_pages / 4);
}

static void a_record_that_has_expired_is_told_and_leaves_with_the_others(void **state)
{
	(void)state;
	aps_policies_type(&world.settings->policies, APS_STR("T"))->ttl_ms = 60000;
	write_now("{ a { id } b { id } }", "{\"a\":" T("1", "") ",\"b\":" T("2", "") "}");
	world.client->skew_ms += 50000;
	write_now("{ b { id } }", "{\"b\":" T("2", "") "}");
	world.now_s = aps_client_now_ms(world.client) / 1000;
	assert_string_equal(read_now("{ a { id } b { id } }"), "{\"a\":{\"id\":\"1\"},\"b\":{\"id\":\"2\"}}");
	assert_int_equal(world.result.n_expired, 0);
	world.client->skew_ms += 50000;
	world.now_s = aps_client_now_ms(world.client) / 1000;
	assert_string_equal(read_now("{ a { id } b { id } }"), "{\"a\":{\"id\":\"1\"},\"b\":{\"id\":\"2\"}}");
	assert_int_equal(world.result.n_expired, 1);
	assert_int_equal(collect_now(), 1);
	assert_string_equal(read_now("{ a { id } }"), "missing a.id");
	assert_string_equal(read_now("{ b { id } }"), "{\"b\":{\"id\":\"2\"}}");
	write_now("{ c { id } }", "{\"c\":" T("1", "") "}"); /* and it is where it was */
	assert_string_equal(read_now("{ a { id } c { id } }"), "{\"a\":{\"id\":\"1\"},\"c\":{\"id\":\"1\"}}");
	world.client->skew_ms += 50000;
	retain_now(1, "{ b { id } }");
	assert_int_equal(collect_now(), 0);
	assert_string_equal(read_now("{ b { id } }"), "{\"b\":{\"id\":\"2\"}}");
}

static void what_was_emptied_is_not_counted_again_when_its_row_goes(void **state)
{
	(void)state;
	aps_policies_type(&world.settings->policies, APS_STR("T"))->ttl_ms = 60000;
	write_now("{ a { id } b { id } }", "{\"a\":" T("1", "") ",\"b\":" T("2", "") "}");
	world.client->skew_ms += 100000;
	assert_int_equal(collect_now(), 2);
	assert_int_equal(collect_now(), 0);
	write_now("{ a { id } b { id } }", "{\"a\":null,\"b\":" T("2", "") "}");
	write_now("{ b { id } }", "{\"b\":null}");
	assert_int_equal(collect_now(), 1); /* the one that had come again */
	assert_int_equal(collect_now(), 0);
}

#define N_NODES   3000
#define N_LISTS   6
#define MAX_ITEMS 300

/* Lists at the root, of nodes each of which refers to another one; what was written last of each. */
struct model {
	int lists[N_LISTS][MAX_ITEMS];
	int n_items[N_LISTS];
	int next[N_NODES];
};

static void put_node(struct aps_buf *out, const struct model *model, int node, const char *type)
{
	aps_buf_addf(out, "{\"id\":\"%d\"%s,\"next\":", node, type);
	if (model->next[node] < 0)
		aps_buf_add_text(out, "null}");
	else
		aps_buf_addf(out, "{\"id\":\"%d\"%s}}", model->next[node], type);
}

static void put_list(struct aps_buf *out, const struct model *model, int list, const char *type)
{
	aps_buf_addf(out, "{\"l%d\":[", list);
	for (int i = 0; i < model->n_items[list]; i++) {
		if (i != 0) aps_buf_add_byte(out, ',');
		put_node(out, model, model->lists[list][i], type);
	}
	aps_buf_add_text(out, "]}");
}

static const char *list_query(int list)
{
	static char query[80];
	snprintf(query, sizeof query,
	         list % 2 == 0 ? "{ l%d: l(n: %d) { id next { id } } }" : "{ l%d { id next { id } } }", list, list);
	return query;
}

static void write_list(struct model *model, struct aps_rand *rand, int list)
{
	struct aps_buf data;
	model->n_items[list] = (int)aps_rand_below(rand, MAX_ITEMS);
	for (int i = 0; i < model->n_items[list]; i++) {
		int node = (int)aps_rand_below(rand, N_NODES);
		model->lists[list][i] = node;
		if (aps_rand_below(rand, 3) == 0) model->next[node] = (int)aps_rand_below(rand, N_NODES);
	}
	aps_buf_init(&data, APS_BUF_ANY_SIZE);
	put_list(&data, model, list, ",\"__typename\":\"T\"");
	write_to(CACHE, list_query(list), data.p);
	aps_buf_clear(&data);
}

/* What the lists have is there, and what each of their nodes refers to. */
static void check_lists(const struct model *model, int round)
{
	struct aps_buf expected;
	aps_buf_init(&expected, APS_BUF_ANY_SIZE);
	for (int list = 0; list < N_LISTS; list++) {
		aps_buf_reset(&expected);
		put_list(&expected, model, list, "");
		const char *text = read_now(list_query(list));
		if (strcmp(text, expected.p) != 0) fail_msg("round %d: %s\nexpected: %s", round, text, expected.p);
	}
	aps_buf_clear(&expected);
}

/* Whom a node refers to, as the cache has it; -1: nobody, or nothing is known of that. */
static int read_next(int node)
{
	char query[64];
	int next = -1;
	snprintf(query, sizeof query, "{ node(id: \"%d\") { next { id } } }", node);
	sscanf(read_now(query), "{\"node\":{\"next\":{\"id\":\"%d\"", &next);
	return next;
}

/* What a naive search finds. */
static int count_reached(const struct model *model)
{
	bool is_reached[N_NODES] = {false};
	int n = 0;
	for (int list = 0; list < N_LISTS; list++)
		for (int i = 0; i < model->n_items[list]; i++)
			for (int node = model->lists[list][i]; node >= 0 && !is_reached[node]; node = read_next(node)) {
				is_reached[node] = true;
				n++;
			}
	return n;
}

static void random_writes_between_the_slices_lose_nothing(void **state)
{
	(void)state;
	struct aps_rand rand;
	static struct model model;
	print_message("seed 13\n");
	aps_policies_field(&world.settings->policies, APS_STR("Query"), APS_STR("node"))->lookup = APS_STR("T");
	aps_rand_init(&rand, 13);
	memset(&model, 0, sizeof model);
	memset(model.next, 0xff, sizeof model.next);
	for (int list = 0; list < N_LISTS; list++) write_list(&model, &rand, list);
	core_world_turn(&world.core);
	for (int round = 0; round < 25; round++) {
		run_command(aps_collect_command_new(world.client->id, CACHE, 5));
		while (core_world_turn(&world.core) == 0) {
			if (aps_rand_below(&rand, 8) == 0) check_lists(&model, round);
			if (aps_rand_below(&rand, 3) == 0)
				write_list(&model, &rand, (int)aps_rand_below(&rand, N_LISTS));
		}
		wait_for(5, NULL);
		core_world_turn(&world.core);
		check_lists(&model, round);
		collect_now();
		check_lists(&model, round);
		int n_left = (int)n_records() - 1, n_reached = count_reached(&model);
		if (n_left != n_reached) fail_msg("round %d: %d records, %d are reached", round, n_left, n_reached);
	}
}

static void without_memory_a_collection_ends_with_an_error_or_is_whole(void **state)
{
	(void)state;
	const char *message;
	size_t n_failures = 0;
	for (size_t nth = 1; nth < 400; nth++) {
		char data[128];
		snprintf(data, sizeof data, "{\"a\":" T("%zu", "") ",\"l\":[" T("k", "") "]}", nth);
		write_now("{ a { id } l(n: 1) { id } }", data);
		struct aps_command *command = aps_collect_command_new(world.client->id, CACHE, 5);
		aps_mem_fail_at(nth);
		run_command(command);
		int64_t n = wait_for(5, &message);
		aps_mem_fail_at(0);
		n_failures += n < 0;
		assert_string_equal(read_now("{ l(n: 1) { id } }"), "{\"l\":[{\"id\":\"k\"}]}");
		if (!aps_mem_has_failed()) break;
	}
	assert_true(n_failures > 10);
	collect_now();
	assert_int_equal(n_records(), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, collecting_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_nobody_reaches_leaves_memory_and_disk),
	        TEST(an_empty_store_has_nothing_to_collect),
	        TEST(numbers_are_never_given_twice),
	        TEST(where_others_write_all_the_time_it_is_done_at_once),
	        TEST(slices_are_short_and_others_are_served_in_between),
	        TEST(what_comes_back_while_rows_leave_is_a_new_record),
	        TEST(what_is_asked_for_meanwhile_is_answered_by_the_next_one),
	        TEST(a_client_that_closes_answers_what_waits),
	        TEST(bytes_are_counted_as_rows_come_and_go),
	        TEST(above_the_limit_the_longest_unused_leave_until_nine_tenths),
	        TEST(what_layers_speak_of_stays_whether_they_are_in_memory_or_not),
	        TEST(what_a_reader_uses_stays),
	        TEST(what_is_retained_stays_until_it_is_released),
	        TEST(what_cannot_leave_is_not_tried_for_ever),
	        TEST(pages_that_are_free_are_given_back),
	        TEST(a_record_that_has_expired_is_told_and_leaves_with_the_others),
	        TEST(what_was_emptied_is_not_counted_again_when_its_row_goes),
	        TEST(random_writes_between_the_slices_lose_nothing),
	        TEST(without_memory_a_collection_ends_with_an_error_or_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
