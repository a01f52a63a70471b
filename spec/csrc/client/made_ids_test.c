#include "client/made_ids.h"

#include "client/store_place.h"
#include "reader_world.h"
#include "store/id_map.h"
#include "store/owners.h"

#define ONE   "00000000-0000-4000-8000-000000000001"
#define TWO   "00000000-0000-4000-8000-000000000002"
#define OTHER "00000000-0000-4000-8000-000000000003"

static struct aps_made_ids ids;
static struct aps_err err;

static int begin(void **state)
{
	int rc = setup(state);
	if (rc == 0) aps_made_ids_init(&ids, world.reader, world.channel, "p", "");
	return rc;
}

static int end(void **state)
{
	aps_mem_fail_at(0);
	aps_made_ids_clear(&ids);
	aps_made_ids_clear(&ids);
	return teardown(state);
}

static int64_t owner_of(const char *identity)
{
	int64_t owner;
	assert_int_equal(aps_vault_begin(world.vault, &err), APS_OK);
	assert_int_equal(aps_owners_make(world.vault->db, APS_STR("p"), aps_str_of(identity), &owner, &err), APS_OK);
	return owner;
}

/* As the queue does it. made NULL: not yet. */
static void put(const char *identity, const char *temporary, const char *made)
{
	struct aps_id_made pair = {.owner = owner_of(identity), .temporary = aps_str_of(temporary), .maker = 1};
	pair.is_made = made != NULL;
	pair.made = aps_str_of(made != NULL ? made : "");
	assert_int_equal(aps_id_map_add(world.vault->db, &pair, &err), APS_OK);
	commit();
	if (made != NULL) aps_channel_renew_ids(world.channel);
}

static bool has_any(void)
{
	bool has;
	assert_int_equal(aps_made_ids_look(&ids, &has, &err), APS_OK);
	return has;
}

static void is_made(const char *temporary, const char *expected)
{
	struct aps_str made;
	char text[64] = "nothing";
	assert_int_equal(aps_made_ids_find(&ids, aps_str_of(temporary), &made, &err), APS_OK);
	if (made.p != NULL) snprintf(text, sizeof text, "%.*s", (int)made.n, made.p);
	assert_string_equal(text, expected);
}

static void an_identity_without_temporary_ids_has_none(void **state)
{
	(void)state;
	assert_false(has_any()); /* the store isn't there yet */
	is_made(ONE, "nothing");
	open_core();
	assert_false(has_any());
	put("ann", ONE, "1");
	assert_false(has_any());
	is_made(ONE, "nothing");
	close_core();
}

static void the_core_says_that_there_is_none(void **state)
{
	(void)state;
	open_core();
	is_made(ONE, "nothing");
	assert_true(aps_channel_may_lend(world.channel)); /* nobody has asked for a connection */
	put("", ONE, "1");
	is_made(ONE, "1");
	assert_false(aps_channel_may_lend(world.channel));
	close_core();
	open_core();
	is_made(ONE, "1");
	close_core();
}

/* While the file is full, what is kept in memory has none of its ids. */
static void the_core_looks_into_the_file_that_memory_lies_over(void **state)
{
	(void)state;
	struct aps_err full;
	open_core();
	put("ann", ONE, "1");
	assert_int_equal(aps_fail_word(&full, APS_E_STORAGE, "full", 13, "the disk is full"), APS_E_STORAGE);
	assert_true(aps_vault_cope(world.vault, &full));
	commit();
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_OVER);
	struct aps_channel *channel = aps_channel_new(5);
	struct aps_partition *anns = aps_partition_open(world.vault, "p", "ann", &world.policies, channel, &err);
	assert_non_null(anns);
	commit();
	assert_false(aps_channel_has_no_ids(channel));
	aps_partition_close(anns);
	aps_channel_unref(channel);
	close_core();
}

static void an_id_is_known_once_the_service_has_given_it(void **state)
{
	(void)state;
	open_core();
	is_made(ONE, "nothing");
	put("", ONE, NULL);
	is_made(ONE, "nothing");
	put("", ONE, "1");
	assert_true(has_any());
	is_made(ONE, "1");
	is_made(ONE, "1");
	is_made(TWO, "nothing");
	put("", TWO, "");
	is_made(TWO, "");
	is_made("1", "nothing"); /* what isn't like a UUID isn't looked up */
	close_core();
}

