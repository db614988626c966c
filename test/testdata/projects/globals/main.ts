function InitModule(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, initializer: nkruntime.Initializer) {
  initializer.registerMatch("lobby", {
    matchInit: lobbyInit, matchJoinAttempt: lobbyJoinAttempt, matchJoin: lobbySame, matchLeave: lobbySame,
    matchLoop: lobbySame, matchTerminate: lobbySame, matchSignal: lobbySignal,
  });
  initializer.registerRpc("run", rpcRun);
  initializer.registerRpc("fail lib/storage.ts:8:35", rpcFailStorage);
  initializer.registerRpc("fail handlers/rpc.ts:9:26", rpcFailStorage);
}
