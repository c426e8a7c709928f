import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** Bundles a program of `test/support` with its sources, for a Node process of its own. */
export function bundle(name: string): { readonly path: string } & Disposable {
  return bundleText(readFileSync(new URL(`${name}.ts`, import.meta.url), 'utf8'))
}

/** Bundles a program that imports packages by their names. */
export function bundleText(text: string): { readonly path: string } & Disposable {
  const folder = mkdtempSync(join(root, 'node_modules', '.ctr-netbridge-'))
  const path = join(folder, 'program.mjs')
  const source = join(folder, 'program.ts')
  writeFileSync(source, text)
  execFileSync(join(root, 'node_modules', '.bin', 'esbuild'), [
    source,
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--target=node20',
    '--conditions=@ctr/source',
    '--external:koffi',
    `--outfile=${path}`,
    '--log-level=error',
  ])
  return {
    path,
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
