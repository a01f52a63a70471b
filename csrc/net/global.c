#include "net/global.h"

#include "base/mem.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode result;

/* libcurl keeps copies of requests, so it gets an allocator that wipes. Its blocks are malloc's: what was allocated for
 * others before stays valid. Where the host was first to initialize libcurl, the host's allocator stays. */
static void init_curl(void)
{
	result = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, aps_mem_forget, aps_mem_move, strdup, calloc);
}

enum aps_rc aps_net_global_init(struct aps_err *err)
{
	pthread_once(&once, init_curl);
	if (result == CURLE_OK) return APS_OK;
	return aps_fail_word(err, APS_E_SYSTEM, NULL, (long)result, "cannot start libcurl: %s",
	                     curl_easy_strerror(result));
}
