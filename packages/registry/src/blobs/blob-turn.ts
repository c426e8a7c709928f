import { readdir, rename, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { io } from './durable.js'
import { waitForFolderLock, type HeldLock } from './folder-lock.js'
import { isOwnerGone } from './owner.js'

/** How long a writer in another pid namespace, whose end we cannot see, may pause. */
export const foreignLifeMs = 24 * 3600 * 1000

/** Settings of `BlobStore.turn`. */
export interface TurnOptions {
  readonly signal?: AbortSignal | undefined
  /** Told how many bytes whoever has the turn has so far, when there are more. */
  readonly onWait?: ((size: number) => void) | undefined
}

/**
 * Waits until nobody else, in this process or another, brings the same blob. Who dies loses the turn at once, and what he
 * had can be resumed. Who lives but seems to be stopped is not waited for: two bring it then, which does no harm.
 *
 * @param resumable - Where the bytes of the blob wait to be resumed; the files of those who write begin with that name.
 */
export async function takeTurn(resumable: string, { signal, onWait }: TurnOptions): Promise<HeldLock> {
  let told = 0
  const turn = await waitForFolderLock(`${resumable}.lock`, signal, async () => {
    const size = Math.max(0, ...(await writersOf(resumable)).map((writer) => writer.size))
    if (size > told) onWait?.((told = size))
  })
  if (turn === undefined) return { release: () => Promise.resolve() }
  try {
    await io(`take over ${resumable}`, () => takeOver(resumable))
    return turn
  } catch (error) {
    await turn.release()
    throw error
  }
}

/** Has the file of a writer that has died wait to be resumed. */
async function takeOver(resumable: string): Promise<void> {
  for (const { path, token, size, ageMs } of await writersOf(resumable)) {
    if (size > 0 && isOwnerGone(token, ageMs, foreignLifeMs)) await rename(path, resumable)
  }
}

interface Writer {
  readonly path: string
  readonly token: string
  readonly size: number
  readonly ageMs: number
}

async function writersOf(resumable: string): Promise<Writer[]> {
  const folder = dirname(resumable)
  const begin = `${basename(resumable)}~`
  const names = (await readdir(folder)).filter((name) => name.startsWith(begin))
  const found = names.map(async (name) => {
    const path = join(folder, name)
    const { size, mtimeMs } = await stat(path)
    return [{ path, token: name.slice(begin.length), size, ageMs: Date.now() - mtimeMs }]
  })
  // one that is whole meanwhile has another name
  return (await Promise.all(found.map((writer) => writer.catch(() => [])))).flat()
}
