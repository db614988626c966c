// Who plays with whom.
import { readRecord } from "./records";

// Before hook: a player says how far from the own rating an opponent may be, as
// the numeric property "width". The rating and the query are written here, so
// nobody can claim another rating or choose weak opponents.
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
    `-properties.player:${ctx.userId}`, // whoever copies a tab does not meet himself
  ].join(" ");
  return envelope;
};

// Runs when two have been found. The id it returns goes to both of them.
export const makeMatch: nkruntime.MatchmakerMatchedFunction = (ctx, logger, nk, matches) => {
  const players = matches.map(({ presence }) => ({ userId: presence.userId, username: presence.username }));
  return nk.matchCreate("ink", { players });
};
