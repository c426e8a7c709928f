import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Runtime } from '@ctr/runtime'
import { bundleConfig } from './bundle.js'
import type { RootTree } from './rootfs.js'

/** Our side: a runtime in folders of its own, with the image that everybody runs. */
export interface Workshop extends AsyncDisposable {
  readonly runtime: Runtime
  readonly image: string
  /** Temporary folder, gone at the end. */
  readonly folder: string
  /** The same in memory, for what a reboot ends, as `/run` is on most machines and for the peers. */
  readonly state: string
  /** Makes a bundle like that of the peers, its root a plain folder that all bundles share. */
  makeBundle(name: string, command: readonly string[]): Promise<string>
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
    const rootfs = join(folder, 'rootfs')
    const etc = join(folder, 'etc')
    let unpacked: Promise<void> | undefined
    const makeBundle = async (name: string, command: readonly string[]): Promise<string> => {
      unpacked ??= unpack(tree, rootfs, etc)
      await unpacked
      const bundle = join(folder, `bundle-${name}`)
      mkdirSync(bundle)
      writeFileSync(join(bundle, 'config.json'), bundleConfig({ command, rootfs, etc }))
      return bundle
    }
    return { runtime, image, folder, state, makeBundle, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Unpacks the root, and makes what bundles bind into it. */
async function unpack(tree: RootTree, rootfs: string, etc: string): Promise<void> {
  for (const made of [rootfs, etc]) mkdirSync(made)
  for (const name of ['hosts', 'hostname', 'resolv.conf']) writeFileSync(join(etc, name), '')
  const tar = spawn('tar', ['-x', '-C', rootfs], { stdio: ['pipe', 'ignore', 'inherit'] })
  const ended = once(tar, 'close') as Promise<[number | null]>
  const [[code]] = await Promise.all([ended, pipeline(tree.tar(), tar.stdin)])
  if (code !== 0) throw new Error(`cannot unpack the root: tar ended with ${String(code)}`)
}

/** Type of a tmpfs, as statfs(2) gives it. */
const TMPFS_MAGIC = 0x0102_1994

function folderInMemory(): string {
  const isInMemory = (path: string): boolean => existsSync(path) && statfsSync(path).type === TMPFS_MAGIC
  return ['/run', '/dev/shm'].find(isInMemory) ?? tmpdir()
}
