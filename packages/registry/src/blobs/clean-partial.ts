import { readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDigest } from '../manifest/digest.js'
import { foreignLifeMs } from './blob-turn.js'
import { removeFile } from './durable.js'
import { removeDeadLock } from './folder-lock.js'
import { isOwnerGone } from './owner.js'

/**
 * Looks through unfinished blobs: those of writers that have ended are kept for resuming, and removed once they are older
 * than `maxAgeMs` or of no use any more. Locks of the dead are removed.
 *
 * @param isThere - Whether a blob is whole already.
 */
export async function cleanPartial(
  folder: string,
  maxAgeMs: number,
  isThere: (digest: string) => Promise<boolean>,
): Promise<void> {
  for (const name of await readdir(folder)) {
    const [content = '', token] = name.split('~')
    const path = join(folder, name)
    const found = await stat(path).catch(() => undefined) // its writer finished in between
    if (found === undefined) continue
    const ageMs = Date.now() - found.mtimeMs
    if (token === undefined && content.endsWith('.lock')) await removeDeadLock(path)
    const isOwned = token === undefined ? isLock(content, ageMs) : !isOwnerGone(token, ageMs, foreignLifeMs)
    if (isOwned) continue
    const digest = content.replace('-', ':')
    const isUseful = isDigest(digest) && found.size > 0 && !(await isThere(digest))
    if (!isUseful || ageMs > maxAgeMs) await removeFile(path)
    else if (token !== undefined) await rename(path, join(folder, content)).catch(() => undefined) // as above
  }
}

/** Those of the dead are removed; only a lock on a broken lock can be left for nobody. */
function isLock(name: string, ageMs: number): boolean {
  return name.endsWith('.lock') || (name.includes('.lock.') && ageMs < foreignLifeMs)
}
