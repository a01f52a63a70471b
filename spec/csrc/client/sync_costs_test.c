/* What an event costs where much is kept: no more than what it changes. Counted are the entries of the cache that are
 * asked for, and SQLite's steps. And that what a sync knows of its list, and of what lingers in it, is right all the
 * same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/question.h"
#include "syncing_world.h"

#include <sqlite3.h>

#define ALL_DEFAULT (&(struct asked){0})
#define PAGE        300 /* records: more than a block has */

static struct aps_sync_run *first, *second;

/* Posts of these ids, in their first version. */
static const char *posts(int from, int to)
{
	static char text[1 << 16];
	size_t n = 0;
	for (int i = from; i <= to; i++) {
		char id[16];
		snprintf(id, sizeof id, "%d", i);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i != from ? "," : "", post(id, i, 1));
	}
	return text;
}

static void go_live_with(uint64_t id, const struct asked *asked, int n)
{
	assert_true(try_open_as(id, asked));
	tell("subscribed");
	for (int from = 1; from <= n; from += PAGE)
		answer_base(posts(from, from + PAGE - 1), from + PAGE <= n ? "next" : NULL);
	assert_phase(APS_SYNC_LIVE);
	drop_events();
}

static size_t n_shown(void)
{
	const char *text = list();
	size_t n = text[0] != '\0';
	for (; *text != '\0'; text++) n += *text == ' ';
	return n;
}

/* How often the list has it. */
static size_t n_times(const char *id)
{
	char what[24];
	const char *at = list();
	size_t n_bytes = (size_t)snprintf(what, sizeof what, " %s:", id), n = strncmp(at, what + 1, n_bytes - 1) == 0;
	for (; (at = strstr(at, what)) != NULL; at++) n++;
	return n;
}

static void forget_looks(void)
{
	struct aps_entry *entry = partition()->cache.entries.newest;
	for (; entry != NULL; entry = entry->older) entry->is_used = false;
}

/* Long lists and their blocks that were looked at. */
static size_t n_blocks_looked_at(void)
{
	size_t n = 0;
	const struct aps_entry *entry = partition()->cache.entries.newest;
	for (; entry != NULL; entry = entry->older) n += entry->n_key_bytes == 0 && entry->is_used;
	return n;
}

/* Posts likewise. */
static size_t n_looked_at(int from, int to)
{
	size_t n = 0;
	const struct aps_entry *entry = partition()->cache.entries.newest;
	for (; entry != NULL; entry = entry->older) {
		if (entry->n_key_bytes < 7 || memcmp(entry->key, "RPost:", 6) != 0 || !entry->is_used) continue;
		int id = atoi(entry->key + 6);
		n += id >= from && id <= to;
	}
	return n;
}

/* A layer that speaks of these posts, as of mutations that are queued. */
static void lay(uint64_t layer, int from, int to)
{
	static char json[1 << 16];
	size_t n = (size_t)snprintf(json, sizeof json, "{\"up\":[");
	for (int i = from; i <= to; i++)
		n += (size_t)snprintf(json + n, sizeof json - n, "%s{\"__typename\":\"Post\",\"id\":\"%d\",\"n\":-1}",
		                      i != from ? "," : "", i);
	snprintf(json + n, sizeof json - n, "]}");
	const struct aps_caching_edits what = {.layer = layer, .edits = make_edits("mutation M { up { id n } }", json)};
	aps_caching_add_layer(world.core, world.client, CACHE, &what);
	aps_edits_unref(what.edits);
	turn();
}

static void settle_layer(uint64_t layer)
{
	aps_caching_settle_layer(world.core, world.client, CACHE, &(struct aps_caching_edits){.layer = layer});
	let_turns_pass();
}

