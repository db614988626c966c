---@meta
-- What tests for kumi test can use. Written by kumi types; changes will be lost.

---Declares a test.
---@param name string
---@param fn fun()
function test(name, fn) end

---Declares a test that is not run.
---@param name string
---@param fn fun()
function test_skip(name, fn) end

---Declares a test; only tests of this kind are run in the file.
---@param name string
---@param fn fun()
function test_only(name, fn) end

---Groups tests.
---@param name string
---@param fn fun()
function describe(name, fn) end

---Runs before each test of the group, or of the file.
---@param fn fun()
function before_each(fn) end

---Runs after each test of the group, or of the file.
---@param fn fun()
function after_each(fn) end

---Returns matchers for a value.
---@param value any
---@return kumitest.Matchers
function expect(value) end

---The server that the test file runs against.
---@type kumitest.Server
server = {}

---Virtual time: of tests, modules and the server.
---@type kumitest.Clock
clock = {}

---Answers of other servers to requests of modules.
---@type kumitest.Http
http = {}

---What a server sends without having been asked.
---@alias kumitest.Kind KINDS

---@class kumitest.Matchers
---@field never kumitest.Matchers inverts the matcher
---@field to_be fun(expected: any) the same table, or an equal value
---@field to_equal fun(expected: any) equal data
---@field to_match_object fun(expected: table) a table that has the given fields, at any depth
---@field to_contain fun(item: any) a list with an equal element, or a text with that part
---@field to_contain_object fun(item: table) a list with an element that has the given fields
---@field to_have_length fun(length: integer)
---@field to_have_property fun(path: string, expected?: any) a field, given by a path such as "a.b"
---@field to_be_null fun()
---@field to_be_nil fun()
---@field to_be_undefined fun()
---@field to_be_defined fun()
---@field to_be_truthy fun()
---@field to_be_falsy fun()
---@field to_be_greater_than fun(number: number)
---@field to_be_greater_than_or_equal fun(number: number)
---@field to_be_less_than fun(number: number)
---@field to_be_less_than_or_equal fun(number: number)
---@field to_be_close_to fun(number: number, digits?: integer)
---@field to_match fun(pattern: string) a text that contains another one
---@field to_throw fun(message?: string) a function that raises an error whose message contains a text

---@class kumitest.Server
---@field player fun(name: string): kumitest.Player signs a player in by name and opens a socket
---@field players fun(n: integer, prefix?: string): kumitest.Player[] signs n players in
---@field rpc fun(id: string, payload?: any): any calls an RPC function as another server does
---@field request fun(method: string, path: string, body?: any, headers?: table<string, string>): table sends any HTTP request to the client port
---@field log table[] the lines of the log since the test began
---@field replay fun(file: string): string[] replays the recording of a match, a file in the modules folder, and returns how it differs
---@field sql fun(query: string, parameters?: any[]): table[] runs SQL and returns the rows
---@field metrics table<string, number> the metrics by name

---@class kumitest.Clock
---@field advance fun(duration: number|string) lets time pass: milliseconds, or a text such as "90d", "1h30m" or "250ms"
---@field to fun(time: number|string) lets time pass until a moment: Unix milliseconds, or a text such as "2026-03-01"
---@field now fun(): integer the time in Unix milliseconds

---@class kumitest.Http
---@field stub fun(url: string, answer: any) answers requests to a URL, or to all that begin with it if it ends in *
---@field requests table[] the requests since the test began

---A player with a session and a socket. Functions may be called with a colon, too.
---@class kumitest.Player
---@field name string
---@field id string
---@field username string
---@field token string
---@field authenticate fun(method: string, account: table) begins a session by another method: "custom", "email" and so on
---@field refresh fun() refreshes the session
---@field rpc fun(id: string, payload?: any): any calls an RPC function
---@field received fun(kind: kumitest.Kind, where?: table, within?: number|string): table waits for the next message of a kind
---@field messages fun(kind?: kumitest.Kind, where?: table): table[] the messages that have arrived so far
---@field drop fun() cuts the connection
---@field disconnect fun() closes the connection
---@field reconnect fun() opens the socket again
---@field slow fun(slow?: boolean) stops reading from the socket, or goes on
-- CALLS
