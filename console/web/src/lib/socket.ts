// hangUp closes a socket. One that is still being opened is closed when that is done: the
// browser complains otherwise.
export function hangUp(socket: WebSocket): void {
  if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
  else socket.close();
}