/* All but one of the list are no more, and two layers speak of a half of them each. */
static void let_many_linger(void)
{
	go_live_with(SYNC, ALL_DEFAULT, PAGE);
	lay(50, 1, PAGE / 2);
	lay(51, PAGE / 2 + 1, PAGE);
	begin_next_pass();
	answer_base(post("1000", 1, 1), NULL);
	let_turns_pass();
	assert_int_equal(n_shown(), PAGE + 1);
}

static void an_event_looks_at_nothing_that_lingers(void **state)
{
	(void)state;
	let_many_linger();
	forget_looks();
	hear(post("1001", 1, 1));
	hear(post("1000", 2, 2));
	hear(deleted("1001", 2));
	let_turns_pass();
	assert_int_equal(n_looked_at(1, PAGE), 0);
	assert_int_equal(n_shown(), PAGE + 1);
}

static void of_what_lingers_only_what_was_written_is_looked_at(void **state)
{
	(void)state;
	let_many_linger();
	forget_looks();
	keep("mutation M { up { id n _version } }",
	     "{\"up\":{\"__typename\":\"Post\",\"id\":\"7\",\"n\":70,\"_version\":2}}");
	let_turns_pass();
	assert_int_equal(n_looked_at(1, PAGE), 1);
	forget_looks();
	settle_layer(50);
	assert_int_equal(n_looked_at(PAGE / 2 + 1, PAGE), 0);
	assert_int_equal(n_shown(), PAGE / 2 + 2);
	assert_int_equal(n_times("7"), 1);
	assert_int_equal(n_times("8"), 0);
	settle_layer(51);
	assert_int_equal(n_shown(), 2);
	forget_looks();
	hear(post("1000", 2, 2));
	assert_int_equal(n_looked_at(1, PAGE), 0);
}

/* 2 isn't there any more, and a mutation of it is queued. */
static uint64_t let_2_linger(void)
{
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	uint64_t layer = queue_layer("2", 200);
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	let_turns_pass();
	assert_string_equal(list(), "1:1 2:200");
	return layer;
}

static void begin_anew(void)
{
	finish();
	begin();
}

static void however_its_mutation_ends_it_leaves(void **state)
{
	(void)state;
	for (int how = 0; how < 4; how++) {
		uint64_t layer = let_2_linger();
		end_layer(layer, how);
		assert_string_equal(list(), "1:1");
		begin_anew();
	}
}

static void however_its_mutation_ends_in_the_next_run_it_leaves(void **state)
{
	(void)state;
	for (int how = 0; how < 4; how++) {
		uint64_t layer = let_2_linger();
		restart();
		open_sync(ALL_DEFAULT);
		tell("subscribed");
		answer_delta("", NULL);
		hear(post("1", 11, 2));
		let_turns_pass();
		assert_string_equal(list(), "1:11 2:200");
		end_layer(layer, how);
		assert_string_equal(list(), "1:11");
		begin_anew();
	}
}

static void what_several_mutations_are_of_stays_until_the_last_one_ends(void **state)
{
	(void)state;
	uint64_t former = let_2_linger(), later = queue_layer("2", 201);
	let_turns_pass();
	end_layer(former, 0);
	assert_string_equal(list(), "1:1 2:201");
	former = queue_layer("2", 202);
	end_layer(later, 2);
	hear(post("1", 11, 2));
	assert_string_equal(list(), "1:11 2:202");
	end_layer(former, 2);
	assert_string_equal(list(), "1:11");
}

static void it_leaves_with_an_event_that_comes_in_the_same_turn(void **state)
{
	(void)state;
	uint64_t layer = let_2_linger();
	struct aps_err err;
	assert_int_equal(aps_vault_begin(partition()->vault, &err), APS_OK);
	assert_int_equal(aps_partition_drop_layer(partition(), layer, false, &err), APS_OK);
	hear(post("1", 11, 2));
	assert_string_equal(list(), "1:11");
}

