---@meta appsync.server.native
-- The C module of the local server: HTTP and WebSocket on the calling thread, and SQLite. Private.

---@class appsync.server.native
local native = {}

---@class appsync.server.native.Event
---@field type "request"|"upgrade"|"message"|"close"|"signal"|"output"|"exit"
---@field id number of the request or WebSocket; for output and exit, of the process; nil for a signal
---@field method string request, upgrade
---@field path string request, upgrade; as sent
---@field query string? request, upgrade; without the question mark
---@field headers table<string, string> request, upgrade; lower-case names, repeated ones joined by ", "
---@field body string request
---@field peer string request, upgrade; "ADDRESS:PORT"
---@field text string message, output
---@field code integer close (RFC 6455 section 7.4), signal (its number), exit (the status, or minus the signal that ended it)
---@field reason string close; exit: "cut" if the process wrote more than its limit, else ""

---Starts a listener. Throws for options of the wrong type.
---@param options {host: string?, port: integer?, tls: {cert: string, key: string}?, max_body: integer?, max_headers: integer?, max_message: integer?, max_pending: integer?, max_pending_total: integer?, max_incoming_total: integer?, idle_timeout: integer?, write_timeout: number?}
---@return appsync.server.native.Listener? listener, string? message
function native.open(options) end

---Verifies a signature: RSASSA-PKCS1-v1_5 with SHA-256.
---@param pem string public key or certificate
---@param data string
---@param signature string raw bytes
---@return boolean? is_valid, string? message `nil, message` if the PEM text contains no RSA key
function native.rs256_verify(pem, data, signature) end

---Returns a string that changes when the file does, made of its times, size and inode.
---@param path string
---@return string? stamp, string what "file", "folder" or "other"; without a stamp, the error message
function native.file_stamp(path) end

---@param path string
---@return string[]? names in no particular order, without "." and ".."
---@return string? message
function native.list_folder(path) end

---@param descriptor integer
---@return boolean
function native.is_terminal(descriptor) end

---For the program that owns its process: reserves memory for libevent, and makes writing beyond a file size limit an error.
---@return boolean is_guarded false if there is no memory to reserve
function native.guard_process() end

---Starts a time limit. When it is over, running functions whose chunk name doesn't begin with `ours` are stopped with `err`,
---which they can't catch. Doesn't apply while another hook is set, nor to code that LuaJIT has compiled.
---@param seconds number
---@param ours string
---@param err any
---@return number? before pass it to `time_limit_end`
function native.time_limit_begin(seconds, ours, err) end

---@param before number? returned by `time_limit_begin`
function native.time_limit_end(before) end

---@class appsync.server.native.Listener
local Listener = {}

---@return integer
function Listener:port() end

---Waits for events, at most `timeout_s` (nil: no limit), and returns all of them.
---@param timeout_s number?
---@return appsync.server.native.Event[]
function Listener:poll(timeout_s) end

---Answers a request, or refuses an upgrade.
---@param id number
---@param status integer 200 to 599
---@param headers table<string, string>?
---@param body string?
---@return boolean? ok, string? message false: the client is gone
function Listener:respond(id, status, headers, body) end
Listener.reject = Listener.respond

---Completes a WebSocket handshake.
---@param id number
---@param protocol string? the chosen sub-protocol
---@return boolean? ok, string? message false: the client is gone
function Listener:accept(id, protocol) end

---Sends a text message. A peer whose unread bytes exceed max_pending is dropped (close code 1008).
---@param id number
---@param text string
---@return boolean ok false: the socket is closing or gone
function Listener:send(id, text) end

---Starts the closing handshake.
---@param id number
---@param code integer? default 1000
---@param reason string? at most 123 bytes
function Listener:close(id, code, reason) end

---Returns whether max_pending_total bytes are pending for clients that read slowly: no more requests should be answered.
---@return boolean
function Listener:is_full() end

---Turns SIGTERM and SIGINT into events.
---@return boolean? ok, string? message
function Listener:signal() end

---Starts a program, without a shell. Its standard output becomes events; its standard error is the server's.
---@param words string[] the program, looked up in PATH unless it has a slash, and its arguments
---@param by_lines boolean one event per line; otherwise one for all output, before the exit event
---@param max_output integer bytes per line, or in all; a process that writes more is killed
---@return number? id, string? message
function Listener:spawn(words, by_lines, max_output) end

---Queues bytes for the standard input of a process.
---@param id number
---@param text string
---@param is_last boolean? closes its input after these bytes
---@return boolean ok false: the process is gone, or its input has ended
function Listener:feed(id, text, is_last) end

---Kills a process and everything it started.
---@param id number
---@return boolean ok false: it is gone
function Listener:kill(id) end

---@return {requests: integer, upgrades: integer, messages_in: integer, messages_out: integer, overflows: integer, open_requests: integer, open_sockets: integer, pending: integer, slow_readers: integer, incoming: integer, crowded: integer}
function Listener:stats() end

---Sends close code 1001 to every WebSocket, waits up to `timeout_s` for the answers, and closes. May be called twice.
---@param timeout_s number? default 0.5
function Listener:shutdown(timeout_s) end

---@class appsync.server.native.SqliteOptions
---@field read_only boolean? the file must exist; a write is an error (false)
---@field synchronous "normal"|"full"|"off"|nil https://www.sqlite.org/pragma.html#pragma_synchronous ("normal")
---@field busy_ms integer? how long to wait for another connection's lock (5000)

---Opens or creates a database with a write-ahead log and foreign keys. Throws for options of the wrong type.
---@param path string a file, or ":memory:"
---@param options appsync.server.native.SqliteOptions?
---@return appsync.server.native.Connection? connection, string? message, string? code as of Connection
function native.sqlite_open(path, options) end

---Methods that fail return nil, message, code: "full", "readonly", "locked", "corrupt", "out_of_memory", "descriptors" or nil.
---Parameters: nil or `core.null`, boolean (0 or 1), number, string. A NULL column is `core.null`.
---@class appsync.server.native.Connection
local Connection = {}

---Runs statements and discards their rows. Here and below, SQL must not begin or end a transaction.
---@param sql string
---@return true? ok, string? message, string? code
function Connection:exec(sql) end

---@param sql string one statement
---@return any[][]? rows, string? message, string? code
function Connection:query(sql, ...) end

---@param sql string one statement
---@return any[]? values the columns of all rows
---@return string? message, string? code
function Connection:values(sql, ...) end

---@param sql string one statement
---@return integer? changed rows
---@return string? message, string? code
function Connection:run(sql, ...) end

---Begins a transaction with the file's write lock, or, on a read-only connection, with one view of the file. Transactions
---can't be nested.
---@return true? ok, string? message, string? code
function Connection:begin() end

---Commits the transaction. If it fails, the transaction is rolled back.
---@return true? ok, string? message, string? code
function Connection:commit() end

---Rolls back the transaction. Never fails; does nothing without a transaction.
function Connection:rollback() end

---@return boolean
function Connection:in_transaction() end

---Rolls back and closes. May be called twice; any other method of a closed connection throws.
function Connection:close() end

return native
