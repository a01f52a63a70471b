/* What a row prints: one JSON line with wall time and the CPU time of the whole process, and the files that it reads.
 */
#ifndef APS_BENCH_MEASURE_H
#define APS_BENCH_MEASURE_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct aps_meter {
	double wall_s, cpu_s;
};

struct aps_row {
	const char *workload, *peer, *version, *unit;
	long n;             /* units */
	const char *answer; /* what all rows of the workload must agree on; NULL: nothing */
	bool ok;            /* the answer was right */
};

APS_BEGIN_DECLS

struct aps_meter aps_meter_start(void);
struct aps_meter aps_meter_stop(struct aps_meter since);
void aps_row_print(const struct aps_row *row, struct aps_meter meter);
/* The environment's N, or `otherwise`. */
long aps_row_count(long otherwise);
/* A file of the folder that BENCH_DATA names, zero-terminated, never freed; ends the program without it. */
char *aps_row_data(const char *name, size_t *n_bytes);

APS_END_DECLS

#endif