/* An older state of it is nothing new, but it is there. */
static void what_a_page_tells_in_the_same_turn_stays_where_it_is(void **state)
{
	(void)state;
	uint64_t layer = let_2_linger();
	struct aps_err err;
	hear(post("3", 3, 1));
	tell("reconnecting");
	tell("subscribed");
	assert_int_equal(aps_vault_begin(partition()->vault, &err), APS_OK);
	assert_int_equal(aps_partition_drop_layer(partition(), layer, false, &err), APS_OK);
	answer_delta(post("2", 1, 0), NULL);
	let_turns_pass();
	assert_string_equal(list(), "1:1 2:2 3:3");
}

static void without_memory_it_leaves_with_what_is_written_next(void **state)
{
	(void)state;
	for (size_t nth = 1; nth < 40; nth++) {
		uint64_t layer = let_2_linger();
		struct aps_err err;
		assert_int_equal(aps_vault_begin(partition()->vault, &err), APS_OK);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_partition_drop_layer(partition(), layer, false, &err);
		turn();
		aps_mem_fail_at(0);
		let_turns_pass();
		if (rc != APS_OK) end_layer(layer, 2);
		hear(post("1", 11, 2));
		hear(post("3", 3, 1));
		let_turns_pass();
		assert_string_equal(list(), "1:11 3:3");
		begin_anew();
	}
}

/* The layer of a call, which couldn't leave: it does so before an event of the sync's own is written. */
static void it_leaves_with_the_event_that_its_layer_leaves_with(void **state)
{
	(void)state;
	for (size_t nth = 1; nth < 20; nth++) {
		go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
		lay(50, 2, 2);
		begin_next_pass();
		answer_base(post("1", 1, 1), NULL);
		let_turns_pass();
		assert_string_equal(list(), "1:1 2:-1");
		aps_mem_fail_at(nth);
		aps_caching_settle_layer(world.core, world.client, CACHE, &(struct aps_caching_edits){.layer = 50});
		aps_mem_fail_at(0);
		hear(post("1", 11, 2));
		assert_string_equal(list(), "1:11");
		begin_anew();
	}
}

/* What is known of lists is what there is. */
static void assert_known(const struct aps_sync_run *run)
{
	struct aps_cache_write write = {.cache = &partition()->cache}; /* only looked with */
	struct aps_synced_list fresh = {.is_known = false};
	struct aps_err err;
	bool is_there;
	uint64_t number = 0;
	if (!run->shown.is_known) return;
	assert_int_equal(aps_synced_list_load(&write, &run->place, &fresh, &is_there, &err), APS_OK);
	assert_true(is_there);
	if (fresh.number == run->shown.number && fresh.n_items == run->shown.n_items) {
		assert_int_equal(fresh.members.n_members, run->shown.members.n_members);
		while ((number = aps_number_set_next(&fresh.members, number)) != 0)
			assert_true(aps_number_set_has(&run->shown.members, number));
	}
	aps_synced_list_clear(&fresh);
}

static void hear_at(struct aps_sync_run *run, const char *record)
{
	world.run = run;
	hear(record);
	assert_known(first);
	assert_known(second);
}

static void hear_at_both(const char *record)
{
	hear_at(first, record);
	hear_at(second, record);
}

static void go_live_both(const struct asked *asked)
{
	go_live_with(SYNC, ALL_DEFAULT, 2 * PAGE);
	first = world.run;
	go_live_with(SYNC + 1, asked, 2 * PAGE);
	second = world.run;
	hear_at_both(post("1000", 1, 1));
	assert_int_equal(n_shown(), 2 * PAGE + 1);
}

/* The list, and its last block. */
static void equal_syncs_do_not_read_their_list_anew_for_each_event(void **state)
{
	(void)state;
	go_live_both(ALL_DEFAULT);
	forget_looks();
	for (int i = 0; i < 3; i++) {
		char id[16];
		snprintf(id, sizeof id, "%d", 2000 + i);
		world.run = first;
		hear(post(id, 1, 1));
		world.run = second;
		hear(post(id, 1, 1));
	}
	assert_in_range(n_blocks_looked_at(), 1, 2);
}

