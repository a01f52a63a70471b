/* Which processes find one another, and what they have written: those that have the same lock file, locks on it, and
 * the same log. */
#include "sharing_world.h"

static const char *beside(const char *ending)
{
	static char path[sizeof world.path + 16];
	snprintf(path, sizeof path, "%s%s", world.path, ending);
	return path;
}

static enum aps_place_kind kind(void)
{
	return aps_place_kind(world.vault->place);
}

static void who_has_lost_it_leaves_the_store_and_comes_back_to_the_new_one(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	look(&world);
	assert_int_equal(kind(), APS_PLACE_FILE);
	assert_int_equal(unlink(beside("-leader")), 0);
	assert_string_equal(tell("open"), "leads file");
	look(&world);
	assert_non_null(strstr(vault_world_news(&world), "the store's lock file was moved, replaced or deleted"));
	aps_vault_retry(world.vault, 0); /* if that look hasn't lasted until then */
	vault_world_commit(&world);
	assert_int_equal(kind(), APS_PLACE_FILE);
	assert_false(aps_vault_leads(world.vault));
	assert_string_equal(tell("write b 1 2"), "leads file");
	look(&world);
	assert_reads(B, record("b", "1", 2));
}

static void write_durably(int n)
{
	struct aps_err err;
	assert_int_equal(aps_vault_begin_durable(world.vault, &err), APS_OK);
	vault_world_write(&world, A, record("a", "1", n));
	vault_world_commit(&world); /* to memory, where the file may not have it */
}

static void come_back(void)
{
	assert_int_equal(kind(), APS_PLACE_MEMORY);
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_int_equal(kind(), APS_PLACE_FILE);
}

static void fill_disk(void)
{
	struct aps_err full;
	assert_int_equal(aps_fail_word(&full, APS_E_STORAGE, "full", 13, "the disk is full"), APS_E_STORAGE);
	assert_true(aps_vault_cope(world.vault, &full));
	vault_world_commit(&world);
	assert_int_equal(kind(), APS_PLACE_OVER);
}

static void touch(const char *path)
{
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
}

static void without_it_nothing_durable_is_written(void **state)
{
	(void)state;
	char moved[sizeof world.path + 16];
	vault_world_open(&world);
	snprintf(moved, sizeof moved, "%s", beside("-moved"));
	assert_int_equal(rename(beside("-leader"), moved), 0);
	assert_string_equal(tell("open"), "leads file"); /* it leads as well, and would send what this one sends */
	write_durably(1);
	assert_string_equal(tell("read a"), "missing");
	tell("close");
	assert_int_equal(rename(moved, beside("-leader")), 0);
	come_back();
	assert_true(aps_vault_leads(world.vault));
}

/* fcntl(2), "Advisory record locking". */
static void a_program_that_copies_it_has_no_locks_any_more_and_takes_them_anew(void **state)
{
	(void)state;
	vault_world_open(&world);
	look(&world);
	if (!world.vault->file.claim.shows) skip();
	touch(beside("-leader"));
	look(&world);
	assert_non_null(strstr(vault_world_news(&world), "has opened and closed the store's lock file"));
	aps_vault_retry(world.vault, 0);
	assert_int_equal(kind(), APS_PLACE_FILE);
	assert_string_equal(tell("open"), "follows file");
	touch(beside("-leader"));
	write_durably(1);
	assert_int_equal(kind(), APS_PLACE_MEMORY);
	assert_string_equal(tell("read a"), "missing");
}

static void nor_does_it_take_them_for_its_own_where_it_needs_it_alone(void **state)
{
	(void)state;
	vault_world_open(&world);
	look(&world);
	if (!world.vault->file.claim.shows) skip();
	touch(beside("-leader"));
	fill_disk();
	aps_vault_retry(world.vault, 0);
	assert_int_equal(kind(), APS_PLACE_MEMORY);
	assert_non_null(strstr(vault_world_news(&world), "has opened and closed the store's lock file"));
}

