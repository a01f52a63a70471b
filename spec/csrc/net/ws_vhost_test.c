#include "net_ws_fixture.h"

#ifdef __linux__
#include <sys/inotify.h>

static char folder[32], certificates[64];

/* The system's certificates, from a file that tells when it is opened. */
static int watch_certificates(void)
{
	char key[64];
	strcpy(folder, "/tmp/appsync-test-XXXXXX");
	if (!mkdtemp(folder)) abort();
	snprintf(certificates, sizeof certificates, "%s/cert.pem", folder);
	snprintf(key, sizeof key, "%s/key.pem", folder);
	certificate_write(certificates, key, "localhost", 3600);
	unlink(key);
	setenv("SSL_CERT_FILE", certificates, 1);
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch < 0 || inotify_add_watch(watch, certificates, IN_OPEN) < 0) abort();
	return watch;
}

static void end_watch(int watch)
{
	close(watch);
	unsetenv("SSL_CERT_FILE");
	unlink(certificates);
	rmdir(folder);
}

static bool was_opened(int watch)
{
	char events[1024];
	return read(watch, events, sizeof events) > 0;
}

static void certificates_are_loaded_for_tls_only_and_once(void **state)
{
	(void)state;
	int watch = watch_certificates();
	struct aps_ws_connect connect = to(peer_free_port());
	start(connect);
	expect_closed(APS_E_NETWORK, NULL);
	assert_false(was_opened(watch));
	connect.is_tls = true;
	start(connect);
	expect_closed(APS_E_NETWORK, NULL);
	assert_true(was_opened(watch));
	start(connect);
	expect_closed(APS_E_NETWORK, NULL);
	assert_false(was_opened(watch));
	end_watch(watch);
}
#endif

static void tls_works_after_a_connection_without_it_and_the_same_options(void **state)
{
	(void)state;
	struct tls_peer peer;
	tls_peer_start(&peer, "localhost", 3600);
	options.ca_file = peer.cert;
	start(to(peer_free_port()));
	expect_closed(APS_E_NETWORK, NULL);
	struct aps_ws_connect connect = to(peer.port);
	connect.is_tls = true;
	start(connect);
	options.ca_file = NULL;
	expect_opened();
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	expect_closed(APS_E_CLOSED, NULL);
	tls_peer_stop(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __linux__
	        WS_TEST(certificates_are_loaded_for_tls_only_and_once),
#endif
	        WS_TEST(tls_works_after_a_connection_without_it_and_the_same_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