static void what_one_hears_the_other_one_knows(void **state)
{
	(void)state;
	go_live_both(ALL_DEFAULT);
	hear_at(first, post("a", 1, 1));
	hear_at(second, post("a", 2, 2));
	assert_int_equal(n_times("a"), 1);
	hear_at(second, deleted("5", 2));
	hear_at(first, deleted("5", 2));
	assert_int_equal(n_times("5"), 0);
	hear_at(first, post("5", 1, 3));
	hear_at(second, post("5", 1, 3));
	assert_int_equal(n_times("5"), 1);
	hear_at(second, deleted("a", 3));
	hear_at(second, post("b", 1, 1));
	hear_at(first, post("a", 4, 4));
	hear_at(first, post("b", 1, 1));
	assert_int_equal(n_times("a"), 1);
	assert_int_equal(n_times("b"), 1);
	assert_int_equal(n_shown(), 2 * PAGE + 3);
}

static void what_the_pass_of_one_has_not_seen_the_other_one_does_not_know(void **state)
{
	(void)state;
	go_live_both(&(struct asked){.interval_ms = 30 * DAY_MS});
	world.run = first;
	begin_next_pass();
	world.run = second;
	answer_base(posts(1, PAGE), "a");
	answer_base(posts(PAGE + 1, 2 * PAGE), NULL);
	world.run = first;
	answer_base(posts(1, PAGE), "a");
	answer_base(posts(PAGE + 10, 2 * PAGE), NULL);
	assert_known(first);
	assert_known(second);
	assert_int_equal(n_shown(), 2 * PAGE - 9);
	char id[16];
	snprintf(id, sizeof id, "%d", PAGE + 5);
	hear_at(second, post(id, 7, 2));
	assert_int_equal(n_times(id), 1);
	hear_at(first, post(id, 7, 2));
	hear_at_both(post("1000", 9, 9));
	assert_int_equal(n_times(id), 1);
	assert_int_equal(n_times("1000"), 1);
	assert_int_equal(n_shown(), 2 * PAGE - 7);
}

static void a_clear_makes_both_forget(void **state)
{
	(void)state;
	go_live_both(ALL_DEFAULT);
	aps_caching_clear(world.core, world.client, CACHE, APS_PART_CLEARED);
	turn();
	assert_known(first);
	assert_known(second);
	world.run = first;
	answer_base(posts(1, PAGE), NULL);
	world.run = second;
	answer_base(posts(1, PAGE), NULL);
	hear_at_both(post("1000", 1, 1));
	assert_int_equal(n_shown(), PAGE + 1);
	assert_int_equal(n_times("1000"), 1);
}

static void one_that_ends_takes_what_it_knows_with_it(void **state)
{
	(void)state;
	go_live_both(ALL_DEFAULT);
	hear_at(first, post("1001", 1, 1));
	stop(); /* the first one */
	world.run = second;
	hear(post("1001", 1, 1));
	hear(post("1002", 1, 1));
	assert_known(second);
	assert_int_equal(n_times("1001"), 1);
	assert_int_equal(n_shown(), 2 * PAGE + 3);
}

/* Somebody's answer of a state that was long ago. */
static void an_answer_that_is_overtaken_does_not_read_the_list(void **state)
{
	(void)state;
	go_live_with(SYNC, ALL_DEFAULT, 2 * PAGE);
	hear(post("5", 50, 5));
	forget_looks();
	keep("mutation M { up { id n _version } }",
	     "{\"up\":{\"__typename\":\"Post\",\"id\":\"5\",\"n\":40,\"_version\":4}}");
	assert_int_equal(n_blocks_looked_at(), 0);
	assert_int_equal(n_of("5"), 50);
	/* what isn't in the list, or no more, is as the answer says */
	hear(deleted("6", 2));
	keep("mutation M { up { id n _version } }",
	     "{\"up\":{\"__typename\":\"Post\",\"id\":\"6\",\"n\":60,\"_version\":6}}");
	keep("mutation M { up { id n _version } }",
	     "{\"up\":{\"__typename\":\"Post\",\"id\":\"6\",\"n\":40,\"_version\":4}}");
	assert_int_equal(n_of("6"), 40);
}

