/* Bytes that never change after they were built, shared by an atomic reference count. */
#ifndef APS_RT_BYTES_H
#define APS_RT_BYTES_H

#include "base/str.h"

#include <stdatomic.h>

struct aps_bytes {
	atomic_size_t n_refs;
	size_t n;
	char p[];
};

APS_BEGIN_DECLS

/* Room for n bytes, one reference; NULL when memory is out. Shrink `n` before sharing where fewer were filled. */
struct aps_bytes *aps_bytes_new(size_t n);
struct aps_bytes *aps_bytes_ref(struct aps_bytes *bytes);
void aps_bytes_unref(struct aps_bytes *bytes); /* NULL is legal */

APS_END_DECLS

#endif
