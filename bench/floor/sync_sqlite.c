/* Floor of a first synchronization: page after page by libcurl from server/sync_pages, read by the JSON reader straight
 * into the parameters of one prepared statement, a transaction for each page (WAL, synchronous NORMAL). The table has a
 * rowid; the id leads to a row, and so does an index. Pragmas that tell how much SQLite keeps in memory are those of
 * the client's connection during a first synchronization. Arguments: port, number of records; "bare": without the
 * index. Environment, of both pragmas: CACHE_SIZE, WAL_AUTOCHECKPOINT. */
#include "base/arena.h"
#include "codec/json_reader.h"
#include "filled_cache.h"
#include "measure.h"
#include "store/db_bulk.h"

#include <curl/curl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE                                                                                                          \
	"CREATE TABLE todo (id TEXT UNIQUE, name TEXT, description TEXT, priority INT, done INT, owner TEXT, "         \
	"createdAt TEXT, updatedAt TEXT, _version INT, _lastChangedAt INT, _deleted INT)"
#define INDEX "CREATE INDEX by_owner ON todo (owner)"

/* A parameter's number is its place here; the first one is no column. */
static const struct aps_str FIELDS[] = {
        {"__typename", 10},
        {"id", 2},
        {"name", 4},
        {"description", 11},
        {"priority", 8},
        {"done", 4},
        {"owner", 5},
        {"createdAt", 9},
        {"updatedAt", 9},
        {"_version", 8},
        {"_lastChangedAt", 14},
        {"_deleted", 8},
};

static const char BODY[] =
        "{\"query\":\"query SyncTodos($limit: Int, $nextToken: String, $lastSync: AWSTimestamp) { syncTodos(limit: "
        "$limit, nextToken: $nextToken, lastSync: $lastSync) { __typename items { __typename id name description "
        "priority done owner createdAt updatedAt _version _lastChangedAt _deleted } nextToken startedAt } }\","
        "\"variables\":{\"limit\":1000,\"nextToken\":";

enum { BEGIN, PUT, COMMIT, N_STATEMENTS };

struct floor {
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
	CURL *easy;
	struct curl_slist *headers;
	char url[64];
	char token[32]; /* JSON */
	struct aps_buf page;
	struct aps_arena arena; /* strings of a record that have escapes */
	long n_records, n_pages;
};

static void run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) bench_die(sqlite3_errmsg(db));
}

static void run(struct floor *floor, int which)
{
	sqlite3_stmt *statement = floor->statements[which];
	if (sqlite3_step(statement) != SQLITE_DONE) bench_die(sqlite3_errmsg(floor->db));
	sqlite3_reset(statement);
}

/* As the client's connection has it, or as the environment says. */
static void settle(sqlite3 *db, struct aps_db *like, const char *pragma, const char *variable)
{
	char sql[96];
	int64_t value;
	struct aps_err err;
	const char *own = getenv(variable);
	snprintf(sql, sizeof sql, "PRAGMA %s", pragma);
	if (aps_db_read_int(like, sql, &value, &err) != APS_OK) bench_die(err.msg);
	snprintf(sql, sizeof sql, "PRAGMA %s = %lld", pragma, own ? atoll(own) : (long long)value);
	run_sql(db, sql);
}

static void open_store(struct floor *floor, const char *path, bool is_bare)
{
	static const char *const SQL[N_STATEMENTS] = {
	        [BEGIN] = "BEGIN IMMEDIATE",
	        [PUT] = "INSERT OR REPLACE INTO todo VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	        [COMMIT] = "COMMIT",
	};
	struct aps_db *like;
	struct aps_err err;
	const struct aps_db_options options = {.busy_ms = 1000};
	struct aps_db_bulk bulk = {.is_on = false};
	if (aps_db_open(":memory:", &options, &like, &err) != APS_OK) bench_die(err.msg);
	if (aps_db_set_bulk(like, &bulk, true, &err) != APS_OK) bench_die(err.msg);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &floor->db, flags, NULL) != SQLITE_OK) bench_die("no file");
	run_sql(floor->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
	settle(floor->db, like, "cache_size", "CACHE_SIZE");
	settle(floor->db, like, "wal_autocheckpoint", "WAL_AUTOCHECKPOINT");
	aps_db_close(like);
	run_sql(floor->db, TABLE);
	if (!is_bare) run_sql(floor->db, INDEX);
	for (int i = 0; i < N_STATEMENTS; i++)
		if (sqlite3_prepare_v3(floor->db, SQL[i], -1, SQLITE_PREPARE_PERSISTENT, &floor->statements[i], NULL) !=
		    SQLITE_OK)
			bench_die(sqlite3_errmsg(floor->db));
}

