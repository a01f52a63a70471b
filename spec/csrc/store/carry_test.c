#include "store/carry.h"

#include "outbox_fixture.h"
#include "store/doubted_rows.h"
#include "store/outbox_counts.h"
#include "store/parts.h"
#include "store/sync_rows.h"

#define MEMORY "/aps_carry_test"

static struct aps_db *memory;

static int setup(void **state)
{
	const struct aps_db_options options = {.in_memory = true};
	if (outbox_setup(state) != 0 || aps_db_open(MEMORY, &options, &memory, &err) != APS_OK) return -1;
	return aps_migrations_run(memory, &err) == APS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	aps_db_close(memory);
	return outbox_teardown(state);
}

static int64_t n_rows(struct aps_db *of)
{
	return db_int(of, "SELECT (SELECT count(*) FROM owner) + (SELECT count(*) FROM owner_copy)"
	                  " + (SELECT count(*) FROM outbox) + (SELECT count(*) FROM delivery)"
	                  " + (SELECT count(*) FROM dead_letter) + (SELECT count(*) FROM outcome)"
	                  " + (SELECT count(*) FROM id_map)");
}

/* One row in each table. */
static int64_t fill(void)
{
	struct aps_kept_outcome outcome = {.owner = 1, .content = APS_STR("{}")};
	struct aps_id_made pair = {.owner = 1, .temporary = APS_STR("t"), .maker = 1};
	struct aps_death death = {.outcome = APS_STR("refused")};
	int64_t owner = owner_make("ann"), id = enqueue(owner);
	ok(aps_delivery_mark(db, id, 1, 2, 3, &err));
	ok(aps_dead_letters_bury(db, enqueue(owner), &death, &err));
	ok(aps_outcomes_add(db, &outcome, &err));
	ok(aps_id_map_add(db, &pair, &err));
	return id;
}

/* One is queued, and one is dead. */
static void assert_counted(void)
{
	struct aps_outbox_counts counts;
	bool is_whole;
	ok(aps_outbox_counts_read(db, 1, &counts, &is_whole, &err));
	assert_true(is_whole && counts.n_queued == 1 && counts.n_dead == 1);
}

static void a_move_over_memory_and_back_leaves_the_queue_as_it_was(void **state)
{
	(void)state;
	struct aps_outbox_row row;
	int64_t part, number, id = fill();
	uint32_t nonce, same;
	ok(aps_parts_make(db, APS_STR("p"), APS_STR("ann"), &part, &err));
	ok(aps_outbox_nonce(db, &nonce, &err));
	ok(aps_carry_begin(db, MEMORY, &err));
	assert_int_equal(n_rows(memory), 0);
	/* the layers that are made there have numbers of their own, too */
	ok(aps_outbox_next_number(memory, &number, &err));
	assert_int_equal(number, 4);
	db_do(memory, "INSERT INTO entry (part, key, content) VALUES (1, x'52', x'01');"
	              "INSERT INTO owner VALUES (7, 'x', 'y', 0); UPDATE counter SET value = 1 WHERE id = -3");
	ok(aps_carry_back(db, MEMORY, &err));
	assert_int_equal(n_rows(db), 7);
	assert_int_equal(db_int(db, "SELECT count(*) FROM entry"), 1);
	aps_outbox_row_init(&row);
	ok(aps_outbox_find(db, id, &row, &err));
	assert_true(row.entry.id == id && row.delivery.is_sending);
	aps_outbox_row_clear(&row);
	ok(aps_outbox_nonce(db, &same, &err));
	assert_int_equal(same, nonce);
	ok(aps_outbox_last_number(db, &number, &err));
	assert_int_equal(number, 4);
}

static void the_files_numbers_never_go_back(void **state)
{
	(void)state;
	int64_t number;
	ok(aps_carry_begin(db, MEMORY, &err));
	(void)fill();
	ok(aps_carry_back(db, MEMORY, &err));
	ok(aps_outbox_last_number(db, &number, &err));
	assert_int_equal(number, 3);
	assert_int_equal(n_rows(db), 7);
	assert_counted();
}

/* They are the file's own, whatever happens to it meanwhile. */
static void the_files_counts_are_those_of_its_rows(void **state)
{
	(void)state;
	int64_t id = fill();
	ok(aps_carry_begin(db, MEMORY, &err));
	assert_int_equal(db_int(memory, "SELECT count(*) FROM counter WHERE id < -3"), 0);
	(void)enqueue(1);
	(void)enqueue(1);
	ok(aps_outbox_remove(db, id, &err));
	ok(aps_outbox_counts_make(memory, 1, &err));
	ok(aps_carry_back(db, MEMORY, &err));
	ok(aps_outbox_remove(db, id + 3, &err));
	assert_counted();
}

