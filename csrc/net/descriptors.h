/* Libraries tell a process without descriptors like a server that isn't there. */
#ifndef APS_NET_DESCRIPTORS_H
#define APS_NET_DESCRIPTORS_H

#include "base/err.h"

APS_BEGIN_DECLS

/* Tries. True, and *err says so (E_SYSTEM, "descriptors"): none is left for a socket. */
bool aps_descriptors_are_out(struct aps_err *err);

APS_END_DECLS

#endif
