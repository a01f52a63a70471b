/* A guest's cache and queue become a user's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "offline_queue_world.h"
#include "store/sync_rows.h"

#define GUEST 4

static struct aps_channel *guest_channel;
static struct aps_reader *guest_reader;

static void open_guest(void)
{
	guest_channel = aps_channel_new(5);
	open_cache_as(GUEST, "guest", guest_channel);
	guest_reader = aps_reader_new(world.path, "p", "guest", &world.settings->policies, guest_channel, &queue_err);
	assert_non_null(guest_reader);
}

static const char *read_guest(const char *query)
{
	struct aps_reader *reader = world.reader;
	world.reader = guest_reader;
	const char *text = read_now(query);
	world.reader = reader;
	return text;
}

static void close_guest(void)
{
	aps_caching_close(world.core.core, world.client, GUEST);
	aps_reader_free(guest_reader);
	aps_channel_unref(guest_channel);
	core_world_turn(&world.core);
}

/* Names in another order than the user's; a layer of a queued mutation. */
static void make_guest(int n_entries)
{
	open_guest();
	write_to(GUEST, "{ z y all { id n } a }",
	         "{\"z\":26,\"y\":25,\"all\":[{\"id\":\"g\",\"__typename\":\"T\",\"n\":7}],\"a\":1}");
	int64_t owner = owner_of("guest"), number;
	for (int i = 0; i < n_entries; i++) {
		ok(aps_outbox_next_number(db(), &number, &queue_err));
		put_entry_of(owner, number, "{}");
	}
	core_world_turn(&world.core);
	close_guest();
}

/* What a sync keeps in the part of an owner. */
static void put_sync(const char *identity, const char *checkpoint)
{
	struct aps_sync_name sync = {.name = APS_STR("aa")};
	const struct aps_tombstone tombstone = {APS_STR("T:1"), APS_STR("1"), APS_STR(""), 10};
	ok(aps_vault_begin(partition()->vault, &queue_err));
	ok(aps_parts_make(db(), APS_STR("p"), aps_str_of(identity), &sync.part, &queue_err));
	ok(aps_sync_rows_save(db(), sync, aps_str_of(checkpoint), &queue_err));
	ok(aps_tombstone_put(db(), sync, &tombstone, &queue_err));
	core_world_turn(&world.core);
}

/* The one of the part that the user has. */
static void assert_sync(const char *checkpoint, bool has_tombstone)
{
	struct aps_buf text;
	bool have_any;
	const struct aps_sync_name sync = {partition()->store.part, APS_STR("aa")};
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	ok(aps_sync_rows_load(db(), sync, &text, &queue_err));
	assert_true(aps_str_is(aps_buf_str(&text), checkpoint));
	aps_buf_clear(&text);
	ok(aps_tombstones_have_any(db(), sync, &have_any, &queue_err));
	assert_int_equal(have_any, has_tombstone);
	assert_int_equal(value_of("SELECT count(*) FROM sync JOIN part ON part.id = part WHERE dropped = 0"), 1);
}

static enum aps_rc adopt(int64_t *n)
{
	enum aps_rc rc = aps_queue_adopt(queue, APS_STR("guest"), n, &queue_err);
	core_world_turn(&world.core);
	return rc;
}

static int64_t n_parts(void)
{
	return value_of("SELECT count(*) FROM part WHERE dropped = 0");
}

static void a_guests_cache_and_queue_are_the_users(void **state)
{
	(void)state;
	int64_t n;
	write_now("{ a b all { n id } }", "{\"a\":9,\"b\":8,\"all\":[{\"id\":\"u\",\"__typename\":\"T\",\"n\":1}]}");
	assert_string_equal(read_now("{ a b }"), "{\"a\":9,\"b\":8}");
	put_sync("ann", "hers");
	make_guest(2);
	put_sync("guest", "the guest's");
	ok(adopt(&n));
	assert_int_equal(n, 2);
	assert_sync("the guest's", true);
	assert_string_equal(read_now("{ a y z all { id n } }"),
	                    "{\"a\":1,\"y\":25,\"z\":26,\"all\":[{\"id\":\"g\",\"n\":7}]}");
	assert_string_equal(read_now("{ b }"), "missing b");
	assert_int_equal(n_parts(), 1);
	assert_int_equal(value_of("SELECT count(*) FROM owner WHERE identity = 'guest'"), 0);
	assert_int_equal(value_of("SELECT count(*) FROM outbox"), 2);
	write_now("{ c a }", "{\"c\":3,\"a\":4}");
	assert_string_equal(read_now("{ a c y }"), "{\"a\":4,\"c\":3,\"y\":25}");
	reopen_queue();
	assert_string_equal(read_now("{ a c y z }"), "{\"a\":4,\"c\":3,\"y\":25,\"z\":26}");
}

static void a_user_who_has_nothing_yet_gets_all_of_it(void **state)
{
	(void)state;
	int64_t n;
	make_guest(1);
	ok(adopt(&n));
	assert_int_equal(n, 1);
	assert_string_equal(read_now("{ z a }"), "{\"z\":26,\"a\":1}");
	assert_int_equal(n_parts(), 1);
	assert_int_equal(queue->owner, value_of("SELECT id FROM owner WHERE identity = 'ann'"));
}

