import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** Compresses a file into `PATH.gz`, which takes its place once it is whole. */
export async function compressFile(path: string): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(temporary, { mode: 0o640 }))
    await rename(temporary, `${path}.gz`)
    await rm(path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
