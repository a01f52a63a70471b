/* Two processes on one store: this one, and another that does what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/process.h"
#include "client/sharing.h"
#include "vault_world.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/socket.h>

#define A "{ a { id n } }"
#define B "{ b { id n } }"

static struct vault_world world;
static size_t n_live;
static pid_t other;
static int wire = -1;

static const char *record(const char *root, const char *id, int n)
{
	static char text[128];
	snprintf(text, sizeof text, "{\"%s\":{\"id\":\"%s\",\"n\":%d,\"__typename\":\"T\"}}", root, id, n);
	return text;
}

static void look(struct vault_world *at)
{
	struct aps_err err;
	if (at->vault->look.due == NULL) aps_sharing_begin(at->vault);
	aps_timers_run(&at->timers, NULL, at->vault->look.at_ms);
	if (aps_vault_commit(at->vault, &err) != APS_OK) fail_msg("%s", err.msg);
}

/* As a query is answered that was asked at that moment. */
static void answer_late(struct vault_world *at, uint32_t asked_at, const char *data)
{
	struct aps_err err;
	struct aps_operation operation = vault_world_operation(A);
	const struct aps_partition_data what = {
	        .operation = &operation, .data = aps_str_of(data), .errors = APS_STR(""), .asked_at = asked_at};
	if (aps_partition_write(at->partition, &what, &err) != APS_OK) fail_msg("%s", err.msg);
	aps_operation_clear(&operation);
	vault_world_commit(at);
}

/* The layer of a call. */
static void hope(struct vault_world *at, int n)
{
	struct aps_err err;
	uint64_t id;
	struct aps_edits *edits = aps_edits_new();
	struct aps_operation operation = vault_world_operation(A);
	const struct aps_edit_what what = {.kind = APS_EDIT_WRITE,
	                                   .key = APS_STR("ROOT_QUERY"),
	                                   .document = operation.document,
	                                   .definition = operation.definition,
	                                   .variables = APS_STR(""),
	                                   .json = aps_str_of(record("a", "1", n))};
	if (edits == NULL || !aps_edits_add(edits, &what)) fail_msg("no edit");
	if (aps_partition_add_layer(at->partition, 7, APS_LAYER_PASSING, edits, &id, &err) != APS_OK)
		fail_msg("%s", err.msg);
	aps_edits_unref(edits);
	aps_operation_clear(&operation);
	vault_world_commit(at);
}

/* What a command is answered with. */
static const char *obey(struct vault_world *at, char *command)
{
	static char answer[64];
	const char *word = strtok(command, " ");
	if (strcmp(word, "open") == 0) vault_world_open(at);
	if (strcmp(word, "close") == 0) vault_world_close(at);
	if (strcmp(word, "look") == 0) look(at);
	if (strcmp(word, "retry") == 0) {
		aps_vault_retry(at->vault, 0);
		vault_world_commit(at);
	}
	if (strcmp(word, "write") == 0) {
		const char *root = strtok(NULL, " "), *id = strtok(NULL, " ");
		vault_world_write(at, root[0] == 'a' ? A : B, record(root, id, atoi(strtok(NULL, " "))));
		vault_world_commit(at);
	}
	if (strcmp(word, "ask") == 0) answer_late(at, aps_partition_moment(at->partition), record("a", "1", 2));
	if (strcmp(word, "hope") == 0) hope(at, atoi(strtok(NULL, " ")));
	if (strcmp(word, "clear") == 0) {
		struct aps_err err;
		aps_partition_clear(at->partition, APS_PART_CLEARED, &err);
		vault_world_commit(at);
	}
	if (strcmp(word, "read") == 0) return vault_world_read(at, strtok(NULL, " ")[0] == 'a' ? A : B);
	snprintf(answer, sizeof answer, "%s %s",
	         at->vault == NULL            ? "closed"
	         : aps_vault_leads(at->vault) ? "leads"
	                                      : "follows",
	         at->vault == NULL || aps_vault_is_available(at->vault) ? "file" : "memory");
	return answer;
}

/* It ends with this process, however that ends. */
static void serve(int fd, const char *path)
{
	struct vault_world own;
	char command[256];
	ssize_t n;
	vault_world_begin(&own);
	snprintf(own.path, sizeof own.path, "%s", path);
	aps_reader_free(own.reader);
	own.reader = aps_reader_new(path, "p", "", &own.policies, own.channel, NULL);
	while ((n = recv(fd, command, sizeof command - 1, 0)) > 0) {
		command[n] = '\0';
		const char *answer = obey(&own, command);
		if (send(fd, answer, strlen(answer), 0) < 0) break;
	}
	vault_world_end(&own);
	_exit(0);
}