static void a_user_with_queued_layers_keeps_the_cache_and_gets_the_queue(void **state)
{
	(void)state;
	int64_t n;
	write_now("{ b }", "{\"b\":8}");
	uint64_t id = put_layer(APS_LAYER_QUEUED, "hope", "1");
	put_entry_of(owner_of("ann"), (int64_t)id, "{}");
	core_world_turn(&world.core);
	reopen_queue();
	put_sync("ann", "hers");
	make_guest(2);
	put_sync("guest", "the guest's");
	ok(adopt(&n));
	assert_int_equal(n, 2);
	assert_sync("hers", true);
	assert_string_equal(read_now("{ b }"), "{\"b\":8}");
	assert_string_equal(read_now("{ z }"), "missing z");
	assert_int_equal(n_parts(), 1);
	assert_int_equal(value_of("SELECT count(*) FROM outbox"), 3);
	assert_int_equal(value_of("SELECT count(*) FROM layer WHERE kind = 1"), 1);
}

static void a_guest_without_records_leaves_the_cache_alone(void **state)
{
	(void)state;
	int64_t n;
	write_now("{ b }", "{\"b\":8}");
	open_guest();
	close_guest();
	ok(adopt(&n));
	assert_int_equal(n, 0);
	assert_string_equal(read_now("{ b }"), "{\"b\":8}");
}

static void a_guest_who_is_open_is_refused(void **state)
{
	(void)state;
	int64_t n;
	open_guest();
	assert_int_equal(adopt(&n), APS_E_USAGE);
	assert_string_equal(queue_err.word, "in_use");
	assert_non_null(strstr(queue_err.msg, "\"guest\" open: close its client first"));
	close_guest();
	ok(adopt(&n));
}

static void a_guest_whose_client_is_open_has_nothing_left(void **state)
{
	(void)state;
	int64_t n;
	make_guest(2);
	open_guest();
	struct aps_queue *guest = open_queue_of(GUEST);
	core_world_turn(&world.core);
	write_to(GUEST, "{ z a }", "{\"z\":27,\"a\":2}"); /* isn't committed yet */
	ok(adopt(&n));
	assert_int_equal(n, 2);
	assert_string_equal(read_now("{ a y z }"), "{\"a\":2,\"y\":25,\"z\":27}");
	assert_string_equal(read_guest("{ z }"), "missing z");
	assert_int_equal(guest->n_entries, 0);
	assert_int_equal(n_parts(), 1);
	write_to(GUEST, "{ z }", "{\"z\":1}");
	core_world_turn(&world.core);
	assert_string_equal(read_guest("{ z }"), "{\"z\":1}");
	assert_string_equal(read_now("{ z }"), "{\"z\":27}");
	assert_int_equal(n_parts(), 2);
	close_guest();
	reopen_queue();
	assert_string_equal(read_now("{ a y z }"), "{\"a\":2,\"y\":25,\"z\":27}");
}

static void a_guest_whose_client_is_open_has_nothing_left_where_only_its_queue_is_taken(void **state)
{
	(void)state;
	int64_t n;
	write_now("{ b }", "{\"b\":8}");
	uint64_t id = put_layer(APS_LAYER_QUEUED, "hope", "1");
	put_entry_of(owner_of("ann"), (int64_t)id, "{}");
	core_world_turn(&world.core);
	reopen_queue();
	make_guest(2);
	open_guest();
	(void)open_queue_of(GUEST);
	core_world_turn(&world.core);
	ok(adopt(&n));
	assert_int_equal(n, 2);
	assert_string_equal(read_now("{ b hope }"), "{\"b\":8,\"hope\":1}");
	assert_string_equal(read_now("{ z }"), "missing z");
	assert_string_equal(read_guest("{ z }"), "missing z");
	assert_int_equal(n_parts(), 1);
	close_guest();
}

/* All or nothing. */
static void move_without_memory(void)
{
	size_t n_failed = 0;
	for (size_t nth = 1;; nth++) {
		int64_t n;
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_queue_adopt(queue, APS_STR("guest"), &n, &queue_err);
		aps_mem_fail_at(0);
		if (rc != APS_OK) aps_queue_fail(queue, &queue_err);
		core_world_turn(&world.core);
		if (rc == APS_OK) break;
		n_failed++;
		assert_string_equal(read_now("{ b }"), "{\"b\":8}");
		assert_int_equal(n_parts(), 2);
		assert_int_equal(value_of("SELECT count(*) FROM owner WHERE identity = 'guest'"), 1);
	}
	assert_true(n_failed > 5);
	assert_string_equal(read_now("{ z }"), "{\"z\":26}");
}

static void without_memory_nothing_moves(void **state)
{
	(void)state;
	write_now("{ b }", "{\"b\":8}");
	make_guest(2);
	move_without_memory();
}

static void without_memory_nothing_moves_of_a_guest_who_is_open(void **state)
{
	(void)state;
	write_now("{ b }", "{\"b\":8}");
	make_guest(2);
	open_guest();
	(void)open_queue_of(GUEST);
	core_world_turn(&world.core);
	move_without_memory();
	assert_string_equal(read_guest("{ z }"), "missing z");
	close_guest();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_guests_cache_and_queue_are_the_users),
	        TEST(a_user_who_has_nothing_yet_gets_all_of_it),
	        TEST(a_user_with_queued_layers_keeps_the_cache_and_gets_the_queue),
	        TEST(a_guest_without_records_leaves_the_cache_alone),
	        TEST(a_guest_who_is_open_is_refused),
	        TEST(a_guest_whose_client_is_open_has_nothing_left),
	        TEST(a_guest_whose_client_is_open_has_nothing_left_where_only_its_queue_is_taken),
	        TEST(without_memory_nothing_moves),
	        TEST(without_memory_nothing_moves_of_a_guest_who_is_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
