// The plain JavaScript sample, written the way Nakama wants it: one file,
// global functions, no imports. Load it in place of the TypeScript one with
//   go run . --runtime.js_entrypoint plain/index.js

function rpcHello(ctx, logger, nk, payload) {
  return "Hello, " + (payload || ctx.username || "stranger") + "!";
}

function rpcRoll(ctx, logger, nk, payload) {
  var sides = parseInt(payload, 10) || 6;
  if (sides < 2 || sides > 1000) {
    throw { message: "a die has 2 to 1000 sides", code: 3 };
  }
  return JSON.stringify({ sides: sides, rolled: 1 + Math.floor(Math.random() * sides) });
}

function countReads(ctx, logger, nk, objects, request) {
  nk.metricsCounterAdd("objects_read", {}, objects.objects.length);
}

function InitModule(ctx, logger, nk, initializer) {
  initializer.registerRpc("hello", rpcHello);
  initializer.registerRpc("roll", rpcRoll);
  initializer.registerAfterReadStorageObjects(countReads);
  logger.info("the JavaScript sample is ready");
}

!InitModule && InitModule.bind(null);
