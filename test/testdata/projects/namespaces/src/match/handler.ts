namespace Game.Match {
  export interface State { deck: number }
  export enum Op { Deal = 1, Fold }

  export const handler: nkruntime.MatchHandler<State> = {
    matchInit: () => ({ state: { deck: new Cards.Deck().size }, tickRate: 1, label: "" }),
    matchJoinAttempt: (ctx, logger, nk, dispatcher, tick, state) => ({ state, accept: true }),
    matchJoin: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
    matchLeave: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
    matchLoop: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
    matchTerminate: (ctx, logger, nk, dispatcher, tick, state) => ({ state }),
    matchSignal: (ctx, logger, nk, dispatcher, tick, state) => ({ state, data: `${state.deck} ${Op[Op.Fold]}` }),
  };
}
