import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { abortError } from '../abort.js'
import type { BlobStore } from '../blobs/blob-store.js'
import { io } from '../blobs/durable.js'
import { ownerToken } from '../blobs/owner.js'
import { errnoOf, RegistryError } from '../errors.js'
import { writeLayout, type LayoutTarget, type SavedImage } from './write-layout.js'

/**
 * Images as a folder that is an OCI image layout, mode 0700. It has its name once it is whole.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_IO`; `ERR_REGISTRY_INVALID_ARG`: there is something at that path.
 */
export async function saveFolder(
  blobs: BlobStore,
  images: readonly SavedImage[],
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = resolve(folder)
  if (await isTaken(path))
    throw new RegistryError(
      'ERR_REGISTRY_INVALID_ARG',
      `cannot save to ${folder}: it is there already; name a new or an empty folder`,
    )
  const half = `${path}.${ownerToken()}.part`
  try {
    await io(`save to ${folder}`, async () => {
      await mkdir(half, { mode: 0o700 })
      await writeLayout(target(half, blobs, signal), blobs, images, 'oci')
      await rename(half, path)
    })
  } catch (error) {
    await rm(half, { recursive: true, force: true })
    throw signal?.aborted === true ? abortError(signal) : error
  }
}

function target(folder: string, blobs: BlobStore, signal: AbortSignal | undefined): LayoutTarget {
  return {
    async blob(name, { digest }) {
      const path = join(folder, name)
      await mkdir(dirname(path), { recursive: true })
      const file = createWriteStream(path, { flags: 'wx' })
      await pipeline(blobs.read(digest), file, signal === undefined ? {} : { signal })
    },
    async file(name, text) {
      await writeFile(join(folder, name), text, { flag: 'wx' })
    },
  }
}

/** An empty folder is replaced by rename(2). */
async function isTaken(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).length > 0
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    if (errnoOf(error) === 'ENOTDIR') return true
    return await io(`save to ${path}`, () => Promise.reject(error as Error))
  }
}
