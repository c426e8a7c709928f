import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Runtime } from '@ctr/runtime'
import type { RootTree } from './rootfs.js'

/** Our side: a runtime in folders of its own, with the image that everybody runs. */
export interface Workshop extends AsyncDisposable {
  readonly runtime: Runtime
  readonly image: string
  /** Temporary folder, gone at the end. */
  readonly folder: string
  /** The same in memory, for what a reboot ends, as `/run` is on most machines and for the peers. */
  readonly state: string
}

/** Opens a runtime in a temporary folder; at the end every container of it and everything else is removed. */
export async function openWorkshop(tree: RootTree): Promise<Workshop> {
  const folder = mkdtempSync(join(tmpdir(), 'ctr-bench-'))
  const state = mkdtempSync(join(folderInMemory(), 'ctr-bench-'))
  let runtime: Runtime | undefined
  const close = async (): Promise<void> => {
    try {
      await runtime?.reset()
      await runtime?.close()
    } finally {
      for (const made of [folder, state]) rmSync(made, { recursive: true, force: true })
    }
  }
  try {
    runtime = await Runtime.open({ root: join(folder, 'root'), state })
    const image = 'localhost/ctr-bench:latest'
    const config = { config: { Env: ['PATH=/bin'] } }
    await runtime.images.add(
      { config, layers: [{ tar: tree.tar(), compression: 'none' }] },
      { reference: image },
    )
    return { runtime, image, folder, state, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Type of a tmpfs, as statfs(2) gives it. */
const TMPFS_MAGIC = 0x0102_1994

function folderInMemory(): string {
  const isInMemory = (path: string): boolean => existsSync(path) && statfsSync(path).type === TMPFS_MAGIC
  return ['/run', '/dev/shm'].find(isInMemory) ?? tmpdir()
}
