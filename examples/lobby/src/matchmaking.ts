// Matchmaking by rating.
import { readRecord } from "./records";

// Before hook: a client sends how far an opponent's rating may differ, as the
// numeric property "width". The rating and the query are set here, so clients
// can neither claim another rating nor choose weak opponents.
export const rateTicket: nkruntime.RtBeforeHookFunction<nkruntime.EnvelopeMatchmakerAdd> = (ctx, logger, nk, envelope) => {
  const ticket = envelope.matchmakerAdd;
  const width = Math.min(Math.max(ticket.numericProperties.width || 100, 10), 5000);
  const { rating } = readRecord(nk, ctx.userId!);
  ticket.minCount = 2;
  ticket.maxCount = 2;
  ticket.stringProperties = { game: "ink", player: ctx.userId! };
  ticket.numericProperties = { rating };
  ticket.query = [
    "+properties.game:ink",
    `+properties.rating:>=${rating - width}`,
    `+properties.rating:<=${rating + width}`,
    `-properties.player:${ctx.userId}`, // the same player in another tab
  ].join(" ");
  return envelope;
};

// Called when two players are matched. Both receive the returned match id.
export const makeMatch: nkruntime.MatchmakerMatchedFunction = (ctx, logger, nk, matches) => {
  const players = matches.map(({ presence }) => ({ userId: presence.userId, username: presence.username }));
  return nk.matchCreate("ink", { players });
};
