/** Files that a person drops or chooses on their own computer. upload.ts brings them to the server. */
/** A file and the folder it lies in, relative to what was dropped; '' for a file that was dropped itself. */
export interface IDroppedFile {
  readonly file: File;
  readonly folder: string;
}

/** The content in base64. */
export function encodeFile(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      // `data:TYPE;base64,` comes before it.
      resolve(typeof reader.result === 'string' ? reader.result.replace(/^[^,]*,?/, '') : '');
    };
    reader.onerror = () => {
      reject(new Error(reader.error?.message));
    };
    reader.readAsDataURL(file);
  });
}

/** Every file of a drop, folders read to their ends. To be called before the event's handler returns. */
export async function readDrop(items: DataTransferItemList): Promise<IDroppedFile[]> {
  // The list is empty as soon as the handler has returned: everything is taken from it at once.
  const dropped = [...items]
    .filter(({ kind }) => kind === 'file')
    .map(item => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found = await Promise.all(
    dropped.map(async ({ entry, file }) => {
      if (entry?.isDirectory === true) {
        return readFolder(entry as FileSystemDirectoryEntry, entry.name);
      }
      return file === null ? [] : [{ file, folder: '' }];
    })
  );
  return found.flat();
}

/** The files and folders that were dropped themselves. */
export function topLevel(files: readonly IDroppedFile[]): string[] {
  return [
    ...new Set(
      files.map(({ file, folder }) =>
        folder === '' ? file.name : (folder.split('/')[0] ?? folder)
      )
    )
  ];
}

async function readFolder(
  entry: FileSystemDirectoryEntry,
  folder: string
): Promise<IDroppedFile[]> {
  const reader = entry.createReader();
  const files: IDroppedFile[] = [];
  // A reader answers with some of the entries at a time, and with none at the end.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (entries.length === 0) {
      return files;
    }
    for (const child of entries) {
      if (child.isDirectory) {
        const path = `${folder}/${child.name}`;
        files.push(...(await readFolder(child as FileSystemDirectoryEntry, path)));
      } else {
        const file = await new Promise<File>((resolve, reject) => {
          (child as FileSystemFileEntry).file(resolve, reject);
        });
        files.push({ file, folder });
      }
    }
  }
}