/* SQLite's locks on the file are dropped as well: another process takes itself for the last one. */
static void nothing_is_written_to_a_log_that_another_process_has_removed(void **state)
{
	(void)state;
	vault_world_open(&world);
	write_durably(1);
	touch(world.path);
	tell("open");
	assert_string_equal(tell("close"), "closed file");
	assert_int_not_equal(access(beside("-wal"), F_OK), 0);
	write_durably(2);
	assert_non_null(strstr(vault_world_news(&world), "the store's write-ahead log was moved, replaced or deleted"));
	tell("open");
	assert_string_equal(tell("read a"), record("a", "1", 1));
	come_back();
	write_durably(3);
	assert_int_equal(kind(), APS_PLACE_FILE);
	tell("look");
	assert_string_equal(tell("read a"), record("a", "1", 3));
}

static void what_is_in_a_log_that_was_deleted_is_saved(void **state)
{
	(void)state;
	vault_world_open(&world);
	write_durably(1);
	assert_reads(A, record("a", "1", 1)); /* a connection that keeps the log from being folded at the end */
	look(&world);
	assert_int_equal(unlink(beside("-wal")), 0);
	look(&world);
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_int_equal(kind(), APS_PLACE_FILE);
	assert_int_equal(access(beside("-wal"), F_OK), 0);
	tell("open");
	assert_string_equal(tell("read a"), record("a", "1", 1));
}

static void lose_log_to_another(void)
{
	write_durably(1);
	assert_int_equal(unlink(beside("-wal")), 0);
	assert_int_equal(unlink(beside("-shm")), 0);
	assert_string_equal(tell("open"), "follows file");
	tell("write b 1 2");
	tell("close");
	assert_int_equal(access(beside("-wal"), F_OK), 0);
}

/* https://www.sqlite.org/howtocorrupt.html, section 4.4: whoever closes a file last removes its log by its name. */
static void a_log_that_another_process_has_begun_stays(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_close(&world); /* what every store has is in the file */
	vault_world_open(&world);
	look(&world);
	lose_log_to_another();
	look(&world);
	assert_non_null(strstr(vault_world_news(&world), "the store's write-ahead log was moved, replaced or deleted"));
	tell("open");
	assert_string_equal(tell("read b"), record("b", "1", 2));
}

static void so_it_does_when_whoever_has_lost_its_own_ends(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_close(&world);
	vault_world_open(&world);
	lose_log_to_another();
	vault_world_close(&world);
	tell("open");
	assert_string_equal(tell("read b"), record("b", "1", 2));
}

/* All connections of a process have one index of the log (https://www.sqlite.org/wal.html, section 2.2): an idle
 * reader's would keep that of the old one. */
static void who_has_read_the_old_log_reads_and_writes_the_new_one(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_close(&world);
	vault_world_open(&world);
	look(&world);
	write_durably(1);
	assert_reads(A, record("a", "1", 1));
	assert_int_equal(unlink(beside("-wal")), 0);
	assert_int_equal(unlink(beside("-shm")), 0);
	assert_string_equal(tell("open"), "follows file");
	tell("write b 1 2");
	write_durably(2);
	come_back();
	assert_reads(B, record("b", "1", 2));
	write_durably(3);
	assert_int_equal(kind(), APS_PLACE_FILE);
	tell("look");
	assert_string_equal(tell("read a"), record("a", "1", 3));
}

/* Each would have an index and locks of its own for one log. */
static void without_the_index_of_the_log_nothing_is_written_to_it(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_close(&world);
	vault_world_open(&world);
	write_durably(1);
	assert_int_equal(unlink(beside("-shm")), 0);
	assert_string_equal(tell("open"), "follows file");
	tell("write b 1 2");
	write_durably(3);
	assert_non_null(
	        strstr(vault_world_news(&world), "the index of the store's log was moved, replaced or deleted"));
	assert_string_equal(tell("read a"), record("a", "1", 2));
	tell("close");
	come_back();
	assert_reads(B, record("b", "1", 2));
}

static void a_log_is_saved_from_below_memory_too(void **state)
{
	(void)state;
	vault_world_open(&world);
	write_durably(1);
	assert_reads(A, record("a", "1", 1));
	fill_disk();
	assert_int_equal(unlink(beside("-wal")), 0);
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	come_back();
	assert_int_equal(access(beside("-wal"), F_OK), 0);
	tell("open");
	assert_string_equal(tell("read a"), record("a", "1", 1));
}