static void memory_that_knew_nothing_of_the_file_leaves_its_queue_as_it_was(void **state)
{
	(void)state;
	uint32_t nonce, same;
	int64_t number;
	(void)fill();
	ok(aps_outbox_nonce(db, &nonce, &err));
	ok(aps_carry_stale(db, MEMORY, &err));
	assert_int_equal(n_rows(db), 7);
	ok(aps_outbox_nonce(db, &same, &err));
	assert_int_equal(same, nonce);
	ok(aps_outbox_last_number(db, &number, &err));
	assert_int_equal(number, 3);
}

static void a_part_that_is_deleted_leaves_the_queue_of_its_owner(void **state)
{
	(void)state;
	int64_t part;
	bool is_done;
	(void)fill();
	ok(aps_parts_make(db, APS_STR("p"), APS_STR("ann"), &part, &err));
	ok(aps_parts_drop(db, part, APS_PART_WIPED, &err));
	ok(aps_parts_delete_rows(db, part, 100, &is_done, &err));
	assert_true(is_done);
	ok(aps_parts_remove(db, part, &err));
	assert_int_equal(n_rows(db), 7);
	assert_int_equal(db_int(db, "SELECT count(*) FROM counter WHERE id < -1"), 4);
	assert_counted();
}

/* One row in each table of what syncs keep. */
static void fill_sync(struct aps_db *to, int64_t part, const char *checkpoint)
{
	const struct aps_sync_name sync = {part, APS_STR("aa")};
	const struct aps_tombstone tombstone = {APS_STR("Post:1"), APS_STR("1"), APS_STR(""), 10};
	const struct aps_sync_bad_record record = {APS_STR("Post:2"), APS_STR("x"), 10};
	uint64_t n_bad = 0;
	ok(aps_sync_rows_save(to, sync, aps_str_of(checkpoint), &err));
	ok(aps_tombstone_put(to, sync, &tombstone, &err));
	ok(aps_quarantine_put(to, sync, &record, &n_bad, &err));
}

static void assert_sync(struct aps_db *of, int64_t part, const char *checkpoint, bool has_tombstone, uint64_t n_bad)
{
	const struct aps_sync_name sync = {part, APS_STR("aa")};
	struct aps_buf text;
	bool have_any;
	uint64_t n;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	ok(aps_sync_rows_load(of, sync, &text, &err));
	assert_text(aps_buf_str(&text), checkpoint);
	aps_buf_clear(&text);
	ok(aps_tombstones_have_any(of, sync, &have_any, &err));
	assert_int_equal(have_any, has_tombstone);
	ok(aps_quarantine_count(of, sync, &n, &err));
	assert_int_equal(n, n_bad);
}

static int64_t make_part(struct aps_db *of, const char *identity)
{
	int64_t part;
	ok(aps_parts_make(of, APS_STR("p"), aps_str_of(identity), &part, &err));
	return part;
}

static void what_syncs_keep_is_in_memory_and_goes_back_as_it_is_there(void **state)
{
	(void)state;
	int64_t ann = make_part(db, "ann"), bob = make_part(db, "bob");
	const struct aps_sync_name sync = {ann, APS_STR("aa")};
	fill_sync(db, ann, "c");
	fill_sync(db, bob, "d");
	ok(aps_carry_begin(db, MEMORY, &err));
	assert_sync(memory, ann, "c", true, 1);
	assert_sync(memory, bob, "d", true, 1);
	/* one goes on, and one begins */
	ok(aps_sync_rows_save(memory, sync, APS_STR("e"), &err));
	ok(aps_tombstone_remove(memory, sync, APS_STR("Post:1"), &err));
	ok(aps_quarantine_remove_before(memory, sync, INT64_MAX, &err));
	int64_t eve = make_part(memory, "eve");
	fill_sync(memory, eve, "f");
	assert_sync(db, ann, "c", true, 1);
	ok(aps_carry_back(db, MEMORY, &err));
	assert_sync(db, ann, "e", false, 0);
	assert_sync(db, bob, "d", true, 1);
	assert_int_equal(make_part(db, "eve"), eve);
	assert_sync(db, eve, "f", true, 1);
}

