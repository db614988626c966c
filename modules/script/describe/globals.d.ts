
// Global variables of the server in addition to those of the language. Where the
// declarations of a browser are present, they take precedence.

interface Console {
    debug(...data: any[]): void;
    error(...data: any[]): void;
    info(...data: any[]): void;
    log(...data: any[]): void;
    trace(...data: any[]): void;
    warn(...data: any[]): void;
}
/** Writes to the log of the server. */
declare var console: Console;

declare namespace NodeJS {
    interface ProcessEnv {
        [name: string]: string | undefined;
    }
    interface Process {
        env: ProcessEnv;
    }
}
/** Has the settings of runtime.env in process.env. It is declared as in @types/node, which may be installed, too. */
declare var process: NodeJS.Process;

/** Calls a function later, during the current call. */
declare function setTimeout(handler: (...args: any[]) => void, timeout?: number, ...args: any[]): number;
declare function setInterval(handler: (...args: any[]) => void, timeout?: number, ...args: any[]): number;
declare function clearTimeout(id: number | undefined): void;
declare function clearInterval(id: number | undefined): void;
declare function queueMicrotask(callback: () => void): void;
/** A deep copy; functions and promises cannot be copied. */
declare function structuredClone<T = any>(value: T): T;
/** Decodes base64; each character of the result is one byte. */
declare function atob(data: string): string;
declare function btoa(data: string): string;

interface TextEncoder {
    readonly encoding: string;
    encode(text?: string): Uint8Array;
    encodeInto(text: string, into: Uint8Array): { read: number, written: number };
}
declare var TextEncoder: typeof globalThis extends { onmessage: any, TextEncoder: infer T } ? T : {
    prototype: TextEncoder;
    new(): TextEncoder;
};

interface TextDecoder {
    readonly encoding: string;
    readonly fatal: boolean;
    readonly ignoreBOM: boolean;
    /** Decodes a complete text; there is no streaming. */
    decode(data?: ArrayBufferLike | ArrayBufferView): string;
}
/** Supports utf-8 and latin1. */
declare var TextDecoder: typeof globalThis extends { onmessage: any, TextDecoder: infer T } ? T : {
    prototype: TextDecoder;
    new(label?: string, options?: { fatal?: boolean, ignoreBOM?: boolean }): TextDecoder;
};

interface URLSearchParams {
    readonly size: number;
    append(name: string, value: string): void;
    delete(name: string, value?: string): void;
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string, value?: string): boolean;
    set(name: string, value: string): void;
    sort(): void;
    toString(): string;
    forEach(visit: (value: string, key: string, parent: URLSearchParams) => void, self?: any): void;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    entries(): IterableIterator<[string, string]>;
    [Symbol.iterator](): IterableIterator<[string, string]>;
}
declare var URLSearchParams: typeof globalThis extends { onmessage: any, URLSearchParams: infer T } ? T : {
    prototype: URLSearchParams;
    new(init?: string | Iterable<[string, string]> | string[][] | Record<string, string> | URLSearchParams): URLSearchParams;
};

interface URL {
    href: string;
    readonly origin: string;
    protocol: string;
    username: string;
    password: string;
    host: string;
    hostname: string;
    port: string;
    pathname: string;
    search: string;
    hash: string;
    readonly searchParams: URLSearchParams;
    toString(): string;
    toJSON(): string;
}
declare var URL: typeof globalThis extends { onmessage: any, URL: infer T } ? T : {
    prototype: URL;
    new(url: string | URL, base?: string | URL): URL;
    canParse(url: string | URL, base?: string | URL): boolean;
    parse(url: string | URL, base?: string | URL): URL | null;
};

interface SubtleCrypto {
    digest(algorithm: string | { name: string }, data: ArrayBufferLike | ArrayBufferView): Promise<ArrayBuffer>;
}
interface Crypto {
    readonly subtle: SubtleCrypto;
    getRandomValues<T extends ArrayBufferView | null>(array: T): T;
    randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
}
declare var crypto: Crypto;
