/* Compiler helpers and the one place that decides symbol visibility.
 * Every header of the project wraps its declarations in APS_BEGIN_DECLS / APS_END_DECLS, which hides
 * them, so that `make` and LuaRocks build a module that exports luaopen_* only. */
#ifndef APS_BASE_MACROS_H
#define APS_BASE_MACROS_H

#include <stddef.h>
#include <stdint.h>

#ifdef APS_TESTING /* tests are programs of their own beside a library of the core */
#define APS_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#else
#define APS_BEGIN_DECLS _Pragma("GCC visibility push(hidden)")
#endif
#define APS_END_DECLS _Pragma("GCC visibility pop")
#define APS_EXPORT    __attribute__((visibility("default")))

#define APS_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define APS_UNUSED                     __attribute__((unused))
#define APS_NODISCARD                  __attribute__((warn_unused_result))

#define APS_COUNTOF(array)                      (sizeof(array) / sizeof((array)[0]))
#define APS_CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* Release builds keep the check where it guards memory: a broken invariant must not become a write. */
#define APS_ASSERT(condition)                                                                                          \
	do {                                                                                                           \
		if (!(condition)) aps_assert_failed(#condition, __FILE__, __LINE__);                                   \
	} while (0)

APS_BEGIN_DECLS
/* Prints the broken condition to stderr and aborts. */
void aps_assert_failed(const char *condition, const char *file, int line) __attribute__((noreturn));
APS_END_DECLS

#endif
