/* Makes a store of so many records, as a client without a key prefix has it: posts and 500 authors, in responses of
 * 1000 posts, and the page postsByTag(tag: "first") of 20 of them. Arguments: its path, the number of records. */
#include "filled_cache.h"

#include <stdio.h>
#include <stdlib.h>

#define N_AUTHORS 500
#define PAGE      1000

static const char LIST[] =
        "query ListPosts($at: Int) { listPosts(at: $at) { __typename items { __typename id title author "
        "{ __typename id name } content ups downs createdAt } nextToken } }";
static const char FIRST[] =
        "query PostsByTag($tag: String!) { postsByTag(tag: $tag) { __typename items { __typename id "
        "title ups author { __typename id name } } nextToken } }";

static const char CONTENT[] =
        "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut "
        "labore et dolore magna aliqua naïve café enim minim veniam quis nostrud exercitation ullamco "
        "laboris nisi";

static void add_author(struct aps_buf *out, long i)
{
	aps_buf_addf(out,
	             "{\"__typename\":\"Author\",\"id\":\"11111111-2222-4333-8444-%012ld\",\"name\":\"Author %ld\"}",
	             i % N_AUTHORS, i % N_AUTHORS);
}

static void add_head(struct aps_buf *out, long i)
{
	aps_buf_addf(out,
	             "{\"__typename\":\"Post\",\"id\":\"%08lx-2222-4333-8444-%012ld\",\"title\":\"title of the post "
	             "with the "
	             "number %ld\",\"ups\":%ld,\"author\":",
	             i * 2654435761 & 0xffffffff, i, i, i % 1000);
	add_author(out, i);
}

static void write_posts(struct bench_cache *c, const struct aps_gql_document *list, long from, long to)
{
	struct aps_buf text;
	struct aps_binding binding;
	char variables[40];
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"listPosts\":{\"__typename\":\"PostConnection\",\"items\":[");
	for (long i = from; i < to; i++) {
		if (i > from) aps_buf_add_byte(&text, ',');
		add_head(&text, i);
		aps_buf_addf(&text, ",\"content\":\"%s\",\"downs\":%ld,\"createdAt\":\"2026-11-30T12:00:00.000Z\"}",
		             CONTENT, i % 100);
	}
	aps_buf_add_text(&text, "],\"nextToken\":null}}");
	snprintf(variables, sizeof variables, "{\"at\":%ld}", from);
	bench_bind(c, &binding, list, variables);
	bench_begin(c);
	bench_write(c, &binding, aps_buf_str(&text), "RROOT_QUERY");
	bench_commit(c);
	aps_entries_trim(&c->cache.entries, (size_t)16 * 1024 * 1024);
	aps_binding_clear(&binding);
	aps_buf_clear(&text);
}

static void write_first(struct bench_cache *c, long n_posts)
{
	struct aps_buf text;
	struct aps_binding binding;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"postsByTag\":{\"__typename\":\"PostConnection\",\"items\":[");
	for (long i = 0; i < 20; i++) {
		if (i > 0) aps_buf_add_byte(&text, ',');
		add_head(&text, n_posts / 20 * i + 7);
		aps_buf_add_byte(&text, '}');
	}
	aps_buf_add_text(&text, "],\"nextToken\":null}}");
	bench_bind(c, &binding, bench_parse(FIRST), "{\"tag\":\"first\"}");
	bench_begin(c);
	bench_write(c, &binding, aps_buf_str(&text), "RROOT_QUERY");
	bench_commit(c);
	aps_binding_clear(&binding);
	aps_buf_clear(&text);
}

int main(int n_args, char **args)
{
	if (n_args != 3) return 2;
	struct bench_cache c;
	long n_posts = atol(args[2]) - N_AUTHORS;
	const struct aps_gql_document *list = bench_parse(LIST);
	bench_cache_open(&c, args[1]);
	for (long i = 0; i < n_posts; i += PAGE) write_posts(&c, list, i, i + PAGE < n_posts ? i + PAGE : n_posts);
	write_first(&c, n_posts);
	bench_cache_close(&c);
	return 0;
}
