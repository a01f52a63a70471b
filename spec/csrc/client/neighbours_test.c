/* How processes on one store tell one another that there is something to look at. */
#include "sharing_world.h"

static void what_another_has_committed_is_seen_when_it_knocks(void **state)
{
	(void)state;
	meet();
	at(1000020);
	tell("write a 1 2");
	assert_reads(A, record("a", "1", 1));
	assert_true(hear());
	assert_reads(A, record("a", "1", 2));
	/* so soon after it another one waits a little, and all that come meanwhile with it */
	at(1000021);
	tell("write a 1 3");
	assert_true(hear());
	at(1000030);
	tell("write a 1 4");
	assert_true(hear());
	aps_timers_run(&world.timers, NULL, 1000039);
	assert_reads(A, record("a", "1", 2));
	aps_timers_run(&world.timers, NULL, 1000040);
	assert_reads(A, record("a", "1", 4));
	/* but for what somebody waits for */
	at(1000041);
	tell("urge 5");
	assert_true(hear());
	assert_reads(A, record("a", "1", 5));
	assert_false(hear());
}

static void each_is_heard_by_the_other(void **state)
{
	(void)state;
	meet();
	vault_world_write(&world, A, record("a", "1", 7));
	vault_world_commit(&world);
	assert_string_equal(tell("hear"), "heard");
	assert_string_equal(tell("hear"), "nothing");
}

static void who_leaves_says_so_and_another_one_leads(void **state)
{
	(void)state;
	at(1000000);
	tell("open");
	tell("look");
	vault_world_open(&world);
	look(&world);
	assert_false(aps_vault_leads(world.vault));
	tell("hear");
	assert_false(hear());
	tell("close");
	assert_true(hear());
	assert_true(aps_vault_leads(world.vault));
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 1);
	vault_world_close(&world);
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 0);
}

static void what_one_that_was_killed_has_left_is_removed(void **state)
{
	(void)state;
	char name[512], text[600];
	meet();
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 2);
	kill_other();
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 2);
	vault_world_write(&world, A, record("a", "1", 2)); /* it is knocked at all the same */
	vault_world_commit(&world);
	look(&world);
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 1);
	/* what nobody has seen alive is found by who leads, once; it takes nothing else for that */
	vault_world_close(&world);
	snprintf(name, sizeof name, "%s-wake-00000abc", world.path);
	struct aps_door left;
	assert_true(aps_door_open(&left, name));
	close(left.fd);
	snprintf(name, sizeof name, "%s-wake-00000abd", world.path);
	close(open(name, O_CREAT | O_WRONLY, 0600));
	snprintf(text, sizeof text, "%s-wake-00000abcd", world.path);
	assert_true(aps_door_open(&left, text));
	vault_world_open(&world);
	look(&world);
	assert_int_equal(access(left.path, F_OK), 0);
	aps_door_close(&left);
	assert_int_equal(access(name, F_OK), 0);
	unlink(name);
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 1);
}

static void a_door_that_was_removed_is_made_anew(void **state)
{
	(void)state;
	meet();
	hear();
	assert_int_equal(unlink(world.vault->file.neighbours.door.path), 0);
	tell("urge 2");
	assert_false(hear());
	look(&world);
	tell("urge 3");
	assert_true(hear());
	assert_reads(A, record("a", "1", 3));
	vault_world_close(&world);
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 1);
}