static void close_store(struct floor *floor)
{
	for (int i = 0; i < N_STATEMENTS; i++) sqlite3_finalize(floor->statements[i]);
	sqlite3_close(floor->db);
}

static size_t receive(char *bytes, size_t size, size_t n, void *context)
{
	aps_buf_add(context, bytes, size * n);
	return size * n;
}

static void open_http(struct floor *floor, const char *port)
{
	static const char *const HEADERS[] = {"Content-Type: application/json", "x-api-key: da2-fakeApiId123456",
	                                      "Expect:"};
	snprintf(floor->url, sizeof floor->url, "http://127.0.0.1:%d/graphql", atoi(port));
	for (size_t i = 0; i < APS_COUNTOF(HEADERS); i++)
		floor->headers = curl_slist_append(floor->headers, HEADERS[i]);
	floor->easy = curl_easy_init();
	curl_easy_setopt(floor->easy, CURLOPT_URL, floor->url);
	curl_easy_setopt(floor->easy, CURLOPT_HTTPHEADER, floor->headers);
	curl_easy_setopt(floor->easy, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(floor->easy, CURLOPT_WRITEDATA, &floor->page);
	curl_easy_setopt(floor->easy, CURLOPT_BUFFERSIZE, (long)CURL_MAX_READ_SIZE);
}

static void fetch(struct floor *floor)
{
	char body[sizeof BODY + sizeof floor->token + 8];
	snprintf(body, sizeof body, "%s%s}}", BODY, floor->token);
	curl_easy_setopt(floor->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
	curl_easy_setopt(floor->easy, CURLOPT_POSTFIELDS, body);
	aps_buf_reset(&floor->page);
	CURLcode code = curl_easy_perform(floor->easy);
	if (code != CURLE_OK) bench_die(curl_easy_strerror(code));
	floor->n_pages++;
}

/* 0: no column has this name. They come in this order. */
static int parameter_of(const struct aps_json_reader *r, int after)
{
	for (int i = 1; i <= (int)APS_COUNTOF(FIELDS); i++) {
		int at = (after + i) % (int)APS_COUNTOF(FIELDS);
		if (r->text.n == FIELDS[at].n && memcmp(r->text.p, FIELDS[at].p, r->text.n) == 0) return at;
	}
	return 0;
}

/* The texts are where they are until the record is put. */
static void bind_value(struct floor *floor, struct aps_json_reader *r, int parameter)
{
	sqlite3_stmt *put = floor->statements[PUT];
	struct aps_str text;
	switch (aps_json_next(r)) {
	case APS_JSON_STRING:
		text = aps_json_unescape(r, &floor->arena);
		sqlite3_bind_text(put, parameter, text.p, (int)text.n, SQLITE_STATIC);
		break;
	case APS_JSON_INT: sqlite3_bind_int64(put, parameter, r->integer); break;
	case APS_JSON_TRUE: sqlite3_bind_int(put, parameter, 1); break;
	case APS_JSON_FALSE: sqlite3_bind_int(put, parameter, 0); break;
	case APS_JSON_NULL: sqlite3_bind_null(put, parameter); break;
	default: bench_die("another page than ours");
	}
}

static void put_record(struct floor *floor, struct aps_json_reader *r)
{
	struct aps_str skipped;
	int parameter = -1;
	while (aps_json_next(r) == APS_JSON_KEY) {
		parameter = parameter_of(r, parameter);
		if (parameter != 0)
			bind_value(floor, r, parameter);
		else
			aps_json_skip_value(r, &skipped);
	}
	run(floor, PUT);
	aps_arena_reset(&floor->arena);
	floor->n_records++;
}

static void expect(struct aps_json_reader *r, enum aps_json_token token, const char *key)
{
	if (aps_json_next(r) != token || (key && !aps_json_text_is(r, key))) bench_die("another page than ours");
}

static void take_token(struct floor *floor, struct aps_json_reader *r)
{
	struct aps_str text;
	aps_json_skip_value(r, &text);
	if (text.n >= sizeof floor->token) bench_die("another page than ours");
	memcpy(floor->token, text.p, text.n);
	floor->token[text.n] = '\0';
}

static void keep(struct floor *floor)
{
	struct aps_json_reader r;
	struct aps_str skipped;
	aps_json_reader_init(&r, aps_buf_str(&floor->page), 0);
	expect(&r, APS_JSON_OBJECT, NULL);
	expect(&r, APS_JSON_KEY, "data");
	expect(&r, APS_JSON_OBJECT, NULL);
	expect(&r, APS_JSON_KEY, "syncTodos");
	expect(&r, APS_JSON_OBJECT, NULL);
	run(floor, BEGIN);
	while (aps_json_next(&r) == APS_JSON_KEY) {
		if (aps_json_text_is(&r, "nextToken")) {
			take_token(floor, &r);
		} else if (aps_json_text_is(&r, "items")) {
			expect(&r, APS_JSON_ARRAY, NULL);
			while (aps_json_next(&r) == APS_JSON_OBJECT) put_record(floor, &r);
		} else {
			aps_json_skip_value(&r, &skipped);
		}
	}
	expect(&r, APS_JSON_OBJECT_END, NULL);
	expect(&r, APS_JSON_OBJECT_END, NULL);
	expect(&r, APS_JSON_END, NULL);
	run(floor, COMMIT);
}

static void synchronize(struct floor *floor)
{
	strcpy(floor->token, "null");
	do {
		fetch(floor);
		keep(floor);
	} while (strcmp(floor->token, "null") != 0);
}

static long count_stored(struct floor *floor)
{
	sqlite3_stmt *count;
	if (sqlite3_prepare_v2(floor->db, "SELECT count(*) FROM todo", -1, &count, NULL) != SQLITE_OK) return 0;
	long n = sqlite3_step(count) == SQLITE_ROW ? (long)sqlite3_column_int64(count, 0) : 0;
	sqlite3_finalize(count);
	return n;
}

int main(int n_args, char **args)
{
	if (n_args < 3) return 2;
	struct floor floor = {.n_records = 0};
	char path[64], workload[48];
	long n = atol(args[2]);
	bool is_bare = n_args > 3 && strcmp(args[3], "bare") == 0;
	bench_store_path(path, sizeof path);
	aps_buf_init(&floor.page, APS_BUF_ANY_SIZE);
	aps_arena_init(&floor.arena, (size_t)1 << 20);
	struct aps_meter meter = aps_meter_start();
	open_store(&floor, path, is_bare);
	open_http(&floor, args[1]);
	synchronize(&floor);
	meter = aps_meter_stop(meter);
	bool ok = floor.n_records == n && count_stored(&floor) == n;
	snprintf(workload, sizeof workload, "w8-sync-%ld", n);
	aps_row_print(&(struct aps_row){workload,
	                                is_bare ? "FLOOR libcurl, JSON reader, SQLite without the index"
	                                        : "FLOOR libcurl, JSON reader, SQLite, one index",
	                                SQLITE_VERSION, "records/s", n, NULL, ok},
	              meter);
	curl_easy_cleanup(floor.easy);
	curl_slist_free_all(floor.headers);
	close_store(&floor);
	bench_store_remove(path);
	aps_arena_clear(&floor.arena);
	aps_buf_clear(&floor.page);
	return ok ? 0 : 1;
}
