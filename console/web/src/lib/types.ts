// The messages of the API, as far as pages use them: core/consolepb/console.proto and
// the client API's. 64-bit numbers are strings; times are RFC 3339.

export type Time = string | null;

export interface Permissions {
  read: boolean;
  write: boolean;
  delete: boolean;
}

export type Acl = Record<string, Permissions>;

export interface User {
  id: string;
  username: string;
  email: string;
  acl: Acl;
  mfa_required: boolean;
  mfa_enabled: boolean;
  create_time: Time;
  update_time: Time;
}

export interface ConsoleSession {
  token: string;
  mfa_code: string | null;
}

export interface Player {
  id: string;
  username: string;
  display_name: string;
  avatar_url: string;
  lang_tag: string;
  location: string;
  timezone: string;
  metadata: string;
  online: boolean;
  edge_count: number;
  create_time: Time;
  update_time: Time;
  facebook_id: string;
  google_id: string;
  gamecenter_id: string;
  steam_id: string;
  apple_id: string;
  facebook_instant_game_id: string;
}

export interface AccountList {
  users: Player[];
  total_count: number;
  next_cursor: string;
}

export interface Account {
  account: {
    user: Player;
    wallet: string;
    email: string;
    devices: { id: string }[];
    custom_id: string;
    verify_time: Time;
    disable_time: Time;
  };
  disable_time: Time;
}

export interface Note {
  id: string;
  user_id: string;
  note: string;
  create_time: Time;
  update_time: Time;
  create_username: string;
  update_username: string;
}

export interface Friend {
  user: Player;
  state: number;
  update_time: Time;
  metadata: string;
}

export interface Group {
  id: string;
  creator_id: string;
  name: string;
  description: string;
  lang_tag: string;
  metadata: string;
  avatar_url: string;
  open: boolean;
  edge_count: number;
  max_count: number;
  create_time: Time;
  update_time: Time;
}

export interface UserGroup {
  group: Group;
  state: number;
}

export interface LedgerItem {
  id: string;
  user_id: string;
  changeset: string;
  metadata: string;
  create_time: Time;
  update_time: Time;
}

export interface StorageObject {
  collection: string;
  key: string;
  user_id: string;
  value?: string;
  version: string;
  permission_read: number;
  permission_write: number;
  create_time: Time;
  update_time: Time;
}

export interface Notification {
  id: string;
  user_id: string;
  subject: string;
  content: string;
  code: number;
  sender_id: string;
  create_time: Time;
  persistent: boolean;
}

export interface Purchase {
  user_id: string;
  product_id: string;
  transaction_id: string;
  store: number;
  environment: number;
  purchase_time: Time;
  create_time: Time;
  update_time: Time;
  refund_time: Time;
  provider_response: string;
  seen_before: boolean;
}

export interface Subscription {
  user_id: string;
  product_id: string;
  original_transaction_id: string;
  store: number;
  environment: number;
  purchase_time: Time;
  create_time: Time;
  update_time: Time;
  expiry_time: Time;
  refund_time: Time;
  active: boolean;
  provider_response: string;
  provider_notification: string;
}

export interface Node {
  name: string;
  health: number;
  session_count: number;
  presence_count: number;
  match_count: number;
  party_count: number;
  goroutine_count: number;
  avg_latency_ms: number;
  avg_rate_sec: number;
  avg_input_kbs: number;
  avg_output_kbs: number;
  create_time: Time;
  state: string;
  server_version: string;
  module_digest: string;
  delay_ms: number;
}
