import { readFile, writeFile } from 'node:fs/promises'
import type { DigestAlgorithm } from '../manifest/digest.js'
import { isRepository } from '../reference/parse-reference.js'

/** What a server that is started again must know of an upload. */
export interface UploadNote {
  readonly repository: string
  readonly algorithm: DigestAlgorithm
}

/** Writes the note of the upload whose bytes are at `path`. */
export async function writeUploadNote(path: string, { repository, algorithm }: UploadNote): Promise<void> {
  await writeFile(`${path}.json`, JSON.stringify({ repository, algorithm }), { mode: 0o644 })
}

/** Reads a note; `undefined` when it was not written whole. */
export async function readUploadNote(path: string): Promise<UploadNote | undefined> {
  try {
    const { repository, algorithm } = JSON.parse(
      await readFile(`${path}.json`, 'utf8'),
    ) as Partial<UploadNote>
    const isWhole =
      typeof repository === 'string' &&
      isRepository(repository) &&
      (algorithm === 'sha256' || algorithm === 'sha512')
    return isWhole ? { repository, algorithm } : undefined
  } catch {
    return undefined // the server was killed as it wrote: no client knows of this upload
  }
}
