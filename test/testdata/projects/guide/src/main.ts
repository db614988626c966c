const rpcIdRewards = "run";

function InitModule(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, initializer: nkruntime.Initializer) {
  initializer.registerRpc("fail src/healthcheck.ts:3:15", rpcHealthcheck);
  initializer.registerRpc(rpcIdRewards, rpcReward);
  initializer.registerBeforeAuthenticateCustom(beforeCustom);
  logger.info("JavaScript logic loaded.");
}

// Keeps the compiler from removing what only the server calls.
!InitModule && InitModule.bind(null);