static void where_there_is_no_room_for_doors_the_looks_are_enough(void **state)
{
	(void)state;
	char folder[128];
	vault_world_open(&world);
	look(&world);
	vault_world_close(&world);
	/* as if the path were longer than any that a door can have: its place is taken by a folder */
	at(1000000);
	vault_world_open(&world);
	snprintf(folder, sizeof folder, "%s-wake-%08x", world.path, (unsigned)world.vault->file.claim.slot);
	assert_int_equal(mkdir(folder, 0700), 0);
	look(&world);
	assert_null(doors.first);
	assert_true(aps_vault_is_available(world.vault));
	assert_string_equal(vault_world_news(&world), "");
	tell("open");
	tell("look");
	tell("write a 1 2");
	assert_reads(A, record("a", "1", 2));
	tell("write a 1 3");
	assert_false(hear());
	aps_timers_run(&world.timers, NULL, world.vault->look.at_ms);
	assert_reads(A, record("a", "1", 3));
	vault_world_write(&world, B, record("b", "1", 3));
	vault_world_commit(&world);
	assert_string_equal(tell("hear"), "nothing");
	vault_world_close(&world);
	assert_int_equal(rmdir(folder), 0);
}

static char long_name[] = "seventy-characters-of-a-name-and-the-folder-are-more-than-a-socket-has.db";

/* As it is of a store that is deep in somebody's folders. */
static void a_path_that_no_socket_can_have_is_shortened(void **state)
{
	(void)state;
	assert_true(strlen(world.path) + strlen("-wake-00000000") >= sizeof((struct aps_door *)0)->path);
	meet();
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 2);
	vault_world_write(&world, A, record("a", "1", 7));
	vault_world_commit(&world);
	assert_string_equal(tell("hear"), "heard");
	kill_other();
	look(&world);
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 1);
	char *name = world.path + strlen(world.folder) + 1;
	assert_string_equal(name, long_name);
	/* what nobody has seen alive */
	char path[sizeof world.path + 32];
	snprintf(path, sizeof path, "%s-wake-00000abc", name);
	int here = open(".", O_RDONLY);
	assert_int_equal(chdir(world.folder), 0);
	struct aps_door left;
	assert_true(aps_door_open(&left, path));
	assert_int_equal(fchdir(here), 0);
	close(here);
	close(left.fd);
	vault_world_close(&world);
	vault_world_open(&world);
	look(&world);
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 1);
	vault_world_close(&world);
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 0);
}

static void a_strangers_knocks_are_worth_a_look_each(void **state)
{
	(void)state;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	meet();
	memcpy(name.sun_path, world.vault->file.neighbours.door.path, sizeof name.sun_path);
	int stranger = socket(AF_UNIX, SOCK_DGRAM, 0);
	uint64_t generation = world.vault->generation, n_overtaken = world.vault->n_overtaken;
	for (int i = 0; i < 1000; i++) {
		char what[16];
		memset(what, i, sizeof what);
		(void)sendto(stranger, what, (size_t)i % 16, 0, (struct sockaddr *)&name, sizeof name);
		(void)hear();
	}
	close(stranger);
	assert_int_equal(world.vault->generation, generation);
	assert_int_equal(world.vault->n_overtaken, n_overtaken);
	assert_true(aps_vault_leads(world.vault));
	assert_reads(A, record("a", "1", 1));
}

/* Another one is just writing: it is tried again at once, and less and less often. */
static void what_could_not_be_looked_at_is_looked_at_soon(void **state)
{
	(void)state;
	meet();
	tell("write a 1 2");
	at(1000100);
	tell("begin");
	assert_true(hear());
	assert_reads(A, record("a", "1", 1));
	assert_int_equal(world.vault->look.at_ms, 1000101);
	aps_timers_run(&world.timers, NULL, 1000101);
	assert_int_equal(world.vault->look.at_ms, 1000103);
	aps_timers_run(&world.timers, NULL, 1000103);
	assert_int_equal(world.vault->look.at_ms, 1000107);
	/* and as often as ever, however long that lasts */
	int64_t now_ms = 1000107;
	for (int i = 0; i < 70; i++, now_ms = world.vault->look.at_ms) {
		aps_timers_run(&world.timers, NULL, now_ms);
		assert_in_range(world.vault->look.at_ms, now_ms + 1, now_ms + APS_SHARING_LOOK_MS);
	}
	tell("end");
	aps_timers_run(&world.timers, NULL, now_ms);
	assert_reads(A, record("a", "1", 2));
	assert_int_equal(world.vault->look.at_ms, now_ms + APS_SHARING_LOOK_MS);
}

