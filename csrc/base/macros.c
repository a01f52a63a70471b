#include "base/macros.h"

#include <stdio.h>
#include <stdlib.h>

void aps_assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "appsync: broken invariant: %s (%s:%d)\n", condition, file, line);
	abort();
}
