#include "server/files_lua.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_METATABLE "appsync.folder"

struct apl_folder {
	DIR *dir; /* NULL: closed */
};

static int push_errno(lua_State *L, const char *path, int code)
{
	lua_pushnil(L);
	lua_pushfstring(L, "%s: %s", path, strerror(code));
	return 2;
}

/* Besides the times: editors that write a new file and rename it change the inode, and the size tells two writes of one
 * clock tick apart. */
static int Apl_file_stamp(lua_State *L)
{
	const char *path = apl_check_cstring(L, 1);
	struct stat st;
	if (stat(path, &st) != 0) return push_errno(L, path, errno);
	char stamp[160];
	snprintf(stamp, sizeof(stamp), "%llu:%llu:%lld:%lld.%09ld:%lld.%09ld", (unsigned long long)st.st_dev,
	         (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
	         (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	lua_pushstring(L, stamp);
	lua_pushstring(L, S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "folder" : "other");
	return 2;
}

static int Apl_folder_gc(lua_State *L)
{
	struct apl_folder *folder = luaL_checkudata(L, 1, FOLDER_METATABLE);
	if (folder->dir != NULL) closedir(folder->dir);
	folder->dir = NULL;
	return 0;
}

static int Apl_list_folder(lua_State *L)
{
	const char *path = apl_check_cstring(L, 1);
	struct apl_folder *folder = apl_newuserdata(L, sizeof(*folder));
	folder->dir = NULL;
	luaL_getmetatable(L, FOLDER_METATABLE);
	lua_setmetatable(L, -2);
	folder->dir = opendir(path);
	if (folder->dir == NULL) return push_errno(L, path, errno);
	lua_newtable(L);
	for (int n = 0;;) {
		errno = 0;
		struct dirent *entry = readdir(folder->dir);
		if (entry == NULL) break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
		lua_pushstring(L, entry->d_name);
		lua_rawseti(L, -2, ++n);
	}
	int code = errno;
	closedir(folder->dir);
	folder->dir = NULL;
	return code != 0 ? push_errno(L, path, code) : 1;
}

static int Apl_is_terminal(lua_State *L)
{
	lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
	return 1;
}

static const luaL_Reg functions[] = {
        {"file_stamp", Apl_file_stamp},
        {"is_terminal", Apl_is_terminal},
        {"list_folder", Apl_list_folder},
        {NULL, NULL},
};

void apl_files_register(lua_State *L)
{
	luaL_newmetatable(L, FOLDER_METATABLE);
	lua_pushcfunction(L, Apl_folder_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
	for (const luaL_Reg *function = functions; function->name != NULL; function++) {
		lua_pushcfunction(L, function->func);
		lua_setfield(L, -2, function->name);
	}
}
