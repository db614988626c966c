var writeSave = function (nk: nkruntime.Nakama, userId: string, save: Save): Save {
  nk.storageWrite([{ collection: COLLECTION, key: "save", userId: userId, value: save }]);
  return readSave(nk, userId);
};

function readSave(nk: nkruntime.Nakama, userId: string): Save {
  const objects = nk.storageRead([{ collection: COLLECTION, key: "save", userId: userId }]);
  if (objects.length === 0) throw new Error("no save");
  return objects[0].value as Save;
}
