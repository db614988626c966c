// The page is served by the game server, so there is one address and nothing
// to install.

// serve returns a handler for a file in the page folder. The file is read on
// every request, so a change shows after a reload of the tab; unchanged files
// are not sent again.
export function serve(file: string, type: string): nkruntime.HttpFunction {
  return async (ctx, logger, nk, request) => {
    const body = nk.fileRead(`page/${file}`);
    const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body)));
    const etag = `"${Array.from(sum.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("")}"`;
    const headers = { "Content-Type": `${type}; charset=utf-8`, "Cache-Control": "no-cache", ETag: etag };
    if (request.headers["If-None-Match"]?.includes(etag)) {
      return { status: 304, headers };
    }
    return { headers, body };
  };
}