static void what_lies_over_a_file_goes_when_others_may_have_written_it(void **state)
{
	(void)state;
	vault_world_open(&world);
	write_durably(1);
	fill_disk();
	assert_string_equal(tell("open"), "leads memory");
	assert_int_equal(unlink(beside("-leader")), 0);
	vault_world_write(&world, A, record("a", "1", 3));
	vault_world_commit(&world); /* until then it goes on */
	assert_string_equal(tell("retry"), "leads file");
	tell("write a 1 2");
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	come_back();
	assert_reads(A, record("a", "1", 2));
	tell("write b 1 3");
	look(&world);
	assert_reads(B, record("b", "1", 3));
}

static void a_file_that_was_moved_with_it_is_left_by_whoever_writes_to_it(void **state)
{
	(void)state;
	char moved[sizeof world.path + 16];
	vault_world_open(&world);
	snprintf(moved, sizeof moved, "%s", beside("-moved"));
	assert_int_equal(rename(world.path, moved), 0);
	assert_int_equal(unlink(beside("-leader")), 0);
	look(&world);
	assert_int_equal(kind(), APS_PLACE_FILE);
}

/* Each name has a lock file of its own. */
static void one_name_of_a_file_is_used_at_a_time(void **state)
{
	(void)state;
	struct aps_err err;
	char name[sizeof world.path + 16];
	struct aps_vaults of_another_state = {.first = NULL};
	assert_string_equal(tell("open"), "leads file");
	snprintf(name, sizeof name, "%s", beside("-too"));
	assert_int_equal(link(world.path, name), 0);
	struct vault_world *own = &world;
	move_to(own, name);
	vault_world_open(own);
	assert_int_equal(kind(), APS_PLACE_MEMORY);
	char why[96];
	snprintf(why, sizeof why, "another process (%ld) has it open under another name (a hard link)", (long)other);
	assert_non_null(strstr(vault_world_news(own), why));
	assert_string_equal(tell("close"), "closed file");
	aps_vault_retry(own->vault, 0);
	assert_int_equal(kind(), APS_PLACE_FILE);
	name[strlen(name) - strlen("-too")] = '\0';
	struct aps_vault *second = aps_vault_open(&of_another_state, &(struct aps_store_options){.path = name}, &err);
	assert_non_null(second);
	assert_non_null(strstr(second->trouble.msg, "this process has it open already"));
	aps_vault_close(&of_another_state, second);
	assert_string_equal(tell("open"), "leads memory"); /* this one's lock is still there */
}

static void it_is_open_to_all_that_the_store_is_open_to(void **state)
{
	(void)state;
	struct stat store, lock;
	bool is_root = geteuid() == 0;
	vault_world_open(&world);
	vault_world_close(&world);
	assert_int_equal(chmod(world.path, 0660), 0);
	if (is_root) assert_int_equal(chown(world.path, 65534, 65533), 0);
	assert_int_equal(unlink(beside("-leader")), 0);
	vault_world_open(&world);
	assert_int_equal(stat(world.path, &store), 0);
	assert_int_equal(stat(beside("-leader"), &lock), 0);
	assert_int_equal(lock.st_mode & 0777, 0660);
	assert_int_equal(lock.st_uid, store.st_uid);
	assert_int_equal(lock.st_gid, store.st_gid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(who_has_lost_it_leaves_the_store_and_comes_back_to_the_new_one, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(without_it_nothing_durable_is_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_program_that_copies_it_has_no_locks_any_more_and_takes_them_anew,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(nor_does_it_take_them_for_its_own_where_it_needs_it_alone, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(nothing_is_written_to_a_log_that_another_process_has_removed, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(what_is_in_a_log_that_was_deleted_is_saved, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_log_that_another_process_has_begun_stays, setup, teardown),
	        cmocka_unit_test_setup_teardown(so_it_does_when_whoever_has_lost_its_own_ends, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_has_read_the_old_log_reads_and_writes_the_new_one, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_the_index_of_the_log_nothing_is_written_to_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_log_is_saved_from_below_memory_too, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_lies_over_a_file_goes_when_others_may_have_written_it, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(a_file_that_was_moved_with_it_is_left_by_whoever_writes_to_it, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(one_name_of_a_file_is_used_at_a_time, setup, teardown),
	        cmocka_unit_test_setup_teardown(it_is_open_to_all_that_the_store_is_open_to, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