/* What is to be wiped may not be left on pages that are free by then. */
static void what_syncs_keep_of_a_part_that_was_dropped_in_memory_waits_for_its_deletion(void **state)
{
	(void)state;
	bool is_done;
	int64_t ann = make_part(db, "ann"), former = make_part(db, "bob");
	fill_sync(db, ann, "c");
	fill_sync(db, former, "d");
	ok(aps_parts_drop(db, former, APS_PART_WIPED, &err));
	ok(aps_carry_begin(db, MEMORY, &err));
	assert_sync(memory, former, "", false, 0);
	ok(aps_parts_drop(memory, ann, APS_PART_WIPED, &err));
	ok(aps_parts_delete_rows(memory, ann, 100, &is_done, &err));
	assert_true(is_done);
	int64_t now = make_part(memory, "ann");
	fill_sync(memory, now, "e");
	ok(aps_carry_back(db, MEMORY, &err));
	assert_int_equal(make_part(db, "ann"), now);
	assert_sync(db, now, "e", true, 1);
	assert_sync(db, ann, "c", true, 1);
	assert_sync(db, former, "d", true, 1);
	ok(aps_parts_delete_rows(db, ann, 100, &is_done, &err));
	assert_true(is_done);
	assert_sync(db, ann, "", false, 0);
	assert_sync(db, now, "e", true, 1);
}

static void memory_that_knew_nothing_of_the_file_has_its_syncs_begin_anew(void **state)
{
	(void)state;
	int64_t ann = make_part(db, "ann"), bob = make_part(db, "bob");
	fill_sync(db, ann, "c");
	fill_sync(db, bob, "d");
	(void)make_part(memory, "eve"); /* another number than in the file */
	fill_sync(memory, make_part(memory, "ann"), "e");
	ok(aps_carry_stale(db, MEMORY, &err));
	assert_sync(db, ann, "", false, 0);
	assert_sync(db, bob, "d", true, 1);
}

/* Numbers of entries, in this order: "3 4". */
static void assert_doubted(struct aps_db *of, int64_t part, const char *expected)
{
	struct aps_doubted_at at = {part, 0, INT64_MAX};
	struct aps_buf entries;
	char text[64] = "";
	aps_buf_init(&entries, APS_BUF_ANY_SIZE);
	ok(aps_doubted_rows_list(of, &at, 100, &entries, &err));
	const uint64_t *all = (const uint64_t *)(const void *)entries.p;
	for (size_t i = 0; i < entries.n / sizeof *all; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i != 0 ? " " : "", (int)all[i]);
	aps_buf_clear(&entries);
	assert_string_equal(text, expected);
}

static void doubt(struct aps_db *of, int64_t part, uint64_t entry)
{
	ok(aps_doubted_rows_add(of, part, &entry, 1, &err));
}

/* Entries have the same numbers on both sides. */
static void what_is_doubted_goes_with_its_records(void **state)
{
	(void)state;
	bool are_gone;
	int64_t ann = make_part(db, "ann"), bob = make_part(db, "bob"), former = make_part(db, "eve");
	doubt(db, ann, 3);
	doubt(db, bob, 4);
	doubt(db, former, 5);
	ok(aps_parts_drop(db, former, APS_PART_CLEARED, &err));
	ok(aps_carry_begin(db, MEMORY, &err));
	assert_doubted(memory, ann, "3");
	assert_doubted(memory, former, "");
	doubt(memory, ann, 6);
	ok(aps_doubted_rows_remove(memory, bob, 1, 10, &are_gone, &err));
	int64_t now = make_part(memory, "eve");
	doubt(memory, now, 7);
	ok(aps_carry_back(db, MEMORY, &err));
	assert_doubted(db, ann, "3 6");
	assert_doubted(db, bob, "");
	assert_doubted(db, former, "5");
	assert_doubted(db, now, "7");
}

static void what_is_doubted_in_the_file_still_is_after_memory_that_knew_nothing_of_it(void **state)
{
	(void)state;
	int64_t ann = make_part(db, "ann"), of_memory = make_part(memory, "ann");
	doubt(db, ann, 3);
	doubt(memory, of_memory, 9);
	ok(aps_carry_stale(db, MEMORY, &err));
	assert_doubted(db, ann, "3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_move_over_memory_and_back_leaves_the_queue_as_it_was),
	        TEST(the_files_numbers_never_go_back),
	        TEST(the_files_counts_are_those_of_its_rows),
	        TEST(memory_that_knew_nothing_of_the_file_leaves_its_queue_as_it_was),
	        TEST(what_syncs_keep_is_in_memory_and_goes_back_as_it_is_there),
	        TEST(what_syncs_keep_of_a_part_that_was_dropped_in_memory_waits_for_its_deletion),
	        TEST(memory_that_knew_nothing_of_the_file_has_its_syncs_begin_anew),
	        TEST(what_is_doubted_goes_with_its_records),
	        TEST(what_is_doubted_in_the_file_still_is_after_memory_that_knew_nothing_of_it),
	        TEST(a_part_that_is_deleted_leaves_the_queue_of_its_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
