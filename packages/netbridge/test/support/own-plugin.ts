import { chmodSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleFile } from '@ctr/testing'

/** Puts our plugin into a folder of plugins, made from its sources. */
export function ownPlugin(folder: string): Disposable {
  const program = bundleFile(fileURLToPath(new URL('../../src/cni/plugin/ctr-cni.ts', import.meta.url)))
  chmodSync(program.path, 0o755)
  symlinkSync(program.path, join(folder, 'ctr-cni'))
  return program
}
