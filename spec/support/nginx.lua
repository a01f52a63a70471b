-- Debian's nginx with its Lua module, in a folder of its own, on unix sockets: no port is taken, and the system's service
-- has no part in it. $NGINX names another binary.
local folder = require "spec.support.folder"
local process = require "spec.support.process"
local socket = require "socket" -- which has SIGPIPE ignored: nginx closes first
local socket_unix = require "socket.unix"
local ssl = require "ssl"

local nginx = {}

local BINARY = os.getenv "NGINX" or "nginx"
local SECONDS = 20

local function output_of(command)
  local pipe = assert(io.popen("PATH=$PATH:/usr/sbin:/sbin; " .. command .. " 2>&1"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

-- Debian's Lua module and what it needs are files; OpenResty has them built in.
local function modules()
  local where = output_of(BINARY .. " -V"):match("%-%-modules%-path=(%S+)")
  local lines = {}
  for _, name in ipairs{ "ndk_http_module", "ngx_http_lua_module" } do
    local path = (where or "") .. "/" .. name .. ".so"
    local file = io.open(path, "rb")
    if file then
      file:close()
      lines[#lines + 1] = "load_module " .. path .. ";"
    end
  end
  return table.concat(lines, "\n")
end

local function is_root() return output_of("id -u"):match("^0%s") ~= nil end

-- What is the same for every test. Lua finds the library where the test finds it.
local FRAME = [[
%s
%s
%s
daemon off;
master_process on;
worker_processes %d;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  lua_package_path "%s";
  lua_package_cpath "%s";
%s
}
]]

---@class spec.Nginx
---@field path string its folder, which is the prefix of relative names
local Nginx = {}
Nginx.__index = Nginx

--- Starts nginx. The `http` block must have `print("READY")` in an init_worker_by_lua_block, flushed.
---@param http string directives within `http`; $FOLDER is the folder
---@param files table<string, string>? further files of the folder
---@param n_workers integer? default 1
---@param main string? further directives outside of `http`; $FOLDER is the folder there, too
---@return spec.Nginx
function nginx.start(http, files, n_workers, main)
  local home = folder.make(files)
  home.write("nginx.conf", FRAME:format(modules(), is_root() and "user root;" or "",
    ((main or ""):gsub("%$FOLDER", home.path)), n_workers or 1, package.path, package.cpath,
    (http:gsub("%$FOLDER", home.path))))
  home.write("error.log", "")
  local first, handle = process.start{ "sh", "-c", 'PATH=$PATH:/usr/sbin:/sbin; exec "$@"', "sh", BINARY, "-p", home.path .. "/",
    "-e", "error.log", "-c", "nginx.conf" }
  local self = setmetatable({ home = home, path = home.path, handle = handle }, Nginx)
  assert(first == "READY", "nginx did not start: " .. tostring(first) .. process.read(handle.log) .. self:log())
  return self
end

--- One that somebody else has started, with its socket `http` in this folder.
---@param path string
---@return spec.Nginx
function nginx.at(path) return setmetatable({ path = path }, Nginx) end

--- What it has written to its log.
function Nginx:log() return process.read(self.path .. "/error.log") end

--- Ends it and its workers, takes its folder away, and gives what it had logged by then.
---@return string log
function Nginx:stop()
  if self.handle.pid then process.stop(self.handle) end
  local log = self:log()
  self.home.remove()
  return log
end

--- Has the master put new workers in the place of the present ones.
function Nginx:reload() process.signal(self.handle, "HUP") end

--- Asks for a path in a connection of its own.
---@param path string
---@param name string? of the socket, default "http"; "https" is asked over TLS
---@param posted string? a body: it is a POST
---@return integer? status nil when the connection ended before it
---@return string? body
---@return string? head
function Nginx:ask(path, name, posted)
  local connection = assert(socket_unix.stream())
  connection:settimeout(SECONDS)
  assert(connection:connect(self.path .. "/" .. (name or "http")))
  if name == "https" then
    connection = assert(ssl.wrap(connection, { mode = "client", protocol = "any", verify = "none" }))
    connection:settimeout(SECONDS)
    assert(connection:dohandshake())
  end
  assert(connection:send(("%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"):format(posted and "POST" or "GET", path,
    #(posted or ""), posted or "")))
  local text, message, partial = connection:receive("*a")
  connection:close()
  if message == "timeout" then error(path .. " was not answered", 2) end
  text = text or partial
  local status, head, body = text:match("^HTTP/1%.%d (%d+)(.-)\r\n\r\n(.*)$")
  return tonumber(status), body, head
end

--- As `ask`, without the head.
---@param path string
---@param name string?
---@return integer? status, string? body
function Nginx:get(path, name)
  local status, body = self:ask(path, name)
  return status, body
end

local Open = {}
Open.__index = Open

--- Makes a connection that asks for nothing yet.
function Nginx:connect()
  local connection = assert(socket_unix.stream())
  connection:settimeout(SECONDS)
  assert(connection:connect(self.path .. "/http"))
  return setmetatable({ connection = connection, text = "" }, Open)
end

--- Asks for a path and leaves the connection open.
---@param path string
function Nginx:open(path)
  local open = self:connect()
  open:ask(path)
  return open
end

---@param path string
function Open:ask(path) assert(self.connection:send("GET " .. path .. " HTTP/1.1\r\nHost: localhost\r\n\r\n")) end

--- Reads until the text is there.
function Open:receive_until(text)
  local give_up = socket.gettime() + SECONDS
  while not self.text:find(text, 1, true) do
    assert(socket.gettime() < give_up, text .. " did not come")
    local line = assert(self.connection:receive "*l")
    self.text = self.text .. line .. "\n"
  end
end

function Open:close() self.connection:close() end

return nginx
