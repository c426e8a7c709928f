import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BlobStore } from '../blobs/blob-store.js'
import { io } from '../blobs/durable.js'
import { holdFolderLock } from '../blobs/folder-lock.js'
import { MemoryBudget } from './memory-budget.js'
import { Mirror, type MirrorOptions } from './mirror.js'
import { Pins } from './pins.js'
import { Quotas, type QuotaOptions } from './quotas.js'
import type { Registry } from './registry.js'
import { Repositories } from './repositories.js'
import { Uploads } from './uploads.js'

/** Manifests and lists of all requests together, in memory. */
const memoryBytes = 128 * 1024 ** 2

/** What a registry is opened with. */
export interface OpenOptions {
  readonly uploadIdleMs: number
  readonly quotas: QuotaOptions
  readonly isReadOnly: boolean
  readonly mirrorOf: MirrorOptions | undefined
  readonly onError: (error: unknown) => void
}

/** A registry's folder in use, by one server at a time. */
export interface OpenRegistry {
  readonly registry: Registry
  close(): Promise<void>
}

/** Opens a registry's folder, and keeps other servers out of it. */
export async function openRegistry(folder: string, options: OpenOptions): Promise<OpenRegistry> {
  await io(`open registry ${folder}`, () => mkdir(folder, { recursive: true, mode: 0o700 }))
  const lock = await holdFolderLock(join(folder, 'server.lock'))
  try {
    const blobs = await BlobStore.open(folder)
    const quotas = new Quotas(
      options.quotas,
      options.quotas.totalBytes === undefined ? 0 : await totalBytes(blobs),
    )
    const repositories = await Repositories.open(blobs, quotas)
    const uploads = await Uploads.open(join(folder, 'uploads'), options.uploadIdleMs, quotas)
    const { mirrorOf, onError } = options
    const isReadOnly = options.isReadOnly || mirrorOf !== undefined
    const memory = new MemoryBudget(memoryBytes)
    const pins = new Pins()
    const mirror =
      mirrorOf === undefined ? undefined : new Mirror(mirrorOf, { repositories, pins, quotas, onError })
    return {
      registry: { repositories, uploads, quotas, pins, memory, isReadOnly, mirror },
      async close() {
        await mirror?.close()
        uploads.close()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function totalBytes(blobs: BlobStore): Promise<number> {
  let bytes = 0
  for await (const { size } of blobs.list()) bytes += size
  return bytes
}
