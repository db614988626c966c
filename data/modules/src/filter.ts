// A profanity filter, the way games use one: as an RPC to call, and as hooks
// that players cannot get around.

const rude = ["darn", "heck", "frick"];
const pattern = new RegExp(`\\b(${rude.join("|")})\\b`, "gi");

export function clean(text: string): string {
  return text.replace(pattern, (word) => "*".repeat(word.length));
}

// RPC: takes {"text": "…"}, gives the text back with rude words starred out.
export const cleanText: nkruntime.RpcFunction = (ctx, logger, nk, payload) => {
  const { text } = JSON.parse(payload || "{}");
  if (typeof text !== "string") {
    throw { message: "text is required", code: 3 };
  }
  return JSON.stringify({ text: clean(text) });
};

// Before hook: what a player calls himself.
export const cleanDisplayName: nkruntime.BeforeHookFunction<nkruntime.UserUpdateAccount> = (ctx, logger, nk, request) => {
  if (request.displayName) {
    request.displayName = clean(request.displayName);
  }
  return request;
};

// Realtime before hook: what a player says in chat.
export const cleanChat: nkruntime.RtBeforeHookFunction<nkruntime.EnvelopeChannelMessageSend> = (ctx, logger, nk, envelope) => {
  const message = envelope.channelMessageSend;
  message.content = clean(message.content);
  return envelope;
};
