/* Preloaded: names that end with ".silent.example" are looked up for ever, as with a DNS server that never answers. */
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	static const char SUFFIX[] = ".silent.example";
	if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	size_t n = node != NULL ? strlen(node) : 0;
	if (n >= sizeof SUFFIX && strcmp(node + n - (sizeof SUFFIX - 1), SUFFIX) == 0)
		for (;;) pause();
	return real(node, service, hints, result);
}
