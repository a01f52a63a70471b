/* Keeps this shared object mapped for the life of the process: unloading it under a running thread crashes the host. */
#ifndef APS_RT_PIN_H
#define APS_RT_PIN_H

#include "base/macros.h"

APS_BEGIN_DECLS

/* Idempotent. dladdr(3) + dlopen(3) with RTLD_NOLOAD | RTLD_NODELETE. */
void aps_pin_module(void);

APS_END_DECLS

#endif
