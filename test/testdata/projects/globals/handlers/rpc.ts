const SYSTEM = "00000000-0000-0000-0000-000000000000";

function rpcRun(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama, payload: string): string {
  const signalled = nk.matchSignal(nk.matchCreate("lobby", {}), "label: ");
  return signalled + " " + writeSave(nk, SYSTEM, { level: 3 }).level;
}

function rpcFailStorage(ctx: nkruntime.Context, logger: nkruntime.Logger, nk: nkruntime.Nakama): string {
  return String(readSave(nk, "7d3a0c3e-1111-4222-8333-444455556666").level);
}