static void what_is_known_needs_no_store(void **state)
{
	(void)state;
	open_core();
	put("", ONE, "1");
	is_made(ONE, "1");
	is_made(TWO, "nothing");
	assert_int_equal(aps_vault_begin(world.vault, &err), APS_OK);
	assert_int_equal(aps_db_exec(world.vault->db, "UPDATE id_map SET made = 'x', sum = 0", &err), APS_OK);
	commit();
	is_made(ONE, "1");
	/* then it is asked again, and a damaged row says nothing */
	aps_channel_renew_ids(world.channel);
	is_made(ONE, "nothing");
	uint64_t place;
	assert_true(aps_reader_take_damage(world.reader, &place));
	close_core();
}

static void one_that_is_gone_is_not_known_any_more(void **state)
{
	(void)state;
	open_core();
	put("", ONE, "1");
	is_made(ONE, "1");
	assert_int_equal(aps_vault_begin(world.vault, &err), APS_OK);
	assert_int_equal(aps_db_exec(world.vault->db, "DELETE FROM id_map", &err), APS_OK);
	commit();
	aps_channel_renew_ids(world.channel);
	is_made(ONE, "nothing");
	assert_false(has_any());
	close_core();
}

static void many_ids_are_known_in_bounded_memory(void **state)
{
	(void)state;
	char id[40];
	open_core();
	put("", ONE, "1");
	for (unsigned n = 0; n < 3000; n++) {
		snprintf(id, sizeof id, "%08x-0000-4000-9000-000000000000", n);
		is_made(id, "nothing");
		assert_true(ids.found.n_items <= 1024);
	}
	is_made(ONE, "1");
	close_core();
}

static void replaced(const char *json, const char *expected)
{
	struct aps_buf out;
	bool is_changed;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_made_ids_replace(&ids, aps_str_of(json), &out, &is_changed, &err), APS_OK);
	assert_int_equal(is_changed, expected != NULL);
	assert_int_equal(out.n, expected != NULL ? strlen(expected) : 0);
	if (expected != NULL) assert_memory_equal(out.p, expected, out.n);
	aps_buf_clear(&out);
}

static void replaced_in_key(const char *key, const char *expected)
{
	struct aps_buf out;
	bool is_changed;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_made_ids_replace_in_key(&ids, aps_str_of(key), &out, &is_changed, &err), APS_OK);
	assert_int_equal(is_changed, expected != NULL);
	assert_int_equal(out.n, expected != NULL ? strlen(expected) : 0);
	if (expected != NULL) assert_memory_equal(out.p, expected, out.n);
	aps_buf_clear(&out);
}

static void whole_values_and_keys_are_replaced(void **state)
{
	(void)state;
	replaced("{\"id\":\"" ONE "\"}", NULL);
	open_core();
	put("", ONE, "1");
	put("", TWO, TWO);
	replaced("{\"id\":\"" ONE "\",\"in\":[\"" ONE "\",\"x" ONE "\"]}",
	         "{\"id\":\"1\",\"in\":[\"1\",\"x" ONE "\"]}");
	replaced("{\"" ONE "\":\"" OTHER "\",\"b\":\"" TWO "\"}", NULL);
	replaced("{\"id\":\"1\"}", NULL);
	replaced_in_key("RTodo:" ONE, "RTodo:1");
	replaced_in_key("Todo:" ONE, "Todo:1");
	replaced_in_key("Todo:" TWO, NULL);
	replaced_in_key("Todo:" OTHER, NULL);
	replaced_in_key("RROOT_QUERY", NULL);
	replaced_in_key("Post:{\"blogId\":\"" ONE "\",\"slug\":\"s\"}", "Post:{\"blogId\":\"1\",\"slug\":\"s\"}");
	replaced_in_key("Post:{\"blogId\":\"" OTHER "\",\"slug\":\"s\"}", NULL);
	replaced_in_key("Post:{" ONE, NULL);
	close_core();
}

static void without_memory_there_is_an_error(void **state)
{
	(void)state;
	open_core();
	put("", ONE, "1");
	for (size_t nth = 1;; nth++) {
		struct aps_buf out;
		bool is_changed;
		aps_channel_renew_ids(world.channel);
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_made_ids_replace(&ids, APS_STR("{\"id\":\"" ONE "\"}"), &out, &is_changed, &err);
		aps_mem_fail_at(0);
		aps_buf_clear(&out);
		if (rc == APS_OK && is_changed) break;
		assert_true(rc == APS_E_NOMEM || rc == APS_OK);
	}
	close_core();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_identity_without_temporary_ids_has_none),
	        TEST(the_core_says_that_there_is_none),
	        TEST(the_core_looks_into_the_file_that_memory_lies_over),
	        TEST(an_id_is_known_once_the_service_has_given_it),
	        TEST(what_is_known_needs_no_store),
	        TEST(one_that_is_gone_is_not_known_any_more),
	        TEST(many_ids_are_known_in_bounded_memory),
	        TEST(whole_values_and_keys_are_replaced),
	        TEST(without_memory_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
