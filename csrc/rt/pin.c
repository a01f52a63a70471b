#include "rt/pin.h"

#include <dlfcn.h>

void aps_pin_module(void)
{
	Dl_info info;
	static const char anchor = 0; /* an address inside this object */
	if (!dladdr(&anchor, &info) || !info.dli_fname) return;
#ifdef RTLD_NODELETE
	/* RTLD_NODELETE marks the mapped object for good, so that the handle itself need not be kept. A statically
	 * linked build finds no such object, and needs none. */
	void *handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
	if (handle) dlclose(handle);
#else
	(void)dlopen(info.dli_fname, RTLD_LAZY);
#endif
}