static const char *tell(const char *command)
{
	static char answer[512];
	assert_true(send(wire, command, strlen(command), 0) > 0);
	ssize_t n = recv(wire, answer, sizeof answer - 1, 0);
	if (n <= 0) fail_msg("the other process has ended");
	answer[n] = '\0';
	return answer;
}

static int setup(void **state)
{
	(void)state;
	int ends[2];
	n_live = aps_mem_live();
	vault_world_begin(&world);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) return -1;
	other = fork();
	if (other == 0) {
		close(ends[0]);
		serve(ends[1], world.path);
	}
	close(ends[1]);
	wire = ends[0];
	return other > 0 ? 0 : -1;
}

static void kill_other(void)
{
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	other = 0;
}

static int teardown(void **state)
{
	(void)state;
	close(wire);
	if (other > 0) waitpid(other, NULL, 0);
	vault_world_end(&world);
	return aps_mem_live() == n_live ? 0 : -1;
}

static void assert_reads(const char *query, const char *expected)
{
	assert_string_equal(vault_world_read(&world, query), expected);
}

static void both_have_the_file_and_one_leads(void **state)
{
	(void)state;
	assert_string_equal(tell("open"), "leads file");
	vault_world_open(&world);
	assert_true(aps_vault_is_available(world.vault));
	assert_false(aps_vault_leads(world.vault));
	assert_string_equal(vault_world_news(&world), "");
	look(&world);
	assert_false(aps_vault_leads(world.vault));
	assert_string_equal(tell("close"), "closed file");
	look(&world);
	look(&world); /* it is tried every other time */
	assert_true(aps_vault_leads(world.vault));
	assert_string_equal(tell("open"), "follows file");
}

static void what_one_writes_the_other_reads(void **state)
{
	(void)state;
	vault_world_open(&world);
	tell("open");
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	assert_string_equal(tell("read a"), record("a", "1", 1));
	tell("write b 1 2");
	/* what has to be looked for is found at once, and then nothing is of before */
	assert_reads(B, record("b", "1", 2));
	assert_reads(A, record("a", "1", 2));
	/* what is in memory is there until it is looked at */
	tell("write a 1 3");
	assert_reads(A, record("a", "1", 2));
	look(&world);
	assert_reads(A, record("a", "1", 3));
}

/* Reads again what is kept of A: a new one (true), or the one of before. */
static bool is_read_anew(struct aps_kept_read *kept, const char *expected)
{
	struct aps_err err;
	uint64_t before = kept->answer;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	if (aps_reader_read_again(world.reader, kept, APS_STR(""), &options, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_string_equal(kept->result.n_missing != 0 ? "missing" : kept->result.data.p, expected);
	return kept->answer != before;
}

static void a_kept_answer_ends_with_what_another_commits(void **state)
{
	(void)state;
	struct aps_kept_read kept;
	struct aps_operation operation = vault_world_operation(A);
	aps_kept_read_init(&kept, operation.document, operation.definition);
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	assert_true(is_read_anew(&kept, record("a", "1", 1)));
	assert_false(is_read_anew(&kept, record("a", "1", 1)));
	tell("write a 1 2");
	look(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 2)));
	/* what a read meets in the file is so for the others, too */
	tell("write b 1 3");
	assert_false(is_read_anew(&kept, record("a", "1", 2)));
	assert_reads("{ look(for: 1) }", "missing");
	assert_true(is_read_anew(&kept, record("a", "1", 3)));
	tell("hope 4");
	look(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 4)));
	kill_other();
	look(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 3)));
	assert_false(is_read_anew(&kept, record("a", "1", 3)));
	aps_kept_read_clear(&kept);
	aps_operation_clear(&operation);
}

static void what_another_clears_ends_a_kept_answer(void **state)
{
	(void)state;
	struct aps_kept_read kept;
	struct aps_operation operation = vault_world_operation(A);
	aps_kept_read_init(&kept, operation.document, operation.definition);
	tell("open");
	tell("write a 1 1");
	vault_world_open(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 1)));
	assert_false(is_read_anew(&kept, record("a", "1", 1)));
	tell("clear");
	look(&world);
	assert_true(is_read_anew(&kept, "missing"));
	tell("write a 1 5");
	look(&world);
	assert_true(is_read_anew(&kept, record("a", "1", 5)));
	aps_kept_read_clear(&kept);
	aps_operation_clear(&operation);
}

