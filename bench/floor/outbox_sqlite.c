/* Floors of the outbox, each commit on the disk when it has ended (WAL, synchronous FULL). Environment: N.
 *   enqueue   a record's row, which an index leads to besides, and a row of an outbox, in one SQLite commit; N is 5000
 *   online    the row of an outbox in one commit, and its removal in a second one; N is 3000 */
#include "filled_cache.h"
#include "measure.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define SCHEMA                                                                                                         \
	"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"                                                        \
	"CREATE TABLE todo (id TEXT PRIMARY KEY, name TEXT, priority INTEGER, owner TEXT, created TEXT) WITHOUT "      \
	"ROWID; CREATE INDEX by_owner ON todo (owner);"                                                                \
	"CREATE TABLE outbox (id INTEGER PRIMARY KEY, document TEXT, variables TEXT)"

static const char DOCUMENT[] = "mutation CreateTodo($input: CreateTodoInput!) { createTodo(input: $input) { id name "
                               "priority owner created } }";

enum { BEGIN, RECORD, OUTBOX, REMOVE, COMMIT, N_STATEMENTS };

struct floor {
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
};

static void open_floor(struct floor *floor, const char *path)
{
	static const char *const SQL[N_STATEMENTS] = {
	        [BEGIN] = "BEGIN IMMEDIATE",
	        [RECORD] = "INSERT INTO todo VALUES (?1, ?2, ?3, ?4, ?5)",
	        [OUTBOX] = "INSERT INTO outbox (document, variables) VALUES (?1, ?2)",
	        [REMOVE] = "DELETE FROM outbox WHERE id = last_insert_rowid()",
	        [COMMIT] = "COMMIT",
	};
	if (sqlite3_open(path, &floor->db) != SQLITE_OK) bench_die("no file");
	if (sqlite3_exec(floor->db, SCHEMA, NULL, NULL, NULL) != SQLITE_OK) bench_die(sqlite3_errmsg(floor->db));
	for (int i = 0; i < N_STATEMENTS; i++)
		if (sqlite3_prepare_v3(floor->db, SQL[i], -1, SQLITE_PREPARE_PERSISTENT, &floor->statements[i], NULL) !=
		    SQLITE_OK)
			bench_die(sqlite3_errmsg(floor->db));
}

static void close_floor(struct floor *floor)
{
	for (int i = 0; i < N_STATEMENTS; i++) sqlite3_finalize(floor->statements[i]);
	sqlite3_close(floor->db);
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static void run(struct floor *floor, int which)
{
	sqlite3_stmt *statement = floor->statements[which];
	if (sqlite3_step(statement) != SQLITE_DONE) bench_die(sqlite3_errmsg(floor->db));
	sqlite3_reset(statement);
}

#define ID      "%08x-2222-4333-8444-%012ld"
#define CREATED "2026-11-30T12:00:00.000Z"

static void put_todo(struct floor *floor, long i, unsigned mixed)
{
	char id[48], name[32], owner[16];
	sqlite3_stmt *todo = floor->statements[RECORD];
	snprintf(id, sizeof id, ID, mixed, i);
	snprintf(name, sizeof name, "todo %ld", i);
	snprintf(owner, sizeof owner, "user%u", mixed % 100);
	bind_text(todo, 1, id);
	bind_text(todo, 2, name);
	sqlite3_bind_int64(todo, 3, i);
	bind_text(todo, 4, owner);
	bind_text(todo, 5, CREATED);
	run(floor, RECORD);
}

static void put_mutation(struct floor *floor, long i, unsigned mixed)
{
	char variables[256];
	sqlite3_stmt *outbox = floor->statements[OUTBOX];
	snprintf(variables, sizeof variables,
	         "{\"input\":{\"id\":\"" ID "\",\"name\":\"todo %ld\",\"priority\":%ld,\"owner\":\"user%u\","
	         "\"created\":\"" CREATED "\"}}",
	         mixed, i, i, i, mixed % 100);
	bind_text(outbox, 1, DOCUMENT);
	bind_text(outbox, 2, variables);
	run(floor, OUTBOX);
}

static void enqueue(struct floor *floor, long i)
{
	unsigned mixed = (unsigned)i * 2654435761u;
	run(floor, BEGIN);
	put_todo(floor, i, mixed);
	put_mutation(floor, i, mixed);
	run(floor, COMMIT);
}

static void commit_twice(struct floor *floor, long i)
{
	run(floor, BEGIN);
	put_mutation(floor, i, (unsigned)i);
	run(floor, COMMIT);
	run(floor, BEGIN);
	run(floor, REMOVE);
	run(floor, COMMIT);
}

int main(int n_args, char **args)
{
	struct floor floor;
	char path[64];
	bool is_online = n_args > 1 && strcmp(args[1], "online") == 0;
	long n = aps_row_count(is_online ? 3000 : 5000);
	bench_store_path(path, sizeof path);
	open_floor(&floor, path);
	struct aps_meter meter = aps_meter_start();
	for (long i = 0; i < n; i++) (is_online ? commit_twice : enqueue)(&floor, i);
	meter = aps_meter_stop(meter);
	const struct aps_row row = {
	        .workload = is_online ? "w10-online" : "w10-enqueue",
	        .peer = is_online ? "FLOOR SQLite, two commits" : "FLOOR SQLite, row and outbox row, one commit",
	        .version = SQLITE_VERSION,
	        .unit = is_online ? "mutations/s" : "saves/s",
	        .n = n,
	        .ok = true,
	};
	aps_row_print(&row, meter);
	close_floor(&floor);
	bench_store_remove(path);
	return 0;
}
