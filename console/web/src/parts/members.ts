// memberStates are what a member of a group may be, by number.
export const memberStates = ["superadmin", "admin", "member", "asks to join"];