static void who_writes_knows_what_others_have_written(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	/* a record of its own, and names of its own */
	for (int i = 0; i < 50; i++) {
		char command[64], text[128];
		snprintf(command, sizeof command, "write b %d %d", i % 5, i);
		tell(command);
		snprintf(text, sizeof text, "{ f%d a { id n } }", i);
		char data[160];
		snprintf(data, sizeof data, "{\"f%d\":%d,\"a\":{\"id\":\"%d\",\"n\":%d,\"__typename\":\"T\"}}", i, i,
		         i % 7, i);
		vault_world_write(&world, text, data);
		vault_world_commit(&world);
		assert_reads(text, data);
		snprintf(text, sizeof text, "%d", i % 7);
		assert_string_equal(tell("read a"), record("a", text, i));
	}
	vault_world_close(&world);
	assert_string_equal(tell("read a"), record("a", "0", 49));
	vault_world_open(&world);
	assert_reads(A, record("a", "0", 49));
	assert_reads("{ f0 f49 }", "{\"f0\":0,\"f49\":49}");
}

static void what_another_has_cleared_is_begun_anew(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, "{ x y a { id n } }",
	                  "{\"x\":1,\"y\":2,\"a\":{\"id\":\"1\",\"n\":1,\"__typename\":\"T\"}}");
	vault_world_commit(&world);
	assert_reads("{ x y }", "{\"x\":1,\"y\":2}");
	tell("open");
	tell("clear");
	tell("close");
	/* one that has known nothing gives names other numbers */
	tell("open");
	tell("write b 1 2");
	assert_reads("{ x y }", "{\"x\":1,\"y\":2}"); /* in memory */
	assert_reads("{ look(for: 1) }", "missing");
	assert_reads("{ x y }", "missing");
	assert_reads(B, record("b", "1", 2));
	look(&world);
	assert_reads(B, record("b", "1", 2));
	vault_world_write(&world, "{ x y }", "{\"x\":3,\"y\":4}");
	vault_world_commit(&world);
	assert_reads("{ x y }", "{\"x\":3,\"y\":4}");
	assert_reads(B, record("b", "1", 2));
	assert_string_equal(tell("read b"), record("b", "1", 2));
}

static void layers_of_calls_end_with_their_process_and_with_no_other(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	tell("hope 2");
	look(&world);
	assert_reads(A, record("a", "1", 2));
	kill_other();
	look(&world);
	assert_reads(A, record("a", "1", 1));
	assert_true(aps_vault_leads(world.vault));
}

static void a_damaged_file_is_set_aside_once_all_have_let_go_of_it(void **state)
{
	(void)state;
	tell("open");
	tell("write a 1 1");
	vault_world_open(&world);
	aps_vault_damaged(world.vault, world.vault->place);
	vault_world_commit(&world);
	assert_false(aps_vault_is_available(world.vault));
	assert_non_null(strstr(vault_world_news(&world), "a record can't be read"));
	/* the other one still has it */
	aps_vault_retry(world.vault, 0);
	assert_false(aps_vault_is_available(world.vault));
	assert_int_equal(world.vault->wait_ms, 500);
	assert_int_equal(vault_world_files(&world, ".damaged-", NULL), 0);
	assert_string_equal(tell("look"), "leads memory");
	assert_string_equal(tell("retry"), "leads memory"); /* who mends it comes first */
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_true(aps_vault_is_available(world.vault));
	assert_true(aps_vault_leads(world.vault));
	assert_int_equal(vault_world_files(&world, ".damaged-", NULL), 1);
	assert_string_equal(tell("retry"), "follows file");
	assert_reads(A, "missing");
	tell("write b 1 2");
	look(&world);
	assert_reads(B, record("b", "1", 2));
}

/* What lies over a file would be in the way of what others write. */
static void who_cannot_write_a_file_that_others_have_works_from_memory(void **state)
{
	(void)state;
	struct aps_err full;
	vault_world_open(&world);
	tell("open");
	tell("write a 1 1");
	assert_int_equal(aps_fail_word(&full, APS_E_STORAGE, "full", 13, "the disk is full"), APS_E_STORAGE);
	assert_true(aps_vault_cope(world.vault, &full));
	vault_world_commit(&world);
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_MEMORY);
	assert_reads(A, "missing");
	vault_world_write(&world, A, record("a", "1", 5));
	vault_world_commit(&world);
	assert_string_equal(tell("read a"), record("a", "1", 1));
	/* the other one leads meanwhile, and its file has nothing of before when this one is back */
	tell("look");
	assert_string_equal(tell("look"), "leads file");
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_true(aps_vault_is_available(world.vault));
	assert_false(aps_vault_leads(world.vault));
	assert_reads(A, "missing");
	/* alone it keeps what the file has */
	tell("close");
	assert_true(aps_vault_cope(world.vault, &full));
	vault_world_commit(&world);
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_OVER);
	assert_string_equal(tell("open"), "leads memory");
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_string_equal(tell("retry"), "follows file");
}

