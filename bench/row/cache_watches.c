/* Events into a cache that is watched, without threads: 10,000 events of one record each, into a cache of 10,000 posts
 * with one SQLite transaction for all, and 100 watched pages of 20 posts, each of which is read again after an event
 * that concerns it. Prints how often that was. */
#include "cache/watch.h"
#include "filled_cache.h"
#include "measure.h"

#include <stdio.h>
#include <string.h>

#define N_WATCHES 100

struct watched {
	struct aps_watch watch;
	struct aps_binding binding;
};

static struct watched watched[N_WATCHES];
static struct aps_watches watches;
static long n_told;

/* {"variables":…,"response":{"data":…}} */
static void watch_line(struct bench_cache *c, const struct aps_gql_document *page, size_t at, char *line)
{
	static const char VARIABLES[] = "{\"variables\":", RESPONSE[] = ",\"response\":";
	char *response = strstr(line, RESPONSE);
	*response = '\0';
	bench_bind(c, &watched[at].binding, page, line + strlen(VARIABLES));
	char *data = response + strlen(RESPONSE);
	bench_write(c, &watched[at].binding, bench_data_of(data, strlen(data) - 1), "RROOT_QUERY");
	const struct aps_read_options options = {
	        .root = APS_STR("RROOT_QUERY"), .is_packed = true, .key_seed = c->cache.entries.seed};
	aps_watch_add(&watches, &watched[at].watch, &watched[at].binding, &options, APS_BUF_ANY_SIZE);
}

static void read_watch(struct bench_cache *c, struct aps_watch *watch)
{
	struct aps_watch_change change;
	struct aps_err err;
	if (aps_watch_read(&watches, watch, &c->source, &change, &err) != APS_OK) bench_die(err.msg);
	if (change.is_other) n_told++;
	aps_buf_clear(&change.gone);
}

/* What a turn does that has brought one event. */
static void take_event(struct bench_cache *c, struct aps_binding *binding, struct aps_str data)
{
	bench_write(c, binding, data, "");
	aps_watches_mark(&watches, c->changed);
	aps_changed_clear(c->changed);
	for (struct aps_watch *watch = watches.first; watch != NULL; watch = watch->next)
		if (watch->is_stale) read_watch(c, watch);
}

static bool is_as_read_anew(struct bench_cache *c, struct watched *one)
{
	struct aps_err err;
	struct aps_read_result result;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_packed = true};
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	if (aps_denormalize(&c->source, &one->binding, &options, &result, &err) != APS_OK) bench_die(err.msg);
	bool ok = result.n_missing == 0 && aps_str_eq(aps_buf_str(&result.data), aps_buf_str(&one->watch.result.data));
	aps_read_result_clear(&result);
	return ok;
}

static size_t watch_all(struct bench_cache *c)
{
	size_t n_bytes, n_document, n = 0;
	char *text = aps_row_data("w4_watched.ndjson", &n_bytes), *rest = NULL;
	const struct aps_gql_document *page = bench_parse(aps_row_data("w4_postsbytag.graphql", &n_document));
	for (char *line = strtok_r(text, "\n", &rest); line != NULL && n < N_WATCHES;
	     line = strtok_r(NULL, "\n", &rest))
		watch_line(c, page, n++, line);
	for (size_t i = 0; i < n; i++) read_watch(c, &watched[i].watch);
	n_told = 0;
	return n;
}

static void fill(struct bench_cache *c)
{
	size_t n_bytes, n_document;
	struct aps_binding binding;
	char *text = aps_row_data("w1_listposts.json", &n_bytes);
	bench_bind(c, &binding, bench_parse(aps_row_data("w1_listposts.graphql", &n_document)), "{\"limit\":10000}");
	bench_write(c, &binding, bench_data_of(text, n_bytes), "RROOT_QUERY");
	aps_binding_clear(&binding);
}

static void print(bool ok, long n, struct aps_meter meter)
{
	char answer[32];
	snprintf(answer, sizeof answer, "%ld", n_told);
	aps_row_print(&(struct aps_row){"w4-merge-100watchers",
	                                "LIB csrc/cache and SQLite, one transaction, each page packed", "-",
	                                "updates/s", n, answer, ok},
	              meter);
}

int main(void)
{
	size_t n_bytes, n_document, n_watched;
	char path[64], *rest = NULL;
	long n = 0;
	struct bench_cache c;
	struct aps_changed changed = {.n = 0};
	struct aps_binding binding;
	char *text = aps_row_data("w4_updates.ndjson", &n_bytes);
	bench_store_path(path, sizeof path);
	bench_cache_open(&c, path);
	bench_begin(&c);
	fill(&c);
	aps_watches_init(&watches);
	n_watched = watch_all(&c);
	bench_commit(&c);
	bench_bind(&c, &binding, bench_parse(aps_row_data("w4_update.graphql", &n_document)), "{}");
	c.changed = &changed;
	struct aps_meter meter = aps_meter_start();
	bench_begin(&c);
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest), n++)
		take_event(&c, &binding, bench_data_of(line, strlen(line)));
	bench_commit(&c);
	meter = aps_meter_stop(meter);
	bool ok = n_watched == N_WATCHES && n_told > 0;
	for (size_t i = 0; i < n_watched; i++) ok = ok && is_as_read_anew(&c, &watched[i]);
	print(ok, n, meter);
	bench_cache_close(&c);
	bench_store_remove(path);
	return ok ? 0 : 1;
}
