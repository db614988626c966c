// A word filter for chat, in JavaScript, to measure what a hook costs.

function InitModule(ctx, logger, nk, initializer) {
  initializer.registerRtBefore("ChannelMessageSend", filter);
}

function filter(ctx, logger, nk, envelope) {
  var message = envelope.channelMessageSend;
  message.content = message.content.replace(/darn|heck|blast/g, "****");
  return envelope;
}
