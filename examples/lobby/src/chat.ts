// What players say passes here before anybody reads it.

const RUDE = ["darn", "heck", "frick"];
const rude = new RegExp(`\\b(${RUDE.join("|")})\\b`, "gi");
const LONGEST = 200;

// Before hook: a message is {"text": "…"} and nothing else, of a decent length,
// with rude words starred out. What it throws goes to the sender.
export const cleanMessage: nkruntime.RtBeforeHookFunction<nkruntime.EnvelopeChannelMessageSend> = (ctx, logger, nk, envelope) => {
  const message = envelope.channelMessageSend;
  const text = textOf(message.content);
  if (!text) throw { message: "say something", code: 3 };
  if (text.length > LONGEST) throw { message: `say it in ${LONGEST} letters`, code: 3 };
  message.content = JSON.stringify({ text: text.replace(rude, (word) => "*".repeat(word.length)) });
  return envelope;
};

function textOf(content: string): string {
  try {
    return String(JSON.parse(content).text ?? "").trim();
  } catch {
    return "";
  }
}
