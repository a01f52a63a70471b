#include "proto/connstate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define L0 APS_PHASE_DISCONNECTED
#define L1 APS_PHASE_CONNECTING
#define L2 APS_PHASE_CONNECTED

/* All 24 combinations of the inputs: link, online, intended, keep-alive. */
static const struct {
	struct aps_conn_inputs inputs;
	enum aps_conn_state state;
} ROWS[] = {
        {{L2, true, true, true}, APS_CONN_CONNECTED},
        {{L2, true, true, false}, APS_CONN_CONNECTED_PENDING_KEEP_ALIVE},
        {{L2, true, false, true}, APS_CONN_CONNECTED_PENDING_DISCONNECT},
        {{L2, true, false, false}, APS_CONN_CONNECTED_PENDING_DISCONNECT},
        {{L2, false, true, true}, APS_CONN_CONNECTED_PENDING_NETWORK},
        {{L2, false, true, false}, APS_CONN_CONNECTED_PENDING_NETWORK},
        {{L2, false, false, true}, APS_CONN_CONNECTED_PENDING_NETWORK},
        {{L2, false, false, false}, APS_CONN_CONNECTED_PENDING_NETWORK},
        {{L1, true, true, true}, APS_CONN_CONNECTING},
        {{L1, true, true, false}, APS_CONN_CONNECTING},
        {{L1, true, false, true}, APS_CONN_CONNECTING},
        {{L1, true, false, false}, APS_CONN_CONNECTING},
        {{L1, false, true, true}, APS_CONN_CONNECTING},
        {{L1, false, true, false}, APS_CONN_CONNECTING},
        {{L1, false, false, true}, APS_CONN_CONNECTING},
        {{L1, false, false, false}, APS_CONN_CONNECTING},
        {{L0, true, true, true}, APS_CONN_DISRUPTED},
        {{L0, true, true, false}, APS_CONN_DISRUPTED},
        {{L0, false, true, true}, APS_CONN_DISRUPTED_PENDING_NETWORK},
        {{L0, false, true, false}, APS_CONN_DISRUPTED_PENDING_NETWORK},
        {{L0, true, false, true}, APS_CONN_DISCONNECTED},
        {{L0, true, false, false}, APS_CONN_DISCONNECTED},
        {{L0, false, false, true}, APS_CONN_DISCONNECTED},
        {{L0, false, false, false}, APS_CONN_DISCONNECTED},
};

static void each_combination_of_inputs_gives_its_state(void **state)
{
	(void)state;
	assert_int_equal(APS_COUNTOF(ROWS), 3 * 2 * 2 * 2);
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		print_message("row %zu\n", i);
		assert_int_equal(aps_conn_state_of(&ROWS[i].inputs), ROWS[i].state);
	}
}

static void the_names_are_those_that_amplify_uses(void **state)
{
	(void)state;
	assert_string_equal(aps_conn_state_name(APS_CONN_CONNECTED), "Connected");
	assert_string_equal(aps_conn_state_name(APS_CONN_CONNECTING), "Connecting");
	assert_string_equal(aps_conn_state_name(APS_CONN_DISRUPTED), "ConnectionDisrupted");
	assert_string_equal(aps_conn_state_name(APS_CONN_DISRUPTED_PENDING_NETWORK),
	                    "ConnectionDisruptedPendingNetwork");
	assert_string_equal(aps_conn_state_name(APS_CONN_CONNECTED_PENDING_KEEP_ALIVE), "ConnectedPendingKeepAlive");
	assert_string_equal(aps_conn_state_name(APS_CONN_CONNECTED_PENDING_DISCONNECT), "ConnectedPendingDisconnect");
	assert_string_equal(aps_conn_state_name(APS_CONN_CONNECTED_PENDING_NETWORK), "ConnectedPendingNetwork");
	assert_string_equal(aps_conn_state_name(APS_CONN_DISCONNECTED), "Disconnected");
	assert_string_equal(aps_conn_state_name(APS_CONN_STATE_COUNT), "Unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_combination_of_inputs_gives_its_state),
	        cmocka_unit_test(the_names_are_those_that_amplify_uses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
