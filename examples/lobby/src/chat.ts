// Chat messages pass through here before they are sent.

const RUDE = ["darn", "heck", "frick"];
const rude = new RegExp(`\\b(${RUDE.join("|")})\\b`, "gi");
const LONGEST = 200;

// Before hook: a message must be {"text": "…"} of limited length; rude words
// are replaced with asterisks. Errors thrown here are sent to the sender.
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