static void a_door_of_a_file_that_is_let_go_isnt_waited_for(void **state)
{
	(void)state;
	struct aps_err damage;
	meet();
	assert_non_null(doors.first);
	aps_fail_word(&damage, APS_E_STORAGE, "corrupt", 0, "damaged");
	assert_true(aps_vault_leave(world.vault, &damage));
	vault_world_commit(&world);
	assert_int_equal(vault_world_files(&world, "-wake-", NULL), 1);
	assert_null(doors.first); /* libcurl doesn't say that one is closed: each of its polls would end at once */
	vault_world_news(&world);
}

/* Has the file with others, as long as `fd` is open at the other end. */
static void hold_slot(const char *path, int slot, int fd)
{
	struct aps_claim claim;
	struct aps_err err;
	char word = 'f';
	if (aps_process_open_claim(path, NULL, &claim, &err) == APS_OK) {
		claim.wanted = slot;
		if (aps_claim_share(&claim, &err) == APS_OK && claim.slot == slot) word = 'h';
	}
	if (write(fd, &word, 1) == 1) (void)!read(fd, &word, 1);
	_exit(0);
}

static int compare(const void *first, const void *second)
{
	return *(const int *)first - *(const int *)second;
}

static void all_of_many_are_found(void **state)
{
	(void)state;
	static const int SLOTS[] = {1, 2, 3, 700, 701, 0x1000000, APS_CLAIM_MAX_SLOT - 1};
	enum { N = APS_COUNTOF(SLOTS) };
	struct aps_claim claim;
	struct aps_err err;
	struct aps_buf found;
	char path[160], word = '?';
	int ends[N][2];
	pid_t children[N];
	snprintf(path, sizeof path, "%s-leader", world.path);
	for (int i = 0; i < N; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends[i]), 0);
		children[i] = fork();
		if (children[i] == 0) {
			for (int j = 0; j <= i; j++) close(ends[j][0]);
			hold_slot(path, SLOTS[i], ends[i][1]);
		}
		close(ends[i][1]);
		assert_int_equal(read(ends[i][0], &word, 1), 1);
		assert_int_equal(word, 'h');
	}
	aps_buf_init(&found, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_process_open_claim(path, NULL, &claim, &err), APS_OK);
	aps_claim_list(&claim, &found);
	assert_int_equal(found.n, N * sizeof(int));
	qsort(found.p, N, sizeof(int), compare);
	for (int i = 0; i < N; i++) assert_int_equal(((const int *)(const void *)found.p)[i], SLOTS[i]);
	aps_buf_clear(&found);
	for (int i = 0; i < N; i++) {
		close(ends[i][0]);
		waitpid(children[i], NULL, 0);
	}
	aps_claim_list(&claim, &found);
	assert_int_equal(found.n, 0);
	aps_process_release(&claim);
}

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_another_has_committed_is_seen_when_it_knocks, setup, teardown),
	        cmocka_unit_test_setup_teardown(all_of_many_are_found, setup, teardown),
	        cmocka_unit_test_setup_teardown(each_is_heard_by_the_other, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_leaves_says_so_and_another_one_leads, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_one_that_was_killed_has_left_is_removed, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_door_that_was_removed_is_made_anew, setup, teardown),
	        cmocka_unit_test_setup_teardown(where_there_is_no_room_for_doors_the_looks_are_enough, setup, teardown),
#ifdef __linux__
	        cmocka_unit_test_prestate_setup_teardown(a_path_that_no_socket_can_have_is_shortened, setup, teardown,
	                                                 long_name),
#endif
	        cmocka_unit_test_setup_teardown(a_strangers_knocks_are_worth_a_look_each, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_could_not_be_looked_at_is_looked_at_soon, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_door_of_a_file_that_is_let_go_isnt_waited_for, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
