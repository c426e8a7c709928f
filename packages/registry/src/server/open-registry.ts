import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { io } from '../blobs/durable.js'
import { holdFolderLock } from '../store/folder-lock.js'
import type { Registry } from './registry.js'
import { Repositories } from './repositories.js'
import { Uploads } from './uploads.js'

/** A registry's folder in use, by one server at a time. */
export interface OpenRegistry {
  readonly registry: Registry
  close(): Promise<void>
}

/** Opens a registry's folder, and keeps other servers out of it. */
export async function openRegistry(
  folder: string,
  { uploadIdleMs }: { readonly uploadIdleMs: number },
): Promise<OpenRegistry> {
  await io(`open registry ${folder}`, () => mkdir(folder, { recursive: true, mode: 0o700 }))
  const lock = await holdFolderLock(join(folder, 'server.lock'))
  try {
    const repositories = await Repositories.open(folder)
    const uploads = await Uploads.open(join(folder, 'uploads'), uploadIdleMs)
    return {
      registry: { repositories, uploads },
      async close() {
        uploads.close()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}
