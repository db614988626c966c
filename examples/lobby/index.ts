// The server of Ink, a game for two players in browser tabs. Its parts are in
// src, the page that players open is in page.
import { cleanMessage } from "./src/chat";
import { game } from "./src/game";
import { makeMatch, rateTicket } from "./src/matchmaking";
import { serve } from "./src/page";
import { keepRecords } from "./src/records";

export function InitModule(
  ctx: nkruntime.Context,
  logger: nkruntime.Logger,
  nk: nkruntime.Nakama,
  initializer: nkruntime.Initializer,
) {
  initializer.registerRtBefore("ChannelMessageSend", cleanMessage);

  initializer.registerBeforeWriteStorageObjects(keepRecords);
  initializer.registerRtBefore("MatchmakerAdd", rateTicket);
  initializer.registerMatchmakerMatched(makeMatch);
  initializer.registerMatch("ink", game);

  initializer.registerHttp("/lobby", serve("index.html", "text/html"), ["GET"]);
  initializer.registerHttp("/lobby/style.css", serve("style.css", "text/css"), ["GET"]);
  for (const file of ["lobby.js", "board.js", "nakama.js"]) {
    initializer.registerHttp(`/lobby/${file}`, serve(file, "text/javascript"), ["GET"]);
  }

  console.log("Ink is ready: open /lobby in two tabs");
}
