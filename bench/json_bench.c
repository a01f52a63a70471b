/* JSON in C: tokens read and values written, beside memchr() for a byte that isn't there (the floor: the text is looked
 * at once) and strlen() on the same text. One row for each and each text; a unit is a megabyte of text. */
#include "base/clock.h"
#include "base/rand.h"
#include "json_copy.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

#define SEED  20240601
#define MIN_S 0.03

struct job {
	struct aps_str json;
	struct aps_buf out;
};

static size_t sink;

static void random_text(struct aps_rand *rand, struct aps_buf *out, size_t n)
{
	aps_buf_reset(out);
	for (size_t i = 0; i < n; i++) aps_buf_add_byte(out, (char)('a' + aps_rand_below(rand, 26)));
}

static void add_text(struct aps_json_writer *w, struct aps_rand *rand, struct aps_buf *scratch, const char *key,
                     size_t n)
{
	random_text(rand, scratch, n);
	aps_json_write_member(w, key, aps_buf_str(scratch));
}

static struct aps_buf make_records(size_t n_records, size_t body_chars)
{
	struct aps_buf json, scratch;
	struct aps_json_writer w;
	struct aps_rand rand;
	aps_rand_init(&rand, SEED);
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	aps_buf_init(&scratch, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &json);
	aps_json_write_array(&w);
	for (size_t i = 0; i < n_records; i++) {
		aps_json_write_object(&w);
		add_text(&w, &rand, &scratch, "id", 12);
		add_text(&w, &rand, &scratch, "title", 20);
		add_text(&w, &rand, &scratch, "body", body_chars);
		aps_json_write_key(&w, APS_STR("ups"));
		aps_json_write_int(&w, (int64_t)aps_rand_below(&rand, 10000));
		aps_json_write_key(&w, APS_STR("score"));
		aps_json_write_double(&w, (double)aps_rand_below(&rand, 100000) / 1000);
		aps_json_write_key(&w, APS_STR("published"));
		aps_json_write_bool(&w, aps_rand_below(&rand, 2) == 0);
		aps_json_write_object_end(&w);
	}
	aps_json_write_array_end(&w);
	APS_ASSERT(aps_json_writer_finish(&w) == APS_OK);
	aps_buf_clear(&scratch);
	return json;
}

static void run_memchr(struct job *job)
{
	sink += memchr(job->json.p, 0x01, job->json.n) == NULL;
}

static void run_strlen(struct job *job)
{
	sink += strlen(job->json.p);
}

static void run_read(struct job *job)
{
	struct aps_json_reader r;
	enum aps_json_token token;
	aps_json_reader_init(&r, job->json, 0);
	while ((token = aps_json_next(&r)) != APS_JSON_END) {
		APS_ASSERT(token != APS_JSON_ERROR);
		sink += token;
	}
}

static void run_read_and_write(struct job *job)
{
	struct aps_json_reader r;
	struct aps_json_writer w;
	enum aps_json_token token;
	aps_buf_reset(&job->out);
	aps_json_reader_init(&r, job->json, 0);
	aps_json_writer_init(&w, &job->out);
	while ((token = aps_json_next(&r)) != APS_JSON_END) bench_copy_token(&w, &r, token);
	APS_ASSERT(aps_json_writer_finish(&w) == APS_OK && job->out.n == job->json.n);
}

static void run_times(void (*run)(struct job *), struct job *job, long times)
{
	for (long i = 0; i < times; i++) run(job);
}

static void row(const char *what, const char *text, void (*run)(struct job *), struct job *job)
{
	char workload[64];
	long times = 1;
	for (;; times *= 2) {
		double start = aps_clock_mono_s();
		run_times(run, job, times);
		if (aps_clock_mono_s() - start >= MIN_S) break;
	}
	struct aps_meter meter = aps_meter_start();
	run_times(run, job, times);
	meter = aps_meter_stop(meter);
	/* In megabytes, rounded: the text is so long that it doesn't matter. */
	long n_bytes = (long)job->json.n * times;
	snprintf(workload, sizeof workload, "json, C, %s", text);
	aps_row_print(&(struct aps_row){workload, what, "-", "MB/s", (n_bytes + 500000) / 1000000, NULL, true}, meter);
}

int main(void)
{
	static const struct {
		const char *name;
		size_t n_records, body_chars;
	} TEXTS[] = {{"long strings", 500, 2000}, {"short strings", 8000, 24}};
	for (size_t i = 0; i < APS_COUNTOF(TEXTS); i++) {
		struct aps_buf json = make_records(TEXTS[i].n_records, TEXTS[i].body_chars);
		struct job job = {.json = aps_buf_str(&json)};
		aps_buf_init(&job.out, APS_BUF_ANY_SIZE);
		row("FLOOR memchr", TEXTS[i].name, run_memchr, &job);
		row("strlen", TEXTS[i].name, run_strlen, &job);
		row("LIB read", TEXTS[i].name, run_read, &job);
		row("LIB read and write", TEXTS[i].name, run_read_and_write, &job);
		aps_buf_clear(&job.out);
		aps_buf_clear(&json);
	}
	return sink == 0;
}
