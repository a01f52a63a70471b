---@meta appsync.server.native
-- The C module of the local server: HTTP and WebSocket on the calling thread, and SQLite. Private.

---@class appsync.server.native
local native = {}

---@class appsync.server.native.Event
---@field type "request"|"upgrade"|"message"|"close"|"signal"|"output"|"exit"
---@field id number of the request or WebSocket; output, exit: of the process, among processes; nil for a signal
---@field method string request, upgrade
---@field path string request, upgrade; as it was sent
---@field query string? request, upgrade; without the question mark
---@field headers table<string, string> request, upgrade; lower-case names, repeated ones joined by ", "
---@field body string request
---@field peer string request, upgrade; "ADDRESS:PORT"
---@field text string message, output
---@field code integer close (RFC 6455 section 7.4), signal (its number), exit (the status, or minus the signal that ended it)
---@field reason string close; exit: "cut" when it wrote more than it may, else ""

---Listens. Throws for options of the wrong type.
---@param options {host: string?, port: integer?, tls: {cert: string, key: string}?, max_body: integer?, max_headers: integer?, max_message: integer?, max_pending: integer?, max_pending_total: integer?, max_incoming_total: integer?, idle_timeout: integer?, write_timeout: number?}
---@return appsync.server.native.Listener? listener, string? message
function native.open(options) end

---RSASSA-PKCS1-v1_5 with SHA-256.
---@param pem string public key or certificate
---@param data string
---@param signature string raw bytes
---@return boolean? is_valid, string? message `nil, message` when the PEM text holds no RSA key
function native.rs256_verify(pem, data, signature) end

---A text that changes when the file does: by its times, size and inode.
---@param path string
---@return string? stamp, string what "file", "folder" or "other"; the message when there is no stamp
function native.file_stamp(path) end

---@param path string
---@return string[]? names in no order, without "." and ".."
---@return string? message
function native.list_folder(path) end

---@param descriptor integer
---@return boolean
function native.is_terminal(descriptor) end

---For the program that owns its process: memory is set aside for libevent, and a file that can't grow is an error.
---@return boolean is_guarded false when there is no memory to set aside
function native.guard_process() end

---From now on a function whose chunk's name doesn't begin with `ours` ends with `err` when the time is over, whatever it
---catches. Not while another hook is set, and not what LuaJIT has compiled.
---@param seconds number
---@param ours string
---@param err any
---@return number? before for `time_limit_end`
function native.time_limit_begin(seconds, ours, err) end

---@param before number? of `time_limit_begin`
function native.time_limit_end(before) end

---@class appsync.server.native.Listener
local Listener = {}

---@return integer
function Listener:port() end

---Waits for events, at most that long (nil: no limit), and takes all of them.
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
---@param protocol string? the sub-protocol that is chosen
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

---Whether as many bytes as max_pending_total wait for clients that read slowly: nothing more should be answered.
---@return boolean
function Listener:is_full() end

---From now on SIGTERM and SIGINT are events.
---@return boolean? ok, string? message
function Listener:signal() end

---Starts a program, without a shell. What it writes to its standard output are events, its standard error is the server's.
---@param words string[] the program, looked up in PATH unless it has a slash, and its arguments
---@param by_lines boolean an event for each line; otherwise one for all, before its exit
---@param max_output integer bytes of a line, or of all; a process that writes more is killed
---@return number? id, string? message
function Listener:spawn(words, by_lines, max_output) end

---Queues bytes for the standard input of a process.
---@param id number
---@param text string
---@param is_last boolean? its input ends behind them
---@return boolean ok false: the process is gone, or its input has ended
function Listener:feed(id, text, is_last) end

---Ends a process and what it started.
---@param id number
---@return boolean ok false: it is gone
function Listener:kill(id) end

---@return {requests: integer, upgrades: integer, messages_in: integer, messages_out: integer, overflows: integer, open_requests: integer, open_sockets: integer, pending: integer, slow_readers: integer, incoming: integer, crowded: integer}
function Listener:stats() end

---Says 1001 to every WebSocket, waits that long for their answers, and closes. Twice is legal.
---@param timeout_s number? default 0.5
function Listener:shutdown(timeout_s) end

---@class appsync.server.native.SqliteOptions
---@field read_only boolean? the file must be there; a write is an error (false)
---@field synchronous "normal"|"full"|"off"|nil https://www.sqlite.org/pragma.html#pragma_synchronous ("normal")
---@field busy_ms integer? how long another connection's lock is waited for (5000)

---Opens or creates a database with a write-ahead log, and foreign keys. Throws for options of the wrong type.
---@param path string a file, or ":memory:"
---@param options appsync.server.native.SqliteOptions?
---@return appsync.server.native.Connection? connection, string? message, string? code as of Connection
function native.sqlite_open(path, options) end

---What can fail gives nil, message, code: "full", "readonly", "locked", "corrupt", "out_of_memory", "descriptors" or nil.
---Parameters: nil or `core.null`, boolean (0 or 1), number, string. A column that is NULL is `core.null`.
---@class appsync.server.native.Connection
local Connection = {}

---Runs statements, whose rows are dropped. Here and below SQL begins and ends no transaction.
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

---Begins a transaction, with the file's write lock; of a read-only connection: one view of the file. They don't nest.
---@return true? ok, string? message, string? code
function Connection:begin() end

---Ends the transaction; a failure has rolled it back.
---@return true? ok, string? message, string? code
function Connection:commit() end

---Never fails. Without a transaction it does nothing.
function Connection:rollback() end

---@return boolean
function Connection:in_transaction() end

---Rolls back. Twice is legal; anything else on a closed connection throws.
function Connection:close() end

return native
