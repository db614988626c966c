// What tests for kumi test can use. Written by kumi types; changes will be lost.

/** Declares a test. */
declare function test(name: string, fn: () => void | Promise<void>): void;
/** Declares a test that is not run. */
declare function testSkip(name: string, fn: () => void | Promise<void>): void;
/** Declares a test; only tests of this kind are run in the file. */
declare function testOnly(name: string, fn: () => void | Promise<void>): void;
/** Groups tests. */
declare function describe(name: string, fn: () => void): void;
/** Runs before each test of the group, or of the file. */
declare function beforeEach(fn: () => void | Promise<void>): void;
/** Runs after each test of the group, or of the file. */
declare function afterEach(fn: () => void | Promise<void>): void;
/** Returns matchers for a value. */
declare function expect(value: any): kumitest.Matchers<void>;

/** The server that the test file runs against. */
declare const server: kumitest.Server;
/** Virtual time: of tests, modules and the server. */
declare const clock: kumitest.Clock;
/** Answers of other servers to requests of modules. */
declare const http: kumitest.Http;

declare namespace kumitest {
  /** Milliseconds, or a text such as "90d", "1h30m" or "250ms". */
  type Duration = number | string;

  /** What a server sends without having been asked. */
  type Kind = KINDS;

  interface Matchers<R> {
    not: Matchers<R>;
    /** The matchers are about the value of a promise. Await them. */
    resolves: Matchers<Promise<void>>;
    /** The matchers are about the reason for which a promise is rejected. Await them. */
    rejects: Matchers<Promise<void>>;
    /** The same object, or an equal text, number or boolean. */
    toBe(expected: any): R;
    /** Equal data. */
    toEqual(expected: any): R;
    /** An object that has the given properties, at any depth. */
    toMatchObject(expected: object): R;
    /** A list with an equal element, or a text with that part. */
    toContain(item: any): R;
    /** A list with an element that has the given properties. */
    toContainObject(item: object): R;
    toHaveLength(length: number): R;
    /** An object with a property, given by a path such as "a.b". */
    toHaveProperty(path: string, expected?: any): R;
    toBeNull(): R;
    toBeNil(): R;
    toBeUndefined(): R;
    toBeDefined(): R;
    toBeTruthy(): R;
    toBeFalsy(): R;
    toBeGreaterThan(number: number): R;
    toBeGreaterThanOrEqual(number: number): R;
    toBeLessThan(number: number): R;
    toBeLessThanOrEqual(number: number): R;
    toBeCloseTo(number: number, digits?: number): R;
    /** A text that contains another one, or that a regular expression matches. */
    toMatch(pattern: string | RegExp): R;
    /** A function that throws an error whose message contains or matches something. If it is async, await the matcher. */
    toThrow(message?: string | RegExp): R | Promise<void>;
  }

  interface Server {
    /** Signs a player in by name and opens a socket. It is the same account in all tests of a file. */
    player(name: string): Promise<Player>;
    /** Signs n players in: player1, player2 and so on. */
    players(n: number, prefix?: string): Promise<Player[]>;
    /** Calls an RPC function as another server does, with the HTTP key. */
    rpc(id: string, payload?: any): Promise<any>;
    /** Sends any HTTP request to the client port. */
    request(method: string, path: string, body?: any, headers?: { [name: string]: string }): Promise<{ status: number; headers: { [name: string]: string }; body: string }>;
    /** Replays the recording of a match, a file in the modules folder, and returns how it differs from what was recorded. */
    replay(file: string): Promise<string[]>;
    /** The lines of the log since the test began. */
    readonly log: { time: string; level: string; message: string; [field: string]: any }[];
    /** Runs SQL on the server's database and returns the rows. */
    sql(query: string, parameters?: any[]): Promise<{ [column: string]: any }[]>;
    /** The metrics by name, with labels as in Prometheus. */
    readonly metrics: { [name: string]: number };
  }

  interface Clock {
    /** Lets time pass. */
    advance(duration: Duration): Promise<void>;
    /** Lets time pass until a moment: Unix milliseconds, a Date, or a text such as "2026-03-01" or "2026-03-01T12:00:00Z". */
    to(time: number | string | Date): Promise<void>;
    /** The time in Unix milliseconds, as Date.now(). */
    now(): number;
  }

  interface Http {
    /** Answers requests to a URL, or to all that begin with it if it ends in *: with a text, with data as JSON, or with {status, headers, body}. */
    stub(url: string, answer: any): void;
    /** The requests since the test began. */
    readonly requests: { method: string; url: string; headers: { [name: string]: string }; body: string }[];
  }

  /** A player with a session and a socket. Answers are the server's, as the clients' SDKs return them. */
  interface Player {
    readonly name: string;
    readonly id: string;
    readonly username: string;
    readonly token: string;
    /** Begins a session by another method: "custom", "email" and so on. */
    authenticate(method: string, account: object): Promise<void>;
    /** Refreshes the session. */
    refresh(): Promise<void>;
    /** Calls an RPC function. Data is sent as JSON, and JSON is returned as data. */
    rpc(id: string, payload?: any): Promise<any>;
    /** Waits for the next message of a kind, with the given properties, that was not returned before: 20 seconds of virtual time, or as long as within says. */
    received(kind: Kind, where?: object, within?: Duration): Promise<any>;
    /** The messages that have arrived so far, with their kind. */
    messages(kind?: Kind, where?: object): any[];
    /** Cuts the connection. */
    drop(): Promise<void>;
    /** Closes the connection. */
    disconnect(): Promise<void>;
    /** Opens the socket again. */
    reconnect(): Promise<void>;
    /** Stops reading from the socket, or goes on. */
    slow(slow?: boolean): Promise<void>;

    // CALLS
  }
}
