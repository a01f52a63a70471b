std = "max"
max_line_length = 140
unused_args = true
exclude_files = { "lua/appsync/_meta/*", "build/*" }
files["spec"] = { std = "max+busted", max_line_length = false }
files["lua/appsync/host"] = { read_globals = { "ngx", "love" } }
files["examples/openresty"] = { std = "max+ngx_lua" }
files["examples/love-arena"] = { std = "luajit+love" }
files["spec/soak/love"] = { std = "luajit+love" }
files["bin/appsync"] = { globals = { "_" } }
