import { open } from 'node:fs/promises'

/** Has what was written to a file or folder on disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