static struct aps_answer_command *take_merge(void)
{
	struct aps_mail **at = &world.all.events;
	while (*at != NULL && ((struct aps_event *)*at)->kind != APS_EVENT_ASK) at = &(*at)->next;
	assert_non_null(*at);
	struct aps_question_event *event = (struct aps_question_event *)*at;
	struct aps_answer_command *answer = event->answer;
	event->answer = NULL;
	assert_int_equal(aps_asked_merges_count(answer->merges), 1);
	assert_true(aps_asked_merges_tell(answer->merges, 0, APS_STR("7")));
	drop_events();
	return answer;
}

static void an_event_whose_fields_the_application_merges_does_not_read_the_list(void **state)
{
	(void)state;
	go_live_with(SYNC, ALL_DEFAULT, 2 * PAGE);
	struct aps_policies *policies = &world.client->settings.cache->policies;
	aps_policies_field(policies, APS_STR("Post"), APS_STR("n"))->merge = APS_MERGE_ASKED;
	policies->asks_merges = true;
	forget_looks();
	hear(post("5", 50, 5));
	struct aps_answer_command *answer = take_merge();
	answer->head.run(world.core, &answer->head);
	turn();
	assert_int_equal(world.run->counts.n_records, 2 * PAGE + 1);
	assert_int_equal(n_blocks_looked_at(), 0);
}

/* SQLite's steps, by hundreds. */
static size_t n_steps;

static int step(void *context APS_UNUSED)
{
	n_steps++;
	return 0;
}

static int count_steps(sqlite3 *db, const char **error APS_UNUSED, const struct sqlite3_api_routines *api APS_UNUSED)
{
	sqlite3_progress_handler(db, 100, step, NULL);
	return SQLITE_OK;
}

static void a_page_of_bad_records_does_not_count_them_for_each(void **state)
{
	(void)state;
	static char items[900 * 5];
	for (int i = 0; i < 900; i++) memcpy(items + (size_t)i * 5, "null,", 5);
	items[sizeof items - 1] = '\0';
	sqlite3_auto_extension((void (*)(void))count_steps);
	begin_anew();
	go_live(ALL_DEFAULT, post("1", 1, 1));
	begin_next_pass();
	n_steps = 0;
	answer_base(items, NULL);
	sqlite3_reset_auto_extension();
	assert_int_equal(world.run->n_bad, 900);
	assert_in_range(n_steps, 100, 900 * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_event_looks_at_nothing_that_lingers),
	        TEST(of_what_lingers_only_what_was_written_is_looked_at),
	        TEST(however_its_mutation_ends_it_leaves),
	        TEST(however_its_mutation_ends_in_the_next_run_it_leaves),
	        TEST(what_several_mutations_are_of_stays_until_the_last_one_ends),
	        TEST(it_leaves_with_an_event_that_comes_in_the_same_turn),
	        TEST(what_a_page_tells_in_the_same_turn_stays_where_it_is),
	        TEST(without_memory_it_leaves_with_what_is_written_next),
	        TEST(it_leaves_with_the_event_that_its_layer_leaves_with),
	        TEST(equal_syncs_do_not_read_their_list_anew_for_each_event),
	        TEST(what_one_hears_the_other_one_knows),
	        TEST(what_the_pass_of_one_has_not_seen_the_other_one_does_not_know),
	        TEST(a_clear_makes_both_forget),
	        TEST(one_that_ends_takes_what_it_knows_with_it),
	        TEST(an_answer_that_is_overtaken_does_not_read_the_list),
	        TEST(an_event_whose_fields_the_application_merges_does_not_read_the_list),
	        TEST(a_page_of_bad_records_does_not_count_them_for_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
