/* Preloaded: the process may start as many threads as NO_THREADS_AFTER says. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	static atomic_int n_started;
	const char *most = getenv("NO_THREADS_AFTER");
	if (most != NULL && atomic_fetch_add(&n_started, 1) >= atoi(most)) return EAGAIN;
	if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attributes, run, argument);
}
