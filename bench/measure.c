#include "measure.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double cpu_s(void)
{
	struct timespec at;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

struct aps_meter aps_meter_start(void)
{
	return (struct aps_meter){aps_clock_mono_s(), cpu_s()};
}

struct aps_meter aps_meter_stop(struct aps_meter since)
{
	return (struct aps_meter){aps_clock_mono_s() - since.wall_s, cpu_s() - since.cpu_s};
}

void aps_row_print(const struct aps_row *row, struct aps_meter meter)
{
	struct rusage usage;
	double n = (double)row->n;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"workload\":\"%s\",\"peer\":\"%s\",\"version\":\"%s\",\"n\":%ld,\"wall_s\":%.6f,\"cpu_s\":%.6f,"
	       "\"rss_mb\":%ld,\"unit_rate\":%.0f,\"unit\":\"%s\",\"cpu_us_per_unit\":%.4f,\"ok\":%s",
	       row->workload, row->peer, row->version, row->n, meter.wall_s, meter.cpu_s, usage.ru_maxrss / 1024,
	       n / meter.wall_s, row->unit, meter.cpu_s / n * 1e6, row->ok ? "true" : "false");
	if (row->answer) printf(",\"answer\":\"%s\"", row->answer);
	printf("}\n");
	fflush(stdout);
}

long aps_row_count(long otherwise)
{
	const char *text = getenv("N");
	long n = text ? atol(text) : otherwise;
	return n > 0 ? n : otherwise;
}

char *aps_row_data(const char *name, size_t *n_bytes)
{
	const char *folder = getenv("BENCH_DATA");
	struct aps_buf path, text;
	aps_buf_init(&path, APS_BUF_ANY_SIZE);
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_addf(&path, "%s/%s", folder ? folder : "bench/data", name);
	FILE *file = fopen(path.p, "rb");
	size_t n;
	char block[4096];
	while (file && (n = fread(block, 1, sizeof block, file)) != 0) aps_buf_add(&text, block, n);
	if (!file || ferror(file)) {
		perror(path.p);
		exit(2);
	}
	fclose(file);
	aps_buf_clear(&path);
	aps_buf_add_byte(&text, '\0');
	char *bytes = aps_buf_take(&text, n_bytes);
	if (!bytes) exit(2);
	*n_bytes -= 1;
	return bytes;
}