/* While the numbers of a file are read that it has already. */
static bool is_opening;

static int write_between(unsigned what, void *context, void *stmt, void *more)
{
	(void)context;
	(void)more;
	const char *sql = sqlite3_sql(stmt);
	if (what != SQLITE_TRACE_PROFILE || !is_opening || sql == NULL || strstr(sql, "counter WHERE id = -1") == NULL)
		return 0;
	is_opening = false;
	tell("write b 7 7");
	return 0;
}

static int trace_opened(sqlite3 *db, char **message, const struct sqlite3_api_routines *routines)
{
	(void)message;
	(void)routines;
	return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, write_between, NULL);
}

static void what_is_written_while_a_file_is_opened_has_numbers_of_its_own(void **state)
{
	(void)state;
	tell("open");
	tell("write a 1 1");
	is_opening = true;
	sqlite3_auto_extension((void (*)(void))trace_opened);
	vault_world_open(&world);
	sqlite3_cancel_auto_extension((void (*)(void))trace_opened);
	assert_false(is_opening);
	vault_world_write(&world, "{ c { id n } }", "{\"c\":{\"id\":\"3\",\"n\":3,\"__typename\":\"T\"}}");
	vault_world_commit(&world);
	assert_true(aps_vault_is_available(world.vault));
	assert_string_equal(vault_world_news(&world), "");
	assert_reads(B, record("b", "7", 7));
	assert_string_equal(tell("read b"), record("b", "7", 7));
	assert_reads("{ c { id n } }", record("c", "3", 3));
}

/* Another process's mutation was answered while a query was under way here. */
static void an_answer_yields_to_what_another_process_has_been_told_meanwhile(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("write a 1 2");
	answer_late(&world, asked_at, record("a", "1", 1));
	assert_string_equal(tell("read a"), record("a", "1", 2));
	/* the value is in doubt: a query asks again, and what it brings counts */
	answer_late(&world, aps_partition_moment(world.partition), record("a", "1", 3));
	assert_reads(A, record("a", "1", 3));
}

/* Else no answer would be kept while other processes ask, too. */
static void and_not_to_what_one_has_asked_for(void **state)
{
	(void)state;
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	tell("open");
	tell("look");
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("ask");
	answer_late(&world, asked_at, record("a", "1", 3));
	assert_reads(A, record("a", "1", 3));
	assert_int_equal(world.vault->n_overtaken, 1);
}

static void what_was_told_before_a_file_was_opened_is_nothing_new(void **state)
{
	(void)state;
	tell("open");
	tell("write a 1 1");
	vault_world_open(&world);
	uint32_t asked_at = aps_partition_moment(world.partition);
	tell("ask");
	answer_late(&world, asked_at, record("a", "1", 3));
	assert_reads(A, record("a", "1", 3));
	assert_int_equal(world.vault->n_overtaken, 1);
}

/* In the first second a process may not know of the others. */
static void who_has_come_is_met_by_what_it_writes(void **state)
{
	(void)state;
	vault_world_open(&world);
	assert_false(world.vault->has_others);
	tell("open");
	tell("write b 1 2");
	vault_world_write(&world, A, record("a", "1", 1));
	assert_true(world.vault->has_others);
	vault_world_commit(&world);
}

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(both_have_the_file_and_one_leads, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_one_writes_the_other_reads, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_kept_answer_ends_with_what_another_commits, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_another_clears_ends_a_kept_answer, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_writes_knows_what_others_have_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_another_has_cleared_is_begun_anew, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_damaged_file_is_set_aside_once_all_have_let_go_of_it, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(who_cannot_write_a_file_that_others_have_works_from_memory, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(what_is_written_while_a_file_is_opened_has_numbers_of_its_own, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(an_answer_yields_to_what_another_process_has_been_told_meanwhile, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(and_not_to_what_one_has_asked_for, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_was_told_before_a_file_was_opened_is_nothing_new, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_has_come_is_met_by_what_it_writes, setup, teardown),
	        cmocka_unit_test_setup_teardown(layers_of_calls_end_with_their_process_and_with_no_other, setup,
	                                        teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
