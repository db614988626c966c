const dayMillis = 24 * 60 * 60 * 1000;

const beforeCustom: nkruntime.BeforeHookFunction<nkruntime.AuthenticateCustomRequest> = (ctx, logger, nk, data) => data;

function rpcReward(context: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, payload: string): string {
  return JSON.stringify({ coinsReceived: dayMillis / 86400 });
}
