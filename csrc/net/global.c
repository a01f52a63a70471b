#include "net/global.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode result;

static void *lws_allocate(void *block, size_t n_bytes, const char *reason)
{
	(void)reason;
	if (n_bytes != 0) return aps_mem_move(block, n_bytes);
	aps_mem_forget(block);
	return NULL;
}

/* Both libraries keep copies of requests, so both get an allocator that wipes. Its blocks are malloc's: what they
 * allocated for others before stays valid. Where the host was first to initialize libcurl, the host's allocator stays.
 */
static void init_libraries(void)
{
	lws_set_allocator(lws_allocate);
	result = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, aps_mem_forget, aps_mem_move, strdup, calloc);
}

enum aps_rc aps_net_global_init(struct aps_err *err)
{
	pthread_once(&once, init_libraries);
	if (result == CURLE_OK) return APS_OK;
	return aps_fail_word(err, APS_E_SYSTEM, NULL, (long)result, "cannot start libcurl: %s",
	                     curl_easy_strerror(result));
}
