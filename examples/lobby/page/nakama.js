// A client for the part of Nakama's protocol that this game uses: sessions of
// a device id, REST calls, and one WebSocket with JSON messages.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Nakama {
  #token = "";
  #socket = null;
  #asked = new Map(); // pending requests, by cid
  #lastCid = 0;

  // onMessage is called with kind and value of messages pushed by the server,
  // onClose when the connection has ended or failed.
  constructor({ url = location.origin, serverKey = "defaultkey", onMessage, onClose }) {
    Object.assign(this, { url, serverKey, onMessage, onClose });
  }

  // authenticate logs in with a device id, and registers the player the first
  // time. It fails with code 6 if the username is taken.
  async authenticate(device, username) {
    this.login = { device, username };
    const query = new URLSearchParams({ create: true, username });
    const { token } = await this.#fetch("POST", `/v2/account/authenticate/device?${query}`, { id: device }, `Basic ${btoa(`${this.serverKey}:`)}`);
    this.#token = token;
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    this.userId = claims.uid;
    this.username = claims.usn;
  }

  // rest makes an authenticated call. If the session token has expired, it
  // logs in again.
  async rest(method, path, body) {
    try {
      return await this.#fetch(method, path, body, `Bearer ${this.#token}`);
    } catch (error) {
      if (error.code !== 16) throw error;
      await this.authenticate(this.login.device, this.login.username);
      return this.#fetch(method, path, body, `Bearer ${this.#token}`);
    }
  }

  async #fetch(method, path, body, authorization) {
    const response = await fetch(this.url + path, { method, headers: { Authorization: authorization }, body: body && JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.message), { code: answer.code });
    return answer;
  }

  // connect opens the socket. status makes the player visible to followers.
  connect() {
    const query = new URLSearchParams({ token: this.#token, format: "json", status: true, lang: "en" });
    const socket = new WebSocket(`${this.url.replace(/^http/, "ws")}/ws?${query}`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    return new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = () => {
        const error = new Error("the connection has ended");
        reject(error);
        for (const { reject } of this.#asked.values()) reject(error);
        this.#asked.clear();
        this.onClose();
      };
    });
  }

  close() {
    this.#socket?.close();
  }

  // ask sends a message and returns the value of the reply. It fails with the
  // server's error.
  ask(kind, value = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) throw new Error("not connected");
      const cid = String(++this.#lastCid);
      this.#asked.set(cid, { resolve, reject });
      this.#send({ cid, [kind]: value });
    });
  }

  // sendMatch sends data to a match. There is no reply.
  sendMatch(matchId, opCode, value) {
    const data = btoa(String.fromCharCode(...encoder.encode(JSON.stringify(value))));
    this.#send({ match_data_send: { match_id: matchId, op_code: String(opCode), data } });
  }

  #send(envelope) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(envelope));
  }

  #receive({ cid, ...envelope }) {
    const [kind, value] = Object.entries(envelope)[0] ?? [];
    const asked = this.#asked.get(cid);
    if (asked) {
      this.#asked.delete(cid);
      if (kind === "error") asked.reject(Object.assign(new Error(value.message), { code: value.code ?? 0 }));
      else asked.resolve(value);
    } else if (kind) {
      this.onMessage(kind, value);
    }
  }
}

// matchData decodes the data of a match_data message.
export function matchData(message) {
  return JSON.parse(decoder.decode(Uint8Array.from(atob(message.data ?? ""), (c) => c.charCodeAt(0))));
}
