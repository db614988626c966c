let InitModule: nkruntime.InitModule = function (ctx, logger, nk, initializer) {
  initializer.registerMatch("table", Game.Match.handler);
  initializer.registerRpc("run", (ctx, logger, nk) => nk.matchSignal(nk.matchCreate("table"), ""));
  initializer.registerRpc("fail src/cards/deck.ts:12:11", Game.Cards.failDeck);
  initializer.registerRpc("fail src/cards/pile.ts:11:11", Game.Cards.failPile);
  initializer.registerRpc("fail src/main.ts:6:66", () => { throw new Error("here"); });
};
