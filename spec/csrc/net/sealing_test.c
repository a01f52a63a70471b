#include "net/sealing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

#include "base/mem.h"

static bool is_sealed(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void what_is_opened_in_between_is_sealed(void **state)
{
	(void)state;
	struct aps_sealing sealing;
	int before[2], tube[2], pair[2];
	aps_sealing_init(&sealing);
	assert_int_equal(pipe(before), 0);
	aps_sealing_begin(&sealing);
	assert_int_equal(pipe(tube), 0);
	aps_sealing_begin(&sealing); /* the first one counts */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	int file = open("/dev/null", O_RDONLY);
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	aps_sealing_end(&sealing);
	assert_true(is_sealed(tube[0]) && is_sealed(tube[1]) && is_sealed(pair[0]) && is_sealed(pair[1]));
	assert_false(is_sealed(before[0]) || is_sealed(before[1]));
	assert_false(is_sealed(file) || is_sealed(tcp)); /* of kinds that the libraries don't make so */
	close_both(tube);
	assert_int_equal(pipe(tube), 0);
	aps_sealing_end(&sealing); /* without a beginning */
	assert_false(is_sealed(tube[0]));
	close_both(before);
	close_both(tube);
	close_both(pair);
	close(file);
	close(tcp);
	aps_sealing_clear(&sealing);
	assert_int_equal(aps_mem_live(), 0);
}

static void without_memory_nothing_is_sealed(void **state)
{
	(void)state;
	struct aps_sealing sealing;
	int tube[2];
	aps_sealing_init(&sealing);
	aps_mem_fail_at(1);
	aps_sealing_begin(&sealing);
	aps_mem_fail_at(0);
	assert_false(sealing.has_begun);
	assert_int_equal(pipe(tube), 0);
	aps_sealing_end(&sealing);
	assert_false(is_sealed(tube[0]));
	close_both(tube);
	aps_sealing_clear(&sealing);
	assert_int_equal(aps_mem_live(), 0);
}

static void a_socket_is_sealed_from_the_start(void **state)
{
	(void)state;
	int fd = aps_sealed_socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(fd >= 0 && is_sealed(fd));
	close(fd);
	assert_int_equal(aps_sealed_socket(-1, 0, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_opened_in_between_is_sealed),
	        cmocka_unit_test(without_memory_nothing_is_sealed),
	        cmocka_unit_test(a_socket_is_sealed_from_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
