// Hooks around authentication: one that can say no, one that acts on success.

const reserved = ["admin", "moderator", "system"];

export const refuseReservedNames: nkruntime.BeforeHookFunction<nkruntime.AuthenticateDeviceRequest> = (ctx, logger, nk, request) => {
  if (reserved.includes(request.username?.toLowerCase() ?? "")) {
    throw { message: `the name ${request.username} is reserved`, code: 7 };
  }
  return request;
};

// Every new player starts with a purse. `ctx` is that of the player who just
// authenticated.
export const welcome: nkruntime.AfterHookFunction<nkruntime.Session, nkruntime.AuthenticateDeviceRequest> = (ctx, logger, nk, session) => {
  if (!session.created) {
    return;
  }
  nk.storageWrite([
    { collection: "player", key: "purse", userId: ctx.userId, value: { coins: 100 }, permissionRead: 1, permissionWrite: 0 },
  ]);
  nk.metricsCounterAdd("players_created", {}, 1);
  logger.info("welcome, %s", ctx.username);
};
