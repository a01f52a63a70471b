/* Preloaded: every nth small or large allocation of libevent and of the listener fails, by a seed: NO_MEMORY=n:seed;
 * NO_MEMORY_OF=/core.so names another module instead. */
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RANGES 8

static struct {
	uintptr_t start, end;
} ranges[MAX_RANGES];
static int n_ranges = -1;
static unsigned int every, state;

static int on_object(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size, (void)context;
	if (n_ranges == MAX_RANGES || info->dlpi_name == NULL) return 0;
	const char *other = getenv("NO_MEMORY_OF");
	if (other != NULL && strstr(info->dlpi_name, other) == NULL) return 0;
	if (other == NULL && strstr(info->dlpi_name, "libevent") == NULL &&
	    strstr(info->dlpi_name, "/native.so") == NULL)
		return 0;
	uintptr_t start = UINTPTR_MAX, end = 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
		uintptr_t at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
		if (at < start) start = at;
		if (at + info->dlpi_phdr[i].p_memsz > end) end = at + info->dlpi_phdr[i].p_memsz;
	}
	ranges[n_ranges].start = start;
	ranges[n_ranges++].end = end;
	return 0;
}

/* The program calls this by `io.open("/no-memory")`: all modules are loaded then. */
FILE *fopen64(const char *path, const char *mode)
{
	static FILE *(*real)(const char *, const char *);
	if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "fopen64");
	if (strcmp(path, "/no-memory") != 0) return real(path, mode);
	const char *text = getenv("NO_MEMORY");
	if (text != NULL && sscanf(text, "%u:%u", &every, &state) == 2) {
		n_ranges = 0;
		dl_iterate_phdr(on_object, NULL);
	}
	return NULL;
}

FILE *fopen(const char *path, const char *mode)
{
	return fopen64(path, mode);
}

static int fails(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;
	for (int i = 0; i < n_ranges; i++) {
		if (at < ranges[i].start || at >= ranges[i].end) continue;
		state = state * 1664525u + 1013904223u;
		return (state >> 8) % every == 0;
	}
	return 0;
}

void *malloc(size_t n)
{
	static void *(*real)(size_t);
	if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "malloc");
	return fails(__builtin_return_address(0)) ? NULL : real(n);
}

/* dlsym(3) itself calls this one. */
extern void *__libc_calloc(size_t n_items, size_t n);

void *calloc(size_t n_items, size_t n)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n_items, n);
}

void *realloc(void *p, size_t n)
{
	static void *(*real)(void *, size_t);
	if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "realloc");
	return fails(__builtin_return_address(0)) ? NULL : real(p, n);
}
