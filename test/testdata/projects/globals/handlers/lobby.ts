const lobbyInit: nkruntime.MatchInitFunction = (ctx, logger, nk, params) => ({ state: params, tickRate: 1, label: LABELS["lobby"] });
const lobbyJoinAttempt: nkruntime.MatchJoinAttemptFunction = (ctx, logger, nk, dispatcher, tick, state) => ({ state: state, accept: false });
const lobbySame: nkruntime.MatchLoopFunction = (ctx, logger, nk, dispatcher, tick, state) => ({ state: state });
const lobbySignal: nkruntime.MatchSignalFunction = (ctx, logger, nk, dispatcher, tick, state, data) => ({ state: state, data: data + LABELS.lobby });
