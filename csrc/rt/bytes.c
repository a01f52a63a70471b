#include "rt/bytes.h"

#include "base/mem.h"

struct aps_bytes *aps_bytes_new(size_t n)
{
	if (n > SIZE_MAX / 2) return NULL;
	struct aps_bytes *bytes = aps_malloc(sizeof *bytes + n);
	if (!bytes) return NULL;
	atomic_init(&bytes->n_refs, 1);
	bytes->n = n;
	return bytes;
}

struct aps_bytes *aps_bytes_ref(struct aps_bytes *bytes)
{
	atomic_fetch_add_explicit(&bytes->n_refs, 1, memory_order_relaxed);
	return bytes;
}

void aps_bytes_unref(struct aps_bytes *bytes)
{
	/* Acquire and release: what other threads read of the bytes happens before they are freed. */
	if (bytes && atomic_fetch_sub_explicit(&bytes->n_refs, 1, memory_order_acq_rel) == 1) aps_free(bytes);
}
