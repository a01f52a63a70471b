/* Two processes on one store: this one, and another that does what it is told. */
#ifndef APS_SPEC_SHARING_WORLD_H
#define APS_SPEC_SHARING_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/process.h"
#include "client/sharing.h"
#include "vault_world.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#define A "{ a { id n } }"
#define B "{ b { id n } }"

static struct vault_world world;
static struct aps_descriptors doors;
static size_t n_live;
static pid_t other;
static int wire = -1;

static inline const char *record(const char *root, const char *id, int n)
{
	static char text[128];
	snprintf(text, sizeof text, "{\"%s\":{\"id\":\"%s\",\"n\":%d,\"__typename\":\"T\"}}", root, id, n);
	return text;
}

static inline void look(struct vault_world *at)
{
	struct aps_err err;
	if (at->vault->look.due == NULL) aps_sharing_begin(at->vault);
	aps_timers_run(&at->timers, NULL, at->vault->look.at_ms);
	if (aps_vault_commit(at->vault, &err) != APS_OK) fail_msg("%s", err.msg);
}

/* As a query is answered that was asked at that moment. */
static inline void answer_query(struct vault_world *at, uint32_t asked_at, const char *query, const char *data)
{
	struct aps_err err;
	struct aps_operation operation = vault_world_operation(query);
	const struct aps_partition_data what = {
	        .operation = &operation, .data = aps_str_of(data), .errors = APS_STR(""), .asked_at = asked_at};
	if (aps_partition_write(at->partition, &what, &err) != APS_OK) fail_msg("%s", err.msg);
	aps_operation_clear(&operation);
	vault_world_commit(at);
}

static inline void answer_late(struct vault_world *at, uint32_t asked_at, const char *data)
{
	answer_query(at, asked_at, A, data);
}

/* The layer of a call. */
static inline void hope(struct vault_world *at, int n)
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

/* What a core's poll does: whether there was any knock. */
static inline bool hear(void)
{
	struct pollfd fds[APS_DESCRIPTORS_MAX];
	size_t n = aps_descriptors_list(&doors, fds);
	if (poll(fds, (nfds_t)n, 0) <= 0) return false;
	bool is_any = aps_descriptors_note(&doors, fds);
	aps_descriptors_run(&doors, NULL);
	return is_any;
}

/* What a command is answered with. */
static inline const char *obey(struct vault_world *at, char *command)
{
	static char answer[64];
	const char *word = strtok(command, " ");
	if (strcmp(word, "open") == 0) vault_world_open(at);
	if (strcmp(word, "close") == 0) vault_world_close(at);
	if (strcmp(word, "look") == 0) look(at);
	if (strcmp(word, "hear") == 0) return hear() ? "heard" : "nothing";
	if (strcmp(word, "begin") == 0) (void)aps_vault_begin(at->vault, &(struct aps_err){.code = APS_OK});
	if (strcmp(word, "end") == 0) vault_world_commit(at);
	if (strcmp(word, "retry") == 0) {
		aps_vault_retry(at->vault, 0);
		vault_world_commit(at);
	}
	if (strcmp(word, "write") == 0) {
		const char *root = strtok(NULL, " "), *id = strtok(NULL, " ");
		vault_world_write(at, root[0] == 'a' ? A : B, record(root, id, atoi(strtok(NULL, " "))));
		vault_world_commit(at);
	}
	if (strcmp(word, "urge") == 0) {
		vault_world_write(at, A, record("a", "1", atoi(strtok(NULL, " "))));
		at->vault->is_urgent = true;
		vault_world_commit(at);
	}
	if (strcmp(word, "many") == 0) {
		for (int i = 0, n = atoi(strtok(NULL, " ")); i < n; i++) {
			char id[16];
			snprintf(id, sizeof id, "%d", 100 + i);
			vault_world_write(at, B, record("b", id, i));
		}
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

static inline void move_to(struct vault_world *at, const char *path)
{
	snprintf(at->path, sizeof at->path, "%s", path);
	aps_reader_free(at->reader);
	at->reader = aps_reader_new(path, "p", "", &at->policies, at->channel, NULL);
}

/* It ends with this process, however that ends. */
static inline void serve(int fd, const char *path)
{
	struct vault_world own;
	char command[256];
	ssize_t n;
	vault_world_begin(&own);
	own.vaults.descriptors = &doors;
	move_to(&own, path);
	while ((n = recv(fd, command, sizeof command - 1, 0)) > 0) {
		command[n] = '\0';
		const char *answer = obey(&own, command);
		if (send(fd, answer, strlen(answer), 0) < 0) break;
	}
	vault_world_end(&own);
	_exit(0);
}

static inline const char *tell(const char *command)
{
	static char answer[512];
	assert_true(send(wire, command, strlen(command), 0) > 0);
	ssize_t n = recv(wire, answer, sizeof answer - 1, 0);
	if (n <= 0) fail_msg("the other process has ended");
	answer[n] = '\0';
	return answer;
}

/* *state: the store's name, where it is to have another one. */
static inline int setup(void **state)
{
	int ends[2];
	char path[sizeof world.path];
	n_live = aps_mem_live();
	vault_world_begin(&world);
	snprintf(path, sizeof path, "%s/%s", world.folder, (const char *)*state);
	if (*state != NULL) move_to(&world, path);
	doors.first = NULL;
	world.vaults.descriptors = &doors;
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

static inline void kill_other(void)
{
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	other = 0;
}

static inline int teardown(void **state)
{
	(void)state;
	aps_clock_go_on();
	close(wire);
	if (other > 0) waitpid(other, NULL, 0);
	vault_world_end(&world);
	return aps_mem_live() == n_live ? 0 : -1;
}

static inline void assert_reads(const char *query, const char *expected)
{
	assert_string_equal(vault_world_read(&world, query), expected);
}

static inline void at(int64_t now_ms)
{
	aps_clock_stand(now_ms, now_ms);
}

/* Both have it, and know of each other. */
static inline void meet(void)
{
	at(1000000);
	vault_world_open(&world);
	vault_world_write(&world, A, record("a", "1", 1));
	vault_world_commit(&world);
	look(&world);
	assert_false(hear());
	tell("open");
	tell("look");
	assert_false(world.vault->has_others);
	assert_true(hear());
	assert_true(world.vault->has_others);
	assert_false(hear());
	assert_reads(A, record("a", "1", 1));
}

#endif
